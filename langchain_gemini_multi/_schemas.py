"""Translates schemas in all forms that LangChain's users write to JSON Schema, functions and response formats."""

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
"""The fields that hold the schema in an object with a name."""
_JSON_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean")


def json_schema_of(schema: Schema) -> JsonObject:
    """Return the JSON Schema of a schema in any form that LangChain accepts.

    The schema of a pydantic class is pydantic's own, because LangChain's conversion loses recursive references.

    Raises:
        ConfigurationError: The schema cannot be converted to JSON Schema.
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
    """Return the schema in an object in OpenAI's, Google's or MCP's form, and its `strict` unless that is given.

    LangChain reads only the `parameters` of a function. For other forms it would return an empty schema.
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
    """Find the schema in an object with a name."""
    keys = (*_WRAPPED, "parameters") if described.get("type") == "function" else _WRAPPED
    found = next((found for key in keys if is_mapping(found := described.get(key))), None)
    if found is None and "properties" in described and isinstance(described.get("name"), str):
        return {key: value for key, value in described.items() if key != "name"}
    return found


def is_value_type(schema: object) -> bool:
    """Whether only pydantic understands the type, such as `list[City]`, `Literal`, an enumeration or a number."""
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
    """Whether a schema describes objects, if it states a type."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return json_schema_of(schema).get("type", "object") == "object"
    if not isinstance(schema, Mapping):
        return not is_value_type(schema)
    is_open = any(key in schema for key in ("properties", "anyOf", "$ref"))
    return not _is_json_schema(schema) or is_open or schema.get("type") == "object"


def as_function(schema: dict[str, Any] | type[Any]) -> dict[str, Any] | type[Any]:
    """Return a schema that can be bound as a function. A JSON Schema needs a name for this.

    Raises:
        ConfigurationError: The schema does not describe an object, but the arguments of a tool call are an object.
    """
    if not _is_object(schema):
        raise ConfigurationError(
            f"A call's arguments are an object, which {schema!r} is not: use `method='json_schema'`, or a class."
        )
    if isinstance(schema, dict) and _is_json_schema(schema) and "title" not in schema:
        return {**schema, "title": name_of(schema)}
    return schema


def traced(schema: Schema) -> Schema:
    """Return a schema in the form that LangChain's tracing shows. Without it, LangChain would convert it in each call.

    LangChain does not know types such as `list[City]`. It does not show schemas that it cannot convert.
    """
    if is_value_type(schema) or is_typed_dict(schema):
        schema = {"title": name_of(schema), **json_schema_of(schema)}
    try:
        return convert_to_json_schema(dict(schema) if isinstance(schema, Mapping) else schema)
    except (TypeError, ValueError):
        return schema


def name_of(schema: Schema) -> str:
    """Return the name of a schema, which is also the name of the function that returns it."""
    if isinstance(schema, type):
        return schema.__name__
    if not is_mapping(schema):
        return "response"
    function = schema.get("function")
    source: Mapping[str, Any] = function if is_mapping(function) else schema
    return str(source.get("name") or source.get("title") or "response")


def response_format(schema: Schema | None, *, strict: bool | None) -> dict[str, Any]:
    """Write a response format in OpenAI's form. Without a schema it allows any JSON."""
    if schema is None:
        return {"type": "json_object"}
    return format_json(name_of(schema), json_schema_of(schema), strict=strict)
