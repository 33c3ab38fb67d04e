"""The faults of answers. Each fault is a small change to the valid reply."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gemini_multi.sandbox.json_value import JsonValue
from gemini_multi.sandbox.reply import Reply

_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>The sandbox is away.</body></html>"
)


@dataclass(frozen=True, slots=True)
class Spoiling:
    """The settings of a fault."""

    reply: Reply
    after: int
    """The number of events of a stream that are sent before the fault."""
    error: bytes
    """The provider's own error body."""

    @property
    def begun(self) -> tuple[bytes, ...]:
        """Return the events that are sent before the fault. There are never so many that the stream looks complete."""
        events = self.reply.events or ()
        return events[: max(0, min(self.after, len(events) - 3))]


Fault = Callable[[Spoiling], Reply]


def _reset(spoiling: Spoiling) -> Reply:
    return replace(spoiling.reply, ending="reset_at_once")


def _close(spoiling: Spoiling) -> Reply:
    return replace(spoiling.reply, ending="close_at_once")


def _reset_in_stream(spoiling: Spoiling) -> Reply:
    if spoiling.reply.events is None:
        return _reset_after_headers(spoiling)
    return replace(spoiling.reply, events=spoiling.begun, ending="reset")


def _reset_after_headers(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    return replace(
        reply, events=None if reply.events is None else (), body=b"", claimed_length=len(reply.body), ending="reset"
    )


def _cut(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    if reply.events is None:
        return _truncated_body(spoiling)
    return replace(reply, events=spoiling.begun, ending="close")


def _clean_end(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    return (
        replace(reply, body=reply.body[: len(reply.body) // 2])
        if reply.events is None
        else replace(reply, events=spoiling.begun)
    )


def _stall(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    if reply.events is None:
        return replace(reply, body=b"", claimed_length=len(reply.body), ending="stall")
    return replace(reply, events=spoiling.begun, ending="stall")


def _html(spoiling: Spoiling) -> Reply:
    return replace(spoiling.reply, events=None, body=_PAGE, content_type="text/html; charset=utf-8")


def _empty(spoiling: Spoiling) -> Reply:
    return replace(spoiling.reply, events=None if spoiling.reply.events is None else (), body=b"")


def _truncated_gzip(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    packed = gzip.compress(b"".join(reply.events) if reply.events is not None else reply.body)
    return replace(
        reply, events=None, body=packed[: len(packed) // 2], headers={**reply.headers, "content-encoding": "gzip"}
    )


def _truncated_body(spoiling: Spoiling) -> Reply:
    body = spoiling.reply.body if spoiling.reply.events is None else b"".join(spoiling.reply.events)
    return replace(spoiling.reply, events=None, body=body[: len(body) // 2], claimed_length=len(body), ending="close")


def _error_in_stream(spoiling: Spoiling) -> Reply:
    if spoiling.reply.events is None:
        return _error_in_200(spoiling)
    return replace(spoiling.reply, events=(*spoiling.begun, b"data: " + spoiling.error + b"\n\n"))


def _no_done(spoiling: Spoiling) -> Reply:
    events = spoiling.reply.events
    return spoiling.reply if events is None else replace(spoiling.reply, events=events[:-1])


def _byte_by_byte(spoiling: Spoiling) -> Reply:
    reply = spoiling.reply
    body = reply.body if reply.events is None else b"".join(reply.events)
    return replace(reply, events=tuple(body[place : place + 1] for place in range(len(body))))


def _error_in_200(spoiling: Spoiling) -> Reply:
    return replace(spoiling.reply, events=None, body=spoiling.error, content_type="application/json")


def _choices(value: JsonValue) -> Fault:
    def spoil(spoiling: Spoiling) -> Reply:
        reply = spoiling.reply
        if reply.events is None:
            return replace(reply, body=_without_choices(reply.body, value))
        odd = b"data: " + _without_choices(reply.events[0].rpartition(b"data: ")[2], value) + b"\n\n"
        return replace(reply, events=(*spoiling.begun, odd, *reply.events[len(spoiling.begun) :]))

    return spoil


def _without_choices(body: bytes, value: JsonValue) -> bytes:
    def change(found: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return {name: value if name in {"choices", "candidates"} else item for name, item in found.items()}

    return json.dumps(json.loads(body, object_hook=change)).encode()


def _not_json(spoiling: Spoiling) -> Reply:
    if spoiling.reply.events is None:
        return replace(spoiling.reply, body=b"upstream connect error: {'this': is no JSON")
    return replace(spoiling.reply, events=(*spoiling.begun, b"data: {'this': is no JSON\n\n"))


FAULTS: Final[Mapping[str, Fault]] = {
    "reset": _reset,
    "close": _close,
    "reset_in_stream": _reset_in_stream,
    "reset_after_headers": _reset_after_headers,
    "cut": _cut,
    "clean_end": _clean_end,
    "stall": _stall,
    "html": _html,
    "empty": _empty,
    "truncated_gzip": _truncated_gzip,
    "truncated_body": _truncated_body,
    "error_in_stream": _error_in_stream,
    "no_done": _no_done,
    "byte_by_byte": _byte_by_byte,
    "error_in_200": _error_in_200,
    "choices_null": _choices(None),
    "choices_empty": _choices([]),
    "not_json": _not_json,
}
