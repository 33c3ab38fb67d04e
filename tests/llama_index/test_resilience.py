"""Retries and failover, for every way of asking."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from gemini_multi import AllRoutesFailed, BadRequest, RateLimited, RetryPolicy, ServerError
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

HI = [ChatMessage(content="Hi")]
PROMPT = PromptTemplate("Hi")


class Person(BaseModel):
    name: str


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = FunctionTool.from_defaults(add)


async def drained(stream: Awaitable[Any]) -> list[Any]:
    return [chunk async for chunk in await stream]


async def soon(value: Any) -> Any:
    return value


WAYS: dict[str, Callable[[GeminiMulti], Awaitable[Any]]] = {
    "chat": lambda llm: soon(llm.chat(HI)),
    "achat": lambda llm: llm.achat(HI),
    "stream_chat": lambda llm: soon(list(llm.stream_chat(HI))),
    "astream_chat": lambda llm: drained(llm.astream_chat(HI)),
    "complete": lambda llm: soon(llm.complete("Hi")),
    "acomplete": lambda llm: llm.acomplete("Hi"),
    "stream_complete": lambda llm: soon(list(llm.stream_complete("Hi"))),
    "astream_complete": lambda llm: drained(llm.astream_complete("Hi")),
    "chat_with_tools": lambda llm: soon(llm.chat_with_tools([ADD], "Please add 1 and 2")),
    "astream_chat_with_tools": lambda llm: drained(llm.astream_chat_with_tools([ADD], "Please add 1 and 2")),
    "structured_predict": lambda llm: soon(llm.structured_predict(Person, PROMPT)),
    "astructured_predict": lambda llm: llm.astructured_predict(Person, PROMPT),
    "stream_structured_predict": lambda llm: soon(list(llm.stream_structured_predict(Person, PROMPT))),
    "astream_structured_predict": lambda llm: drained(llm.astream_structured_predict(Person, PROMPT)),
    "as_structured_llm": lambda llm: llm.as_structured_llm(Person).achat(HI),
}
ways = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)


@ways
@pytest.mark.parametrize("status", [429, 503])
async def test_refused_request_is_sent_again(
    status: int, ask: Callable[[GeminiMulti], Awaitable[Any]], llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """Once as many requests as were needed, no more."""
    sandbox.fail(provider, status=status, retry_after=0.001)
    assert await ask(llm)
    assert len(sandbox.requests) == 2


@ways
async def test_next_provider_is_asked(ask: Callable[[GeminiMulti], Awaitable[Any]], sandbox: Sandbox) -> None:
    """When the first one is down."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], max_retries=0)
    sandbox.fail("oxen", status=503)
    assert await ask(llm)
    assert [request.provider for request in sandbox.requests] == ["oxen", "aimlapi"]


@ways
async def test_mistake_of_the_caller_goes_nowhere_else(
    ask: Callable[[GeminiMulti], Awaitable[Any]], sandbox: Sandbox
) -> None:
    """No provider would answer a bad request better."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"])
    sandbox.fail("oxen", status=400)
    with pytest.raises(BadRequest):
        await ask(llm)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("way", ["chat", "astream_chat", "structured_predict"])
async def test_max_retries_are_extra_requests(retries: int, way: str, sandbox: Sandbox) -> None:
    """They do not multiply with anybody else's."""
    policy = RetryPolicy(max_retries=retries, initial_wait=0.001)
    llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen", retry_policy=policy)
    sandbox.fail("oxen", status=500, times=9)
    with pytest.raises(ServerError):
        await WAYS[way](llm)
    assert len(sandbox.requests) == retries + 1


@pytest.mark.parametrize("call", [{"max_retries": 1}, {"retry_policy": RetryPolicy(max_retries=1, initial_wait=0.001)}])
@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat", "complete", "astream_complete"])
async def test_retries_of_one_call(way: str, call: dict[str, Any], sandbox: Sandbox) -> None:
    """A single call may be more patient than the model."""
    llm = GeminiMulti(
        model="gemini-2.5-flash", providers="oxen", retry_policy=RetryPolicy(max_retries=0, initial_wait=0.001)
    )
    sandbox.fail("oxen", status=503)
    given: Any = "Hi" if "complete" in way else HI
    answer = getattr(llm, way)(given, **call)
    if way.startswith("a"):
        answer = await answer
    chunks = [answer]
    if way.startswith("astream"):
        chunks = [chunk async for chunk in answer]
    elif way.startswith("stream"):
        chunks = list(answer)
    assert [attempt["status"] for attempt in chunks[-1].additional_kwargs["attempts"]] == [503, 200]


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
def test_structured_answers_fail_over_in_both_modes(mode: PydanticProgramMode, sandbox: Sandbox) -> None:
    """By JSON and by a function."""
    settings = {"model": "gemini-2.5-flash", "providers": ["aimlapi", "oxen"], "max_retries": 0}
    sandbox.fail("aimlapi", status=429)
    assert GeminiMulti(**settings, pydantic_program_mode=mode).structured_predict(Person, PROMPT)
    assert [request.provider for request in sandbox.requests] == ["aimlapi", "oxen"]


def test_model_goes_on_after_all_providers_failed(sandbox: Sandbox) -> None:
    """Nothing stays switched off: the next call begins with the first provider again."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], max_retries=0)
    for provider in ("oxen", "aimlapi"):
        sandbox.fail(provider, status=429)
    with pytest.raises(AllRoutesFailed) as caught:
        llm.complete("Hi")
    assert {type(error) for error in caught.value.exceptions} == {RateLimited}
    assert llm.complete("Hi").additional_kwargs["provider"] == "oxen"


def test_nothing_goes_over_the_network_before_the_first_call(
    sandbox: Sandbox, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when a model is made, described, stored or copied, and not when a stream is prepared."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    llm = GeminiMulti(model="gemini-2.5-flash", providers=provider)
    assert llm.metadata.context_window == llm.to_payload()["context_window"]
    assert pickle.loads(pickle.dumps(llm)).to_dict() == llm.to_dict()
    llm.stream_chat(HI)
