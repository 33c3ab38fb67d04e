"""LangChain's middlewares that lean on the chat model: its errors, profile, structured output and token counts."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from gemini_multi.sandbox import Answer, Sandbox

from .answers import PROVIDERS, chat, sent

everywhere = pytest.mark.parametrize("provider", PROVIDERS)
THREAD: Any = {"configurable": {"thread_id": "1"}}
AT_ONCE = "Use get_weather for Paris and get_population for Paris."
ONE_BY_ONE = "Use get_weather for Paris then get_population for Paris."


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


class Report(BaseModel):
    """A report on a city."""

    city: str
    summary: str


def asked(prompt: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(prompt)]}


async def last(agent: Any, state: Any, *, wait: bool) -> Any:
    return ((await agent.ainvoke(state)) if wait else agent.invoke(state))["messages"][-1]


each_color = pytest.mark.parametrize("wait", [False, True], ids=["blocking", "awaited"])


@each_color
async def test_retries_are_for_what_may_pass(sandbox: Sandbox, wait: bool) -> None:
    """A middleware that asks LangChain's own question, `is_retryable`, repeats a 429 and not a lack of credit."""
    retry = middleware.ModelRetryMiddleware(max_retries=3, initial_delay=0, jitter=False, on_failure="error")
    agent: Any = create_agent(chat("oxen"), [], middleware=[retry])
    sandbox.fail("oxen", status=429, times=2, retry_after=0)
    assert (await last(agent, asked("hi"), wait=wait)).text
    sandbox.clear()
    sandbox.fail("oxen", status=402, times=9)
    with pytest.raises(ModelRateLimitError):
        await last(agent, asked("hi"), wait=wait)
    assert len(sandbox.requests) == 1


TOO_LONG = "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."
CUTS = hasattr(middleware.SummarizationMiddleware, "_overflow_retry_prompt")


@pytest.mark.skipif(not CUTS, reason="this version of LangChain gives up on a summary that is too long")
@each_color
async def test_summary_that_is_too_long_is_cut(sandbox: Sandbox, wait: bool) -> None:
    """The summarization middleware knows the provider's refusal as `ContextOverflowError` and asks for less."""
    model = chat("oxen")
    summarize = middleware.SummarizationMiddleware(
        model=model, trigger=("messages", 5), keep=("messages", 1), trim_tokens_to_summarize=None
    )
    agent: Any = create_agent(model, [], middleware=[summarize])
    sandbox.fail("oxen", status=400, body=json.dumps({"error": {"message": TOO_LONG}}))
    history = [kind("word " * 2000) for kind in (HumanMessage, AIMessage, HumanMessage, AIMessage)]
    assert (await last(agent, {"messages": [*history, HumanMessage("Say three.")]}, wait=wait)).text
    sizes = [len(str(request.body)) for request in sandbox.requests]
    assert sizes[0] > sizes[1] > sizes[2]


@everywhere
def test_tools_are_chosen_by_the_model_itself(sandbox: Sandbox, provider: str) -> None:
    """The selector asks for an object whose values are the tools' names; only those are bound."""
    select = middleware.LLMToolSelectorMiddleware(max_tools=1)
    agent: Any = create_agent(chat(provider), [get_weather, get_population], middleware=[select])
    sandbox.script(None, [Answer('{"tools": ["get_weather"]}')])
    agent.invoke(asked("How is the weather?"))
    body = str(sent(sandbox))
    assert ("get_weather" in body, "get_population" in body) == (True, False)


def test_old_results_are_cleared() -> None:
    """Context editing counts tokens by the model's estimate and empties old tool results; the provider takes that."""
    edit = middleware.ContextEditingMiddleware(
        edits=[middleware.ClearToolUsesEdit(trigger=50, keep=1)], token_count_method="model"
    )
    agent: Any = create_agent(chat("oxen"), [get_weather], middleware=[edit])
    calls: list[Any] = [
        AIMessage("", tool_calls=[{"name": "get_weather", "args": {"city": str(n)}, "id": f"c{n}"}]) for n in range(3)
    ]
    results = [ToolMessage("sunny " * 100, tool_call_id=f"c{n}") for n in range(3)]
    history = [message for pair in zip(calls, results, strict=True) for message in pair]
    assert agent.invoke({"messages": [HumanMessage("hi"), *history, HumanMessage("and now?")]})["messages"][-1].text


def test_list_of_tasks_is_written() -> None:
    """The planning middleware's tool has a nested schema with a closed set of words."""
    agent: Any = create_agent(chat("oxen"), [], middleware=[middleware.TodoListMiddleware()])
    found = agent.invoke(asked("Use write_todos for a plan."))
    assert found["todos"][0]["status"] in ("pending", "in_progress", "completed")


@everywhere
def test_calls_are_limited(provider: str) -> None:
    """An agent that reaches its limit of model calls ends, with its history in order."""
    limit = middleware.ModelCallLimitMiddleware(run_limit=1, exit_behavior="end")
    agent: Any = create_agent(chat(provider), [get_weather, get_population], middleware=[limit])
    messages = agent.invoke(asked(ONE_BY_ONE))["messages"]
    assert "limit" in messages[-1].text
    assert chat(provider).bind_tools([get_weather]).invoke([*messages, HumanMessage("go on")]).text


def test_calls_of_a_tool_are_limited() -> None:
    """The call above the limit gets an error for its result, and the model is told."""
    limit = middleware.ToolCallLimitMiddleware(run_limit=1)
    agent: Any = create_agent(chat("oxen"), [get_weather, get_population], middleware=[limit])
    messages = agent.invoke(asked(ONE_BY_ONE))["messages"]
    assert [one.status for one in messages if isinstance(one, ToolMessage)] == ["success", "error"]


def test_tools_failure_is_told_to_the_model() -> None:
    """A tool that raises gives a result of status `error`, after its retries."""

    @tool
    def broken(city: str) -> str:
        """Break."""
        raise ValueError("out of paper")

    retry = middleware.ToolRetryMiddleware(max_retries=1, initial_delay=0, jitter=False, on_failure="continue")
    agent: Any = create_agent(chat("oxen"), [broken], middleware=[retry])
    messages = agent.invoke(asked("Use broken for Paris."))["messages"]
    assert (messages[2].status, messages[-1].type) == ("error", "ai")


@everywhere
def test_settings_and_prompt_are_changed_for_a_call(sandbox: Sandbox, provider: str) -> None:
    """Middlewares override model settings and the system prompt; both reach the provider."""

    @middleware.wrap_model_call
    def colder(request: Any, handler: Any) -> Any:
        return handler(request.override(model_settings={"temperature": 0.25, "max_retries": 0}))

    @middleware.dynamic_prompt
    def prompt(_: Any) -> str:
        return "Speak like a pirate."

    agent: Any = create_agent(chat(provider, model="gemini-2.5-flash"), [], middleware=[colder, prompt])
    agent.invoke(asked("hi"))
    assert all(told in str(sent(sandbox)) for told in ("0.25", "Speak like a pirate."))


@everywhere
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash"])
@pytest.mark.parametrize("tools", [[], [get_weather]], ids=["alone", "with tools"])
def test_langchain_chooses_how_to_ask_for_an_object(sandbox: Sandbox, provider: str, model: str, tools: Any) -> None:
    """A bare class lets LangChain choose by the profile and the model's name; each choice gives the object."""
    agent: Any = create_agent(chat(provider, model=model), tools, response_format=Report)
    report = {"city": "Paris", "summary": "sunny"}
    by_call = bool(tools) and "gemini-3" not in model
    text = Answer('{"city": "Paris", "summary": "sunny"}')
    sandbox.script(None, [Answer(tool_calls=[("Report", report)]) if by_call else text])
    assert agent.invoke(asked("Report on Paris."))["structured_response"] == Report(**report)


@pytest.mark.parametrize("strict", [None, True])
def test_strict_of_a_strategy_is_sent(sandbox: Sandbox, strict: bool | None) -> None:
    """An agent's provider strategy passes it on."""
    sandbox.script(None, [Answer('{"city": "Paris", "summary": "sunny"}')])
    create_agent(chat("oxen"), [], response_format=ProviderStrategy(Report, strict=strict)).invoke(asked("Paris?"))
    assert sent(sandbox)["response_format"]["json_schema"].get("strict") == strict


@everywhere
def test_tool_interrupts_and_goes_on(tmp_path: Path, provider: str) -> None:
    """A tool that asks a human in the middle of parallel calls is resumed from SQLite by another agent object."""

    @tool
    def get_approval(city: str) -> str:
        """Ask a human."""
        return f"{interrupt({'city': city})} for {city}"

    def agent(saver: Any) -> Any:
        return create_agent(chat(provider), [get_weather, get_approval], checkpointer=saver)

    with closing(sqlite3.connect(tmp_path / "a.sqlite", check_same_thread=False)) as database:
        prompt = "Use get_weather for Paris and get_approval for Paris."
        stopped = agent(SqliteSaver(database)).invoke(asked(prompt), THREAD)
        assert stopped["__interrupt__"][0].value == {"city": "Paris"}
    with closing(sqlite3.connect(tmp_path / "a.sqlite", check_same_thread=False)) as database:
        done = agent(SqliteSaver(database)).invoke(Command(resume="granted"), THREAD)["messages"]
    assert "granted for Paris" in done[-1].text
    assert [one.name for one in done if isinstance(one, ToolMessage)] == ["get_weather", "get_approval"]


@everywhere
def test_call_is_rejected_by_a_human(provider: str) -> None:
    """The provider takes a history whose call was answered by a human's no."""
    ask = middleware.HumanInTheLoopMiddleware(interrupt_on={"get_weather": True})
    agent: Any = create_agent(chat(provider), [get_weather], middleware=[ask], checkpointer=InMemorySaver())
    agent.invoke(asked("Use get_weather for Paris."), THREAD)
    rejected = {"type": "reject", "message": "not today"}
    messages = agent.invoke(Command(resume={"decisions": [rejected]}), THREAD)["messages"]
    assert (messages[-1].type, "not today" in messages[-1].text) == ("ai", True)


@everywhere
async def test_agents_at_once_do_not_mix(provider: str) -> None:
    """One model serves many agents at the same time, each with parallel calls."""
    agent: Any = create_agent(chat(provider), [get_weather, get_population])
    cities = ("Rome", "Bonn")
    states = await asyncio.gather(*(agent.ainvoke(asked(AT_ONCE.replace("Paris", city))) for city in cities))
    texts = [state["messages"][-1].text for state in states]
    assert [city in text for city, text in zip(cities, texts, strict=True)] == [True, True]
