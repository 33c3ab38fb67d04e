"""The keys of messages under which this package keeps data without a field in LangChain, and functions to read it.

The bare signatures of tool calls are also stored under the key of `langchain-google-genai`. So each of the two packages
can continue conversations of the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gemini_multi.bindings.outline import Entries, read_signature
from gemini_multi.bindings.values import is_mapping, is_object, items_of
from gemini_multi.types import JsonObject, Part, Signature, Text, Thought, ToolCall

PROVIDER: Final = "gemini_multi"
"""The `model_provider` of this package's messages."""

OPAQUE: Final = "gemini_part"
"""The `type` in a non-standard block with a part that only the provider understands."""

OUTLINE_KEY: Final = "gemini_multi_parts"
GOOGLE_KEY: Final = "__gemini_function_call_thought_signatures__"


def opaque_block(data: JsonObject) -> dict[str, object]:
    """Make the block for a part that only the provider understands."""
    return {"type": "non_standard", "value": {"type": OPAQUE, "part": dict(data)}}


def is_plain(parts: Sequence[Part]) -> bool:
    """Whether the message alone can rebuild the parts: no signature, calls last, all call ids made by this library."""
    seen_call = False
    for part in parts:
        if isinstance(part, ToolCall):
            seen_call = True
            if part.signature is not None or not part.synthetic_id:
                return False
        elif seen_call or not isinstance(part, (Text, Thought)) or part.signature is not None:
            return False
    return True


def google_signatures(parts: Sequence[Part]) -> dict[str, str]:
    """Return the bare signatures of the tool calls, by call id."""
    return {
        part.id: bare
        for part in parts
        if isinstance(part, ToolCall) and part.signature and (bare := part.signature.thought_signature())
    }


def entries(additional_kwargs: Mapping[str, object]) -> Entries:
    """Return the outline that a message holds; empty if it holds none."""
    return [entry for entry in items_of(additional_kwargs.get(OUTLINE_KEY)) if is_mapping(entry)]


def call_signatures(additional_kwargs: Mapping[str, object], issuer: str) -> dict[str, Signature]:
    """Find the signatures of tool calls, by call id.

    Our key comes first, then Google's key, then `extra_content` in the form that providers send.

    Args:
        additional_kwargs: The message's field of this name.
        issuer: The issuer of signatures without a stated issuer.
    """
    found: dict[str, Signature] = dict(_extra_content(additional_kwargs.get("tool_calls"), issuer))
    by_google = additional_kwargs.get(GOOGLE_KEY)
    if is_mapping(by_google):
        for call_id, payload in by_google.items():
            if isinstance(payload, str) and payload:
                found[str(call_id)] = Signature(payload, carrier="thoughtSignature", issuer=issuer)
    for entry in entries(additional_kwargs):
        if (signature := read_signature(entry.get("signature"))) is not None and "call" in entry:
            found[str(entry["call"])] = signature
    return found


def _extra_content(calls: object, issuer: str) -> Iterator[tuple[str, Signature]]:
    for call in items_of(calls):
        if is_mapping(call) and is_object(extra := call.get("extra_content")):
            yield str(call.get("id")), Signature(extra, carrier="extra_content", issuer=issuer)
