"""aiohttp as the transport of an asynchronous HTTP client of the caller's own, as `docs/performance.md` recommends."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from gemini_multi import (
    AsyncClient,
    ChatRequest,
    Message,
    RequestTimeout,
    ServerError,
    StreamInterrupted,
    TextDelta,
)
from tests.transport.loopback import Act, Host, faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
USAGE = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
END = b"0\r\n\r\n"


def event(delta: str, **rest: Any) -> bytes:
    """Write one event of a stream as one chunk of the body."""
    document = {"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": rest.pop("finish", None)}]}
    data = b"data: %b\n\n" % json.dumps({**document, **rest}).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def sending(*pieces: bytes, wait: bool = False) -> Act:
    """Answer one request, and then wait for the client to hang up or hang up first."""

    def act(found: Host, connection: socket.socket) -> None:
        found.request(connection)
        for piece in pieces:
            connection.sendall(piece)
        if wait:
            connection.recv(1)

    return act


@asynccontextmanager
async def client_of(found: Host, **settings: Any) -> AsyncIterator[AsyncClient]:
    async with httpx.AsyncClient(transport=AiohttpTransport()) as own:
        yield AsyncClient(found.provider, max_retries=0, http_async_client=own, **settings)


async def test_calls_use_one_connection() -> None:
    with host(faithful) as found:
        async with client_of(found) as client:
            assert [(await client.chat(REQUEST)).text for _ in range(3)] == ["Hi"] * 3
        assert found.connections == 1


async def test_events_that_arrive_together_are_told_apart() -> None:
    """Also when the pieces of the body divide an event."""
    body = b"".join(event(word) for word in ("one ", "two ", "three")) + event("", finish="stop", usage=USAGE) + END
    with host(sending(STREAM + body[:300], body[300:], wait=True)) as found:
        async with client_of(found) as client, client.stream(REQUEST) as stream:
            texts = [piece.text async for piece in stream if isinstance(piece, TextDelta) and piece.text]
    assert texts == ["one ", "two ", "three"]


async def test_the_whole_answer_has_its_usage() -> None:
    body = event("Hi", finish="stop", usage=USAGE) + END
    with host(sending(STREAM, body, wait=True)) as found:
        async with client_of(found) as client, client.stream(REQUEST) as stream:
            response = await stream.response()
    assert response.text == "Hi"
    assert response.usage.total_tokens == 5


async def test_a_stream_that_breaks_keeps_what_had_arrived() -> None:
    with host(sending(STREAM, event("one "))) as found:
        async with client_of(found) as client:
            with pytest.raises(StreamInterrupted) as raised:
                await client.stream(REQUEST).response()
    assert raised.value.partial.text == "one "


@pytest.mark.parametrize("settings", [{"deadline": 0.3}, {"timeout": 0.3}], ids=lambda one: next(iter(one)))
async def test_a_silent_provider_is_left(settings: dict[str, float]) -> None:
    with host(sending(wait=True)) as found:
        async with client_of(found, **settings) as client:
            with pytest.raises(RequestTimeout):
                await client.chat(REQUEST)


async def test_a_redirect_is_not_followed() -> None:
    """The key stays here."""
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"
    with host(sending(moved, wait=True)) as found:
        async with client_of(found) as client:
            with pytest.raises(ServerError, match="redirects"):
                await client.chat(REQUEST)
