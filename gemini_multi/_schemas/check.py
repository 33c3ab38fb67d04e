"""Checks JSON values against the part of JSON Schema that Gemini should follow but does not enforce.

Checked: `$ref`, `type`, `nullable`, `enum`, `const`, bounds, lengths, `pattern`, `required`, `properties`,
`additionalProperties`, `items`, `prefixItems`, `anyOf`, `oneOf` (read as `anyOf`) and `allOf`.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from itertools import chain, islice, repeat
from math import isfinite
from typing import Final
from urllib.parse import unquote

from pydantic_core import SchemaError, SchemaValidator, core_schema

from gemini_multi._encoding.json_values import as_list, as_object, text_at
from gemini_multi.types import JsonObject, JsonValue

_DEEPEST: Final = 64
_MOST_STEPS: Final = 50_000
_MOST_ERRORS: Final = 100
_SHOWN: Final = 80
_KINDS: Final = {
    "any": "",
    "bool": "boolean",
    "dict": "object",
    "double": "number",
    "float": "number",
    "int": "integer",
    "list": "array",
    "none": "null",
    "str": "string",
} | {kind: kind for kind in ("array", "boolean", "integer", "null", "number", "object", "string")}
"""The types of JSON Schema, by the names that schemas use for them."""
_CLASSES: Final[dict[type, str]] = {
    type(None): "null",
    **{kind: _KINDS[kind.__name__] for kind in (bool, int, float, str, list, dict)},
}
_SIZES: Final = {"string": ("Length", "characters"), "array": ("Items", "items"), "object": ("Properties", "keys")}
_BOUNDS: Final[tuple[tuple[str, Callable[[float, float], bool], str], ...]] = (
    ("minimum", operator.lt, "at least"),
    ("maximum", operator.gt, "at most"),
    ("exclusiveMinimum", operator.le, "greater than"),
    ("exclusiveMaximum", operator.ge, "less than"),
)


def declared_kinds(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names, by JSON Schema's names; empty for no restriction."""
    declared = schema.get("type")
    if isinstance(declared, str):
        found = {_KINDS.get(declared) or _KINDS.get(declared.lower(), ""): None}
    else:
        found = {_KINDS.get(name.lower(), ""): None for name in as_list(declared) if isinstance(name, str)}
    found.pop("", None)
    if found and schema.get("nullable") is True:
        found["null"] = None
    return tuple(found)


def resolve(pointer: str, root: JsonObject) -> dict[str, JsonValue] | None:
    """Return the schema that a local reference such as `#/$defs/Pet` refers to; `None` if there is none."""
    if pointer != "#" and not pointer.startswith("#/"):
        return None
    target: JsonValue = dict(root)
    for step in pointer[1:].split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and key in target:
            target = target[key]
        elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
            target = target[int(key)]
        else:
            return None
    return target if isinstance(target, dict) else None


def same(left: JsonValue, right: JsonValue) -> bool:
    """Whether two values are equal as JSON: `true` is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def validation_errors(value: JsonValue, schema: JsonObject) -> list[str]:
    """Return at most 100 errors of a value, each with its JSON path; an empty list for a valid value."""
    return list(islice(Checker(schema).check(value, dict(schema)), _MOST_ERRORS))


class Checker:
    """Checks values against schemas whose references refer to one root schema."""

    def __init__(self, root: JsonObject, *, is_exact: bool = False) -> None:
        """Make a checker. With `is_exact`, 3.0 is not accepted as an integer. JSON Schema accepts it."""
        self.root = root
        self._is_exact = is_exact
        self._steps = 0

    def accepts(self, value: JsonValue, schema: JsonValue) -> bool:
        return next(self.check(value, schema), None) is None

    def check(self, value: JsonValue, schema: JsonValue, path: str = "$", depth: int = 0) -> Iterator[str]:
        """Yield the errors of a value. Parts beyond the limits on depth and work count as valid."""
        if schema is False:
            yield f"{path}: must not be there"
        if not isinstance(schema, dict) or depth >= _DEEPEST or self._steps >= _MOST_STEPS:
            return
        self._steps += 1
        yield from self._here(value, schema, path)
        yield from self._below(value, schema, path, depth + 1)

    def _here(self, value: JsonValue, schema: dict[str, JsonValue], path: str) -> Iterator[str]:
        wanted = declared_kinds(schema)
        is_whole = isinstance(value, float) and value.is_integer() and not self._is_exact
        if wanted and not (fits(kind_of(value), wanted) or (is_whole and "integer" in wanted)):
            yield f"{path}: must be {_listed(wanted)}, is {_shown(value)}"
            return
        if value is None and "null" in wanted:
            return
        members = schema.get("enum")
        if isinstance(members, list) and not any(same(value, member) for member in members):
            yield f"{path}: must be one of {_shown(members)}, is {_shown(value)}"
        if "const" in schema and not same(value, schema["const"]):
            yield f"{path}: must be {_shown(schema['const'])}, is {_shown(value)}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from _number_problems(value, schema, path)
        elif isinstance(value, (str, list, dict)):
            yield from _size_problems(len(value), schema, path, *_SIZES[kind_of(value)])
        pattern = text_at(schema, "pattern")
        if isinstance(value, str) and pattern is not None and not _matches(value, pattern):
            yield f"{path}: must match {pattern!r}, is {_shown(value)}"

    def _below(self, value: JsonValue, schema: dict[str, JsonValue], path: str, depth: int) -> Iterator[str]:
        if (pointer := text_at(schema, "$ref")) is not None:
            yield from self.check(value, resolve(pointer, self.root), path, depth)
        for part in as_list(schema.get("allOf")):
            yield from self.check(value, part, path, depth)
        for keyword in ("anyOf", "oneOf"):
            branches = as_list(schema.get(keyword))
            if branches and not (value is None and schema.get("nullable") is True):
                yield from self._alternatives(value, branches, path, depth)
        if isinstance(value, dict):
            yield from self._object(value, schema, path, depth)
        elif isinstance(value, list):
            for position, (item, inner) in enumerate(zip(value, item_schemas(schema), strict=False)):
                yield from self.check(item, inner, f"{path}[{position}]", depth)

    def _alternatives(self, value: JsonValue, branches: list[JsonValue], path: str, depth: int) -> Iterator[str]:
        closest: list[str] = []
        for branch in branches:
            found = list(islice(self.check(value, branch, path, depth), _MOST_ERRORS))
            if not found:
                return
            is_meant = len(branches) == 1 or self.accepts(value, outline(branch, self.root))
            if is_meant and (not closest or len(found) < len(closest)):
                closest = found
        yield from closest or [f"{path}: fits none of the {len(branches)} alternatives, is {_shown(value)}"]

    def _object(self, value: JsonObject, schema: JsonObject, path: str, depth: int) -> Iterator[str]:
        known = as_object(schema.get("properties"))
        for name in as_list(schema.get("required")):
            if name not in value:
                yield f"{path}: {name!r} is missing"
        rest = None if "patternProperties" in schema else schema.get("additionalProperties")
        for name, member in value.items():
            if name not in known and rest is False:
                yield f"{path}: {name!r} is not a known key"
            else:
                yield from self.check(member, known.get(name, rest), _member_path(path, name), depth)


def split_items(schema: JsonObject) -> tuple[list[JsonValue], JsonValue]:
    """Return the schemas of an array's first items and of the rest; tuples may be in the new or the old notation."""
    items = schema.get("items")
    if isinstance(items, list):
        return items, schema.get("additionalItems")
    return as_list(schema.get("prefixItems")), items


def item_schemas(schema: JsonObject) -> Iterator[JsonValue]:
    """Yield the schema of each of an array's items, without an end."""
    prefix, rest = split_items(schema)
    return chain(prefix, repeat(rest))


def outline(branch: JsonValue, root: JsonObject) -> JsonValue:
    """Return the properties that distinguish an alternative from the others: its type, and its constant properties."""
    if isinstance(branch, dict) and isinstance(pointer := branch.get("$ref"), str):
        branch = resolve(pointer, root)
    if not isinstance(branch, dict):
        return branch
    constants: dict[str, JsonValue] = {
        name: {keyword: child[keyword] for keyword in ("const", "enum") if keyword in child}
        for name, child in as_object(branch.get("properties")).items()
        if isinstance(child, dict)
    }
    required: list[JsonValue] = [name for name in constants if constants[name]]
    return {"type": branch.get("type"), "properties": constants, "required": required}


def kind_of(value: JsonValue) -> str:
    known = _CLASSES.get(type(value))
    return known or next((_CLASSES[base] for base in type(value).__mro__ if base in _CLASSES), "object")


def fits(kind: str, wanted: Collection[str]) -> bool:
    """Whether a value of this JSON type has one of the wanted types: an integer is a number, too."""
    return kind in wanted or (kind == "integer" and "number" in wanted)


def number(value: JsonValue) -> int | float | None:
    """Return a finite number; `None` for any other value."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value) else None


def bound(schema: JsonObject, keyword: str) -> int | float | None:
    """Read a bound. Drafts before 6 write an exclusive bound as `true` beside the inclusive bound."""
    value = schema.get(keyword)
    return number(schema.get(keyword.replace("exclusiveM", "m")) if value is True else value)


def _number_problems(value: float, schema: JsonObject, path: str) -> Iterator[str]:
    for keyword, is_beyond, words in _BOUNDS:
        limit = bound(schema, keyword)
        if limit is not None and is_beyond(value, limit):
            yield f"{path}: must be {words} {limit}, is {value}"


def _size_problems(size: int, schema: JsonObject, path: str, suffix: str, unit: str) -> Iterator[str]:
    least, most = number(schema.get(f"min{suffix}")), number(schema.get(f"max{suffix}"))
    if least is not None and size < least:
        yield f"{path}: must have at least {least} {unit}, has {size}"
    if most is not None and size > most:
        yield f"{path}: must have at most {most} {unit}, has {size}"


def _matches(value: str, pattern: str) -> bool:
    # A model wrote the value, and the author of the pattern may be unknown. Python's `re` could search for years.
    engine = _engine(pattern)
    return engine is None or engine.isinstance_python(value.encode(errors="replace").decode())


@lru_cache(maxsize=256)
def _engine(pattern: str) -> SchemaValidator | None:
    """Compile a pattern for pydantic's engine. Its time is linear in the text; `None` if it is not supported."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return None


def _member_path(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _listed(wanted: Collection[str]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" if kind != "null" else kind for kind in wanted)


def _shown(value: JsonValue) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
