"""Translates a TypedDict to JSON Schema with LangChain's conversion, and corrects the mistakes of that conversion."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, NotRequired, Required, TypeGuard, Union, get_args, get_origin, get_type_hints

from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict, is_typeddict

from gemini_multi.bindings.values import is_many, is_mapping, items_of, mapping_of
from gemini_multi.types import JsonObject

_OF_DICT: Final = inspect.getdoc(dict)
"""The docstring that a TypedDict without a docstring inherits. LangChain uses it as the description."""
_UNIONS: Final = (Union, UnionType)
_MARKERS: Final = (Required, NotRequired)


def is_typed_dict(value: object) -> TypeGuard[type[Any]]:
    """Whether a value is a TypedDict, of `typing` or of `typing_extensions`."""
    return is_typeddict(value)


def typed_dict_schema(kind: type[Any]) -> JsonObject:
    """Return the JSON Schema of a TypedDict. `Required` and `NotRequired`, which LangChain refuses, are accepted.

    Raises:
        TypeError, ValueError: The TypedDict has no JSON Schema.
    """
    try:
        found = _with_nulls(convert_to_json_schema(kind), kind)
    except TypeError:
        found = {"title": kind.__name__, **_by_pydantic(kind)}
    return _own(found)


def _with_nulls(schema: Mapping[str, Any], hint: Any) -> dict[str, Any]:  # noqa: ANN401  # a type
    """Allow null if the type does. LangChain's conversion does not allow it, and the model would invent a value."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _with_nulls(schema, inner[0])
    if origin is list and is_mapping(items := schema.get("items")):
        return {**schema, "items": _with_nulls(items, inner[0])}
    if origin in _UNIONS and type(None) in inner:
        others = [one for one in inner if one is not type(None)]
        return _or_null(_with_nulls(schema, others[0]) if len(others) == 1 else schema)
    if is_typeddict(hint):
        hints = get_type_hints(hint, include_extras=True)
        known = mapping_of(schema.get("properties"))
        return {**schema, "properties": {name: _with_nulls(one, hints.get(name)) for name, one in known.items()}}
    return dict(schema)


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    beside = {name: schema[name] for name in ("description", "default") if name in schema}
    own = {name: value for name, value in schema.items() if name not in beside}
    return {**beside, "anyOf": [*(own["anyOf"] if set(own) == {"anyOf"} else [own]), {"type": "null"}]}


def _by_pydantic(kind: type[Any]) -> JsonObject:
    hints = {name: _described(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    # Before Python 3.12, pydantic accepts only the TypedDict of `typing_extensions`.
    make: Any = TypedDict
    found = TypeAdapter(make(kind.__name__, hints, total=kind.__total__)).json_schema()
    return {"description": kind.__doc__, **found} if kind.__doc__ else found


def _described(hint: Any) -> Any:  # noqa: ANN401  # a type
    """Translate the description in LangChain's form `Annotated[str, ..., "description"]` to pydantic's form."""
    if (marker := get_origin(hint)) in _MARKERS:
        return marker[_described(get_args(hint)[0])]
    if marker is not Annotated:
        return hint
    inner, *notes = get_args(hint)
    text = next((note for note in notes if isinstance(note, str)), None)
    return Annotated[inner, Field(description=text)] if text else hint


def _own(schema: JsonObject) -> JsonObject:
    """Remove the description of `dict`, at any depth."""
    return {name: _owned(value) for name, value in schema.items() if name != "description" or value != _OF_DICT}


def _owned(value: Any) -> Any:  # noqa: ANN401  # JSON
    if is_mapping(value):
        return _own(value)
    return [_owned(inner) for inner in items_of(value)] if is_many(value) else value
