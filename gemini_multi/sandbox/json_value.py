"""JSON values, and functions that return an empty value for a value of another type."""

from __future__ import annotations

from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"


def an_object(value: JsonValue) -> JsonObject:
    """Return the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: JsonValue) -> list[JsonValue]:
    """Return the list, or an empty one."""
    return value if isinstance(value, list) else []


def objects(value: JsonValue) -> list[JsonObject]:
    """Return the objects in a list."""
    return [item for item in a_list(value) if isinstance(item, dict)]


def a_text(value: JsonValue) -> str:
    """Return the string, or an empty one."""
    return value if isinstance(value, str) else ""


def a_number(value: JsonValue) -> float | None:
    """Return the number; `None` for a boolean."""
    return None if isinstance(value, bool) or not isinstance(value, (int, float)) else value


def a_whole_number(value: JsonValue) -> int | None:
    """Return the integer. 3.0 is an integer, but a boolean is not."""
    number = a_number(value)
    return int(number) if number is not None and number == int(number) else None


def texts(value: JsonValue) -> tuple[str, ...]:
    """Return the strings in a list, or the only string."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in a_list(value) if isinstance(item, str))
