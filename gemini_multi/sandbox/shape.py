"""Checks a JSON value against a shape in a small part of JSON Schema, with the providers' error messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gemini_multi.sandbox.json_value import JsonValue, a_list, a_number, a_text, an_object, objects, texts

Shape = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error and its path."""

    path: str
    message: str


def _name(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def _is(value: JsonValue, kind: str) -> bool:
    if kind == "integer":
        return not isinstance(value, bool) and isinstance(value, (int, float)) and value == int(value)
    return _name(value) == kind


def _type(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    kinds = texts(shape["type"])
    if any(_is(value, kind) for kind in kinds):
        return None
    return Problem(path, f"Invalid input: expected {' | '.join(kinds)}, received {_name(value)}")


def _enum(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    choices = a_list(shape["enum"])
    if value in choices:
        return None
    listed = " | ".join(f"'{choice}'" for choice in choices)
    return Problem(path, f"Invalid enum value. Expected {listed}, received '{value}'")


def _bound(word: str, holds: Callable[[float, float], bool], says: str) -> Callable[..., Problem | None]:
    def check(shape: Shape, value: JsonValue, path: str) -> Problem | None:
        number, limit = a_number(value), a_number(shape[word])
        if number is None or limit is None or holds(number, limit):
            return None
        return Problem(path, f"{says}{shape[word]}")

    return check


def _min_items(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    size, least = len(value) if isinstance(value, (list, str)) else 0, int(a_number(shape["minItems"]) or 0)
    return None if size >= least else Problem(path, f"Too small: expected array to have >={least} items")


def _max_items(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    most = int(a_number(shape["maxItems"]) or 0)
    if len(a_list(value)) <= most:
        return None
    return Problem(path, f"Too big: expected array to have <={most} items")


def _required(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    for name in texts(shape["required"]):
        if isinstance(value, dict) and name not in value:
            return Problem(_join(path, name), "Required")
    return None


def _properties(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    known = an_object(shape["properties"])
    for name, item in an_object(value).items():
        if name in known:
            problem = check_shape(an_object(known[name]), item, _join(path, name))
            if problem is not None:
                return problem
        elif shape.get("additionalProperties") is False:
            return Problem(path, f"Unrecognized key(s) in object: '{name}'")
    return None


def _items(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    item_shape = an_object(shape["items"])
    for index, item in enumerate(a_list(value)):
        problem = check_shape(item_shape, item, f"{path}[{index}]")
        if problem is not None:
            return problem
    return None


def _any_of(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    problems = [check_shape(branch, value, path) for branch in objects(shape["anyOf"])]
    return None if None in problems else max((one for one in problems if one), key=_specificity)


def _specificity(problem: Problem) -> tuple[int, bool]:
    """Rank a branch's error by its depth, then by whether the type was correct."""
    return len(problem.path), not problem.message.startswith("Invalid input")


def _cases(shape: Shape, value: JsonValue, path: str) -> Problem | None:
    """Make one shape for each value of a key, like zod's discriminated unions."""
    key, cases = a_text(shape["key"]), an_object(shape["cases"])
    if not isinstance(value, dict):
        return Problem(path, f"Invalid input: expected object, received {_name(value)}")
    chosen = value.get(key)
    if not isinstance(chosen, str) or chosen not in cases:
        listed = " | ".join(f"'{name}'" for name in cases)
        return Problem(_join(path, key), f"Invalid discriminator value. Expected {listed}")
    return check_shape(an_object(cases[chosen]), value, path)


_CHECKS: Final[Mapping[str, Callable[..., Problem | None]]] = {
    "type": _type,
    "enum": _enum,
    "minimum": _bound("minimum", lambda number, limit: number >= limit, "Too small: expected number to be >="),
    "exclusiveMinimum": _bound(
        "exclusiveMinimum", lambda number, limit: number > limit, "Too small: expected number to be >"
    ),
    "maximum": _bound("maximum", lambda number, limit: number <= limit, "Too big: expected number to be <="),
    "minItems": _min_items,
    "maxItems": _max_items,
    "required": _required,
    "properties": _properties,
    "items": _items,
    "anyOf": _any_of,
    "cases": _cases,
}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def check_shape(shape: Shape, value: JsonValue, path: str = "") -> Problem | None:
    """Return the first problem; `None` if there is none."""
    for word, check in _CHECKS.items():
        if word in shape:
            problem = check(shape, value, path)
            if problem is not None:
                return problem
    return None
