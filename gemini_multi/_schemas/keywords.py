"""The meaning of JSON Schema keywords: of limits, alternatives and conjunctions.

Unsupported keywords are described in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import reduce
from math import ceil, floor
from operator import add
from typing import Any, Final, TypeAlias

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._schemas.check import bound, declared_kinds, kind_of, number
from gemini_multi.types import JsonObject, JsonValue

Node: TypeAlias = dict[str, JsonValue]
"""A schema as a mutable JSON object."""

NULL: Final[Node] = {"type": "null"}

_SIZES: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_TEXTS: Final = frozenset({"pattern", "format", "contentEncoding", "contentMediaType"})
_DEPENDENT: Final = ("dependentRequired", "dependentSchemas", "dependencies")
FACETS: Final = {
    "string": ("minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType", "contentSchema"),
    "array": ("minItems", "maxItems", "uniqueItems", "contains"),
    "object": ("minProperties", "maxProperties", "propertyNames", "patternProperties", *_DEPENDENT),
    "": ("format", "multipleOf", "not", "if", "then", "else"),
}
"""Keywords for limits, by the kind of value that they restrict (empty: any kind)."""
_KIND_OF: Final = {keyword: kind for kind, keywords in FACETS.items() for keyword in keywords}
_IMPLIED: Final = {keyword: kind for keyword, kind in _KIND_OF.items() if kind} | {
    **dict.fromkeys(("properties", "additionalProperties", "required"), "object"),
    **dict.fromkeys(("items", "prefixItems"), "array"),
    **dict.fromkeys((*_BOUNDS, "multipleOf"), "number"),
    "format": "string",
}
"""The type that a schema without a type has, by its keywords."""
_WORDS: Final = {
    "minLength": "At least {} characters.",
    "maxLength": "At most {} characters.",
    "minItems": "At least {} items.",
    "maxItems": "At most {} items.",
    "minProperties": "At least {} keys.",
    "maxProperties": "At most {} keys.",
    "pattern": "Matches the regular expression `{}`.",
    "format": "Format: {}.",
    "multipleOf": "A multiple of {}.",
    "uniqueItems": "No item twice.",
    "not": "Must not follow the JSON Schema {}",
}
"""Limits in words. The other limits are quoted."""
CONSTRAINTS: Final = (
    _KIND_OF.keys() | _IMPLIED.keys() | {"$ref", "allOf", "anyOf", "const", "enum", "nullable", "oneOf", "type"}
)
"""Keywords that restrict a value. All other keywords only annotate it."""
_LONGEST_WORDS: Final = 300


def kinds(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names, else the type that its keywords imply."""
    if "type" in schema:
        return declared_kinds(schema)
    implied = next((_IMPLIED[keyword] for keyword in schema if keyword in _IMPLIED), None)
    if implied is None:
        return ()
    return (implied, "null") if schema.get("nullable") is True else (implied,)


def values_of(schema: JsonObject) -> JsonValue:
    """Return the rule for an object's unnamed values: the only pattern's, if there is no other."""
    values, patterns = schema.get("additionalProperties"), as_object(schema.get("patternProperties"))
    if patterns and values in (None, False):
        return next(iter(patterns.values())) if len(patterns) == 1 else None
    return values


def without(schema: JsonObject, *keywords: str) -> Node:
    return {keyword: value for keyword, value in schema.items() if keyword not in keywords}


def compact(value: JsonValue) -> str:
    """Write a value as JSON text of bounded length."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if len(text) <= _LONGEST_WORDS else text[:_LONGEST_WORDS] + "…"


def joined(first: str, second: str) -> str:
    """Join two texts as sentences. Equal texts are written once."""
    first, second = first.strip(), second.strip()
    if not first or not second or first == second:
        return first or second
    return f"{first}{' ' if first[-1] in '.!?:;…' else '. '}{second}"


def noted(schema: JsonObject, *notes: str) -> str:
    """Return a schema's description with notes behind it."""
    return reduce(joined, notes, text_at(schema, "description") or "")


def describe(result: Node, schema: JsonObject, notes: Collection[str] = ()) -> Node:
    """Add the description of `schema` and `notes` on unsupported keywords to `result`; return `result`."""
    default = schema.get("default")
    if text := noted(schema, *notes, *([] if default is None else [f"Default: {compact(default)}."])):
        result["description"] = text
    return result


def facets(schema: JsonObject, kind: str, kept: frozenset[str], formats: frozenset[str]) -> tuple[Node, list[str]]:
    """Split the limits of a value of one kind into keywords that the form supports and notes in words for the others.

    The form supports the keywords `kept` and the values `formats` of `format`.
    """
    stated: Node = {}
    notes: list[str] = []
    for keyword, value in schema.items():
        if _KIND_OF.get(keyword) not in ("", kind) or not _restricts(keyword, value):
            continue
        # Providers use RE2, which supports no look-around and no flags.
        is_plain = keyword in kept and (keyword != "pattern" or "(?" not in str(value))
        if is_plain or (keyword == "format" and value in formats):
            stated[keyword] = value
        else:
            words = _WORDS.get(keyword, f"JSON Schema's `{keyword}`: {{}}")
            notes.append(words.format(value if isinstance(value, str) else compact(value)))
    if kind in ("integer", "number"):
        _bound(schema, kind, stated, notes)
    return stated, notes


def _restricts(keyword: str, value: JsonValue) -> bool:
    """Whether a limit can be read and restricts anything."""
    if keyword in _SIZES:
        return (size := number(value)) is not None and size >= 0 and size == int(size)
    return value not in (False, None, {}, [], "") and (keyword not in _TEXTS or isinstance(value, str))


def _bound(schema: JsonObject, kind: str, stated: Node, notes: list[str]) -> None:
    low, high = bound(schema, "minimum"), bound(schema, "maximum")
    above, below = bound(schema, "exclusiveMinimum"), bound(schema, "exclusiveMaximum")
    if above is not None and (low is None or above >= low):
        low = floor(above) + 1 if kind == "integer" else above
        notes += [f"Greater than {compact(above)}."] if kind == "number" else []
    if below is not None and (high is None or below <= high):
        high = ceil(below) - 1 if kind == "integer" else below
        notes += [f"Less than {compact(below)}."] if kind == "number" else []
    stated |= {keyword: value for keyword, value in (("minimum", low), ("maximum", high)) if value is not None}


def is_null(schema: Node) -> bool:
    """Whether a schema accepts null and nothing else."""
    return kinds(schema) == ("null",) or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)


def flat(node: Node) -> list[Node]:
    """Return the alternatives of a translated schema that has only `anyOf`; else the schema as the only alternative."""
    return objects(node["anyOf"]) if node.keys() == {"anyOf"} else [node]


def with_description(node: Node, description: Node) -> Node:
    """Put a description before a node's own description. A reference cannot hold a description, and null needs none."""
    if not description or "$ref" in node or node == NULL:
        return node
    return {**node, "description": noted(description, text_at(node, "description") or "")}


def members_of(values: list[JsonValue], *kinds: str) -> list[JsonValue]:
    return [value for value in values if kind_of(value) in kinds]


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


def _types(ours: JsonValue, value: JsonValue) -> JsonValue:
    left, right = declared_kinds({"type": ours}), declared_kinds({"type": value})
    common: list[JsonValue] = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    common += ["integer"] if "integer" in right and "number" in left and "integer" not in common else []
    return (common[0] if len(common) == 1 else common) if common else ours


_COMBINE: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any, Any], JsonValue]]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), ((int, float), max)),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), ((int, float), min)),
    "additionalProperties": (object, lambda ours, value: False if ours is False else _both(ours, value)),
    "allOf": (list, add),
    "description": (str, joined),
    "enum": (list, lambda ours, value: [item for item in ours if item in value] or ours),
    "items": (object, _both),
    "properties": (dict, _properties),
    "required": (list, lambda ours, value: [*ours, *(name for name in value if name not in ours)]),
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
            other = properties.setdefault(name, child)
            properties[name] = child if other == child else {"anyOf": [other, child]}
    first, *others = [as_list(branch.get("required")) for branch in branches]
    required = [*as_list(base.get("required")), *(name for name in first if all(name in other for other in others))]
    keys = [as_object(branch.get("properties")) or as_list(branch.get("required")) for branch in branches]
    shown = "; or ".join(", ".join(map(str, names)) for names in keys if names)
    result: Node = {**base, "type": "object", "properties": properties, "required": required}
    return {**result, "description": noted(base, f"Has the keys of one of these alternatives: {shown}.")}


def unique(name: str, taken: Collection[str], longest: int) -> str:
    """Return a name that is not in `taken`: the name itself, or one with a number behind it."""
    candidate, count = name, 2
    while candidate in taken:
        suffix = f"_{count}"
        candidate, count = name[: longest - len(suffix)] + suffix, count + 1
    return candidate
