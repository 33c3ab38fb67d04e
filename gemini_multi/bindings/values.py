"""Checks the shapes of values of unknown types: arguments of users and content of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from reprlib import Repr
from typing import Any, Final, TypeGuard, TypeVar

from pydantic import BaseModel

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ModelT = TypeVar("ModelT", bound=BaseModel)
_set: Final = object.__setattr__


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a mapping, such as a JSON object."""
    return isinstance(value, (dict, Mapping))  # the check of an abstract class alone is slow


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a `dict`, the form of a JSON object in Python's `json`."""
    return isinstance(value, dict)


def is_many(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether a value is a collection of other values, but not a text or a mapping."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, BaseModel))


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return a value that is a mapping, and an empty mapping for any other value."""
    return value if is_mapping(value) else {}


def items_of(value: object) -> list[Any]:
    """Return the items of a list; no items for any other value."""
    return list(value) if is_many(value) else []


def text_of(value: Mapping[str, object], key: str = "text") -> str:
    """Return the text under `key`; an empty text if it is missing or null."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def fields_of(value: object) -> Mapping[str, Any]:
    """Return the fields of a mapping or of a pydantic model, such as the objects of Google's SDK."""
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return mapping_of(dump(exclude_none=True))
    return mapping_of(value)


def brief(value: object) -> str:
    """Shorten a value for an error message, because the value may be a whole image or conversation."""
    return _BRIEF.repr(value)


_BRIEF: Final = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80


def changed(model: ModelT, **fields: object) -> ModelT:
    """Copy a model without private attributes, with other values of fields that it has set, without validation.

    pydantic's own ways are slower.
    """
    copied = model.__class__.__new__(model.__class__)
    _set(copied, "__dict__", {**model.__dict__, **fields})
    _set(copied, "__pydantic_fields_set__", {*model.__pydantic_fields_set__})
    _set(copied, "__pydantic_extra__", None if (extra := model.__pydantic_extra__) is None else {**extra})
    _set(copied, "__pydantic_private__", None)
    return copied


def with_known_signature(function: FunctionT) -> FunctionT:
    """Read the signature of a function once, because the frameworks read it for every call, which is slow."""
    function.__signature__ = signature(function)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]  # as `inspect` documents
    return function
