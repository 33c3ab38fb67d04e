"""Makes the wire names of functions, which a request and its answer share."""

from __future__ import annotations

from gemini_multi._schemas.translate import wire_names
from gemini_multi.types import ChatRequest, Tool, ToolCall, ToolResult


def tool_names(request: ChatRequest) -> dict[str, str]:
    """Return the wire name of every function that the request declares or that its history calls."""
    declared = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    called = [
        part.name
        for message in request.messages
        for part in message.parts
        if isinstance(part, (ToolCall, ToolResult)) and part.name
    ]
    return wire_names([*declared, *called])
