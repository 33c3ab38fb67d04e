"""Response formats, from classes and OpenAI's form to the core's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel

from gemini_multi.errors import ConfigurationError
from gemini_multi.types import JsonValue, ResponseFormat
from llama_index_gemini_multi._schemas import class_schema

ResponseFormatArgument: TypeAlias = ResponseFormat | type[BaseModel] | Mapping[str, JsonValue]
"""A class, OpenAI's `{"type": "json_schema", ...}`, a bare JSON Schema, or the core's value."""


def format_json(output_cls: type[BaseModel]) -> dict[str, JsonValue]:
    """Describe the JSON of a class in OpenAI's form, which is plain JSON and fits into events."""
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", output_cls.__name__)
    return {"type": "json_schema", "json_schema": {"name": name, "schema": class_schema(output_cls)}}


def to_core_format(given: ResponseFormatArgument) -> ResponseFormat | None:
    """Make a response format of the core; `None` for plain text.

    Raises:
        ConfigurationError: The value is not one of the known forms.
    """
    if isinstance(given, ResponseFormat):
        return given
    if isinstance(given, type):
        return to_core_format(format_json(given))
    match given:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ResponseFormat()
        case {"type": "json_schema"}:
            return _with_schema(given.get("json_schema"))
        case _:
            return ResponseFormat(given)


def _with_schema(described: JsonValue) -> ResponseFormat:
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(schema, dict):
        raise ConfigurationError("`response_format` has no schema: give it as `json_schema.schema`.")
    name, description, strict = described.get("name"), described.get("description"), described.get("strict")
    return ResponseFormat(
        schema,
        name=name if isinstance(name, str) else "response",
        description=description if isinstance(description, str) else None,
        strict=strict if isinstance(strict, bool) else None,
    )
