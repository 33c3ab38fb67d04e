"""Writes tools, the tool choice and the response format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gemini_multi._schemas.translate import chat_schema, function_name, is_empty_object, strict_schema
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.chat_completions.traits import ChatTarget, ChatTraits
from gemini_multi.dialects.generate_content.tools import format_demand
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, ChatRequest, JsonObject, JsonValue, Tool, ToolChoice


def tool_fields(
    request: ChatRequest, target: ChatTarget, names: Mapping[str, str], report: EncodingReport
) -> dict[str, JsonValue]:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`."""
    traits, choice = target.traits, request.tool_choice
    for kind in [tool.kind for tool in request.tools if isinstance(tool, BuiltInTool)]:
        report.feature(f"the built-in tool `{kind}`")
    declared = [tool for tool in request.tools if isinstance(tool, Tool)]
    if not declared:
        if choice is not None and choice.mode == "required":
            raise ConfigurationError("`tool_choice` asks for a call, but there is no function to call. Pass `tools`.")
        return {}
    if not traits.supports_tools:
        report.feature("functions")
        return {}
    allowed = _allowed(declared, choice)
    if len(allowed) > traits.maximum_tools:
        report.feature(f"{len(allowed)} functions (at most {traits.maximum_tools})")
    fields: dict[str, JsonValue] = {"tools": [_declaration(tool, target, names, report) for tool in allowed]}
    if choice is not None:
        fields["tool_choice"] = _chosen(choice, traits, names, report)
    if traits.parallel_tool_calls and request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _allowed(declared: list[Tool], choice: ToolChoice | None) -> list[Tool]:
    """Omit the functions that must not be called, because the dialect's tool choice can name only one function."""
    if choice is None or not choice.names or choice.mode not in ("required", "validated"):
        return declared
    names = [tool.name for tool in declared]
    if missing := [name for name in choice.names if name not in names]:
        raise ConfigurationError(
            f"`tool_choice` names {', '.join(map(repr, missing))}, but the tools are {', '.join(map(repr, names))}."
        )
    if choice.mode == "required" and len(choice.names) == 1:
        return declared
    return [tool for tool in declared if tool.name in choice.names]


def _declaration(tool: Tool, target: ChatTarget, names: Mapping[str, str], report: EncodingReport) -> JsonValue:
    traits = target.traits
    function: dict[str, JsonValue] = {"name": names[tool.name]}
    if tool.description:
        function["description"] = tool.description
    if not is_empty_object(tool.parameters):
        function["parameters"] = _schema(tool.parameters, target, is_strict=bool(tool.strict) and traits.strict_tools)
    elif traits.tool_parameters_required:
        function["parameters"] = {"type": "object", "properties": {}}
    if tool.strict is not None and traits.strict_tools:
        function["strict"] = tool.strict
    elif tool.strict:
        report.setting("strict", "the provider has no strict functions")
    declaration: dict[str, JsonValue] = {"type": "function", "function": function}
    if tool.cache_control and traits.cache_control:
        declaration["cache_control"] = dict(tool.cache_control)
    return declaration


def _chosen(choice: ToolChoice, traits: ChatTraits, names: Mapping[str, str], report: EncodingReport) -> JsonValue:
    if choice.mode != "required":
        return "none" if choice.mode == "none" else "auto"
    if not traits.tool_choice_required:
        report.feature("a forced tool call")
    if len(choice.names) == 1:
        return {"type": "function", "function": {"name": names[choice.names[0]]}}
    return "required"


def response_format(
    request: ChatRequest, target: ChatTarget, report: EncodingReport
) -> tuple[dict[str, JsonValue] | None, Sequence[str]]:
    """Write the response format: the field, and the text for the system message that replaces or completes it."""
    wanted = request.response_format
    if wanted is None:
        return None, ()
    if wanted.mime_type == "text/x.enum":
        report.feature("answers of the type `text/x.enum`")
        return None, ()
    if request.tools and not target.model.tools_with_json:
        return None, (format_demand(wanted),)
    if wanted.schema is None or not target.traits.json_schema:
        demand = () if wanted.schema is None and target.traits.json_object else (format_demand(wanted),)
        return ({"type": "json_object"} if target.traits.json_object else None), demand
    named: dict[str, JsonValue] = {
        "name": function_name(wanted.name),
        "description": wanted.description,
        "schema": _schema(wanted.schema, target, is_strict=bool(wanted.strict)),
        "strict": wanted.strict,
    }
    given: dict[str, JsonValue] = {key: value for key, value in named.items() if value is not None}
    return {"type": "json_schema", "json_schema": given}, ()


def _schema(schema: JsonObject, target: ChatTarget, *, is_strict: bool) -> dict[str, JsonValue]:
    translate = strict_schema if is_strict else chat_schema
    return translate(schema, enums_in_words="enums_in_words" in target.repairs)
