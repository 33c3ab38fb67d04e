"""What other integrations leave in a message, and tool calls in whatever form they have."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import cast

from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from gemini_multi.types import JsonValue, Signature, ToolCall
from llama_index_gemini_multi._typed import is_mapping, sequence


def to_call(call_id: str, name: str, arguments: object) -> ToolCall:
    """Make a call; ids that come without our note were not issued by the provider, so they stay local."""
    if is_mapping(arguments):
        return ToolCall(call_id, name, _json_object(arguments), synthetic_id=True)
    text = arguments if isinstance(arguments, str) else ""
    try:
        decoded: JsonValue = json.loads(text or "{}")
    except ValueError:
        decoded = None
    if isinstance(decoded, dict):
        return ToolCall(call_id, name, decoded, synthetic_id=True)
    return ToolCall(call_id, name, invalid_arguments=text, synthetic_id=True)


def foreign_calls(message: ChatMessage) -> Iterator[ToolCall]:
    """Read calls that only stand in `additional_kwargs`, as LiteLLM and older integrations write them."""
    if any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return
    for call in sequence(message.additional_kwargs.get("tool_calls")):
        function = _member(call, "function")
        name = _member(function, "name") or _member(call, "tool_name")
        if isinstance(name, str) and name:
            call_id = _member(call, "id") or _member(call, "tool_id")
            arguments = _member(call, "tool_kwargs") if function is None else _member(function, "arguments")
            yield to_call(call_id if isinstance(call_id, str) else "", name, arguments)


def foreign_signatures(message: ChatMessage) -> list[Signature | None]:
    """Read the signatures that the google-genai integration keeps by the position of the block."""
    return [_signature(value) for value in sequence(message.additional_kwargs.get("thought_signatures"))]


def _json_object(given: Mapping[str, object]) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", dict(given))


def _member(value: object, name: str) -> object:
    return value.get(name) if is_mapping(value) else getattr(value, name, None)


def _signature(value: object) -> Signature | None:
    text = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
    return Signature(text, carrier="thoughtSignature", issuer="google") if isinstance(text, str) and text else None
