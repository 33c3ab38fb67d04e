"""The hot path stays as short as it is: counted, not timed, so that it holds on any machine.

When a bound is passed for a good reason, raise it, and say in the commit what the calls are for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gemini_multi import AsyncClient, ChatRequest, Client, Message, Tool
from tests.meter import PROVIDER, cost_of, http_async_client, http_client, per_chunk
from tests.transport.loopback import faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))


def asking() -> Callable[[], object]:
    client = Client(PROVIDER, http_client=http_client())
    return lambda: client.chat(REQUEST)


def streaming(chunks: int) -> Callable[[], object]:
    client = Client(PROVIDER, http_client=http_client(chunks))
    return lambda: sum(1 for _ in client.stream(REQUEST))


def asking_async() -> Callable[[], object]:
    client = AsyncClient(PROVIDER, http_async_client=http_async_client())
    return lambda: asyncio.run(client.chat(REQUEST))


def streaming_async(chunks: int) -> Callable[[], object]:
    client = AsyncClient(PROVIDER, http_async_client=http_async_client(chunks))

    async def read() -> int:
        return len([event async for event in client.stream(REQUEST)])

    return lambda: asyncio.run(read())


def test_an_asynchronous_call_costs_no_more() -> None:
    """Than a blocking one; each step of a coroutine is counted as a call."""
    assert cost_of(asking_async()).calls <= 278


def test_a_whole_answer_costs_few_calls() -> None:
    """From the request to the response, without HTTP."""
    assert cost_of(asking()).calls <= 286


def test_tools_cost_few_calls_more_from_the_second_call_on() -> None:
    """Their schemas are translated by the first."""
    client = Client(PROVIDER, http_client=http_client())
    nested = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    tool = Tool("look", "Look.", {"type": "object", "properties": dict.fromkeys("abcdefgh", nested)})

    assert cost_of(lambda: client.chat(replace(REQUEST, tools=(tool,)))).calls <= 304


@pytest.mark.parametrize(("stream", "bound"), [(streaming, 35), (streaming_async, 33)])
def test_a_chunk_costs_few_calls_in_streams_of_any_length(
    stream: Callable[[int], Callable[[], object]], bound: int
) -> None:
    """Though each event comes by itself; nothing grows with the answer."""
    short, long = per_chunk(stream)

    assert short <= bound
    assert long == short


def test_json_is_read_and_written_once() -> None:
    """One body out and one document in; one document per event."""
    assert dict(cost_of(asking()).json) == {"to_json": 1, "from_json": 1}
    assert dict(cost_of(streaming(500)).json) == {"to_json": 1, "from_json": 501}


def test_a_stream_leaves_no_work_for_the_garbage_collector() -> None:
    """What lies in cycles stops the whole process once in a while; it must not grow with the chunks."""
    few, many = cost_of(streaming(10)).cycles, cost_of(streaming(1_000)).cycles

    assert many == few


def test_a_call_leaves_no_work_for_the_garbage_collector() -> None:
    """Over connections of our own; a client of httpx leaves some objects of its own."""
    with host(faithful) as found:
        client = Client(found.provider)

        assert cost_of(lambda: client.chat(REQUEST)).cycles == 0
