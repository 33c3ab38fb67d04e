"""Every fault that the sandbox commits, and what each must lead to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gemini_multi import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    GeminiMultiError,
    InvalidResponse,
    ModelNotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServerError,
)
from gemini_multi.sandbox import Sandbox

Kind = type[GeminiMultiError]


@dataclass(frozen=True)
class Outcome:
    """What one kind of call must come to while the provider keeps failing."""

    error: Kind | None = None
    """The error, or the cause of the `StreamInterrupted`; none when the answer is right all the same."""
    retried: bool = False
    interrupted: bool = False
    """Whether content had been delivered, so that nothing may be repeated."""

    @property
    def moves_on(self) -> bool:
        """Whether the next provider is asked."""
        return self.error is not None and not self.interrupted and self.error is not BadRequest


FINE: Final = Outcome()


def again(error: Kind) -> Outcome:
    return Outcome(error, retried=True)


def broken(error: Kind) -> Outcome:
    return Outcome(error, interrupted=True)


@dataclass(frozen=True)
class Fault:
    name: str
    whole: Outcome
    stream: Outcome
    plan: dict[str, Any] = field(default_factory=dict)
    """Arguments of `Sandbox.fail`."""
    raw: tuple[bytes, ...] = ()
    """Or the events of a stream, byte for byte."""
    reply: dict[str, Any] = field(default_factory=dict)
    """Or arguments of `Sandbox.reply_raw`."""
    special: dict[str, Kind] = field(default_factory=dict)
    """Where a provider means something else."""

    def commit(self, sandbox: Sandbox, provider: str, times: int) -> None:
        """Make the provider's next answers fail."""
        if self.plan:
            sandbox.fail(provider, times=times, **self.plan)
            return
        stream = {"headers": {"content-type": "text/event-stream"}, "body": b"".join(self.raw)}
        for _ in range(times):
            sandbox.reply_raw(provider, **(self.reply or stream))

    def outcome(self, provider: str, *, stream: bool) -> Outcome:
        expected = self.stream if stream else self.whole
        return replace(expected, error=self.special[provider]) if provider in self.special else expected

    @property
    def is_slow(self) -> bool:
        return self.plan.get("fault") == "stall"


def by_status(status: int, error: Kind, *, retried: bool = False, **special: Kind) -> Fault:
    outcome = Outcome(error, retried=retried)
    return Fault(str(status), outcome, outcome, {"status": status}, special=special)


def by_fault(name: str, whole: Outcome, stream: Outcome, **plan: Any) -> Fault:
    suffix = " before content" if plan.get("after") == 0 else ""
    return Fault(f"{name}{suffix}", whole, stream, {"fault": name, **plan})


def event(text: str | None = None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "1", "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def odd(name: str, *between: bytes, stream: Outcome = FINE, ending: Sequence[bytes] | None = None) -> Fault:
    """A stream, whole or in one piece, with something odd in the middle."""
    events = (event("Hello "), event("from "), *between, event("the "), event("sandbox"))
    end = (event(finish="stop"), b"data: [DONE]\n\n") if ending is None else tuple(ending)
    # A call for a whole answer delivers nothing before it is whole, so that it can be tried again.
    whole = Outcome(stream.error, retried=stream.error is not None)
    return Fault(name, whole, stream, raw=(*events, *end))


def google(*, details: bool = False) -> str:
    """Google's error for too many requests, which says in one of two ways how long to wait."""
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Slow down. Please retry in 0.01s."}
    info = {"message": "Slow down.", "details": [{"retryDelay": "0.01s"}]}
    return json.dumps({"error": {**error, **info} if details else error})


ELSEWHERE: Final = {"location": "/aimlapi/v1/chat/completions"}
ERROR: Final = b'data: {"error": {"code": 503, "message": "busy"}}\n\n'
STATUSES: Final = [
    by_status(400, BadRequest),
    by_status(401, AuthenticationFailed),
    by_status(402, QuotaExhausted),
    by_status(403, PermissionDenied, aimlapi=QuotaExhausted),
    by_status(404, ModelNotFound),
    by_status(413, BadRequest),
    by_status(422, BadRequest),
    by_status(501, ServerError),
    by_status(505, ServerError),
    by_status(429, RateLimited, retried=True),
    *(by_status(status, ServerError, retried=True) for status in (408, 409, 425, 499, 500, 502, 503, 504, 520, 529)),
    Fault("429 with Retry-After", again(RateLimited), again(RateLimited), {"status": 429, "retry_after": 0.01}),
    Fault("429 with RetryInfo", again(RateLimited), again(RateLimited), {"status": 429, "body": google(details=True)}),
    Fault("429 with Google's words", again(RateLimited), again(RateLimited), {"status": 429, "body": google()}),
    Fault("redirect", again(ServerError), again(ServerError), reply={"status": 307, "headers": ELSEWHERE}),
]
BROKEN: Final = [
    by_fault("reset", again(ConnectionFailed), again(ConnectionFailed)),
    by_fault("close", again(ConnectionFailed), again(ConnectionFailed)),
    by_fault("reset_in_stream", again(ConnectionFailed), broken(ConnectionFailed)),
    by_fault("reset_after_headers", again(ConnectionFailed), again(ConnectionFailed)),
    by_fault("cut", again(ConnectionFailed), broken(ConnectionFailed)),
    by_fault("cut", again(ConnectionFailed), again(ConnectionFailed), after=0),
    by_fault("clean_end", again(InvalidResponse), broken(InvalidResponse)),
    by_fault("clean_end", again(InvalidResponse), again(InvalidResponse), after=0),
    by_fault("stall", again(RequestTimeout), broken(RequestTimeout)),
    by_fault("stall", again(RequestTimeout), again(RequestTimeout), after=0),
    by_fault("html", again(InvalidResponse), again(InvalidResponse)),
    by_fault("empty", again(InvalidResponse), again(InvalidResponse)),
    by_fault("truncated_gzip", again(InvalidResponse), again(InvalidResponse)),
    by_fault("truncated_body", again(ConnectionFailed), broken(ConnectionFailed)),
    by_fault("error_in_stream", again(ServerError), broken(ServerError)),
    by_fault("error_in_stream", again(ServerError), again(ServerError), after=0),
    by_fault("error_in_200", again(ServerError), again(ServerError)),
    by_fault("no_done", FINE, FINE),
    by_fault("byte_by_byte", FINE, FINE),
    by_fault("choices_null", again(InvalidResponse), FINE),
    by_fault("choices_empty", again(InvalidResponse), FINE),
    by_fault("not_json", again(InvalidResponse), broken(InvalidResponse)),
    by_fault("not_json", again(InvalidResponse), again(InvalidResponse), after=0),
]
ODD: Final = [
    odd("data: null", b"data: null\n\n"),
    odd("event without data", b"event: ping\n\n"),
    odd("comment", b": OPENROUTER PROCESSING\n\n"),
    odd("no space", event("").replace(b"data: ", b"data:")),
    odd("U+2028", event("\u2028")),
    odd("[DONE] missing", ending=[event(finish="stop")]),
    odd("finish reason missing", ending=[b"data: [DONE]\n\n"]),
    odd("both missing", ending=[], stream=broken(InvalidResponse)),
    odd(
        "error with finish reason",
        ERROR[:-3] + b', "choices": [{"finish_reason": "error"}]}\n\n',
        stream=broken(ServerError),
    ),
    odd("broken JSON", b'data: {"choices": [{"de\n\n', stream=broken(InvalidResponse)),
]
FAULTS: Final = [*STATUSES, *BROKEN, *ODD]
ALIKE: Final = frozenset({"413", "422", "505", "408", "409", "425", "499", "502", "503", "504", "520", "529"})
"""Statuses of which a binding sees no more than of 400, 501 and 500: the core's errors and retries are the same."""
