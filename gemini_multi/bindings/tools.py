"""Reads tools, their calls and choices, and response formats in all forms: ours and those of other integrations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel

from gemini_multi._encoding.call_arguments import parsed
from gemini_multi.bindings.values import brief, is_many, is_mapping, items_of, mapping_of, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, JsonObject, ResponseFormat, Tool, ToolCall, ToolChoice

AnyTool: TypeAlias = Tool | BuiltInTool
_Mode: TypeAlias = Literal["auto", "required", "none", "validated"]
ToolChoiceArgument: TypeAlias = str | bool | Sequence[str] | Mapping[str, object] | ToolChoice | None

_GOOGLE: Final = (
    "google_search google_search_retrieval google_maps url_context code_execution file_search computer_use "
    "enterprise_web_search mcp_servers"
)
_BUILT_IN: Final = {
    **{name: name for name in _GOOGLE.split()},
    **{re.sub("_[a-z]", lambda found: found[0][1].upper(), name): name for name in _GOOGLE.split()},
    "web_search": "google_search",
    "web_search_preview": "google_search",
    "code_interpreter": "code_execution",
}
"""The tools that providers run, by Google's names in both spellings and by OpenAI's names."""
_NAMING: Final = ("type", "name", "container")
"""Fields in which other providers name and configure built-in tools. Google's tools do not have these fields."""
_DECLARATIONS: Final = ("function_declarations", "functionDeclarations")
SCHEMAS: Final = ("parameters", "parameters_json_schema", "parametersJsonSchema", "inputSchema", "input_schema")
"""The fields in which OpenAI, Google, MCP and Anthropic put the schema of a function's arguments."""
_MEMBERS: Final = frozenset({"name", "description", "strict", "cache_control", *SCHEMAS})
"""The fields of a function without an envelope."""
_CONFIGS: Final = ("function_calling_config", "functionCallingConfig", "allowed_tools")
"""The fields that hold the tool choice, in Google's form and in OpenAI's form."""
_CHOICES: Final = (
    "Use 'auto', 'any', 'none', a tool's name or several, or {'type': 'function', 'function': {'name': ...}}."
)
_KINDS: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
"""The types of JSON Schema; Google writes them in capitals."""
_KEYWORDS: Final = frozenset({"properties", "anyOf", "oneOf", "allOf", "$ref", "enum"})
"""The fields of a JSON Schema without a type."""
_MODES: Final[Mapping[str, _Mode]] = {"any": "required", **{mode: mode for mode in get_args(_Mode)}}


def read_tools(tools: Iterable[object], convert: Callable[[Any], Tool], own: type[Any]) -> list[AnyTool]:
    """Read our tools, objects of `google.genai.types`, JSON of OpenAI, Anthropic, Google or MCP, and built-in tools.

    `convert` reads the framework's own forms, or raises a `ConfigurationError`; `own` is its class of tools.
    """
    return [found for tool in tools for found in _read(tool, convert, own)]


def _read(tool: object, convert: Callable[[Any], Tool], own: type[Any]) -> list[AnyTool]:
    if isinstance(tool, (Tool, BuiltInTool)):
        return [tool]
    if isinstance(tool, str) and (kind := _BUILT_IN.get(tool)) is not None:
        return [BuiltInTool(kind)]
    if isinstance(tool, BaseModel) and not isinstance(tool, own):
        return _from_mapping(tool.model_dump(mode="json", exclude_none=True), convert)
    return _from_mapping(tool, convert) if is_mapping(tool) else [convert(tool)]


def _from_mapping(tool: Mapping[str, Any], convert: Callable[[Any], Tool]) -> list[AnyTool]:
    if tool.get("type") == "custom":
        # Read as a function, the tool would lose its argument.
        raise ConfigurationError(
            f"{brief(dict(tool))} cannot be used as a tool: Gemini calls functions with JSON arguments only, no custom "
            "tools. Declare a function with one string parameter."
        )
    if (declarations := _first(tool, _DECLARATIONS)) is not None:
        functions: list[AnyTool] = [_function(mapping_of(one)) for one in items_of(declarations)]
        rest = {key: value for key, value in tool.items() if key not in _DECLARATIONS}
        if not functions and not rest:
            raise no_tool(tool)
        return [*functions, *(_from_mapping(rest, convert) if rest else [])]
    function, kind = tool.get("function"), text_of(tool, "type")
    if is_mapping(function) and isinstance(function.get("name"), str):
        return [_function(function, tool.get("cache_control"))]
    if (known := _built_in(kind)) is not None and "function" not in tool:
        own = ("type",) if kind == known else _NAMING
        return [BuiltInTool(known, {key: value for key, value in tool.items() if key not in own})]
    if isinstance(tool.get("name"), str) and (kind == "function" or tool.keys() <= _MEMBERS):
        return [_function(tool, tool.get("cache_control"))]
    if tool and all(key in _BUILT_IN and isinstance(value, Mapping | None) for key, value in tool.items()):
        return [BuiltInTool(_BUILT_IN[key], mapping_of(value)) for key, value in tool.items()]
    return [convert(tool)]


def _first(found: Mapping[str, Any], names: Iterable[str]) -> object:
    return next((found[name] for name in names if name in found), None)


def _built_in(kind: str) -> str | None:
    """Recognize the type of a built-in tool, including the dated names of OpenAI and Anthropic."""
    stem = kind.rstrip("0123456789").rstrip("_")
    return _BUILT_IN.get(kind, _BUILT_IN.get(stem) if stem != kind else None)


def _function(declared: Mapping[str, Any], hint: object = None) -> Tool:
    """Read a function whose fields are all in one object."""
    name, strict = text_of(declared, "name"), declared.get("strict")
    schema = _first(declared, SCHEMAS)
    if not name:
        raise no_tool(declared)
    if schema is not None and not is_mapping(schema):
        raise ConfigurationError(f"The parameters of {name!r} must be a JSON Schema object, not {brief(schema)}.")
    return Tool(
        name,
        text_of(declared, "description"),
        mapping_of(schema),
        strict=strict if isinstance(strict, bool) else None,
        cache_control=mapping_of(hint) or None,
    )


def tool_json(tool: AnyTool, *, strict: bool | None = None) -> dict[str, Any]:
    """Write a tool as plain JSON for traces and caches: a function in OpenAI's form, other tools in Google's form.

    `strict` asks for arguments that match the schema exactly, if the tool itself does not set this.
    """
    if isinstance(tool, BuiltInTool):
        return {tool.kind: dict(tool.options)}
    function = function_json(tool.name, tool.description, tool.parameters)
    if (own := strict if tool.strict is None else tool.strict) is not None:
        function["function"]["strict"] = own
    return function if tool.cache_control is None else {**function, "cache_control": dict(tool.cache_control)}


def function_json(name: str, description: str, parameters: JsonObject) -> dict[str, Any]:
    """Write a function in OpenAI's form."""
    described = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **described, "parameters": dict(parameters)}}


def built_in_json(given: object) -> list[dict[str, Any]]:
    """Write the tools that the provider runs as plain JSON."""

    def refuse(tool: object) -> Tool:
        raise ConfigurationError(
            f"{brief(tool)} is no tool that a provider runs, such as 'google_search'. Give functions as `tools`, with "
            "the call."
        )

    found = read_tools(given if is_many(given) else [given], refuse, Tool)
    if function := next((tool for tool in found if isinstance(tool, Tool)), None):
        raise ConfigurationError(f"{function.name!r} is a function. Give it as one of `tools`, with the call.")
    return [tool_json(tool) for tool in found]


def no_tool(tool: object) -> ConfigurationError:
    """Make the error for a value that is not a tool."""
    return ConfigurationError(
        f"{brief(tool)} is no tool. Give a tool of the framework, OpenAI's "
        "{'type': 'function', 'function': {'name': ...}} for a function, or a built-in tool such as "
        "{'google_search': {}}."
    )


def read_choice(choice: ToolChoiceArgument, tools: Sequence[AnyTool]) -> ToolChoice | None:
    """Read a mode, `True`, a function's name or several, or an object in OpenAI's, Anthropic's or Google's form."""
    found = _choice(choice, [tool.name for tool in tools if isinstance(tool, Tool)])
    if not tools and found is not None and found.mode not in ("auto", "none"):
        raise ConfigurationError("`tool_choice` was given without `tools`. Give the tools too.")
    return found


def _choice(choice: ToolChoiceArgument, names: Sequence[str]) -> ToolChoice | None:
    if choice is None or choice is False:
        return None
    if isinstance(choice, ToolChoice):
        return choice
    if choice is True:
        return ToolChoice("required", tuple(names) if len(names) == 1 else ())
    if isinstance(choice, str):
        # A function may have the name of a mode. The mode takes precedence, as it does at the providers.
        mode = _MODES.get(choice.lower())
        return ToolChoice(mode) if mode is not None else _named([choice], names)
    if is_mapping(choice):
        return _from_object(choice, names)
    if is_many(choice) and all(isinstance(name, str) for name in choice):
        return _named(list(choice), names)
    raise ConfigurationError(f"`tool_choice` {brief(choice)} is of no known form. {_CHOICES}")


def _from_object(choice: Mapping[str, Any], names: Sequence[str]) -> ToolChoice:
    config = _first(choice, _CONFIGS)
    inner = config if is_mapping(config) else choice
    function = mapping_of(inner.get("function", inner))
    kind = str(inner.get("mode", inner.get("type", ""))).lower()
    if isinstance(function.get("name"), str) and kind in ("", "tool", "function", "custom"):
        return _named([function["name"]], names)
    if (mode := _MODES.get(kind)) is None:
        raise ConfigurationError(f"`tool_choice` {brief(dict(choice))} is of no known form. {_CHOICES}")
    listed = items_of(inner.get("allowed_function_names", inner.get("allowedFunctionNames")))
    tools = map(mapping_of, items_of(inner.get("tools")))
    allowed = [*listed, *(mapping_of(tool.get("function", tool)).get("name") for tool in tools)]
    return _named(list(map(str, allowed)), names, mode)


def _named(wanted: Sequence[str], names: Sequence[str], mode: _Mode = "required") -> ToolChoice:
    if unknown := [name for name in wanted if name not in names]:
        raise ConfigurationError(
            f"`tool_choice` names {unknown[0]!r}, which is none of the bound tools {list(names)!r}. "
            "Use one of them, or 'auto', 'any' or 'none'."
        )
    # In the mode `validated` of Google the model may call some of the functions, but need not call any.
    return ToolChoice("validated" if wanted and mode == "auto" else mode, () if mode == "none" else tuple(wanted))


def choice_json(choice: ToolChoice | None) -> str | dict[str, Any]:
    """Write a tool choice as plain JSON, in OpenAI's form if there is one."""
    if choice is None or not choice.names:
        return "auto" if choice is None else choice.mode
    if len(choice.names) == 1 and choice.mode == "required":
        return {"type": "function", "function": {"name": choice.names[0]}}
    return {"mode": choice.mode, "allowed_function_names": list(choice.names)}


def read_format(value: object, schema_of: Callable[[Any], JsonObject]) -> ResponseFormat | None:
    """Read our class, OpenAI's `response_format`, a JSON Schema, or a class of data; `None` for plain text."""
    if isinstance(value, ResponseFormat):
        return value
    if isinstance(value, type):
        return ResponseFormat(schema_of(value), name=_clean_name(value.__name__))
    if not is_mapping(value):
        raise ConfigurationError(f"`response_format` must be an object or a class, not {brief(value)}.")
    described: object = value
    match value.get("type"):
        case "text":
            return None
        case "json_object":
            return ResponseFormat()
        case "json_schema":
            described = value.get("json_schema", value)
        case _:
            if not is_json_schema(value):
                message = f"`response_format` {brief(dict(value))} is no JSON Schema and of no form that OpenAI has."
                raise ConfigurationError(message)
            described = {"schema": value}
    return _described(described)


def _described(described: object) -> ResponseFormat:
    if not is_mapping(described) or not is_mapping(schema := described.get("schema")):
        raise ConfigurationError(
            f"`response_format` has no schema: give it as `json_schema.schema`, not {brief(described)}."
        )
    strict = described.get("strict")
    return ResponseFormat(
        schema,
        name=str(described.get("name") or schema.get("title") or "response"),
        description=text_of(described, "description") or None,
        strict=strict if isinstance(strict, bool) else None,
    )


def is_json_schema(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is a JSON Schema without an envelope."""
    kinds = {str(kind).lower() for kind in items_of(value.get("type")) or [value.get("type")]}
    return kinds <= _KINDS or not _KEYWORDS.isdisjoint(value)


def format_json(name: str, schema: JsonObject, *, strict: bool | None = None) -> dict[str, Any]:
    """Write the response format of a schema in OpenAI's form. It is plain JSON, so traces can hold it."""
    described = {"name": _clean_name(name), "schema": dict(schema), **({} if strict is None else {"strict": strict})}
    return {"type": "json_schema", "json_schema": described}


def _clean_name(name: str) -> str:
    """Make a name that OpenAI's form allows. The names of generic classes have brackets, which it does not allow."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)


def to_call(call_id: str, name: str, arguments: object) -> ToolCall:
    """Make a tool call from its arguments or their JSON text, with the same rules as for tool calls in answers.

    The provider did not issue an id without our metadata, so such an id is not sent to the provider.
    """
    text = "" if arguments is None else str(arguments)
    decoded = arguments if is_mapping(arguments) else parsed(text)
    if is_mapping(decoded):
        return ToolCall(call_id, name, dict(decoded), synthetic_id=True)
    return ToolCall(call_id, name, invalid_arguments=text, synthetic_id=True)


def foreign_call(call: object, call_id: str = "") -> ToolCall | None:
    """Read a tool call in the form of any other integration; `None` if it names no function.

    The forms are OpenAI's element, the older `function_call`, `{"name", "args"}`, and objects with such attributes.
    A call without an id gets `call_id`.
    """
    function = _member(call, "function")
    fields = call if function is None else function
    name = _member(fields, "name", "tool_name")
    if not isinstance(name, str) or not name:
        return None
    identity = _member(call, "call_id", "id", "tool_id")
    arguments = _member(fields, "arguments", "args", "input", "tool_kwargs")
    return to_call(identity if isinstance(identity, str) and identity else call_id, name, arguments)


def _member(value: object, *names: str) -> object:
    """Return the first of the members that an object or a mapping has."""
    found = (value.get(name) if is_mapping(value) else getattr(value, name, None) for name in names)
    return next((member for member in found if member is not None), None)
