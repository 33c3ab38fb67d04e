"""Compares the responses of a provider with the responses that the library expects.

The expected responses are those of the bundled sandbox. The sandbox is written from the same documentation as the
library, and shares no code with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gemini_multi._transport.recording import Exchange
from gemini_multi.cli.live_calls import Recording
from gemini_multi.cli.masking import documents, fields
from gemini_multi.types import JsonValue

_SIGNATURES: Final = ("thoughtSignature", "thought_signature", "extra_content", "reasoning_details")
_USAGE: Final = ("usage", "usageMetadata")
_REASONS: Final = ("finish_reason", "finishReason")
_COMMON_HEADERS: Final = frozenset(
    {"date", "server", "content-length", "connection", "transfer-encoding", "content-type"}
)


@dataclass(slots=True)
class Observation:
    """The properties of the responses to one call."""

    facts: dict[str, str]
    """The properties with one value."""
    reported: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The properties with many values. Additional values are not a difference."""


def observe(exchange: Exchange) -> Observation:
    """Collect the properties of an exchange."""
    found = documents(exchange.body)
    facts = {
        "status": str(exchange.status),
        "content type": exchange.headers.get("content-type", "none").partition(";")[0],
        "envelope": _envelope(found[0] if found else None),
        "signature carrier": _joined(_ways(found, _SIGNATURES)),
        "finish reason": _joined(_values(found, _REASONS)),
        "end of the stream": _end(exchange.body),
    }
    reported = {
        "usage field": set(_below(found, _USAGE)),
        "header": {name.lower() for name in exchange.headers} - _COMMON_HEADERS,
        "field": {way for document in found for way, _, _ in fields(document)},
    }
    return Observation(facts, reported)


def differences(real: Recording, expected: Recording) -> list[str]:
    """List the differences between a call and the expected call."""
    if bool(real.error) != bool(expected.error):
        return [f"it ended with {_outcome(real)}; expected is {_outcome(expected)}"]
    if not real.exchanges or not expected.exchanges:
        return []
    seen, hoped = observe(real.exchanges[-1]), observe(expected.exchanges[-1])
    facts = [
        f"{name}: {seen.facts[name]}; expected is {hoped.facts[name]}"
        for name in hoped.facts
        if seen.facts[name] != hoped.facts[name]
    ]
    missing = [
        f"{name} missing: {_joined(hoped.reported[name] - seen.reported[name])}"
        for name in ("usage field", "header")
        if hoped.reported[name] - seen.reported[name]
    ]
    return facts + missing


def additions(real: Recording, expected: Recording) -> list[str]:
    """List the values that a call has beyond the expected ones. The library keeps them as the provider's metadata."""
    if not real.exchanges or not expected.exchanges:
        return []
    seen, hoped = observe(real.exchanges[-1]), observe(expected.exchanges[-1])
    return [
        f"{name}: {_joined(seen.reported[name] - hoped.reported[name])}"
        for name in hoped.reported
        if seen.reported[name] - hoped.reported[name]
    ]


def _outcome(recording: Recording) -> str:
    return "an answer" if recording.error is None else f"{type(recording.error).__name__} ({recording.error.message})"


def _envelope(document: JsonValue) -> str:
    path: list[str] = []
    while isinstance(document, dict) and isinstance(document.get("result"), dict):
        path.append("result")
        document = document["result"]
    return ".".join(path) or "none"


def _without_envelope(way: str) -> str:
    while way.startswith("result."):
        way = way.removeprefix("result.")
    return way


def _end(body: str) -> str:
    if "data:" not in body[:5] and "\ndata:" not in body:
        return "no stream"
    return "[DONE]" if body.rstrip().endswith("[DONE]") else "no [DONE]"


def _joined(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values))) or "none"


def _ways(found: Sequence[JsonValue], names: Sequence[str]) -> Iterator[str]:
    for document in found:
        for way, name, value in fields(document):
            if name in names and value:
                yield _without_envelope(way)


def _values(found: Sequence[JsonValue], names: Sequence[str]) -> Iterator[str]:
    for document in found:
        for _, name, value in fields(document):
            if name in names and isinstance(value, str):
                yield value


def _below(found: Sequence[JsonValue], names: Sequence[str]) -> Iterator[str]:
    for document in found:
        for _, name, value in fields(document):
            if name in names:
                yield from (f"{name}.{way}" for way, _, _ in fields(value))
