"""Conjunctions of schemas: merges several schemas into one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from operator import add
from typing import Any, Final

from gemini_multi._encoding.json_values import as_list, as_object
from gemini_multi._schemas.keywords import CONSTRAINTS, Node, compact, joined, kinds, noted
from gemini_multi.types import JsonObject, JsonValue

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
    if found := _COMBINE.get(keyword):
        kind, combine = found
        if isinstance(value, kind):
            merged[keyword] = combine(ours, value) if isinstance(ours, kind) else value
    elif keyword in CONSTRAINTS:
        merged["description"] = noted(merged, f"Also {keyword}: {compact(value)}")


def _both(ours: JsonValue, value: JsonValue) -> JsonValue:
    """Require both; the translation merges them when it reaches this node."""
    return {"allOf": [ours, value]} if isinstance(ours, dict) and isinstance(value, dict) else value


def _properties(ours: Node, value: Node) -> JsonValue:
    both: Node = {name: _both(ours[name], value[name]) for name in ours.keys() & value if ours[name] != value[name]}
    return {**ours, **value, **both}


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


_COMBINE: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any, Any], JsonValue]]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), ((int, float), max)),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), ((int, float), min)),
    "additionalProperties": (object, _closed),
    "allOf": (list, add),
    "anyOf": (list, _crossed),
    "description": (str, joined),
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
    properties = dict(as_object(base.get("properties")))
    for branch in branches:
        for name, child in as_object(branch.get("properties")).items():
            properties[name] = child if name not in properties else _either(properties[name], child)
    always = [name for name in _required(branches[0]) if all(name in _required(branch) for branch in branches)]
    required: list[JsonValue] = list(dict.fromkeys([*_required(base), *always]))
    keys = [", ".join(as_object(branch.get("properties")) or _required(branch)) for branch in branches]
    note = f"Has the keys of one of these alternatives: {'; or '.join(filter(None, keys))}."
    result: Node = {**base, "type": "object", "properties": properties, "required": required}
    return {**result, "description": noted(base, note)}


def _required(schema: JsonObject) -> list[str]:
    return [name for name in as_list(schema.get("required")) if isinstance(name, str)]


def _either(ours: JsonValue, value: JsonValue) -> JsonValue:
    if ours == value:
        return ours
    branches = ours["anyOf"] if isinstance(ours, dict) and ours.keys() == {"anyOf"} else [ours]
    return {"anyOf": [*branches, value] if isinstance(branches, list) else [ours, value]}
