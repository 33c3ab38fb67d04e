"""Tools and tool choices, from LlamaIndex's and OpenAI's forms to the core's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from pydantic import BaseModel

from gemini_multi.bindings.custom_tools import refuse_custom
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, JsonObject, JsonValue, Tool, ToolChoice
from llama_index_gemini_multi._schemas import tool_schema

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

ToolArgument: TypeAlias = "BaseTool | Tool | BuiltInTool | JsonObject"
"""A LlamaIndex tool, a tool of the core, or JSON: OpenAI's `{"type": "function", ...}` or `{"google_search": {}}`."""

ToolChoiceArgument: TypeAlias = "str | JsonObject | ToolChoice"
"""A tool's name, `auto`, `required`, `any`, `none`, `validated`, OpenAI's object, or the core's value."""

Mode: TypeAlias = Literal["auto", "required", "none", "validated"]
_MODES: Final[Mapping[str, Mode]] = {
    "auto": "auto",
    "required": "required",
    "any": "required",
    "none": "none",
    "validated": "validated",
}


def function_json(tool: BaseTool) -> dict[str, JsonValue]:
    """Describe a LlamaIndex tool in OpenAI's form, which is plain JSON and fits into events."""
    metadata = tool.metadata
    function: dict[str, JsonValue] = {
        "name": metadata.get_name(),
        "description": metadata.description,
        "parameters": tool_schema(metadata),
    }
    return {"type": "function", "function": function}


def to_core_tool(tool: ToolArgument) -> Tool | BuiltInTool:
    """Make a tool of the core.

    Raises:
        ConfigurationError: The value is not one of the known forms.
    """
    if isinstance(tool, (Tool, BuiltInTool)):
        return tool
    if isinstance(tool, Mapping):
        return _from_json(tool)
    if hasattr(tool, "metadata"):
        return _from_json(function_json(tool))
    raise ConfigurationError(
        f"{tool!r} is not a tool. Give a LlamaIndex tool, a `gemini_multi` tool, OpenAI's JSON form, or a built-in "
        "tool such as {'google_search': {}}."
    )


def built_in_json(tool: object) -> dict[str, JsonValue]:
    """Describe a tool that the provider runs as plain JSON.

    Args:
        tool: Its kind, such as `google_search`, one member of that name with its options, or a value of the core's or
            of Google's own class.

    Raises:
        ConfigurationError: The value is no such tool.
    """
    if isinstance(tool, BaseModel):
        tool = tool.model_dump(mode="json", exclude_none=True)
    known = BuiltInTool(tool) if isinstance(tool, str) else to_core_tool(cast("ToolArgument", tool))
    if isinstance(known, Tool):
        raise ConfigurationError(f"{known.name!r} is a function. Give it as one of `tools`, with the call.")
    return {known.kind: dict(known.options)}


def _from_json(tool: JsonObject) -> Tool | BuiltInTool:
    refuse_custom(tool)
    function = tool.get("function", tool if "name" in tool else None)
    if isinstance(function, Mapping) and isinstance(name := function.get("name"), str):
        hint = tool.get("cache_control")
        return replace(_function(name, function), cache_control=hint if isinstance(hint, Mapping) else None)
    if len(tool) == 1:
        ((kind, options),) = tool.items()
        if options is None or isinstance(options, Mapping):
            return BuiltInTool(kind, dict(options or {}))
    raise ConfigurationError(
        f"{dict(tool)!r} describes no tool. Give {{'type': 'function', 'function': {{'name': …}}}} for a function, or "
        "one member such as {'google_search': {}} for a tool that the provider runs."
    )


def _function(name: str, function: JsonObject) -> Tool:
    description = function.get("description")
    parameters = function.get("parameters")
    strict = function.get("strict")
    return Tool(
        name,
        description if isinstance(description, str) else "",
        parameters if isinstance(parameters, dict) else {},
        strict=strict if isinstance(strict, bool) else None,
    )


def to_core_choice(choice: ToolChoiceArgument, tools: Sequence[Tool | BuiltInTool]) -> ToolChoice:
    """Make a tool choice of the core. A tool's own name wins over a mode of the same name.

    Raises:
        ConfigurationError: The value names neither a mode nor one of the tools.
    """
    if isinstance(choice, ToolChoice):
        return choice
    names = tuple(tool.name for tool in tools if isinstance(tool, Tool))
    wanted = choice if isinstance(choice, str) else _chosen(choice)
    if wanted in names:
        return ToolChoice("required", (wanted,))
    if (mode := _MODES.get(wanted.lower())) is not None:
        return ToolChoice(mode)
    raise ConfigurationError(
        f"`tool_choice` {choice!r} names no tool. Choose one of {sorted(names)!r}, or one of {sorted(_MODES)!r}."
    )


def _chosen(choice: JsonObject) -> str:
    function = choice.get("function", choice)
    if isinstance(function, Mapping) and isinstance(name := function.get("name"), str):
        return name
    kind = choice.get("type")
    return kind if isinstance(kind, str) else ""


def requested_choice(choice: ToolChoiceArgument | None, *, required: bool) -> ToolChoiceArgument:
    """Decide between an explicit choice, which wins, and `tool_required`."""
    if choice is not None:
        return choice
    return "required" if required else "auto"
