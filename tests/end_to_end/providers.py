"""A scripted transport for the tests of the core: what the providers answer, and what they were sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from gemini_multi import AIMLAPI, ChatRequest, Client, Cloudflare, Message, Oxen, RetryPolicy

PROVIDERS = (Cloudflare("account", "cloudflare-key"), AIMLAPI("aimlapi-key"), Oxen("oxen-key"))
AT_ONCE = RetryPolicy(initial_wait=0.0)
REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
HOSTS = {"api.cloudflare.com": "cloudflare", "api.aimlapi.com": "aimlapi", "hub.oxen.ai": "oxen"}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces; an exception among them is raised in its place."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


Reply = Callable[[], httpx.Response]


def answer(text: str = "Hi", **extra: Any) -> Reply:
    """Answer with a chat completion in one piece."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return lambda: httpx.Response(200, json={"id": "1", "model": "m", "choices": [choice], "usage": usage, **extra})


def status(code: int, body: Any = None, **headers: str) -> Reply:
    """Answer with an error."""
    return lambda: httpx.Response(code, json=body or {"message": "no"}, headers=headers)


def raw(*pieces: bytes | Exception, code: int = 200, **headers: str) -> Reply:
    """Answer with these bytes."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(code, stream=Body(list(pieces)), headers=sent)


def failure(error: Exception) -> Reply:
    """Give no answer."""

    def fail() -> httpx.Response:
        raise error

    return fail


def event(text: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """Write one event of a chat completion's stream."""
    content = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": {**content, **delta}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


@dataclass
class FakeProviders:
    """Replies by provider, in order; the last one is repeated."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[tuple[str, httpx.Request]] = field(default_factory=list)
    responses: list[httpx.Response] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        provider = HOSTS[request.url.host]
        self.requests.append((provider, request))
        script = self.replies.get(provider, [answer()])
        response = (script.pop(0) if len(script) > 1 else script[0])()
        self.responses.append(response)
        return response

    @property
    def asked(self) -> list[str]:
        return [provider for provider, _ in self.requests]

    def client(self, *providers: str, **settings: Any) -> Client:
        chosen = [provider for provider in PROVIDERS if not providers or provider.name in providers]
        return Client(
            chosen,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self)),
            **{"retry_policy": AT_ONCE, **settings},
        )
