"""Every endpoint of every provider, asked through the public client: what it was sent, and what came of the answer."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AIMLAPI,
    ChatRequest,
    ChatResponse,
    Client,
    Cloudflare,
    Message,
    Oxen,
    RetryPolicy,
    SettingIgnoredWarning,
    UnsupportedFeature,
)
from gemini_multi.providers import Provider


@dataclass(frozen=True)
class EndpointCase:
    """A provider's endpoint for a model."""

    provider: Provider
    model: str
    model_id: str
    is_native: bool = False
    envelope: str | None = None

    def body(self, said: Any, **fields: Any) -> dict[str, Any]:
        """Write the whole body of a request with one user message."""
        if not self.is_native:
            return {"model": self.model_id, "messages": [{"role": "user", "content": said}], **fields}
        parts = [{"text": said}] if isinstance(said, str) else said
        body = {"contents": [{"role": "user", "parts": parts}], **fields}
        return {"model": self.model_id, self.envelope: body} if self.envelope else body

    def request(self, *parts: Any, **settings: Any) -> ChatRequest:
        """Ask this endpoint's model."""
        return ChatRequest(model=self.model, messages=(Message.user(*(parts or ("Hello",))),), **settings)


PREVIEW = "gemini-3-flash-preview"
ENDPOINTS = {
    "run": EndpointCase(Cloudflare("account", "token", api="run"), PREVIEW, "google/gemini-3-flash", True, "input"),
    "chat": EndpointCase(Cloudflare("account", "token", api="chat_completions"), PREVIEW, "google/gemini-3-flash"),
    "studio": EndpointCase(Cloudflare("account", "token", api="google_ai_studio"), PREVIEW, PREVIEW, True),
    "A": EndpointCase(AIMLAPI("key"), PREVIEW, "google/gemini-3-flash-preview"),
    "B": EndpointCase(AIMLAPI("key"), "gemini-3.5-flash", "google/gemini-3-5-flash"),
    "C": EndpointCase(AIMLAPI("key"), "gemini-3.7-flash", "google/gemini-3-7-flash"),
    "C with media": EndpointCase(AIMLAPI("key"), "gemini-3.5-flash-lite", "google/gemini-3-5-flash-lite"),
    "D": EndpointCase(AIMLAPI("key"), "gemini-pro-latest", "google/gemini-pro-latest"),
    "oxen": EndpointCase(Oxen("key"), PREVIEW, PREVIEW),
}
NATIVE = ("run", "studio")
AIMLAPI_ENDPOINTS = ("A", "B", "C", "C with media", "D")
CHAT = ("chat", *AIMLAPI_ENDPOINTS, "oxen")


@dataclass(frozen=True)
class Refused:
    """The endpoint does not support it; the words that name it."""

    feature: str


@dataclass(frozen=True)
class Ignored:
    """The setting is left out with one warning."""

    setting: str


def native_answer(**extra: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "Hi"}]}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage, **extra}


def chat_answer(**extra: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return {"id": "1", "choices": [choice], "usage": usage, **extra}


def events(*documents: Any) -> bytes:
    """Write a stream."""
    return b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents)


class Wire:
    """Plays the hosts: answers what it is given and keeps what it was sent."""

    def __init__(self, *replies: Any, headers: dict[str, str] | None = None) -> None:
        self.replies = list(replies)
        self.headers = headers or {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if not self.replies:
            is_native = "generateContent" in request.url.path or request.url.path.endswith("/run")
            return httpx.Response(200, json=native_answer() if is_native else chat_answer())
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, httpx.Response):
            return reply
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        return httpx.Response(200, content=content, headers=self.headers)

    @property
    def body(self) -> Any:
        """The last body that was sent."""
        return json.loads(self.requests[-1].content)

    def client(self, providers: Provider | Sequence[Provider], **settings: Any) -> Client:
        return Client(
            providers,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self)),
            **{"retry_policy": RetryPolicy(initial_wait=0.0, max_retries=0), **settings},
        )


async def asked(client: Client, request: ChatRequest, *, stream: bool) -> ChatResponse:
    """Ask through the asynchronous client."""
    ours = client.for_async()
    return await (ours.stream(request).response() if stream else ours.chat(request))


def agreed(client: Client, request: ChatRequest, *, stream: bool) -> ChatResponse:
    """Ask through both clients, which must read the same."""
    ours = client.stream(request).response() if stream else client.chat(request)
    theirs = asyncio.run(asked(client, request, stream=stream))
    assert (ours.text, ours.usage, ours.finish_reason) == (theirs.text, theirs.usage, theirs.finish_reason)
    return ours


def sent(endpoint: EndpointCase, request: ChatRequest, *, stream: bool = False) -> Any:
    """Return the body that the endpoint was sent by both clients, or what became of the request instead."""
    wire = Wire()
    client = wire.client(endpoint.provider)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            client.stream(request).response() if stream else client.chat(request)
        except UnsupportedFeature as refusal:
            with pytest.raises(UnsupportedFeature):
                asyncio.run(asked(client, request, stream=stream))
            assert not wire.requests
            return Refused("; ".join(refusal.features))
        asyncio.run(asked(client, request, stream=stream))
    first, second = wire.requests
    assert (first.url, first.content) == (second.url, second.content)
    ignored = [str(warning.message) for warning in caught if issubclass(warning.category, SettingIgnoredWarning)]
    return (wire.body, Ignored(ignored[0])) if ignored else wire.body


def answered(
    endpoint: EndpointCase, document: Any, *, headers: dict[str, str] | None = None, **settings: Any
) -> ChatResponse:
    """Return what the client makes of an answer in one piece."""
    return agreed(Wire(document, headers=headers).client(endpoint.provider), endpoint.request(**settings), stream=False)


def streamed(endpoint: EndpointCase, *documents: Any, headers: dict[str, str] | None = None) -> ChatResponse:
    """Return what the client makes of a stream."""
    body = events(*documents) + (b"" if endpoint.is_native else b"data: [DONE]\n\n")
    return agreed(Wire(body, headers=headers).client(endpoint.provider), endpoint.request(), stream=True)
