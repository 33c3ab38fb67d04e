"""What other integrations leave in a message, and tool calls in whatever form they have."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import cast

from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from gemini_multi.bindings.call_arguments import read_arguments
from gemini_multi.types import JsonValue, Signature, ToolCall
from llama_index_gemini_multi._typed import is_mapping, sequence


def to_call(call_id: str, name: str, arguments: object) -> ToolCall:
    """Make a call; ids that come without our note were not issued by the provider, so they stay local."""
    if is_mapping(arguments):
        return ToolCall(call_id, name, _json_object(arguments), synthetic_id=True)
    text = arguments if isinstance(arguments, str) else ""
    decoded = read_arguments(text)
    if decoded is not None:
        return ToolCall(call_id, name, decoded, synthetic_id=True)
    return ToolCall(call_id, name, invalid_arguments=text, synthetic_id=True)


def foreign_calls(message: ChatMessage) -> Iterator[ToolCall]:
    """Read calls that only stand in `additional_kwargs`, in the forms that other integrations write.

    These are OpenAI's and LiteLLM's elements, the older `function_call`, `{"name", "args"}` and google-genai's objects.
    """
    if any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return
    legacy = message.additional_kwargs.get("function_call")
    calls = sequence(message.additional_kwargs.get("tool_calls")) or ([] if legacy is None else [legacy])
    for call in calls:
        function = _member(call, "function")
        said = call if function is None else function
        name = _first(said, "name", "tool_name")
        if isinstance(name, str) and name:
            call_id = _first(call, "id", "tool_id")
            arguments = _first(said, "arguments", "args", "tool_kwargs")
            yield to_call(call_id if isinstance(call_id, str) else "", name, arguments)


def foreign_signatures(message: ChatMessage) -> list[Signature | None]:
    """Read the signatures that the google-genai integration keeps by the position of the block."""
    return [_signature(value) for value in sequence(message.additional_kwargs.get("thought_signatures"))]


def _json_object(given: Mapping[str, object]) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", dict(given))


def _member(value: object, name: str) -> object:
    return value.get(name) if is_mapping(value) else getattr(value, name, None)


def _first(value: object, *names: str) -> object:
    return next((found for name in names if (found := _member(value, name)) is not None), None)


def _signature(value: object) -> Signature | None:
    text = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
    return Signature(text, carrier="thoughtSignature", issuer="google") if isinstance(text, str) and text else None
