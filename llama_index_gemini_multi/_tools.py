"""Translates LlamaIndex's tools to the core's tools; `bindings` reads all other forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llama_index.core.tools.types import BaseTool

from gemini_multi.bindings.tools import AnyTool, no_tool, read_tools, tool_json
from gemini_multi.bindings.values import is_many
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Tool
from llama_index_gemini_multi._schemas import tool_schema


def to_tools(tools: Iterable[object]) -> tuple[AnyTool, ...]:
    """Translate tools in any form: LlamaIndex's, and whatever `read_tools` takes."""
    return tuple(read_tools(tools, _converted, BaseTool))


def _converted(tool: BaseTool) -> Tool:
    if not hasattr(tool, "metadata"):
        raise no_tool(tool)
    return Tool(tool.metadata.get_name(), tool.metadata.description, tool_schema(tool.metadata))


def built_in_json(given: object) -> list[dict[str, Any]]:
    """Describe tools that the provider runs as plain JSON.

    Raises:
        ConfigurationError: One of them is a function, or no tool.
    """
    found = to_tools(given if is_many(given) else [given])
    if function := next((tool for tool in found if isinstance(tool, Tool)), None):
        raise ConfigurationError(f"{function.name!r} is a function. Give it as one of `tools`, with the call.")
    return [tool_json(tool) for tool in found]
