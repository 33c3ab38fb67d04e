"""Writes tools, the tool choice and the response format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json

from gemini_multi._schemas.translate import is_empty_object, json_schema, open_api_schema
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, ChatRequest, JsonObject, JsonValue, ResponseFormat, Tool, ToolChoice

_DEVELOPER_TOOLS: Final = frozenset({"file_search", "mcp_servers"})
_VERTEX_TOOLS: Final = frozenset({"retrieval", "enterprise_web_search", "parallel_ai_search", "exa_ai_search"})


def tools(
    request: ChatRequest, target: GenerateTarget, names: Mapping[str, str], report: EncodingReport
) -> list[JsonValue]:
    """Write the tools, one kind per object."""
    functions = [_declaration(tool, target, names) for tool in request.tools if isinstance(tool, Tool)]
    built_in = [tool for tool in request.tools if isinstance(tool, BuiltInTool)]
    if functions and built_in and not target.model.tools_with_built_in:
        report.feature("functions together with built-in tools")
    unknown = _VERTEX_TOOLS if target.traits.developer_api else _DEVELOPER_TOOLS
    for tool in built_in:
        if tool.kind in unknown:
            report.feature(f"the built-in tool `{tool.kind}`")
    written: list[JsonValue] = [{_camel(tool.kind): dict(tool.options)} for tool in built_in]
    return [{"functionDeclarations": functions}, *written] if functions else written


def _declaration(tool: Tool, target: GenerateTarget, names: Mapping[str, str]) -> JsonValue:
    declaration: dict[str, JsonValue] = {"name": names[tool.name]}
    if tool.description:
        declaration["description"] = tool.description
    if not is_empty_object(tool.parameters):
        declaration |= _schema(tool.parameters, target, "parametersJsonSchema", "parameters")
    return declaration


def _schema(schema: JsonObject, target: GenerateTarget, newer: str, older: str) -> dict[str, JsonValue]:
    """Write a schema in the newer field, which holds JSON Schema, or in the older field with Gemini's own schemas."""
    in_words = "enums_in_words" in target.repairs
    if "open_api_schemas" in target.repairs:
        return {older: open_api_schema(schema, enums_in_words=in_words)}
    return {newer: json_schema(schema, enums_in_words=in_words)}


def _camel(kind: str) -> str:
    head, *rest = kind.split("_")
    return head + "".join(word.capitalize() for word in rest)


def tool_config(request: ChatRequest, target: GenerateTarget, names: Mapping[str, str]) -> dict[str, JsonValue]:
    """Write the tool choice and the options of tools."""
    functions = [tool for tool in request.tools if isinstance(tool, Tool)]
    config: dict[str, JsonValue] = {}
    is_mixed = bool(functions) and len(functions) < len(request.tools)
    if calling := _calling(request.tool_choice, functions, names, is_mixed=is_mixed):
        config["functionCallingConfig"] = calling
    if target.traits.server_side_tool_flag and is_mixed:
        config["includeServerSideToolInvocations"] = True
    return config


def _calling(
    choice: ToolChoice | None, functions: list[Tool], names: Mapping[str, str], *, is_mixed: bool
) -> dict[str, JsonValue]:
    if not functions:
        if choice is not None and choice.mode == "required":
            raise ConfigurationError("`tool_choice` asks for a call, but there is no function to call. Pass `tools`.")
        return {}
    if choice is None or choice == ToolChoice():
        if any(tool.strict for tool in functions):
            # The mode that enforces the schemas of calls without forcing a call.
            return {"mode": "VALIDATED"}
        # With built-in tools this mode is the provider's default, and the provider refuses `AUTO`.
        return {} if choice is None else {"mode": "VALIDATED" if is_mixed else "AUTO"}
    if choice.mode == "none":
        return {"mode": "NONE"}
    if missing := [name for name in choice.names if name not in names]:
        raise ConfigurationError(
            f"`tool_choice` names {', '.join(map(repr, missing))}, but the tools are {', '.join(map(repr, names))}."
        )
    allowed: dict[str, JsonValue] = {"allowedFunctionNames": [names[name] for name in choice.names]}
    return {"mode": "ANY" if choice.mode == "required" else "VALIDATED", **(allowed if choice.names else {})}


def format_fields(wanted: ResponseFormat, target: GenerateTarget, *, is_typed: bool) -> dict[str, JsonValue]:
    """Write the response format as fields of `generationConfig`, or in the newer form, which Google Maps needs."""
    fields = _format_schema(wanted, target)
    if is_typed:
        schemas = dict.fromkeys(["schema"], *fields.values()) if fields else {}
        return {"responseFormat": {"text": {"mimeType": "APPLICATION_JSON", **schemas}}}
    return {"responseMimeType": wanted.mime_type, **fields}


def _format_schema(wanted: ResponseFormat, target: GenerateTarget) -> dict[str, JsonValue]:
    """Write the schema, if there is one, in the field for its schema language."""
    if wanted.schema is None:
        return {}
    schema = _described(wanted.schema, wanted.description)
    # The documentation describes bare enum members for the older field only.
    if wanted.mime_type == "text/x.enum":
        return {"responseSchema": open_api_schema(schema)}
    return _schema(schema, target, "responseJsonSchema", "responseSchema")


def format_demand(wanted: ResponseFormat) -> str:
    """Write the response format as a sentence, for models that support no format together with tools."""
    is_enum = wanted.mime_type == "text/x.enum"
    kind = "one of the allowed values, without quotes" if is_enum else "one JSON value, without Markdown"
    demand = f"When you answer in text, answer with nothing but {kind}."
    if wanted.schema is None:
        return demand
    schema = to_json(dict(_described(wanted.schema, wanted.description))).decode()
    return f"{demand} It must conform to this JSON Schema:\n{schema}"


def _described(schema: JsonObject, description: str | None) -> JsonObject:
    return schema if description is None or "description" in schema else {**schema, "description": description}
