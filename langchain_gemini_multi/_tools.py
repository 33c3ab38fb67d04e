"""Translates LangChain's tools, functions, classes and schemas to the core's tools. `bindings` reads other forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import isfunction
from typing import Any

from langchain_core.tools import BaseTool, create_schema_from_function
from langchain_core.tools import Tool as TextTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel
from typing_extensions import is_typeddict

from gemini_multi.bindings.tools import AnyTool, no_tool, read_tools, tool_json
from gemini_multi.bindings.values import brief, is_mapping, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, Tool
from langchain_gemini_multi._schemas import typed_dict_schema


def to_tools(tools: Iterable[object], *, strict: bool | None = None) -> tuple[AnyTool, ...]:
    """Translate tools in any form to the core's tools.

    Args:
        tools: LangChain tools, functions, pydantic classes, TypedDicts, JSON Schemas, and all forms for `read_tools`.
        strict: Whether the arguments must match the schema exactly.
    """
    return tuple(read_tools(tools, partial(_converted, strict=strict), BaseTool))


def bound(tools: Iterable[object], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Write tools as plain JSON for traces and caches. See `to_tools`."""
    return [tool_json(tool, strict=strict) for tool in to_tools(tools, strict=strict)]


def _converted(tool: Mapping[str, object] | type | Callable[..., object] | BaseTool, *, strict: bool | None) -> Tool:
    """Let LangChain convert the tool, and restore recursive schemas: its inlining of references breaks them."""
    if is_mapping(tool) and tool.get("type") == "function":  # LangChain accepts it even if fields are missing
        raise no_tool(tool)
    try:
        source = typed_dict_schema(tool) if isinstance(tool, type) and is_typeddict(tool) else tool
        converted = convert_to_openai_tool(dict(source) if is_mapping(source) else source, strict=strict)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ConfigurationError(f"{brief(tool)} cannot be used as a tool: {error}") from error
    if "function" not in converted:
        raise no_tool(tool)
    function = converted["function"]
    own, schema = mapping_of(function.get("parameters")), _arguments_schema(tool)
    if "$defs" in schema:
        own = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return Tool(function["name"], function.get("description") or "", own, strict=function.get("strict"))


def _arguments_schema(tool: object) -> JsonObject:
    """Return the JSON Schema of the arguments of a tool, a function or a class; empty if it cannot be read."""
    if isinstance(tool, TextTool) and tool.args_schema is None:
        return {}  # the tool takes one text, which its signature does not show
    source: object = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if isinstance(tool, BaseTool) and is_mapping(source):
        return source
    if isfunction(source):
        options: dict[str, Any] = {"error_on_invalid_docstring": False, "include_injected": False}
        source = create_schema_from_function(source.__name__, source, filter_args=(), parse_docstring=True, **options)
    return source.model_json_schema() if isinstance(source, type) and issubclass(source, BaseModel) else {}
