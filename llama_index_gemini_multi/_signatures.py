"""Keeps, as JSON in a `ThinkingBlock`, the data that LlamaIndex's blocks have no field for, and restores it.

A `ToolCallBlock` has no field for a thought signature, several texts become one `TextBlock`, and some parts, such as
executed code, have no block. `pack` writes this data as a note. `unpack` rebuilds the exact parts from the blocks and
the note.

The note has two members. `tool_calls` has the signature of each tool call by its id, so each call keeps its own
signature if a message loses a call or is merged with another message. `parts` is the outline of the parts. It exists
only if the order and the limits of the blocks differ from those of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gemini_multi.bindings.outline import Rebuild, outline, signed_call, written
from gemini_multi.bindings.values import is_mapping, items_of, mapping_of
from gemini_multi.types import Blob, FileReference, JsonObject, JsonValue, Part, Text, Thought, ToolCall
from llama_index_gemini_multi._media import has_block

NOTE_KEY: Final = "gemini_multi"
"""The member of `ThinkingBlock.additional_information` that holds the note."""


def pack(parts: Sequence[Part]) -> dict[str, JsonValue]:
    """Write the data that the blocks of these parts cannot hold; empty if they hold everything."""
    calls: dict[str, JsonValue] = {
        part.id: entry for part in parts if isinstance(part, ToolCall) and (entry := _call(part))
    }
    note: dict[str, JsonValue] = {"tool_calls": calls} if calls else {}
    if not _is_natural(parts):
        entries = outline(parts, has_block)
        note["parts"] = [{"call": entry["call"]} if "call" in entry else entry for entry in entries]
    return note


def unpack(natural: Sequence[Part], note: JsonObject) -> tuple[Part, ...]:
    """Rebuild the exact parts from the note and from the parts that were read from the blocks."""
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
    """Convert an entry of `tool_calls` to the form of the outline."""
    found = mapping_of(kept)
    return {"signature": found.get("signature"), "synthetic_id": not found.get("issued_id", False)}


def _is_natural(parts: Sequence[Part]) -> bool:
    """Whether the parts are at most one thought, one text, media and calls in this order, and only calls are signed."""
    blocks = (Thought, Text, (Blob, FileReference), ToolCall)
    kinds = [type(part) for part in parts]
    if kinds.count(Thought) > 1 or kinds.count(Text) > 1:
        return False
    if [part for block in blocks for part in parts if isinstance(part, block)] != list(parts):
        return False
    others = [part for part in parts if isinstance(part, (Thought, Text)) or has_block(part)]
    return len(others) == len(parts) - kinds.count(ToolCall) and all(part.signature is None for part in others)
