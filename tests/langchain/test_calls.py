"""What a call may change, and calls from many threads and event loops."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gemini_multi import ConfigurationError, RetryPolicy, ServerError, Timeouts
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

from .answers import sent

NAME = "gemini-2.5-flash-lite"


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def test_call_overrides_model_and_providers(sandbox: Sandbox) -> None:
    """A call may ask another model at another provider."""
    model = ChatGeminiMulti(model=NAME, providers=["cloudflare", "oxen"])
    found = model.invoke("hi", model="gemini-2.5-flash", providers="oxen")
    assert (found.response_metadata["provider"], sent(sandbox)["model"]) == ("oxen", "gemini-2-5-flash")


def test_unknown_call_argument_is_an_error() -> None:
    """Neither in a call; the message names the nearest known one."""
    with pytest.raises(ConfigurationError, match="Did you mean `temperature`"):
        ChatGeminiMulti(model=NAME, providers="oxen").invoke("hi", temprature=1)


def test_call_cannot_change_what_the_client_is_made_from() -> None:
    """The message says where the argument belongs."""
    with pytest.raises(ConfigurationError, match="argument of the model"):
        ChatGeminiMulti(model=NAME, providers="oxen").invoke("hi", max_cost_usd=1)


CALLS: dict[str, tuple[dict[str, Any], int]] = {
    "retries": ({"max_retries": 2}, 3),
    "no retries": ({"max_retries": 0}, 1),
    "policy": ({"retry_policy": RetryPolicy(max_retries=1, initial_wait=0.0)}, 2),
    "retries of a policy": ({"retry_policy": RetryPolicy(max_retries=9, initial_wait=0.0), "max_retries": 1}, 2),
    "deadline that a retry would pass": ({"max_retries": 5, "deadline": 0.5}, 1),
}


async def asked(model: Any, way: str, arguments: dict[str, Any]) -> None:
    match way:
        case "invoke":
            model.invoke("hi", **arguments)
        case "stream":
            list(model.stream("hi", **arguments))
        case "ainvoke":
            await model.ainvoke("hi", **arguments)
        case "astream":
            _ = [one async for one in model.astream("hi", **arguments)]


@pytest.mark.parametrize("bound", [False, True], ids=["of the call", "bound"])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
@pytest.mark.parametrize("name", CALLS)
async def test_patience_is_chosen_for_a_call(sandbox: Sandbox, name: str, kind: Any, way: str, bound: bool) -> None:
    """Retries and deadlines of a call go before the model's."""
    given, requests = CALLS[name]
    model = kind(model=NAME, providers="oxen", max_retries=4)
    sandbox.fail("oxen", status=503, times=9, retry_after=1 if "deadline" in given else 0)
    with pytest.raises(ServerError):
        await asked(model.bind(**given) if bound else model, way, {} if bound else given)
    assert len(sandbox.requests) == requests


def test_timeout_is_chosen_for_a_call() -> None:
    """The wait that the call allows is the one that the transport is told."""
    waits: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})

    with httpx.Client(transport=httpx.MockTransport(answer)) as own:
        model = ChatGeminiMulti(model=NAME, providers="oxen", timeout=60, http_client=own)
        model.invoke("hi")
        model.invoke("hi", timeout=7)
        model.bind(timeout=Timeouts(read=3.0)).invoke("hi")
    assert waits == [60, 7, 3]


@pytest.mark.parametrize(
    "arguments",
    [
        {"providers": 3},
        {"providers": []},
        {"timeout": "long"},
        {"timeout": True},
        {"deadline": "late"},
        {"max_retries": 1.5},
        {"max_retries": -1},
        {"retry_policy": 3},
        {"model": 3},
    ],
)
@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
def test_unusable_argument_of_a_call_is_an_error(sandbox: Sandbox, kind: Any, arguments: dict[str, Any]) -> None:
    """It is said before anything is sent, whatever the type."""
    model = kind(model=NAME, providers="oxen")
    with pytest.raises(ConfigurationError):
        model.invoke("hi", **arguments)
    with pytest.raises(ConfigurationError):
        list(model.stream("hi", **arguments))
    assert sandbox.requests == []


def test_one_model_serves_many_event_loops() -> None:
    """A model outlives the loops that it is used on."""
    model = ChatGeminiMulti(model=NAME, providers="oxen")
    texts = [asyncio.run(model.ainvoke("Hello")).text for _ in range(3)]
    assert set(texts) == {texts[0]} != {""}


def test_one_model_serves_many_threads() -> None:
    """Threads share a model."""
    model = ChatGeminiMulti(model=NAME, providers="oxen")
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda number: model.invoke(f"number {number}").text, range(12)))
    assert all(f"number {number}" in text for number, text in enumerate(texts))


def test_model_is_a_context_manager() -> None:
    """It lets go of connections at the end, and works again afterwards."""
    with ChatGeminiMulti(model=NAME, providers="oxen") as model:
        model.invoke("hi")
    assert model.invoke("hi").text


async def test_model_is_an_async_context_manager() -> None:
    """The same with `async with`."""
    async with ChatGeminiMulti(model=NAME, providers="oxen") as model:
        await model.ainvoke("hi")
    assert (await model.ainvoke("hi")).text


async def test_concurrent_calls_and_streams() -> None:
    """Calls do not mix."""
    model = ChatGeminiMulti(model=NAME, providers="oxen")

    async def read(number: int) -> str:
        return "".join([chunk.text async for chunk in model.astream(f"number {number}")])

    texts = await asyncio.gather(*(read(number) for number in range(8)))
    assert all(f"number {number}" in text for number, text in enumerate(texts))
