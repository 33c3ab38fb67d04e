"""Reads the data of other integrations in a message."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from gemini_multi.bindings.calls import foreign_call
from gemini_multi.bindings.values import items_of
from gemini_multi.types import Signature, ToolCall


def foreign_calls(message: ChatMessage) -> Iterator[ToolCall]:
    """Read tool calls that are only in `additional_kwargs`, in the forms that other integrations write."""
    if any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return
    legacy = message.additional_kwargs.get("function_call")
    calls = items_of(message.additional_kwargs.get("tool_calls")) or ([] if legacy is None else [legacy])
    yield from filter(None, map(foreign_call, calls))


def foreign_signatures(message: ChatMessage) -> list[Signature | None]:
    """Read the signatures that the google-genai integration keeps by the position of the block."""
    return [_signature(value) for value in items_of(message.additional_kwargs.get("thought_signatures"))]


def _signature(value: object) -> Signature | None:
    text = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
    return Signature(text, carrier="thoughtSignature", issuer="google") if isinstance(text, str) and text else None
