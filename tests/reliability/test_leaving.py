"""Answers that nobody reads to the end: left with `break`, closed, forgotten, or cancelled at any point."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import suppress
from itertools import count
from typing import Any, Final

import pytest

from gemini_multi import AsyncClient, Client
from gemini_multi._transport.pools import POOLS
from gemini_multi.sandbox import Sandbox

from .endpoints import (
    AT_ONCE,
    ENDPOINTS,
    PROMPT,
    REQUEST,
    langchain_model,
    llama_index_messages,
    llama_index_model,
    threads,
)

PROVIDERS: Final = ["cloudflare", "aimlapi", "oxen"]
LONG: Final[dict[str, Any]] = {"timeout": 60.0}
"""A provider that falls silent must be left, not waited for."""
ChunkedBody = Callable[[str], Iterator[Any]]
AsyncPieces = Callable[[str], Awaitable[AsyncIterator[Any]]]


async def llama_index_pieces(provider: str) -> AsyncIterator[Any]:
    return await llama_index_model([provider], LONG).astream_chat(llama_index_messages())


async def at_once(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    return stream


SYNC: Final[dict[str, ChunkedBody]] = {
    "core": lambda provider: Client([provider], retry_policy=AT_ONCE, **LONG).stream(REQUEST),
    "langchain": lambda provider: langchain_model([provider], LONG).stream(PROMPT),
    "llama_index": lambda provider: llama_index_model([provider], LONG).stream_chat(llama_index_messages()),
}
ASYNC: Final[dict[str, AsyncPieces]] = {
    "core": lambda provider: at_once(AsyncClient([provider], retry_policy=AT_ONCE, **LONG).stream(REQUEST)),
    "langchain": lambda provider: at_once(langchain_model([provider], LONG).astream(PROMPT)),
    "llama_index": llama_index_pieces,
}
each_endpoint = pytest.mark.parametrize("endpoint", SYNC)
each_provider = pytest.mark.parametrize("provider", PROVIDERS)


def stalls(sandbox: Sandbox, provider: str) -> None:
    """Make the provider fall silent after its first events."""
    sandbox.fail(provider, fault="stall", after=3)


@each_provider
@each_endpoint
@pytest.mark.parametrize("way", ["closed", "dropped", "never begun"])
def test_a_stream_that_is_left_lets_go(sandbox: Sandbox, provider: str, endpoint: str, way: str) -> None:
    """At once, though the provider keeps the connection open; and the next call goes well."""
    POOLS.close()
    stalls(sandbox, provider)
    before = threads()
    stream: Any = SYNC[endpoint](provider)
    if way != "never begun":
        for _ in stream:
            break
    if way == "closed":
        stream.close()
    del stream
    gc.collect()

    assert not POOLS.busy
    assert threads() <= before
    assert [request.provider for request in sandbox.requests] == ([] if way == "never begun" else [provider])
    sandbox.clear()
    assert ENDPOINTS[endpoint][0](True, [provider], {}).text


@each_provider
@each_endpoint
@pytest.mark.parametrize("way", ["closed", "dropped", "never begun"])
async def test_an_asynchronous_stream_that_is_left_lets_go(
    sandbox: Sandbox, provider: str, endpoint: str, way: str
) -> None:
    """A few turns of the loop later, when nobody closes it."""
    stalls(sandbox, provider)
    stream: Any = await ASYNC[endpoint](provider)
    if way != "never begun":
        async for _ in stream:
            break
    if way == "closed":
        await stream.aclose()
    del stream
    gc.collect()

    await at_rest_soon()
    assert [request.provider for request in sandbox.requests] == ([] if way == "never begun" else [provider])
    sandbox.clear()
    assert (await ENDPOINTS[endpoint][1](True, [provider], {})).text


async def at_rest_soon() -> None:
    """Give what was dropped a few turns of the loop to end; none of them waits for anything."""
    for _ in range(50):
        if not POOLS.busy and asyncio.all_tasks() == {asyncio.current_task()}:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"left behind: {POOLS.busy} connections, {asyncio.all_tasks()}")


class Cancelling:
    """Runs a call in a task, and cancels it where it, or a task of its own, waits for the time with this number."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.waits = count()
        self.task: asyncio.Task[Any] | None = None

    async def run(self, asking: Coroutine[Any, Any, Any]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, asked, **given: asyncio.Task(Watched(asked, self), loop=loop, **given))
        try:
            self.task = loop.create_task(asking)
            with suppress(asyncio.CancelledError):
                assert (await self.task).text
        finally:
            loop.set_task_factory(None)

    def note_wait(self) -> None:
        if next(self.waits) == self.place:
            assert self.task is not None
            self.task.cancel()


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine that notes when it waits."""

    def __init__(self, asking: Any, watcher: Cancelling) -> None:
        self.asking = asking
        self.watcher = watcher

    def send(self, value: Any) -> Any:
        waiting = self.asking.send(value)
        self.watcher.note_wait()
        return waiting

    def throw(self, *error: Any) -> Any:
        waiting = self.asking.throw(*error)
        self.watcher.note_wait()
        return waiting

    def close(self) -> None:
        self.asking.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.asking.__await__()


@each_endpoint
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", ["cloudflare", "oxen"])
@pytest.mark.parametrize("failing", [False, True], ids=["good", "failing"])
async def test_a_call_may_be_cancelled_wherever_it_waits(
    sandbox: Sandbox, provider: str, endpoint: str, stream: bool, failing: bool
) -> None:
    """While it connects, sends, reads, moves to the next provider or lets go.

    Nothing is left, and nothing is repeated.
    """
    for place in range(500):
        if failing:
            sandbox.fail(provider, fault="cut", after=0)
        call = Cancelling(place)
        await call.run(ENDPOINTS[endpoint][1](stream, [provider, "aimlapi"], {"max_retries": 0}))
        await at_rest_soon()
        if call.task is None or not call.task.cancelled():
            break

    if os.environ.get("GEMINI_MULTI_TRANSPORT") != "pyreqwest":  # which may be done before it is waited for
        assert place >= 3 + 2 * failing
    assert len(sandbox.requests) <= (place + 1) * (1 + failing)
    sandbox.clear()
    assert (await ENDPOINTS[endpoint][1](stream, [provider], {})).text
