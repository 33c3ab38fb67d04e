"""Keeps what LlamaIndex's blocks have no place for, as JSON in a `ThinkingBlock`, and puts it back.

A `ToolCallBlock` has no room for a thought signature, a message keeps one `TextBlock` where the provider sent several,
and some parts (executed code, future kinds) have no block at all. `pack` writes down what the blocks alone do not say,
and
`unpack` rebuilds the exact parts from the blocks and that note. The note is plain JSON with the providers' strings
untouched, so it survives `Memory`, chat stores and `model_dump_json`. It is keyed by tool call id, so that a message
that lost a call, or was merged with another, still carries every signature to its own call.

The note has two members: `tool_calls` maps each call id to what is known of that call, and `parts` is the order of the
parts. `parts` is only there when the blocks' own order and boundaries would not give the parts back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args
from zlib import crc32

from gemini_multi.types import (
    Blob,
    CodeResult,
    ExecutableCode,
    FileReference,
    JsonObject,
    JsonValue,
    Opaque,
    Part,
    Signature,
    SignatureCarrier,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from llama_index_gemini_multi._media import has_block

NOTE_KEY: Final = "gemini_multi"
"""The member of `ThinkingBlock.additional_information` that holds the note."""

_CARRIERS: Final[Mapping[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}


def pack(parts: Sequence[Part]) -> dict[str, JsonValue]:
    """Write down what the blocks of these parts do not say; empty when they say it all."""
    note: dict[str, JsonValue] = {}
    calls: dict[str, JsonValue] = {
        part.id: entry for part in parts if isinstance(part, ToolCall) and (entry := _call(part))
    }
    if calls:
        note["tool_calls"] = calls
    if not _is_natural(parts):
        note["parts"] = [_entry(part) for part in parts]
    return note


def unpack(natural: Sequence[Part], note: JsonObject) -> tuple[Part, ...]:
    """Rebuild the parts from those that the blocks give by themselves and the note."""
    calls = note.get("tool_calls")
    known = calls if isinstance(calls, dict) else {}
    parts = tuple(_with_call_entry(part, known) if isinstance(part, ToolCall) else part for part in natural)
    entries = note.get("parts")
    return _arranged(parts, entries) if isinstance(entries, list) else parts


def packed_signature(signature: Signature) -> dict[str, JsonValue]:
    """Write a signature as JSON."""
    return {"payload": signature.payload, "carrier": signature.carrier, "issuer": signature.issuer}


def unpacked_signature(value: JsonValue) -> Signature | None:
    """Read a signature, or `None` when there is none."""
    if not isinstance(value, dict) or "payload" not in value:
        return None
    carrier = _CARRIERS.get(str(value.get("carrier")), "thoughtSignature")
    return Signature(value["payload"], carrier=carrier, issuer=str(value.get("issuer", "")))


def _call(call: ToolCall) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {}
    if call.signature is not None:
        entry["signature"] = packed_signature(call.signature)
    if not call.synthetic_id:
        entry["issued_id"] = True
    return entry


def _with_call_entry(call: ToolCall, known: Mapping[str, JsonValue]) -> ToolCall:
    entry = known.get(call.id)
    if not isinstance(entry, dict):
        return call
    signature = unpacked_signature(entry.get("signature")) or call.signature
    return replace(call, signature=signature, synthetic_id=not entry.get("issued_id", False))


def _is_natural(parts: Sequence[Part]) -> bool:
    """Whether one thought, one text, media and calls follow each other at most, with nothing signed but the calls."""
    ranks = [_rank(part) for part in parts]
    if any(rank > _CALL for rank in ranks) or ranks != sorted(ranks):
        return False
    if ranks.count(_THOUGHT) > 1 or ranks.count(_TEXT) > 1:
        return False
    return all(signature_of(part) is None for part in parts if not isinstance(part, ToolCall))


_THOUGHT, _TEXT, _MEDIA, _CALL, _NO_BLOCK = range(5)


def _rank(part: Part) -> int:
    match part:
        case Thought():
            return _THOUGHT
        case Text():
            return _TEXT
        case Blob() | FileReference():
            return _MEDIA if has_block(part) else _NO_BLOCK
        case ToolCall():
            return _CALL
        case _:
            return _NO_BLOCK


def signature_of(part: Part) -> Signature | None:
    """Return the part's signature, whatever kind it is."""
    return None if isinstance(part, ToolResult) else part.signature


def _entry(part: Part) -> JsonValue:
    entry = _described(part)
    if (signature := signature_of(part)) is not None and not isinstance(part, ToolCall):
        entry["signature"] = packed_signature(signature)
    return entry


def _described(part: Part) -> dict[str, JsonValue]:
    match part:
        case Thought(text):
            return {"kind": "thought", "length": len(text), "check": _check(text)}
        case Text(text):
            return {"kind": "text", "length": len(text), "check": _check(text)}
        case FileReference(uri, mime_type) if not has_block(part):
            return {"kind": "file", "uri": uri, "mime_type": mime_type}
        case Blob() | FileReference():
            return {"kind": "media"}
        case ToolCall(id=call_id):
            return {"kind": "tool_call", "id": call_id}
        case _:
            return _whole(part)


def _whole(part: ExecutableCode | CodeResult | Opaque | ToolResult) -> dict[str, JsonValue]:
    match part:
        case ExecutableCode(code, language, id=code_id):
            return {"kind": "code", "code": code, "language": language, "id": code_id}
        case CodeResult(output, outcome, id=code_id):
            return {"kind": "code_result", "output": output, "outcome": outcome, "id": code_id}
        case Opaque(data):
            return {"kind": "opaque", "data": dict(data)}
        case ToolResult():
            raise TypeError(f"An answer holds no tool result, but here is one: {part!r}.")


class _Pool:
    """The parts that the blocks give, taken out one by one as the note asks for them."""

    def __init__(self, parts: Sequence[Part], entries: Sequence[JsonValue]) -> None:
        self.calls = {part.id: part for part in parts if isinstance(part, ToolCall)}
        self.media = deque(part for part in parts if isinstance(part, (Blob, FileReference)))
        self.texts = _Run("text", "".join(part.text for part in parts if isinstance(part, Text)), entries)
        self.thoughts = _Run("thought", "".join(part.text for part in parts if isinstance(part, Thought)), entries)

    def take(self, entry: JsonObject) -> Part | None:
        signature = unpacked_signature(entry.get("signature"))
        match entry.get("kind"):
            case "text":
                return self.texts.take(Text, entry, signature)
            case "thought":
                return self.thoughts.take(Thought, entry, signature)
            case "media" if self.media:
                return replace(self.media.popleft(), signature=signature)
            case "tool_call":
                return self.calls.pop(str(entry.get("id")), None)
            case _:
                return _without_block(entry, signature)

    def rest(self) -> Iterator[Part]:
        yield from self.media
        yield from self.calls.values()


class _Run:
    """The text of one kind that is cut into parts again, unless somebody changed it in the meantime."""

    def __init__(self, kind: str, text: str, entries: Sequence[JsonValue]) -> None:
        self._text = text
        self._position = 0
        self.is_unchanged = _fits(
            text, [entry for entry in entries if isinstance(entry, dict) and entry.get("kind") == kind]
        )

    def take(self, kind: type[Text] | type[Thought], entry: JsonObject, signature: Signature | None) -> Part | None:
        if not self.is_unchanged:
            rest = self.rest()
            return kind(rest) if rest else None
        start = self._position
        self._position += _length(entry)
        return kind(self._text[start : self._position], signature=signature)

    def rest(self) -> str:
        """Take all that was not taken yet."""
        start, self._position = self._position, len(self._text)
        return self._text[start:]


def _fits(text: str, entries: Sequence[JsonObject]) -> bool:
    """Tell whether the text is still the one that the entries describe."""
    position = 0
    for entry in entries:
        start, position = position, position + _length(entry)
        if _check(text[start:position]) != entry.get("check"):
            return False
    return position == len(text)


def _check(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


def _length(entry: JsonObject) -> int:
    length = entry.get("length")
    return length if isinstance(length, int) else 0


def _without_block(entry: JsonObject, signature: Signature | None) -> Part | None:
    identity = entry.get("id")
    part_id = identity if isinstance(identity, str) else None
    match entry:
        case {"kind": "code", "code": str(code), "language": str(language)}:
            return ExecutableCode(code, language, id=part_id, signature=signature)
        case {"kind": "code_result", "output": str(output), "outcome": str(outcome)}:
            return CodeResult(output, outcome, id=part_id, signature=signature)
        case {"kind": "file", "uri": str(uri)}:
            mime_type = entry.get("mime_type")
            return FileReference(uri, mime_type if isinstance(mime_type, str) else None, signature=signature)
        case {"kind": "opaque", "data": dict() as data}:
            return Opaque(data, signature=signature)
        case _:
            return None


def _arranged(parts: Sequence[Part], entries: Sequence[JsonValue]) -> tuple[Part, ...]:
    pool = _Pool(parts, entries)
    taken = [part for entry in entries if isinstance(entry, dict) and (part := pool.take(entry)) is not None]
    leading: list[Part] = []
    if thoughts := pool.thoughts.rest():
        leading.append(Thought(thoughts))
    if texts := pool.texts.rest():
        leading.append(Text(texts))
    return (*leading, *taken, *pool.rest())
