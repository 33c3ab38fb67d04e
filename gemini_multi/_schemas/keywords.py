"""The meaning of JSON Schema keywords. Unsupported keywords are described in words."""

from __future__ import annotations

import json
from math import ceil, floor
from typing import Final, TypeAlias

from gemini_multi._schemas.check import declared_kinds, number
from gemini_multi.types import JsonObject, JsonValue

Node: TypeAlias = dict[str, JsonValue]
"""A schema as a mutable JSON object."""

_FACETS: Final[dict[str, tuple[str, str]]] = {
    "minLength": ("string", "At least {} characters."),
    "maxLength": ("string", "At most {} characters."),
    "minItems": ("array", "At least {} items."),
    "maxItems": ("array", "At most {} items."),
    "minProperties": ("object", "At least {} keys."),
    "maxProperties": ("object", "At most {} keys."),
    "pattern": ("string", "Matches the regular expression `{}`."),
    "format": ("", "Format: {}."),
    "multipleOf": ("", "A multiple of {}."),
    "uniqueItems": ("array", "No item twice."),
    "propertyNames": ("object", "Keys follow the JSON Schema {}"),
    "patternProperties": ("object", "By key: {}"),
    "dependentRequired": ("object", "Keys that need other keys: {}"),
    "dependentSchemas": ("object", "Keys that need more (JSON Schema): {}"),
    "dependencies": ("object", "Keys that need more (JSON Schema): {}"),
    "contains": ("array", "Has an item that follows the JSON Schema {}"),
    "contentEncoding": ("string", "Encoded as {}."),
    "contentMediaType": ("string", "Holds {}."),
    "contentSchema": ("string", "The text follows the JSON Schema {}"),
    "not": ("", "Must not follow the JSON Schema {}"),
    "if": ("", "If it follows the JSON Schema {}"),
    "then": ("", "Then it follows {}"),
    "else": ("", "Else it follows {}"),
}
"""For each keyword: the kind of value that it restricts (empty: any kind) and its meaning in words."""

_SIZES: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
CONSTRAINTS: Final = (
    frozenset(_FACETS)
    | _BOUNDS
    | {"$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "nullable", "oneOf"}
    | {"prefixItems", "properties", "required", "type"}
)
"""Keywords that restrict a value. All other keywords only annotate it."""

_IMPLIED: Final = (
    ("object", frozenset({"properties", "additionalProperties", "patternProperties", "required", "propertyNames"})),
    ("array", frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"})),
    ("string", frozenset({"minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"})),
    ("number", _BOUNDS | {"multipleOf"}),
)
_LONGEST_WORDS: Final = 300


def kinds(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names, else the types that its keywords imply."""
    declared = declared_kinds(schema)
    if "type" in schema:
        return declared
    for kind, keywords in _IMPLIED:
        if not keywords.isdisjoint(schema):
            return (kind, "null") if schema.get("nullable") is True else (kind,)
    return ()


def values_of(schema: Node) -> bool | Node | None:
    """Return the rule for an object's other values: a schema, a boolean, or `None` if the schema has no rule."""
    values, patterns = schema.get("additionalProperties"), schema.get("patternProperties")
    if values in (None, False) and isinstance(patterns, dict) and len(patterns) == 1:
        values = next(iter(patterns.values()))
    return values if isinstance(values, (bool, dict)) else None


def without(schema: JsonObject, *keywords: str) -> Node:
    """Copy a schema's top level without `keywords`."""
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


def noted(schema: JsonObject, note: str) -> str:
    """Return a schema's description with a note behind it."""
    given = schema.get("description")
    return joined(given if isinstance(given, str) else "", note)


def describe(result: Node, schema: JsonObject, notes: list[str]) -> Node:
    """Add the description of `schema` and `notes` on unsupported keywords to `result`; return `result`."""
    given = schema.get("description")
    text = given if isinstance(given, str) else ""
    if (default := schema.get("default")) is not None:
        notes = [*notes, f"Default: {compact(default)}."]
    for note in notes:
        text = joined(text, note)
    if text:
        result["description"] = text
    return result


def facets(schema: JsonObject, kind: str, kept: frozenset[str], formats: frozenset[str]) -> tuple[Node, list[str]]:
    """Split a schema's limits into keywords that the form supports and notes in words for the others.

    Args:
        schema: The schema of a value of one kind.
        kind: That kind. Limits for other kinds do not count.
        kept: Keywords that the form supports.
        formats: Values of `format` that the form supports.
    """
    stated: Node = {}
    notes: list[str] = []
    for keyword, value in schema.items():
        facet = _FACETS.get(keyword)
        if facet is None or facet[0] not in ("", kind):
            continue
        limit = _limit(keyword, value)
        if limit is None:
            continue
        if (keyword in kept and _is_plain(keyword, limit)) or (keyword == "format" and limit in formats):
            stated[keyword] = limit
        else:
            notes.append(facet[1].format(limit if isinstance(limit, str) else compact(limit)))
    if kind in ("integer", "number") and not _BOUNDS.isdisjoint(schema):
        _bound(schema, kind, stated, notes)
    return stated, notes


def _limit(keyword: str, value: JsonValue) -> JsonValue:
    """Return the limit of a keyword; `None` when it restricts nothing or cannot be read."""
    if keyword in _SIZES:
        size = number(value)
        return int(size) if size is not None and size >= 0 and size == int(size) else None
    if keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        return value if isinstance(value, str) and value else None
    if keyword == "multipleOf":
        return number(value)
    return value if value not in (False, None, {}, []) else None


def _is_plain(keyword: str, limit: JsonValue) -> bool:
    """Whether the form supports a limit. Patterns with look-around or flags are unsupported: providers use RE2."""
    return keyword != "pattern" or "(?" not in str(limit)


def _bound(schema: JsonObject, kind: str, stated: Node, notes: list[str]) -> None:
    low, high = number(schema.get("minimum")), number(schema.get("maximum"))
    above, below = _exclusive(schema, "exclusiveMinimum", low), _exclusive(schema, "exclusiveMaximum", high)
    if above is not None and (low is None or above >= low):
        low = floor(above) + 1 if kind == "integer" else above
        if kind == "number":
            notes.append(f"Greater than {compact(above)}.")
    if below is not None and (high is None or below <= high):
        high = ceil(below) - 1 if kind == "integer" else below
        if kind == "number":
            notes.append(f"Less than {compact(below)}.")
    if low is not None:
        stated["minimum"] = low
    if high is not None:
        stated["maximum"] = high


def _exclusive(schema: JsonObject, keyword: str, bound: float | None) -> float | None:
    """Read an exclusive bound. Drafts before 6 write it as `true` beside the inclusive bound."""
    value = schema.get(keyword)
    return bound if value is True else number(value)
