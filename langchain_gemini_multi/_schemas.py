"""Schemas in every form that LangChain's users write them in -> JSON Schema, functions and response formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final, TypeAlias, get_origin

from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import BaseModel, PydanticUserError, TypeAdapter

from gemini_multi.bindings.formats import format_json
from gemini_multi.bindings.values import is_mapping, is_object, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject
from langchain_gemini_multi._typed_dicts import is_typed_dict, typed_dict_schema

Schema: TypeAlias = Mapping[str, Any] | type[Any]
_PLAIN: Final = (str, int, float, bool)
_WRAPPED: Final = ("schema", "parametersJsonSchema", "parameters_json_schema", "inputSchema")
"""Where the schema stands in what has a name beside it."""
_JSON_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean")


def json_schema_of(schema: Schema) -> JsonObject:
    """Return the JSON Schema of a schema in any form that LangChain takes.

    Pydantic's own is kept whole: LangChain's conversion cuts recursive references off.

    Raises:
        ConfigurationError: It cannot be turned into one.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_json_schema()
    if is_value_type(schema) or (isinstance(schema, type) and is_dataclass(schema)):
        return _adapted(schema)
    if isinstance(schema, Mapping) and _is_json_schema(schema):
        return schema
    try:
        if is_typed_dict(schema):
            return typed_dict_schema(schema)
        return convert_to_json_schema(dict(schema) if isinstance(schema, Mapping) else schema)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{schema!r} cannot be turned into a JSON Schema: {error}") from error


def standalone(
    schema: dict[str, Any] | type[Any] | None, *, strict: bool | None
) -> tuple[dict[str, Any] | type[Any] | None, bool | None]:
    """Take a schema out of what OpenAI, Google and MCP wrap around it, and `strict`, unless that is given already.

    LangChain looks for a function's `parameters` only, and would give an empty schema instead.
    """
    if not is_object(schema):
        return schema, strict
    described = mapping_of(schema.get("json_schema")) if schema.get("type") == "json_schema" else schema
    inner = _inner(described)
    if inner is None:
        return schema, strict
    known = {"title": described.get("name"), "description": described.get("description")}
    own = described.get("strict")
    found = {**{name: value for name, value in known.items() if value}, **inner}
    return found, own if strict is None and isinstance(own, bool) else strict


def _inner(described: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the schema in something that has a name."""
    keys = (*_WRAPPED, "parameters") if described.get("type") == "function" else _WRAPPED
    found = next((found for key in keys if is_mapping(found := described.get(key))), None)
    if found is None and "properties" in described and isinstance(described.get("name"), str):
        return {key: value for key, value in described.items() if key != "name"}
    return found


def is_value_type(schema: object) -> bool:
    """Whether pydantic knows it for a type and LangChain does not: `list[City]`, `Literal`, enumerations, numbers."""
    if not isinstance(schema, type) or get_origin(schema) is not None:
        return get_origin(schema) is not None
    return schema in _PLAIN or issubclass(schema, Enum)


def _adapted(kind: Any) -> JsonObject:  # noqa: ANN401  # dataclasses, and types such as `list[City]`
    try:
        return TypeAdapter(kind).json_schema()
    except PydanticUserError as error:
        raise ConfigurationError(f"{kind!r} cannot be turned into a JSON Schema: {error}") from error


def _is_json_schema(schema: Mapping[str, Any]) -> bool:
    if any(key in schema for key in ("function", "input_schema", "name")):
        return False
    return schema.get("type") in _JSON_TYPES or any(key in schema for key in ("properties", "anyOf", "$ref", "enum"))


def _is_object(schema: Schema) -> bool:
    """Whether a schema is one of objects, as far as it says."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return json_schema_of(schema).get("type", "object") == "object"
    if not isinstance(schema, Mapping):
        return not is_value_type(schema)
    is_open = any(key in schema for key in ("properties", "anyOf", "$ref"))
    return not _is_json_schema(schema) or is_open or schema.get("type") == "object"


def as_function(schema: dict[str, Any] | type[Any]) -> dict[str, Any] | type[Any]:
    """Return what can be bound as a function: a JSON Schema needs a name for it.

    Raises:
        ConfigurationError: It describes no object, and a call's arguments are one.
    """
    if not _is_object(schema):
        raise ConfigurationError(
            f"A call's arguments are an object, which {schema!r} is not: use `method='json_schema'`, or a class."
        )
    if isinstance(schema, dict) and _is_json_schema(schema) and "title" not in schema:
        return {**schema, "title": name_of(schema)}
    return schema


def traced(schema: Schema) -> Schema:
    """Return a schema as LangChain's tracing shows it, which would convert it anew for every call.

    It knows no types such as `list[City]`, and leaves out what it cannot convert.
    """
    if is_value_type(schema) or is_typed_dict(schema):
        schema = {"title": name_of(schema), **json_schema_of(schema)}
    try:
        return convert_to_json_schema(dict(schema) if isinstance(schema, Mapping) else schema)
    except (TypeError, ValueError):
        return schema


def name_of(schema: Schema) -> str:
    """Name a schema, as the function that returns it is called."""
    if isinstance(schema, type):
        return schema.__name__
    if not is_mapping(schema):
        return "response"
    function = schema.get("function")
    source: Mapping[str, Any] = function if is_mapping(function) else schema
    return str(source.get("name") or source.get("title") or "response")


def response_format(schema: Schema | None, *, strict: bool | None) -> dict[str, Any]:
    """Write the wish for JSON in OpenAI's form: of any shape without a schema."""
    if schema is None:
        return {"type": "json_object"}
    return format_json(name_of(schema), json_schema_of(schema), strict=strict)
