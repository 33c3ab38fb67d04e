"""Tools and tool choices in all the forms that LangChain users write -> OpenAI's form -> neutral values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction
from typing import Any, Final, TypeAlias

from langchain_core.tools import BaseTool, create_schema_from_function
from langchain_core.tools import Tool as TextTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from gemini_multi.bindings.custom_tools import refuse_custom
from gemini_multi.bindings.values import is_many, is_mapping, items_of, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, JsonObject, Tool, ToolChoice
from langchain_gemini_multi._typed_dicts import is_typed_dict, typed_dict_schema
from langchain_gemini_multi.chat_models import ToolChoiceArgument

ToolLike: TypeAlias = Mapping[str, Any] | type | Callable[..., object] | BaseTool | BaseModel | Tool | BuiltInTool

_BUILT_IN: Final = {
    "google_search": "google_search",
    "googleSearch": "google_search",
    "google_search_retrieval": "google_search_retrieval",
    "googleSearchRetrieval": "google_search_retrieval",
    "google_maps": "google_maps",
    "googleMaps": "google_maps",
    "url_context": "url_context",
    "urlContext": "url_context",
    "code_execution": "code_execution",
    "codeExecution": "code_execution",
    "file_search": "file_search",
    "fileSearch": "file_search",
    "computer_use": "computer_use",
    "computerUse": "computer_use",
    "enterprise_web_search": "enterprise_web_search",
    "enterpriseWebSearch": "enterprise_web_search",
    "mcp_servers": "mcp_servers",
    "mcpServers": "mcp_servers",
    "web_search": "google_search",
    "web_search_preview": "google_search",
    "code_interpreter": "code_execution",
}
_NAMING: Final = ("type", "name", "container")
"""How other providers name and house their built-in tools, which Google's have no words for."""
_DECLARATIONS: Final = ("function_declarations", "functionDeclarations")
_FOREIGN_SCHEMAS: Final = ("parameters_json_schema", "parametersJsonSchema", "inputSchema")
"""Where Google and MCP keep the schema of a function that stands alone; LangChain does not look there."""
_CONFIGS: Final = ("function_calling_config", "functionCallingConfig", "allowed_tools")
"""The member of a choice that holds it, in Google's form and in OpenAI's."""
_FORMS: Final = (
    "Use 'auto', 'any', 'none', a tool's name or several, or {'type': 'function', 'function': {'name': ...}}."
)
_MODES: Final = {"auto": "auto", "any": "required", "required": "required", "none": "none", "validated": "validated"}


def bound(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, object]]:
    """Write tools in OpenAI's form, for `bind`: plain JSON that traces and caches can show.

    Args:
        tools: LangChain tools, functions, pydantic classes, TypedDicts, JSON Schemas, tools in OpenAI's, Anthropic's or
            Google's form, also as objects of `google.genai.types`, or built-in ones such as `{"google_search": {}}` and
            `{"type": "url_context"}`.
        strict: Ask for arguments that keep the schema exactly.
    """
    written: list[dict[str, object]] = []
    for tool in tools:
        written.extend(_written(tool, strict=strict))
    return written


def _written(tool: ToolLike, *, strict: bool | None) -> list[dict[str, object]]:
    if isinstance(tool, Tool):
        own = strict if tool.strict is None else tool.strict
        return [_function(tool.name, tool.description, tool.parameters, strict=own)]
    if isinstance(tool, BuiltInTool):
        return [{tool.kind: dict(tool.options)}]
    if isinstance(tool, BaseModel) and not isinstance(tool, BaseTool):
        return _from_mapping(tool.model_dump(mode="json", exclude_none=True), strict=strict)
    if is_mapping(tool):
        return _from_mapping(tool, strict=strict)
    return [_converted(tool, strict=strict)]


def _from_mapping(tool: Mapping[str, object], *, strict: bool | None) -> list[dict[str, object]]:
    declarations = next((tool[key] for key in _DECLARATIONS if key in tool), None)
    if declarations is not None:
        functions = [_declaration(one, strict=strict) for one in items_of(declarations) if is_mapping(one)]
        rest = {key: value for key, value in tool.items() if key not in _DECLARATIONS}
        return [*functions, *(_from_mapping(rest, strict=strict) if rest else [])]
    kind = tool.get("type")
    refuse_custom(tool)
    if isinstance(kind, str) and (known := _built_in(kind)) is not None and "function" not in tool:
        own = ("type",) if kind == known else _NAMING
        return [{known: {key: value for key, value in tool.items() if key not in own}}]
    is_flat = kind == "function" and "function" not in tool
    if "name" in tool and (is_flat or any(key in tool for key in _FOREIGN_SCHEMAS)):
        return [_declaration(tool, strict=strict)]
    if tool and all(key in _BUILT_IN and isinstance(value, Mapping | None) for key, value in tool.items()):
        return [{_BUILT_IN[key]: dict(value) if is_mapping(value) else {}} for key, value in tool.items()]
    return [_converted(tool, strict=strict)]


def _built_in(kind: str) -> str | None:
    """Recognize the type of a built-in tool, OpenAI's and Anthropic's dated names included."""
    if kind in _BUILT_IN:
        return _BUILT_IN[kind]
    stem = kind.rstrip("0123456789").rstrip("_")
    return _BUILT_IN.get(stem) if stem != kind else None


def _declaration(declared: Mapping[str, object], *, strict: bool | None) -> dict[str, object]:
    """Read a function that is told of in one object, as Google, MCP and OpenAI's responses API do."""
    schemas = ("parameters", *_FOREIGN_SCHEMAS)
    parameters = mapping_of(next((declared[key] for key in schemas if key in declared), None))
    description, own = declared.get("description"), declared.get("strict")
    return _function(
        str(declared.get("name")),
        description if isinstance(description, str) else "",
        parameters,
        strict=own if isinstance(own, bool) else strict,
    )


def _converted(
    tool: Mapping[str, object] | type | Callable[..., object] | BaseTool, *, strict: bool | None
) -> dict[str, object]:
    """Let LangChain convert, and put back the recursive schemas that its inlining of references cuts off."""
    try:
        source = typed_dict_schema(tool) if is_typed_dict(tool) else tool
        converted = convert_to_openai_tool(dict(source) if is_mapping(source) else source, strict=strict)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ConfigurationError(f"{tool!r} cannot be used as a tool: {error}") from error
    if "function" not in converted:
        raise ConfigurationError(f"{tool!r} cannot be used as a tool: Gemini's providers have no such built-in one.")
    schema = arguments_schema(tool)
    if schema is not None and "$defs" in schema:
        function = {**converted["function"], "parameters": _without_names(schema)}
        return {**converted, "function": function}
    return dict(converted)


def arguments_schema(tool: object) -> JsonObject | None:
    """Return the JSON Schema of a tool's, a function's or a class's arguments; `None` when there is none to read."""
    if isinstance(tool, TextTool) and tool.args_schema is None:
        # It takes one text, which its signature does not say.
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


def _function(
    name: str, description: str, parameters: JsonObject | Mapping[str, object], *, strict: bool | None
) -> dict[str, object]:
    function: dict[str, object] = {"name": name, "description": description, "parameters": dict(parameters)}
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


def to_tools(tools: Sequence[ToolLike]) -> tuple[Tool | BuiltInTool, ...]:
    """Translate tools in any form into neutral ones."""
    return tuple(_neutral(tool) for tool in bound(tools))


def _neutral(tool: Mapping[str, object]) -> Tool | BuiltInTool:
    function = tool.get("function")
    if is_mapping(function) and "name" in function:
        strict = function.get("strict")
        return Tool(
            str(function["name"]),
            function.get("description") or "",
            function.get("parameters") or {},
            strict=strict if isinstance(strict, bool) else None,
            cache_control=mapping_of(tool.get("cache_control")) or None,
        )
    kind, options = next(iter(tool.items()))
    return BuiltInTool(kind, mapping_of(options))


def names_of(tools: Sequence[Mapping[str, object]]) -> list[str]:
    """List the names of the functions among tools in OpenAI's form."""
    functions = (tool.get("function") for tool in tools)
    return [str(function["name"]) for function in functions if is_mapping(function) and "name" in function]


def bound_choice(choice: ToolChoiceArgument, tools: Sequence[Mapping[str, object]]) -> str | dict[str, object]:
    """Write a tool choice in OpenAI's form.

    Args:
        choice: `auto`, `any`, `required`, `none`, `True`, a function's name or several, or an object as OpenAI,
            Anthropic or Google have it.
        tools: The bound tools.

    Raises:
        ConfigurationError: It names no bound tool.
    """
    neutral = to_tool_choice(choice, names_of(tools))
    if neutral is None:
        return "auto"
    if len(neutral.names) == 1 and neutral.mode == "required":
        return {"type": "function", "function": {"name": neutral.names[0]}}
    if neutral.names:
        return {"mode": neutral.mode, "allowed_function_names": list(neutral.names)}
    return neutral.mode


def to_tool_choice(choice: ToolChoiceArgument, names: Sequence[str]) -> ToolChoice | None:
    """Translate a tool choice; `names` are the functions there are.

    Raises:
        ConfigurationError: It is of no known form, or names no bound function.
    """
    if choice is None or choice is False:
        return None
    if isinstance(choice, ToolChoice):
        return choice
    if choice is True:
        return ToolChoice("required", tuple(names) if len(names) == 1 else ())
    if isinstance(choice, str):
        # A function may be called like a mode; the mode wins, as it does at the providers.
        mode = _MODES.get(choice.lower())
        return _mode(mode) if mode is not None else _named([choice], names)
    if is_mapping(choice):
        return _from_choice(choice, names)
    if is_many(choice) and all(isinstance(name, str) for name in choice):
        return _named(list(choice), names)
    raise ConfigurationError(f"`tool_choice` {choice!r} is of no known form. {_FORMS}")


def forbids_parallel(choice: ToolChoiceArgument) -> bool:
    """Whether a tool choice in Anthropic's form allows one call at a time only."""
    return is_mapping(choice) and choice.get("disable_parallel_tool_use") is True


def _mode(word: str, names: tuple[str, ...] = ()) -> ToolChoice:
    match word:
        case "required" | "any":
            return ToolChoice("required", names)
        case "none":
            return ToolChoice("none")
        case "validated":
            return ToolChoice("validated", names)
        case _:
            # Google's mode in which the model may call some of the functions, and need not call any.
            return ToolChoice("validated", names) if names else ToolChoice("auto")


def _named(wanted: Sequence[str], names: Sequence[str], mode: str = "required") -> ToolChoice:
    if unknown := [name for name in wanted if name not in names]:
        raise ConfigurationError(
            f"`tool_choice` names {unknown[0]!r}, which is none of the bound tools {list(names)!r}. "
            "Use one of them, or 'auto', 'any' or 'none'."
        )
    return _mode(mode, tuple(wanted))


def _from_choice(choice: Mapping[str, object], names: Sequence[str]) -> ToolChoice:
    """Read a choice that is an object."""
    config = next((choice[key] for key in _CONFIGS if key in choice), choice)
    inner = config if is_mapping(config) else choice
    function = inner.get("function")
    kind = str(inner.get("mode", inner.get("type", ""))).lower()
    if is_mapping(function) and isinstance(function.get("name"), str):
        return _named([str(function["name"])], names)
    if kind in ("tool", "function", "custom") and isinstance(inner.get("name"), str):
        return _named([str(inner["name"])], names)
    if (mode := _MODES.get(kind)) is not None:
        allowed = _allowed(inner)
        return _named(allowed, names, mode) if allowed else _mode(mode)
    raise ConfigurationError(f"`tool_choice` {dict(choice)!r} is of no known form. {_FORMS}")


def _allowed(config: Mapping[str, object]) -> list[str]:
    """List the functions to which a choice is limited, in Google's form or OpenAI's."""
    listed = items_of(config.get("allowed_function_names", config.get("allowedFunctionNames")))
    for tool in map(mapping_of, items_of(config.get("tools"))):
        listed.append(mapping_of(tool.get("function", tool)).get("name"))
    return [str(name) for name in listed]
