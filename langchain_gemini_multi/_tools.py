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

from gemini_multi.bindings.tools import AnyTool, no_tool, read_tools, tool_json
from gemini_multi.bindings.values import brief, is_mapping, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, Tool
from langchain_gemini_multi._typed_dicts import is_typed_dict, typed_dict_schema


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
        source = typed_dict_schema(tool) if is_typed_dict(tool) else tool
        converted = convert_to_openai_tool(dict(source) if is_mapping(source) else source, strict=strict)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ConfigurationError(f"{brief(tool)} cannot be used as a tool: {error}") from error
    if "function" not in converted:
        raise no_tool(tool)
    function = converted["function"]
    schema = arguments_schema(tool)
    own = function.get("parameters") if schema is None or "$defs" not in schema else _without_names(schema)
    return Tool(function["name"], function.get("description") or "", mapping_of(own), strict=function.get("strict"))


def arguments_schema(tool: object) -> JsonObject | None:
    """Return the JSON Schema of the arguments of a tool, a function or a class; `None` if it cannot be read."""
    if isinstance(tool, TextTool) and tool.args_schema is None:
        # The tool takes one text. Its signature does not show this.
        return None
    source: object = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if isinstance(tool, BaseTool) and is_mapping(source):
        return source
    if isfunction(source):
        source = create_schema_from_function(
            source.__name__,
            source,
            filter_args=(),
            parse_docstring=True,
            error_on_invalid_docstring=False,
            include_injected=False,
        )
    if isinstance(source, type) and issubclass(source, BaseModel):
        return source.model_json_schema()
    return None


def _without_names(schema: JsonObject) -> JsonObject:
    return {key: value for key, value in schema.items() if key not in ("title", "description")}
