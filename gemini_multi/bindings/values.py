"""Tests for the shapes of values whose types nobody vouches for: what users write and what messages carry."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from reprlib import Repr
from typing import Any, Final, TypeGuard

from pydantic import BaseModel


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is an object, in the sense of JSON."""
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object as Python's JSON reader makes it."""
    return isinstance(value, dict)


def is_many(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether a value holds several others: no text and no object."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, BaseModel))


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return a value when it is an object, else an empty one."""
    return value if is_mapping(value) else {}


def items_of(value: object) -> list[Any]:
    """Return the items of a list, none for everything else."""
    return list(value) if is_many(value) else []


def text_of(value: Mapping[str, object], key: str = "text") -> str:
    """Return the text under `key`; a missing or null one is empty."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def fields_of(value: object) -> Mapping[str, Any]:
    """Return an object's members: of a mapping, or of a value of pydantic's, as Google's SDK has them."""
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return mapping_of(dump(exclude_none=True))
    return mapping_of(value)


def brief(value: object) -> str:
    """Show a value in an error: whole images and conversations come here by mistake."""
    return _BRIEF.repr(value)


_BRIEF: Final = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80


def set_fields(
    fields: Iterable[tuple[str | None, Any]], hidden: Container[str | None]
) -> Iterator[tuple[str | None, Any]]:
    """Pick what `repr` of a model shows: the fields that are set, providers by their names.

    Args:
        fields: Names and values as pydantic shows them.
        hidden: Names that say nothing of the model's own settings.
    """
    for name, value in fields:
        if value is None or name in hidden:
            continue
        is_list = name == "providers" and is_many(value)
        yield name, [getattr(provider, "name", provider) for provider in value] if is_list else value
