"""Reads JSON values that may have another type than expected."""

from __future__ import annotations

from collections.abc import Mapping

from gemini_multi.types import JsonValue


def as_object(value: JsonValue) -> dict[str, JsonValue]:
    """Return an object itself; an empty object for any other value."""
    return value if isinstance(value, dict) else {}


def as_list(value: JsonValue) -> list[JsonValue]:
    """Return a list itself; an empty list for any other value."""
    return value if isinstance(value, list) else []


def objects(value: JsonValue) -> list[dict[str, JsonValue]]:
    """Return the objects in a list; an empty list for any other value."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def text_at(record: Mapping[str, JsonValue], key: str) -> str | None:
    """Return the text in a field; `None` for any other value."""
    value = record.get(key)
    return value if isinstance(value, str) else None
