"""Media of megabytes arrive whole, by every way of sending, though nothing ever holds them together with the rest."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gemini_multi import AsyncClient, Blob, ChatRequest, Client, Cloudflare, Message, Text
from tests.transport.loopback import Host, faithful, host

from .test_calls import awaited, blocking

NOISE = base64.b64encode(random.Random(1).randbytes(600_000)).decode()
PARTS: dict[str, tuple[Blob | Text, ...]] = {
    "an image": (Blob(NOISE, "image/png"), Text("What is it?")),
    "the same image twice": (Blob(NOISE, "image/png"), Blob(NOISE, "image/png")),
    "a sound and an image": (Blob(NOISE[::-1].replace("=", "A"), "audio/wav"), Blob(NOISE, "image/png")),
    "an image and a long text": (Text('\u00e9 " \\ \n' * 60_000), Blob(NOISE, "image/png")),
    "data that are no base64": (Blob('"\\\u00e9' * 100_000, "image/png"),),
}


def through_httpx(found: Host, request: ChatRequest) -> list[str]:
    with httpx.Client() as own:
        return [Client(found.provider, http_client=own).chat(request).text]


def awaited_through_httpx(found: Host, request: ChatRequest) -> list[str]:
    async def run() -> list[str]:
        async with httpx.AsyncClient() as own:
            return [(await AsyncClient(found.provider, http_async_client=own).chat(request)).text]

    return asyncio.run(run())


WAYS: dict[str, Callable[[Host, ChatRequest], list[str]]] = {
    "blocking": lambda found, request: blocking(Client(found.provider), request=request),
    "awaited": lambda found, request: awaited(Client(found.provider), request=request),
    "blocking through httpx": through_httpx,
    "awaited through httpx": awaited_through_httpx,
}


def content(parts: tuple[Blob | Text, ...]) -> list[dict[str, Any]]:
    """Write what Oxen is sent: media first, then text."""
    written: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Blob):
            kind = part.mime_type.partition("/")[0]
            address = {"url": f"data:{part.mime_type};base64,{part.data}"}
            written.append({"type": f"{kind}_url", f"{kind}_url": address})
    return written + [{"type": "text", "text": part.text} for part in parts if isinstance(part, Text)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PARTS)
def test_long_media_arrive_whole(name: str, way: str) -> None:
    request = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message("user", PARTS[name]),))

    with host(faithful) as found:
        assert WAYS[way](found, request) == ["Hi"]

    sent = json.loads(found.requests[0])
    assert sent["messages"] == [{"role": "user", "content": content(PARTS[name])}]


def test_long_media_are_sent_anew_on_the_next_connection() -> None:
    """The body can be sent more than once."""
    request = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message("user", PARTS["an image"]),))

    with host(faithful) as found:
        client = Client(found.provider)
        assert blocking(client, 2, request) == ["Hi", "Hi"]

    assert found.requests[0] == found.requests[1]


def test_long_media_arrive_whole_in_the_native_dialect() -> None:
    """There they stand by themselves, without an address around them."""
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.read())
        answer = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
        return httpx.Response(200, json=answer)

    provider = replace(Cloudflare("account", "token"), api="google_ai_studio")
    client = Client(provider, http_client=httpx.Client(transport=httpx.MockTransport(handler)))
    part = Blob(NOISE, "image/png")

    client.chat(ChatRequest(model="gemini-2.5-flash-lite", messages=(Message("user", (part,)),)))

    parts = json.loads(seen[0])["contents"][0]["parts"]
    assert parts == [{"inlineData": {"mimeType": "image/png", "data": NOISE}}]
