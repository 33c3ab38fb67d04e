"""Agents: LangChain's own loop with tools, thought signatures and structured output, at every provider."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
MODELS = ("gemini-2.5-flash-lite", "gemini-3-flash")
ONE_BY_ONE = "Use get_weather for Paris then get_population for Paris."
AT_ONCE = "Use get_weather for Paris and get_population for Paris."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


class Report(BaseModel):
    """A report on a city."""

    city: str
    summary: str


def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


def get_population(city: str) -> dict[str, Any]:
    """Tell how many live there."""
    return {"city": city, "people": 2_000_000}


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def agent(provider: str, model: str, **options: Any) -> Any:
    chat = ChatGeminiMulti(model=model, providers=provider, output_version=options.pop("output_version", None))
    return create_agent(chat, [get_weather, get_population], **options)


def asked(prompt: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(prompt)]}


def calls(messages: list[Any]) -> list[list[str]]:
    return [[call["name"] for call in one.tool_calls] for one in messages if isinstance(one, AIMessage)]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [(ONE_BY_ONE, [["get_weather"], ["get_population"], []]), (AT_ONCE, [["get_weather", "get_population"], []])],
)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_calls_tools(provider: str, model: str, prompt: str, expected: Any, version: str) -> None:
    """The loop runs through; the sandbox refuses it when a signature does not come back."""
    messages = agent(provider, model, output_version=version).invoke(asked(prompt))["messages"]
    assert calls(messages) == expected
    assert "people" in messages[-1].text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_streams(provider: str, model: str) -> None:
    """The same with every answer in pieces, asynchronously."""

    async def read() -> list[Any]:
        stream = agent(provider, model).astream(asked(ONE_BY_ONE), stream_mode="messages")
        return [message async for message, _ in stream if isinstance(message, AIMessageChunk)]

    chunks = asyncio.run(read())
    named = [piece["name"] for chunk in chunks for piece in chunk.tool_call_chunks if piece["name"]]
    assert named == ["get_weather", "get_population"]
    assert "people" in "".join(chunk.text for chunk in chunks)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_typed_events_keep_the_signatures(sandbox: Sandbox, provider: str) -> None:
    """What LangChain's newest way of streaming assembles can be sent back, parallel calls included."""
    model = ChatGeminiMulti(model="gemini-3-flash", providers=provider).bind_tools([get_weather, get_population])
    stream: Any = model.stream_events(AT_ONCE, version="v3")
    answer = stream.output
    results = [{"role": "tool", "content": "1", "tool_call_id": call["id"]} for call in answer.tool_calls]
    assert model.invoke([HumanMessage(AT_ONCE), answer, *results]).text
    assert len(results) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_conversation_goes_on_from_a_checkpoint(provider: str) -> None:
    """A stored conversation is continued with its signatures."""
    graph = agent(provider, "gemini-3-flash", checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    graph.invoke(asked(ONE_BY_ONE), config)
    messages = graph.invoke(asked("And now?"), config)["messages"]
    assert "And now?" in messages[-1].text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_changes_providers_in_the_middle_of_its_work(sandbox: Sandbox, provider: str) -> None:
    """When the provider fails between two steps, the next one goes on, although the signatures are not its own."""
    others = [other for other in PROVIDERS if other != provider]
    chat = ChatGeminiMulti(model="gemini-3-flash", providers=[provider, *others], max_retries=0)
    first = chat.bind_tools([get_weather]).invoke("Use get_weather for Paris.")
    sandbox.fail(provider, status=402, times=5)
    history = [HumanMessage("Use get_weather for Paris."), first]
    result = {"role": "tool", "content": "sunny", "tool_call_id": first.tool_calls[0]["id"]}
    last = chat.bind_tools([get_weather]).invoke([*history, result])
    assert last.response_metadata["provider"] == others[0]


@pytest.mark.parametrize("strategy", [ProviderStrategy, ToolStrategy])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_answers_with_an_object(sandbox: Sandbox, provider: str, model: str, strategy: Any) -> None:
    """Both of LangChain's strategies give the object after the tools were called."""
    report = {"city": "Paris", "summary": "sunny"}
    text = '{"city": "Paris", "summary": "sunny"}'
    last = Answer(text) if strategy is ProviderStrategy else Answer(tool_calls=[("Report", report)])
    sandbox.script(provider, [Answer(tool_calls=[("get_weather", {"city": "Paris"})]), last])
    found = agent(provider, model, response_format=strategy(Report)).invoke(asked("Report on Paris."))
    assert found["structured_response"] == Report(**report)
    assert calls(found["messages"])[0] == ["get_weather"]


@pytest.mark.parametrize("strategy", [ProviderStrategy, ToolStrategy])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_without_tools_answers_with_an_object(provider: str, strategy: Any) -> None:
    """No empty list of tools is sent."""
    graph = create_agent(ChatGeminiMulti(model=MODELS[0], providers=provider), [], response_format=strategy(Report))
    assert isinstance(graph.invoke(asked("Report on Paris."))["structured_response"], Report)


@tool(response_format="content_and_artifact")
def take_picture(city: str) -> tuple[list[Any], str]:
    """Take a picture."""
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    return [{"type": "text", "text": f"{city} from above"}, picture], "negative"


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_is_shown_what_a_tool_returns(sandbox: Sandbox, provider: str, model: str) -> None:
    """A picture reaches the model, also where a result holds text only, and the loop ends after it."""
    chat = ChatGeminiMulti(model=model, providers=provider)
    looking: Any = create_agent(chat, [take_picture]).with_config(recursion_limit=10)
    assert calls(looking.invoke(asked("Use take_picture for Paris."))["messages"]) == [["take_picture"], []]
    assert PNG in json.dumps(sandbox.requests[-1].body)
