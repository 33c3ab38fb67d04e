"""Structured output: the schema of a class going out, and the answer's JSON coming back.

Gemini does not enforce all of a JSON Schema, and what a provider does not support goes over the wire in a simpler form.
`read` turns the answer back into what was asked for and checks it against the whole schema, so that a bound that
nobody enforced is noticed. Calls of functions are turned back by the client itself.

    reply = client.chat(ChatRequest(..., response_format=ResponseFormat(schema_of(Invoice))))
    invoice = Invoice.model_validate(read(reply.text, schema_of(Invoice)))
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final, cast

from gemini_multi._schemas.repair import json_text, partial_json, repair, validation_errors
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

    A JSON Schema is returned as it is.

    Raises:
        ConfigurationError: There is none.
    """
    if isinstance(source, Tool):
        return source.parameters
    if isinstance(source, ResponseFormat):
        return source.schema or {}
    if isinstance(source, Mapping):
        return cast("JsonObject", source)  # whoever passes a mapping says that it is a JSON Schema
    try:
        return _derived(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"{source!r} has no JSON Schema: {error}. Pass the schema itself.") from error


def _derived(source: object) -> JsonObject:
    from pydantic import TypeAdapter, v1

    if isinstance(source, type) and issubclass(source, v1.BaseModel):
        return source.schema()
    adapter: TypeAdapter[Any] = TypeAdapter(source)  # type: ignore[arg-type]  # whether it is a type is asked here
    return adapter.json_schema()


def read(text: str, schema: JsonObject) -> JsonValue:
    """Return the value that a model's answer holds, put right by the schema that was asked for and checked against it.

    A bare member of an enum, as answers of the type `text/x.enum` are, is a value too.

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
        told = "; ".join(found[:_SHOWN])
        raise InvalidResponse(f"The answer does not fit the schema: {told}. Ask again.", raw=text)
    return value
