"""Tool calls out of LlamaIndex's responses."""

from __future__ import annotations

import json
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

from llama_index_gemini_multi._interop import foreign_calls
from llama_index_gemini_multi._typed import mapping


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """Read the calls of an answer or of a chunk; arguments that are no JSON object become empty ones."""
    message = response.message
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not calls:
        return [
            ToolSelection(tool_id=call.id, tool_name=call.name, tool_kwargs=dict(call.arguments))
            for call in foreign_calls(message)
        ]
    return [
        ToolSelection(
            tool_id=call.tool_call_id or f"call_{position}",
            tool_name=call.tool_name,
            tool_kwargs=_arguments(call.tool_kwargs),
        )
        for position, call in enumerate(calls)
    ]


def _arguments(given: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    try:
        return dict(mapping(json.loads(given)))
    except ValueError:
        return {}


def first_call_only(response: ChatResponse) -> ChatResponse:
    """Return the response with the first tool call only; the one given is not changed."""
    message = response.message
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if len(calls) < 2:
        return response
    blocks = [block for block in message.blocks if block is calls[0] or not isinstance(block, ToolCallBlock)]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks})})
