"""Graphs: checkpoints in SQLite resumed by another process, interrupts, sub-agents, LangChain's middlewares."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command

from gemini_multi import BadRequest
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
ONE_BY_ONE = "Use get_weather for Paris then get_population for Paris."
AT_ONCE = "Use get_weather for Paris and get_population for Paris."
THREAD: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


@tool
def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


@tool
def get_population(city: str) -> dict[str, Any]:
    """Tell how many live there."""
    return {"city": city, "people": 2_000_000}


TOOLS = [get_weather, get_population]


def chat(provider: str, **options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": "gemini-3-flash", "providers": provider, "max_retries": 0, **options})


def graph(provider: str, checkpointer: Any, **options: Any) -> Any:
    """Make the tool loop by hand."""
    model = chat(provider, **options).bind_tools(TOOLS)
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode(TOOLS))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=checkpointer, interrupt_before=["tools"])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "checkpoints.sqlite", check_same_thread=False)) as connection:
        yield connection


RESUMING = """
import json, sqlite3, sys
from contextlib import closing
from langgraph.checkpoint.sqlite import SqliteSaver
from tests.langchain.test_graphs import THREAD, graph

def resumed(path, provider):
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        state = graph(provider, SqliteSaver(connection)).invoke(None, THREAD)
        while state["messages"][-1].type == "ai" and state["messages"][-1].tool_calls:
            state = graph(provider, SqliteSaver(connection)).invoke(None, THREAD)
    return state["messages"][-1].text

for line in sys.stdin:
    try:
        said = resumed(*json.loads(line))
    except Exception as error:
        said = repr(error)
    print(json.dumps(said), flush=True)
"""


@pytest.fixture(scope="module")
def resume(running_sandbox: Sandbox) -> Iterator[Callable[[Path, str], str]]:
    """Let another process go on with the graph of a database and a provider; it imports everything once."""
    command = [sys.executable, "-W", "ignore", "-c", RESUMING]
    environment = {**os.environ, **running_sandbox.environment()}
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, answers = process.stdin, process.stdout

        def resume(path: Path, provider: str) -> str:
            print(json.dumps([str(path), provider]), file=told, flush=True)
            return str(json.loads(answers.readline()))

        yield resume
        process.kill()


@pytest.mark.parametrize("prompt", [ONE_BY_ONE, AT_ONCE], ids=["one by one", "at once"])
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_process_goes_on_in_the_middle(
    database: sqlite3.Connection,
    tmp_path: Path,
    resume: Callable[[Path, str], str],
    provider: str,
    streaming: bool,
    prompt: str,
) -> None:
    """A tool loop that stopped before its tools is resumed from SQLite; the sandbox checks Gemini 3's signatures."""
    stopped = graph(provider, SqliteSaver(database), streaming=streaming).invoke(
        {"messages": [("user", prompt)]}, THREAD
    )
    assert stopped["messages"][-1].tool_calls
    assert "people" in resume(tmp_path / "checkpoints.sqlite", provider)


def test_checkpoint_keeps_the_signatures_as_they_were(database: sqlite3.Connection) -> None:
    """What comes out of the database is the message that went in."""
    made = graph("oxen", SqliteSaver(database)).invoke({"messages": [("user", AT_ONCE)]}, THREAD)["messages"][-1]
    stored = graph("oxen", SqliteSaver(database)).get_state(THREAD).values["messages"][-1]
    assert (stored, stored.additional_kwargs) == (made, made.additional_kwargs)
    assert "gemini_multi_parts" in made.additional_kwargs


@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_waits_for_a_human(provider: str) -> None:
    """A call is approved after an interrupt, and another is edited, with signatures intact."""
    ask = middleware.HumanInTheLoopMiddleware(interrupt_on={"get_weather": True})
    agent: Any = create_agent(chat(provider), TOOLS, middleware=[ask], checkpointer=InMemorySaver())
    first = agent.invoke({"messages": [HumanMessage(ONE_BY_ONE)]}, THREAD)
    assert first["__interrupt__"][0].value["action_requests"][0]["name"] == "get_weather"
    last = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    assert "people" in last["messages"][-1].text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_human_changes_a_call(provider: str) -> None:
    """The edited arguments are used, and the provider still takes the history."""
    ask = middleware.HumanInTheLoopMiddleware(interrupt_on={"get_weather": True})
    agent: Any = create_agent(chat(provider), [get_weather], middleware=[ask], checkpointer=InMemorySaver())
    agent.invoke({"messages": [HumanMessage("Use get_weather for Paris.")]}, THREAD)
    edited = {"type": "edit", "edited_action": {"name": "get_weather", "args": {"city": "Rome"}}}
    last = agent.invoke(Command(resume={"decisions": [edited]}), THREAD)
    assert "sunny in Rome" in last["messages"][-1].text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_agent_uses_another_agent(provider: str) -> None:
    """A tool that is an agent itself answers from its own conversation."""
    inner: Any = create_agent(chat(provider), [get_weather])

    @tool
    def ask_reporter(question: str) -> str:
        """Ask the reporter."""
        return str(inner.invoke({"messages": [HumanMessage("Use get_weather for Paris.")]})["messages"][-1].text)

    outer: Any = create_agent(chat(provider), [ask_reporter])
    messages = outer.invoke({"messages": [HumanMessage("Use ask_reporter with question 'Paris?'.")]})["messages"]
    assert "sunny in Paris" in messages[-1].text


def test_middleware_retries_what_is_worth_it(sandbox: Sandbox) -> None:
    """A 503 is tried again, a 400 is not."""
    retry = middleware.ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, on_failure="error")
    agent: Any = create_agent(chat("oxen"), [], middleware=[retry])
    sandbox.fail("oxen", status=503, times=2)
    assert agent.invoke({"messages": [HumanMessage("hi")]})["messages"][-1].text
    sandbox.clear()
    sandbox.fail("oxen", status=400, times=3)
    with pytest.raises(BadRequest):
        agent.invoke({"messages": [HumanMessage("hi")]})
    assert len(sandbox.requests) == 1


def test_middleware_falls_back(sandbox: Sandbox) -> None:
    """Another model takes over in the middle of a tool loop, and strips the signatures that it did not make."""
    fallback = middleware.ModelFallbackMiddleware(chat("aimlapi"))
    agent: Any = create_agent(chat("oxen"), TOOLS, middleware=[fallback])
    sandbox.script("oxen", [Answer(tool_calls=[("get_weather", {"city": "Paris"})])])
    messages = agent.invoke({"messages": [HumanMessage("Use get_weather for Paris.")]})["messages"]
    sandbox.fail("oxen", status=500, times=9)
    last = agent.invoke({"messages": [*messages[:-1]]})["messages"][-1]
    assert last.response_metadata["provider"] == "aimlapi"


def test_middleware_summarizes() -> None:
    """A trigger that is a fraction of the window works, because the profile knows the window."""
    model = chat("oxen")
    assert model.profile is not None
    fraction = 40 / model.profile["max_input_tokens"]
    summarize = middleware.SummarizationMiddleware(model=model, trigger=("fraction", fraction), keep=("messages", 1))
    agent: Any = create_agent(model, [], middleware=[summarize])
    history = [HumanMessage("one " * 100), AIMessage("two " * 100), HumanMessage("Say three.")]
    messages = agent.invoke({"messages": history})["messages"]
    assert "three" in messages[-1].text
    assert "one one" not in messages[1].text
    assert len(messages) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_graph_streams_tokens_and_typed_events(provider: str) -> None:
    """LangGraph's own streaming sees the model's pieces."""
    agent: Any = create_agent(chat(provider), TOOLS)
    modes = [
        part
        async for part in agent.astream({"messages": [HumanMessage(ONE_BY_ONE)]}, stream_mode=["messages", "updates"])
    ]
    pieces = [
        chunk.text for mode, (chunk, _) in (p for p in modes if p[0] == "messages") if chunk.type == "AIMessageChunk"
    ]
    assert len([piece for piece in pieces if piece]) > 1
    assert [mode for mode, _ in modes].count("updates") == 5
