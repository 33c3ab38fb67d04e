"""Tests for the shapes of values whose types nobody vouches for: what users write and what messages carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is an object, in the sense of JSON."""
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object as Python's JSON reader makes it."""
    return isinstance(value, dict)


def is_many(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether a value holds several others: no text and no object."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


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
