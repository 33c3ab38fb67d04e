"""Drives a call over a provider's bytes without HTTP, and judges how it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from gemini_multi import (
    AIMLAPI,
    ChatEvent,
    ChatRequest,
    Cloudflare,
    Finished,
    GeminiMultiError,
    Limits,
    Message,
    Oxen,
    RetryPolicy,
    StreamInterrupted,
    Tool,
)
from gemini_multi._call.attempt_log import CallOptions
from gemini_multi._call.call import Call
from gemini_multi._transport.steps import ReadBody, ResponseHead, Send
from gemini_multi.routing import routes

PROVIDERS: Final = {
    "cloudflare": Cloudflare("account", "key"),
    "cloudflare/google_ai_studio": Cloudflare("account", "key", api="google_ai_studio"),
    "aimlapi": AIMLAPI("key"),
    "oxen": Oxen("key"),
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "number"}}},
    "required": ["a"],
}
REQUEST: Final = ChatRequest(
    model="gemini-2.5-flash-lite",
    messages=(Message.user("Hello"),),
    tools=(Tool("add", parameters=SCHEMA), Tool("get weather", parameters={"type": "object"})),
)
PATIENCE: Final = 5.0
"""Seconds of processor time that one answer may cost, on a slow machine."""


@dataclass
class Ending:
    """How one call ended."""

    events: list[ChatEvent] = field(default_factory=list)
    error: GeminiMultiError | None = None

    @property
    def summary(self) -> tuple[Any, ...]:
        """What must not depend on where the bytes were cut."""
        last = self.events[-1] if self.events else None
        text = last.response.text if isinstance(last, Finished) else None
        return type(self.error), text


def options(*, limits: Limits | None = None, clock: Callable[[], float] | None = None) -> CallOptions:
    return CallOptions(
        policy=RetryPolicy(max_retries=0),
        deadline=math.inf,
        limits=limits or Limits(),
        clock=clock or (lambda: 0.0),
        chance=lambda: 0.0,
        today=lambda: date(2026, 11, 20),
    )


def receive(
    provider: str,
    pieces: Iterable[bytes],
    *,
    stream: bool,
    status: int = 200,
    headers: dict[str, str] | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] | None = None,
    patience: float = PATIENCE,
) -> Ending:
    """Let a provider answer with these bytes. Anything raised but our own errors is a bug and comes out."""
    begun, ending = time.process_time(), Ending()
    left = iter([piece for piece in pieces if piece] if isinstance(pieces, list) else pieces)
    found = routes(REQUEST, [PROVIDERS[provider]], stream=stream)
    flow = Call.over(found, REQUEST, options(limits=limits, clock=clock), stream=stream).run()
    reply: Any = None
    try:
        while True:
            step = flow.send(reply)
            reply = None
            if isinstance(step, list):
                ending.events += step
            elif isinstance(step, Send):
                reply = ResponseHead(status, headers or {})
            elif isinstance(step, ReadBody):
                reply = next(left, b"")
    except StopIteration:
        pass
    except GeminiMultiError as error:
        ending.error = error
    check(ending, stream=stream)
    assert time.process_time() - begun < patience
    return ending


def check(ending: Ending, *, stream: bool) -> None:
    """Either the last event, and only the last, is `Finished`, or there is an error, which keeps what was delivered."""
    finished = [event for event in ending.events if isinstance(event, Finished)]
    if ending.error is None:
        assert finished == ending.events[-1:] != []
        return
    assert not finished
    assert str(ending.error)
    if ending.events and stream:
        assert isinstance(ending.error, StreamInterrupted)
        assert ending.error.__cause__ is not None
