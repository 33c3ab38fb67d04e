"""Translates LangChain's tools and schemas, in all forms that users write, to the core's tools and to JSON Schema."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import partial
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from langchain_core.tools import BaseTool, create_schema_from_function
from langchain_core.tools import Tool as TextTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field, PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict, is_typeddict

from gemini_multi.bindings.tools import SCHEMAS, AnyTool, is_json_schema, no_tool, read_tools, tool_json
from gemini_multi.bindings.values import brief, is_mapping, is_object, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, Tool

Schema: TypeAlias = dict[str, Any] | type[Any]
_ENVELOPES: Final = ("json_schema", "function")
_SCHEMAS: Final = ("schema", *SCHEMAS)
"""The fields that hold the schema in an object with a name."""
_OF_DICT: Final = inspect.getdoc(dict)
"""The docstring that a TypedDict without a docstring inherits. LangChain uses it as the description."""


def to_tools(tools: Iterable[object], *, strict: bool | None = None) -> tuple[AnyTool, ...]:
    """Translate LangChain tools, functions, classes, JSON Schemas, and all that `read_tools` reads."""
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
    own, schema = mapping_of(function.get("parameters")), _arguments_schema(source)
    if "$defs" in schema:
        own = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return Tool(function["name"], function.get("description") or "", own, strict=function.get("strict"))


def _arguments_schema(tool: object) -> JsonObject:
    """Return the JSON Schema of the arguments of a tool, a function or a class; empty if it cannot be read."""
    if isinstance(tool, TextTool) and tool.args_schema is None:
        return {}  # the tool takes one text, which its signature does not show
    source: object = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if is_mapping(source):
        return source
    if inspect.isfunction(source):
        options: dict[str, Any] = {"error_on_invalid_docstring": False, "include_injected": False}
        source = create_schema_from_function(source.__name__, source, filter_args=(), parse_docstring=True, **options)
    return source.model_json_schema() if isinstance(source, type) and issubclass(source, BaseModel) else {}


def json_schema_of(schema: Schema) -> JsonObject:
    """Return the JSON Schema of a schema in any form that LangChain accepts.

    The schema of a pydantic class is pydantic's own, because LangChain's conversion loses recursive references.
    """
    try:
        if is_object(schema):
            return schema if "name" not in schema and is_json_schema(schema) else convert_to_json_schema(schema)
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return schema.model_json_schema()
        kind: Any = schema
        if is_typeddict(kind):
            return typed_dict_schema(kind)
        is_adapted = is_value_type(kind) or is_dataclass(schema)
        return TypeAdapter(kind).json_schema() if is_adapted else convert_to_json_schema(kind)
    except (ValueError, TypeError, PydanticUserError) as error:
        raise ConfigurationError(f"{schema!r} cannot be turned into a JSON Schema: {error}") from error


def standalone(schema: Schema | None, *, strict: bool | None) -> tuple[Schema | None, bool | None]:
    """Return the schema in an object in OpenAI's, Anthropic's, Google's or MCP's form, and the final `strict`.

    LangChain reads only the `parameters` of a function. For other forms it would return an empty schema.
    """
    if not is_object(schema):
        return schema, strict
    described = next((inner for key in _ENVELOPES if is_mapping(inner := schema.get(key))), schema)
    found = next((inner for key in _SCHEMAS if is_mapping(inner := described.get(key))), None)
    if found is None and "properties" in described and isinstance(described.get("name"), str):
        found = {key: value for key, value in described.items() if key != "name"}
    if found is None:
        return schema, strict
    known = {"title": described.get("name"), "description": described.get("description")}
    own = described.get("strict")
    is_own = strict is None and isinstance(own, bool)
    return {**{name: value for name, value in known.items() if value}, **found}, own if is_own else strict


def is_value_type(schema: object) -> bool:
    """Whether only pydantic understands the type, such as `list[City]`, `Literal`, an enumeration or a number."""
    if not isinstance(schema, type) or get_origin(schema) is not None:
        return get_origin(schema) is not None
    return schema in (str, int, float, bool) or issubclass(schema, Enum)


def typed_dict_schema(kind: type[Any]) -> JsonObject:
    """Return the JSON Schema of a TypedDict. LangChain's conversion forbids null, and refuses `Required`."""
    return {"title": kind.__name__, **TypeAdapter(_readable(kind, {})).json_schema(schema_generator=_Untitled)}


class _Untitled(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _readable(hint: Any, known: dict[object, Any]) -> Any:  # noqa: ANN401  # a type
    """Translate a type with TypedDicts, and with descriptions in LangChain's form, to one that pydantic reads."""
    if is_typeddict(hint):
        return known.get(hint) or _readable_dictionary(hint, known)
    marker, inner = get_origin(hint), get_args(hint)
    if marker is None or marker is Literal:
        return hint
    if marker is Annotated:
        text = next((note for note in inner[:0:-1] if isinstance(note, str)), None)
        default = {"default": inner[1]} if _has_default(hint) and inner[1] is not None else {}
        return Annotated[_readable(inner[0], known), Field(description=text, json_schema_extra=default)]
    first, *rest = (_readable(one, known) for one in inner)
    return Union[(first, *rest)] if marker is UnionType else marker[(first, *rest) if rest else first]


def _readable_dictionary(kind: Any, known: dict[object, Any]) -> Any:  # noqa: ANN401  # a type
    make: Any = TypedDict  # before Python 3.12, pydantic accepts only that of `typing_extensions`
    known[kind] = made = make(kind.__name__, {})
    hints = get_type_hints(kind, include_extras=True)
    made.__annotations__ = {name: _readable(hint, known) for name, hint in hints.items()}
    made.__required_keys__ = {name for name in kind.__required_keys__ if not _has_default(hints[name])}
    made.__module__ = kind.__module__
    made.__doc__ = None if inspect.getdoc(kind) == _OF_DICT else kind.__doc__
    return made


def _has_default(hint: object) -> bool:
    """Whether a type has a default in LangChain's form, `Annotated[str, "default", "description"]`."""
    return get_origin(hint) is Annotated and len(get_args(hint)) > 2 and get_args(hint)[1] is not ...
