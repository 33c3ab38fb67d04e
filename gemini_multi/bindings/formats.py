"""Reads response formats (OpenAI's forms, bare JSON Schemas, classes) and writes them as plain JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gemini_multi.bindings.values import brief, is_mapping, items_of, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonObject, ResponseFormat

_KINDS: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
"""The types of JSON Schema; Google writes them in capitals."""
_KEYWORDS: Final = frozenset({"properties", "anyOf", "oneOf", "allOf", "$ref", "enum"})
"""The fields of a JSON Schema without a type."""


def read_format(value: object, schema_of: Callable[[Any], JsonObject]) -> ResponseFormat | None:
    """Read our class, OpenAI's `response_format`, a JSON Schema, or a class of data; `None` for plain text.

    Raises:
        ConfigurationError: The form is unknown.
    """
    if isinstance(value, ResponseFormat):
        return value
    if isinstance(value, type):
        return ResponseFormat(schema_of(value), name=_clean_name(value.__name__))
    if not is_mapping(value):
        raise ConfigurationError(f"`response_format` must be an object or a class, not {brief(value)}.")
    match value.get("type"):
        case "text":
            return None
        case "json_object":
            return ResponseFormat()
        case "json_schema":
            return _described(value.get("json_schema", value))
        case _:
            return _bare(value)


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


def _bare(value: Mapping[str, Any]) -> ResponseFormat:
    """Read a JSON Schema without OpenAI's envelope."""
    kinds = {str(kind).lower() for kind in items_of(value.get("type")) or [value.get("type")]}
    if not kinds <= _KINDS and _KEYWORDS.isdisjoint(value):
        raise ConfigurationError(
            f"`response_format` {brief(dict(value))} is no JSON Schema and of no form that OpenAI has."
        )
    return ResponseFormat(value, name=str(value.get("title") or "response"))


def format_json(name: str, schema: JsonObject, *, strict: bool | None = None) -> dict[str, Any]:
    """Write the response format of a schema in OpenAI's form. It is plain JSON, so traces can hold it."""
    described = {"name": _clean_name(name), "schema": dict(schema), **({} if strict is None else {"strict": strict})}
    return {"type": "json_schema", "json_schema": described}


def _clean_name(name: str) -> str:
    """Make a name that OpenAI's form allows. The names of generic classes have brackets, which it does not allow."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)
