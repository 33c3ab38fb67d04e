"""Structured output: the JSON Schema of a class for the request, and the value of the answer's JSON.

Gemini does not enforce all of a JSON Schema, and a schema that a provider does not support is sent in a simpler form.
`read` converts the answer back to the requested form and checks it against the whole schema, which detects a limit that
was not enforced. The client itself converts the arguments of tool calls back.

    reply = client.chat(ChatRequest(..., response_format=ResponseFormat(schema_of(Invoice))))
    invoice = Invoice.model_validate(read(reply.text, schema_of(Invoice)))
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final, cast

from gemini_multi._schemas.check import validation_errors
from gemini_multi._schemas.repair import json_text, partial_json, repair
from gemini_multi.errors import ConfigurationError, InvalidResponse
from gemini_multi.types import JsonObject, JsonValue, ResponseFormat, Tool

__all__ = ["repair", "json_text", "partial_json", "validation_errors", "read", "schema_of"]

_SHOWN = 5
_RENAMED: Final = {"conform": "repair", "problems": "validation_errors"}
"""Old names, which work until 0.3."""


def __getattr__(name: str) -> object:
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"`{name}` is now called `{_RENAMED[name]}`.", DeprecationWarning, stacklevel=2)
    return globals()[_RENAMED[name]]


def schema_of(source: object) -> JsonObject:
    """Return the JSON Schema of a model of pydantic 1 or 2, a dataclass, a `TypedDict`, any other type, or a tool.

    A JSON Schema is returned unchanged.

    Raises:
        ConfigurationError: The source has no JSON Schema.
    """
    if isinstance(source, Tool):
        return source.parameters
    if isinstance(source, ResponseFormat):
        return source.schema or {}
    if isinstance(source, Mapping):
        return cast("JsonObject", source)  # a mapping is treated as a JSON Schema
    from pydantic import TypeAdapter, v1

    try:
        if isinstance(source, type) and issubclass(source, v1.BaseModel):
            return source.schema()
        adapter: TypeAdapter[Any] = TypeAdapter(source)  # type: ignore[arg-type]  # it may be no type
        return adapter.json_schema()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"{source!r} has no JSON Schema: {error}. Pass the schema itself.") from error


def read(text: str, schema: JsonObject) -> JsonValue:
    """Return the value in a model's answer, repaired by the requested schema and checked against it.

    A bare value of an enum, as in answers of the type `text/x.enum`, is also accepted.

    Raises:
        InvalidResponse: There is no JSON in the text, or it does not fit the schema.
    """
    members = schema.get("enum")
    if isinstance(members, list) and text.strip() in members:
        return text.strip()
    try:
        value = repair(json_text(text), schema)
    except ValueError as error:
        raise InvalidResponse(f"The answer is not JSON: {error}. Ask again.", raw=text) from error
    if found := validation_errors(value, schema):
        shown = "; ".join(found[:_SHOWN])
        raise InvalidResponse(f"The answer does not fit the schema: {shown}. Ask again.", raw=text)
    return value
