"""Conjunctions of schemas: merges several schemas into one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from operator import add
from typing import Any, Final

from gemini_multi._schemas.keywords import CONSTRAINTS, Node, compact, joined, kinds, noted
from gemini_multi.types import JsonObject, JsonValue

_LARGER: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_SMALLER: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_MOST_ALTERNATIVES: Final = 32


def merge(left: JsonObject, right: JsonObject) -> Node:
    """Return a schema for values that both schemas accept. It shares their inner nodes; neither is changed."""
    merged = dict(left)
    for keyword, value in right.items():
        if keyword not in merged:
            merged[keyword] = value
        elif merged[keyword] != value:
            _combine(merged, keyword, value)
    return merged


def _combine(merged: Node, keyword: str, value: JsonValue) -> None:
    ours = merged[keyword]
    if keyword in _LARGER or keyword in _SMALLER:
        merged[keyword] = _tighter(keyword, ours, value)
    elif keyword == "description" and isinstance(ours, str) and isinstance(value, str):
        merged[keyword] = joined(ours, value)
    elif found := _COMBINE.get(keyword):
        kind, combine = found
        if isinstance(ours, kind) and isinstance(value, kind):
            merged[keyword] = combine(ours, value)
        elif isinstance(value, kind):
            merged[keyword] = value
    elif keyword in CONSTRAINTS:
        merged["description"] = noted(merged, f"Also {keyword}: {compact(value)}")


def _tighter(keyword: str, ours: JsonValue, value: JsonValue) -> JsonValue:
    if not isinstance(ours, (int, float)) or not isinstance(value, (int, float)):
        return value if isinstance(value, (int, float)) else ours
    return max(ours, value) if keyword in _LARGER else min(ours, value)


def _both(ours: JsonValue, value: JsonValue) -> JsonValue:
    """Require both; the translation merges them when it reaches this node."""
    return {"allOf": [ours, value]} if isinstance(ours, dict) and isinstance(value, dict) else value


def _properties(ours: Node, value: Node) -> JsonValue:
    result = dict(ours)
    for name, child in value.items():
        result[name] = child if name not in ours or ours[name] == child else _both(ours[name], child)
    return result


def _united(ours: list[JsonValue], value: list[JsonValue]) -> JsonValue:
    return [*ours, *(item for item in value if item not in ours)]


def _common(ours: list[JsonValue], value: list[JsonValue]) -> JsonValue:
    return [item for item in ours if item in value] or ours


def _types(ours: JsonValue, value: JsonValue) -> JsonValue:
    left, right = kinds({"type": ours}), kinds({"type": value})
    common: list[JsonValue] = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    if "integer" in right and "number" in left and "integer" not in common:
        common.append("integer")
    return (common[0] if len(common) == 1 else common) if common else ours


def _closed(ours: JsonValue, value: JsonValue) -> JsonValue:
    return False if ours is False or value is False else _both(ours, value)


def _crossed(ours: list[JsonValue], value: list[JsonValue]) -> JsonValue:
    """Combine every alternative of one side with every alternative of the other."""
    if len(ours) * len(value) > _MOST_ALTERNATIVES:
        return ours
    return [{"allOf": [first, second]} for first, second in product(ours, value)]


_COMBINE: Final[dict[str, tuple[type, Callable[[Any, Any], JsonValue]]]] = {
    "additionalProperties": (object, _closed),
    "allOf": (list, add),
    "anyOf": (list, _crossed),
    "enum": (list, _common),
    "items": (object, _both),
    "oneOf": (list, _crossed),
    "properties": (dict, _properties),
    "required": (list, _united),
    "type": (object, _types),
}
"""For each keyword: the type of its value, and how two values are combined. A value of a wrong type is ignored."""


def one_object(base: JsonObject, branches: list[Node]) -> Node | None:
    """Return one object schema with the properties of all alternatives, or `None` when they are not all objects.

    A key is required when the base requires it or when every alternative does. The description lists the alternatives.
    """
    if not branches or any(kinds(branch) not in (("object",), ()) for branch in branches):
        return None
    properties: Node = dict(_members(base))
    for branch in branches:
        for name, child in _members(branch).items():
            properties[name] = child if name not in properties else _either(properties[name], child)
    always = [name for name in _required(branches[0]) if all(name in _required(branch) for branch in branches)]
    required: list[JsonValue] = list(dict.fromkeys([*_required(base), *always]))
    keys = [", ".join(_members(branch) or _required(branch)) for branch in branches]
    note = f"Has the keys of one of these alternatives: {'; or '.join(key for key in keys if key)}."
    return {
        **base,
        "type": "object",
        "properties": properties,
        "required": required,
        "description": noted(base, note),
    }


def _members(schema: JsonObject) -> Node:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _required(schema: JsonObject) -> list[str]:
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _either(ours: JsonValue, value: JsonValue) -> JsonValue:
    if ours == value:
        return ours
    branches = ours["anyOf"] if isinstance(ours, dict) and ours.keys() == {"anyOf"} else [ours]
    return {"anyOf": [*branches, value] if isinstance(branches, list) else [ours, value]}
