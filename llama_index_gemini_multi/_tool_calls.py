"""Reads the tool calls of LlamaIndex's messages and responses, also those that other integrations wrote."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

from gemini_multi.bindings.tools import foreign_call, to_call
from gemini_multi.bindings.values import items_of
from gemini_multi.types import Signature, ToolCall
from llama_index_gemini_multi.errors import InvalidToolCall

_SHOWN: Final = 200
"""The number of characters of unreadable arguments that a message shows."""


def foreign_calls(message: ChatMessage) -> Iterator[ToolCall]:
    """Read tool calls that are only in `additional_kwargs`, in the forms that other integrations write."""
    if any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return
    legacy = message.additional_kwargs.get("function_call")
    calls = items_of(message.additional_kwargs.get("tool_calls")) or ([] if legacy is None else [legacy])
    yield from filter(None, map(foreign_call, calls))


def foreign_signatures(message: ChatMessage) -> Iterator[Signature | None]:
    """Read the signatures that the google-genai integration keeps by the position of the block."""
    for value in items_of(message.additional_kwargs.get("thought_signatures")):
        text = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        is_signature = isinstance(text, str) and text
        yield Signature(text, carrier="thoughtSignature", issuer="google") if is_signature else None


def block_call(block: ToolCallBlock) -> ToolCall:
    """Read the tool call of a block."""
    return to_call(block.tool_call_id or "", block.tool_name, block.tool_kwargs)


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """Read the tool calls of an answer or of a chunk.

    Raises:
        InvalidToolCall: The arguments of a tool call cannot be read. LlamaIndex would run the tool without arguments.
    """
    message = response.message
    calls = [block_call(block) for block in message.blocks if isinstance(block, ToolCallBlock)]
    return [_selection(call, position) for position, call in enumerate(calls or foreign_calls(message))]


def _selection(call: ToolCall, position: int) -> ToolSelection:
    if call.invalid_arguments is not None:
        raise InvalidToolCall(
            f"The model called the tool {call.name!r} with arguments that cannot be read, so the tool was not run. "
            "Raise `max_tokens` if the answer was cut off, else ask again. The arguments begin with "
            f"{call.invalid_arguments[:_SHOWN]!r}.",
            raw=call.invalid_arguments,
        )
    return ToolSelection(tool_id=call.id or f"call_{position}", tool_name=call.name, tool_kwargs=dict(call.arguments))


def first_call(response: ChatResponse) -> ToolCallBlock | None:
    """Return the first tool call of a response."""
    return next((block for block in response.message.blocks if isinstance(block, ToolCallBlock)), None)


def first_call_only(response: ChatResponse) -> ChatResponse:
    """Return a copy of the response with the first tool call only."""
    message, first = response.message, first_call(response)
    blocks = [block for block in message.blocks if block is first or not isinstance(block, ToolCallBlock)]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks})})
