"""Keeps what LlamaIndex's blocks have no field for, as JSON in a `ThinkingBlock`, and restores it.

A `ToolCallBlock` has no room for a thought signature, a message keeps one `TextBlock` where the provider sent several,
and some parts (executed code, future kinds) have no block at all. `pack` writes down what the blocks alone do not say,
and `unpack` rebuilds the exact parts from the blocks and that note.

The note has two members: `tool_calls` maps each call id to what is known of that call, so that a message that lost a
call, or was merged with another, still carries every signature to its own call; and `parts` is the outline of the
parts, where the blocks' own order and boundaries would not give the parts back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gemini_multi.bindings.outline import Rebuild, outline, signature_of, signed_call, written
from gemini_multi.bindings.values import is_mapping, items_of, mapping_of
from gemini_multi.types import Blob, FileReference, JsonObject, JsonValue, Part, Text, Thought, ToolCall
from llama_index_gemini_multi._media import has_block

NOTE_KEY: Final = "gemini_multi"
"""The member of `ThinkingBlock.additional_information` that holds the note."""


def pack(parts: Sequence[Part]) -> dict[str, JsonValue]:
    """Write down what the blocks of these parts do not say; empty when they say it all."""
    calls: dict[str, JsonValue] = {
        part.id: entry for part in parts if isinstance(part, ToolCall) and (entry := _call(part))
    }
    note: dict[str, JsonValue] = {"tool_calls": calls} if calls else {}
    if not _is_natural(parts):
        entries = outline(parts, has_block)
        note["parts"] = [{"call": entry["call"]} if "call" in entry else entry for entry in entries]
    return note


def unpack(natural: Sequence[Part], note: JsonObject) -> tuple[Part, ...]:
    """Rebuild the parts from those that the blocks give by themselves and the note."""
    known = {call_id: _entry(entry) for call_id, entry in mapping_of(note.get("tool_calls")).items()}
    parts = tuple(
        signed_call(part, known[part.id]) if isinstance(part, ToolCall) and part.id in known else part
        for part in natural
    )
    if "parts" not in note:
        return parts
    entries = [entry for entry in items_of(note["parts"]) if is_mapping(entry)]
    return Rebuild(
        parts, [{**entry, **known.get(str(entry.get("call")), {"synthetic_id": True})} for entry in entries]
    ).parts


def _call(call: ToolCall) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {} if call.signature is None else {"signature": written(call.signature)}
    return entry if call.synthetic_id else {**entry, "issued_id": True}


def _entry(kept: object) -> Mapping[str, JsonValue]:
    """Turn what `tool_calls` keeps into the outline's form."""
    found = mapping_of(kept)
    return {"signature": found.get("signature"), "synthetic_id": not found.get("issued_id", False)}


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
