"""What the loopback server answers, written before anybody asks.

An answer is named by the first segment of the URL's path: `/text/…` is a short answer in one piece, `/burst-1000/…` a
stream of 1,000 events written at once, `/paced-200/…` one event per millisecond that carries the server's clock, and
`/held-40/…` a stream that lasts for two seconds. The last segment tells the dialect.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final, Literal

Dialect = Literal["chat", "native"]

MODEL: Final = "gemini-2.5-flash-lite"
TEXT: Final = "It is 18 degrees and sunny in Paris, with a light wind from the west."
WORDS: Final = ("one ", "stream ", "of ", "many ", "words, ", "none ", "like ", "its ", "neighbor; ")
"""What streams say, in turn: LiteLLM gives up when pieces repeat themselves."""
TOOL: Final = "weather"
ARGUMENTS: Final = {"city": "Paris", "unit": "celsius"}
REPORT: Final = {"city": "Paris", "temperature": 18.5, "conditions": ["sunny", "windy"]}
CLOCK: Final = "@%019d@"
"""How a paced event carries the nanoseconds of the server's clock in its text."""

_CLOCK_SAMPLE: Final = CLOCK % 0
_STREAMS: Final = {"burst": 0.0, "paced": 0.001, "held": 0.25}
"""The kinds of stream, and the seconds between two events."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes to write: a head, then pieces at a pace; without a pace all of it at once."""

    head: bytes
    pieces: tuple[bytes, ...]
    pause: float = 0.0

    def whole(self) -> bytes:
        return self.head + b"".join(self.pieces)

    def timed(self) -> Iterator[bytes]:
        """Give the pieces, each with the clock at which it is taken."""
        sample = _CLOCK_SAMPLE.encode()
        for piece in self.pieces:
            yield piece.replace(sample, b"@%019d@" % time.perf_counter_ns()) if sample in piece else piece


def answer(name: str, dialect: Dialect) -> Answer:
    """Write the answer of a name."""
    kind = name.partition("-")[0]
    if kind in _STREAMS:
        return _stream(kind, body(name, dialect))
    if kind == "error":
        return _whole(
            b'{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}', "503 Service Unavailable"
        )
    if kind == "model":
        return _whole(_json(_DESCRIPTION))
    return _whole(*body(name, dialect))


def body(name: str, dialect: Dialect) -> list[bytes]:
    """Write the body of an answer: one document, or the events of a stream."""
    kind, _, number = name.partition("-")
    if kind in _STREAMS:
        texts = [_CLOCK_SAMPLE] * int(number) if kind == "paced" else list(words(int(number)))
        return list(_chat_events(texts) if dialect == "chat" else _native_events(texts))
    message = {"text": {"text": TEXT}, "structured": {"text": json.dumps(REPORT)}, "tool": {"call": True}}[kind]
    write = _chat_document if dialect == "chat" else _native_document
    return [_json(write(**message))]


def said(name: str) -> str | None:
    """Tell the text that the caller must find in an answer; `None` where it differs from time to time."""
    kind, _, number = name.partition("-")
    texts = {"text": TEXT, "structured": json.dumps(REPORT), "tool": ""}
    return "".join(words(int(number))) if kind in ("burst", "held") else texts.get(kind)


def words(count: int) -> Iterator[str]:
    """Give the texts of a stream's events."""
    return islice(cycle(WORDS), count)


def clocks(text: str) -> list[int]:
    """Read the server's clocks in the text of paced events."""
    return [int(clock) for clock in re.findall(r"@(\d{19})@", text)]


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _whole(body: bytes, status: str = "200 OK") -> Answer:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return Answer(head.encode(), (body,))


def _stream(kind: str, events: list[bytes]) -> Answer:
    pieces = (b"%x\r\n%b\r\n" % (len(event), event) for event in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return Answer(head, (*pieces, b"0\r\n\r\n"), _STREAMS[kind])


_USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 18, "total_tokens": 30}
_NATIVE_USAGE: Final = {"promptTokenCount": 12, "candidatesTokenCount": 18, "totalTokenCount": 30}
_HEAD: Final = {"id": "chatcmpl-0123456789", "created": 1760000000, "model": MODEL}
_DESCRIPTION: Final = {
    "name": f"models/{MODEL}",
    "version": "001",
    "displayName": "Gemini 2.5 Flash-Lite",
    "inputTokenLimit": 1048576,
    "outputTokenLimit": 65536,
    "supportedGenerationMethods": ["generateContent"],
}


def _chat_document(text: str | None = None, call: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002
    message: dict[str, object] = {"role": "assistant", "content": text}
    if call:
        function = {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}
        message["tool_calls"] = [{"id": "call_0123456789", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _native_document(text: str | None = None, call: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002
    part = {"functionCall": {"name": TOOL, "args": ARGUMENTS}} if call else {"text": text}
    candidate = {"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}
    return {
        "candidates": [candidate],
        "usageMetadata": _NATIVE_USAGE,
        "modelVersion": MODEL,
        "responseId": "r0123456789",
    }


def _chat_events(texts: Sequence[str]) -> Iterator[bytes]:
    head = {**_HEAD, "object": "chat.completion.chunk"}
    for text in texts:
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
        yield b"data: %b\n\n" % _json({**head, "choices": [choice]})
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield b"data: %b\n\n" % _json({**head, "choices": [last], "usage": _USAGE})
    yield b"data: [DONE]\n\n"


def _native_events(texts: Sequence[str]) -> Iterator[bytes]:
    rest = {"usageMetadata": _NATIVE_USAGE, "modelVersion": MODEL, "responseId": "r0123456789"}
    for number, text in enumerate(texts, 1):
        candidate: dict[str, object] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
        if number == len(texts):
            candidate["finishReason"] = "STOP"
        yield b"data: %b\r\n\r\n" % _json({"candidates": [candidate], **rest})
