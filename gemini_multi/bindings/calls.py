"""Reads tool calls in messages of any origin: OpenAI's and LiteLLM's elements, older forms, google-genai's objects."""

from __future__ import annotations

from gemini_multi._encoding.call_arguments import parsed
from gemini_multi.bindings.values import is_mapping
from gemini_multi.types import ToolCall


def to_call(call_id: str, name: str, arguments: object) -> ToolCall:
    """Make a tool call from its arguments or their JSON text, with the same rules as for tool calls in answers.

    The provider did not issue an id without our metadata, so such an id is not sent to the provider.
    """
    if is_mapping(arguments):
        return ToolCall(call_id, name, dict(arguments), synthetic_id=True)
    text = "" if arguments is None else str(arguments)
    if isinstance(decoded := parsed(text), dict):
        return ToolCall(call_id, name, decoded, synthetic_id=True)
    return ToolCall(call_id, name, invalid_arguments=text, synthetic_id=True)


def foreign_call(call: object, call_id: str = "") -> ToolCall | None:
    """Read a tool call in the form of any other integration; `None` if it names no function.

    The forms are OpenAI's element, the older `function_call`, `{"name", "args"}`, and objects with such attributes.
    A call without an id gets `call_id`.
    """
    function = _member(call, "function")
    fields = call if function is None else function
    name = _first(fields, "name", "tool_name")
    if not isinstance(name, str) or not name:
        return None
    identity = _first(call, "call_id", "id", "tool_id")
    arguments = _first(fields, "arguments", "args", "input", "tool_kwargs")
    return to_call(identity if isinstance(identity, str) and identity else call_id, name, arguments)


def _member(value: object, name: str) -> object:
    return value.get(name) if is_mapping(value) else getattr(value, name, None)


def _first(value: object, *names: str) -> object:
    return next((found for name in names if (found := _member(value, name)) is not None), None)
