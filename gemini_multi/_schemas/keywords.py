"""The meaning of JSON Schema keywords: of limits, alternatives and conjunctions.

Unsupported keywords are described in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import reduce
from itertools import product
from math import ceil, floor
from operator import add
from typing import Any, Final, TypeAlias

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._schemas.check import bound, declared_kinds, kind_of, number
from gemini_multi.types import JsonObject, JsonValue

Node: TypeAlias = dict[str, JsonValue]
"""A schema as a mutable JSON object."""

NULL: Final[Node] = {"type": "null"}

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
_CONSTANT: Final = frozenset({"type", "format", "enum", "description"})
_GROUPS: Final = {"string": 0, "integer": 1, "number": 1, "boolean": 2, "object": 3, "array": 3}
_MOST_ALTERNATIVES: Final = 32
_LONGEST_WORDS: Final = 300


def kinds(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names, else the types that its keywords imply."""
    if "type" in schema:
        return declared_kinds(schema)
    for kind, keywords in _IMPLIED:
        if not keywords.isdisjoint(schema):
            return (kind, "null") if schema.get("nullable") is True else (kind,)
    return ()


def values_of(schema: Node) -> bool | Node | None:
    """Return the rule for an object's other values: a schema, a boolean, or `None` if the schema has no rule."""
    values, patterns = schema.get("additionalProperties"), as_object(schema.get("patternProperties"))
    if values in (None, False) and len(patterns) == 1:
        (values,) = patterns.values()
    return values if isinstance(values, (bool, dict)) else None


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


def describe(result: Node, schema: JsonObject, notes: list[str]) -> Node:
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
        restricted, words = _FACETS.get(keyword, (None, ""))
        if restricted not in ("", kind) or (limit := _limit(keyword, value)) is None:
            continue
        # Providers use RE2, which supports no look-around and no flags.
        is_plain = keyword in kept and (keyword != "pattern" or "(?" not in str(limit))
        if is_plain or (keyword == "format" and limit in formats):
            stated[keyword] = limit
        else:
            notes.append(words.format(limit if isinstance(limit, str) else compact(limit)))
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


def _bound(schema: JsonObject, kind: str, stated: Node, notes: list[str]) -> None:
    low, high = bound(schema, "minimum"), bound(schema, "maximum")
    above, below = bound(schema, "exclusiveMinimum"), bound(schema, "exclusiveMaximum")
    if above is not None and (low is None or above >= low):
        low = floor(above) + 1 if kind == "integer" else above
        notes += [f"Greater than {compact(above)}."] if kind == "number" else []
    if below is not None and (high is None or below <= high):
        high = ceil(below) - 1 if kind == "integer" else below
        notes += [f"Less than {compact(below)}."] if kind == "number" else []
    stated.update({keyword: value for keyword, value in (("minimum", low), ("maximum", high)) if value is not None})


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


def folded(nodes: list[Node]) -> list[Node]:
    """Combine the alternatives that are constants of the same type into one enum."""
    groups: dict[object, list[Node]] = {}
    for position, node in enumerate(nodes):
        is_constant = "enum" in node and node.keys() <= _CONSTANT
        key = (node.get("type"), node.get("format")) if is_constant else position
        groups.setdefault(key, []).append(node)
    return [_one_enum(group) if len(group) > 1 else group[0] for group in groups.values()]


def _one_enum(nodes: list[Node]) -> Node:
    values: list[JsonValue] = []
    meanings: dict[str, str] = {}
    for node in nodes:
        members = as_list(node["enum"])
        values += [value for value in members if value not in values]
        if text := text_at(node, "description"):
            meanings[", ".join(map(compact, members))] = text
    texts = [f"{members}: {text}".rstrip(".") + "." for members, text in meanings.items()]
    return {**without(nodes[0], "description"), "enum": values, **describe({}, {}, [" ".join(texts)])}


def grouped(values: list[JsonValue]) -> tuple[list[JsonValue], list[JsonValue], list[JsonValue], list[JsonValue]]:
    """Group the members of an enum: texts, numbers, booleans, and objects and arrays. Null is left out."""
    groups: tuple[list[JsonValue], list[JsonValue], list[JsonValue], list[JsonValue]] = ([], [], [], [])
    for value in values:
        if value is not None:
            groups[_GROUPS[kind_of(value)]].append(value)
    return groups


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


def _common(ours: list[JsonValue], value: list[JsonValue]) -> JsonValue:
    return [item for item in ours if item in value] or ours


def _types(ours: JsonValue, value: JsonValue) -> JsonValue:
    left, right = kinds({"type": ours}), kinds({"type": value})
    common: list[JsonValue] = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    if "integer" in right and "number" in left and "integer" not in common:
        common.append("integer")
    return (common[0] if len(common) == 1 else common) if common else ours


def _crossed(ours: list[JsonValue], value: list[JsonValue]) -> JsonValue:
    """Combine every alternative of one side with every alternative of the other."""
    if len(ours) * len(value) > _MOST_ALTERNATIVES:
        return ours
    return [{"allOf": [first, second]} for first, second in product(ours, value)]


_COMBINE: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any, Any], JsonValue]]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), ((int, float), max)),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), ((int, float), min)),
    "additionalProperties": (object, lambda ours, value: False if ours is False else _both(ours, value)),
    "allOf": (list, add),
    "anyOf": (list, _crossed),
    "description": (str, joined),
    "enum": (list, _common),
    "items": (object, _both),
    "oneOf": (list, _crossed),
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


def unique(name: str, taken: Collection[str], longest: int) -> str:
    """Return a name that is not in `taken`: the name itself, or one with a number behind it."""
    candidate, count = name, 2
    while candidate in taken:
        suffix = f"_{count}"
        candidate, count = name[: longest - len(suffix)] + suffix, count + 1
    return candidate
