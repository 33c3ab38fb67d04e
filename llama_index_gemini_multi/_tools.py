"""Translates LlamaIndex's tools to the core's tools. `bindings` reads all other forms."""

from __future__ import annotations

from collections.abc import Iterable

from llama_index.core.tools.types import BaseTool

from gemini_multi.bindings.tools import AnyTool, no_tool, read_tools
from gemini_multi.types import Tool
from llama_index_gemini_multi._schemas import tool_schema


def to_tools(tools: Iterable[object]) -> tuple[AnyTool, ...]:
    """Translate tools in LlamaIndex's form and in all forms that `read_tools` accepts."""
    return tuple(read_tools(tools, _converted, BaseTool))


def _converted(tool: BaseTool) -> Tool:
    if not hasattr(tool, "metadata"):
        raise no_tool(tool)
    return Tool(tool.metadata.get_name(), tool.metadata.description, tool_schema(tool.metadata))
