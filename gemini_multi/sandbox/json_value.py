"""JSON as values, and readers that give an empty value where something else stands."""

from __future__ import annotations

from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"


def an_object(value: JsonValue) -> JsonObject:
    """Give the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: JsonValue) -> list[JsonValue]:
    """Give the list, or an empty one."""
    return value if isinstance(value, list) else []


def objects(value: JsonValue) -> list[JsonObject]:
    """Give the objects in a list."""
    return [item for item in a_list(value) if isinstance(item, dict)]


def a_text(value: JsonValue) -> str:
    """Give the string, or an empty one."""
    return value if isinstance(value, str) else ""


def a_number(value: JsonValue) -> float | None:
    """Give the number; booleans are none."""
    return None if isinstance(value, bool) or not isinstance(value, (int, float)) else value


def a_whole_number(value: JsonValue) -> int | None:
    """Give the integer; booleans are none, and 3.0 is one."""
    number = a_number(value)
    return int(number) if number is not None and number == int(number) else None


def texts(value: JsonValue) -> tuple[str, ...]:
    """Give the strings in a list, or the one string."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in a_list(value) if isinstance(item, str))
