"""Reads the tool calls of LlamaIndex's responses."""

from __future__ import annotations

from typing import Final

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

from gemini_multi.bindings.calls import to_call
from gemini_multi.types import ToolCall
from llama_index_gemini_multi._interop import foreign_calls
from llama_index_gemini_multi.errors import InvalidToolCall

_SHOWN: Final = 200
"""The number of characters of unreadable arguments that a message shows."""


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """Read the tool calls of an answer or of a chunk.

    Raises:
        InvalidToolCall: The arguments of a tool call cannot be read. LlamaIndex would run the tool without arguments.
    """
    message = response.message
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    calls = [to_call(block.tool_call_id or "", block.tool_name, block.tool_kwargs) for block in blocks]
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


def first_call_only(response: ChatResponse) -> ChatResponse:
    """Return a copy of the response with the first tool call only."""
    message = response.message
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if len(calls) < 2:
        return response
    blocks = [block for block in message.blocks if block is calls[0] or not isinstance(block, ToolCallBlock)]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks})})
