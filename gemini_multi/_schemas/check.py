"""Checks JSON values against the part of JSON Schema that Gemini should follow but does not enforce.

Checked: `$ref`, `type`, `nullable`, `enum`, `const`, bounds, lengths, `pattern`, `required`, `properties`,
`additionalProperties`, `items`, `prefixItems`, `anyOf`, `oneOf` (read as `anyOf`), `allOf`, and, lightly, the formats
date-time, date, uuid and email.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from math import isfinite
from typing import Final
from urllib.parse import unquote

from pydantic_core import SchemaError, SchemaValidator, core_schema

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


def declared_kinds(schema: JsonObject) -> tuple[str, ...]:
    """Return the types that a schema names, by JSON Schema's names; empty for no restriction."""
    declared = schema.get("type")
    if isinstance(declared, str):
        kind = declared if declared in _KINDS else declared.lower()
        found = {_KINDS.get(kind, ""): None}
    elif isinstance(declared, list):
        found = {_KINDS.get(name.lower(), ""): None for name in declared if isinstance(name, str)}
    else:
        return ()
    found.pop("", None)
    if found and schema.get("nullable") is True:
        found["null"] = None
    return tuple(found)


def resolve(pointer: str, root: JsonObject) -> dict[str, JsonValue] | None:
    """Return the schema that a local reference such as `#/$defs/Pet` refers to; `None` if there is none."""
    if not pointer.startswith("#"):
        return None
    target: JsonValue = dict(root) if not isinstance(root, dict) else root
    for step in pointer[1:].split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and key in target:
            target = target[key]
        elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
            target = target[int(key)]
        else:
            return None
    return target if isinstance(target, dict) and (len(pointer) == 1 or pointer[1] == "/") else None


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
        """Make a checker.

        Args:
            root: The schema that references refer to.
            is_exact: Whether 3.0 is not accepted as an integer. JSON Schema accepts it.
        """
        self.root = root
        self._is_exact = is_exact
        self._steps = 0

    def accepts(self, value: JsonValue, schema: JsonValue) -> bool:
        """Whether a value is valid."""
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
        if wanted and not self._is_kind(value, wanted):
            yield f"{path}: must be {_listed(wanted)}, is {_shown(value)}"
            return
        if value is None and "null" in wanted:
            return
        members = schema.get("enum")
        if isinstance(members, list) and not any(same(value, member) for member in members):
            yield f"{path}: must be one of {_shown(members)}, is {_shown(value)}"
        if "const" in schema and not same(value, schema["const"]):
            yield f"{path}: must be {_shown(schema['const'])}, is {_shown(value)}"
        match value:
            case bool():
                return
            case int() | float():
                yield from _number_problems(value, schema, path)
            case str():
                yield from _text_problems(value, schema, path)
            case _:
                return

    def _is_kind(self, value: JsonValue, wanted: Sequence[str]) -> bool:
        match value:
            case bool():
                return "boolean" in wanted
            case int():
                return "integer" in wanted or "number" in wanted
            case float():
                return "number" in wanted or ("integer" in wanted and value.is_integer() and not self._is_exact)
            case _:
                return kind_of(value) in wanted

    def _below(self, value: JsonValue, schema: dict[str, JsonValue], path: str, depth: int) -> Iterator[str]:
        pointer = schema.get("$ref")
        if isinstance(pointer, str):
            yield from self.check(value, resolve(pointer, self.root), path, depth)
        parts = schema.get("allOf")
        for part in parts if isinstance(parts, list) else ():
            yield from self.check(value, part, path, depth)
        for keyword in ("anyOf", "oneOf"):
            branches = schema.get(keyword)
            if isinstance(branches, list) and branches and not (value is None and schema.get("nullable") is True):
                yield from self._alternatives(value, branches, path, depth)
        if isinstance(value, dict):
            yield from self._object(value, schema, path, depth)
        elif isinstance(value, list):
            yield from self._array(value, schema, path, depth)

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

    def _object(
        self, value: dict[str, JsonValue], schema: dict[str, JsonValue], path: str, depth: int
    ) -> Iterator[str]:
        properties, required = schema.get("properties"), schema.get("required")
        known = properties if isinstance(properties, dict) else {}
        for name in required if isinstance(required, list) else ():
            if name not in value:
                yield f"{path}: {name!r} is missing"
        yield from _size_problems(len(value), schema, path, ("minProperties", "maxProperties", "keys"))
        rest = None if "patternProperties" in schema else schema.get("additionalProperties")
        for name, member in value.items():
            if name in known:
                yield from self.check(member, known[name], _member_path(path, name), depth)
            elif rest is False:
                yield f"{path}: {name!r} is not a known key"
            else:
                yield from self.check(member, rest, _member_path(path, name), depth)

    def _array(self, value: list[JsonValue], schema: dict[str, JsonValue], path: str, depth: int) -> Iterator[str]:
        yield from _size_problems(len(value), schema, path, ("minItems", "maxItems", "items"))
        for position, item in enumerate(value):
            yield from self.check(item, item_schema(schema, position), f"{path}[{position}]", depth)


def item_schema(schema: JsonObject, position: int) -> JsonValue:
    """Return the schema of an array's item; tuples may be in the new or the old notation."""
    items, prefix = schema.get("items"), schema.get("prefixItems")
    if isinstance(items, list):
        items, prefix = schema.get("additionalItems"), items
    if isinstance(prefix, list) and position < len(prefix):
        return prefix[position]
    return items


def outline(branch: JsonValue, root: JsonObject) -> JsonValue:
    """Return the properties that distinguish an alternative from the others: its type, and its constant properties."""
    if isinstance(branch, dict) and isinstance(pointer := branch.get("$ref"), str):
        branch = resolve(pointer, root)
    if not isinstance(branch, dict):
        return branch
    properties = branch.get("properties")
    constants: dict[str, JsonValue] = {
        name: {keyword: child[keyword] for keyword in ("const", "enum") if keyword in child}
        for name, child in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(child, dict)
    }
    return {
        "type": branch.get("type"),
        "properties": constants,
        "required": [name for name in constants if constants[name]],
    }


def kind_of(value: JsonValue) -> str:
    """Return the JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _number_problems(value: float, schema: JsonObject, path: str) -> Iterator[str]:
    low, high = number(schema.get("minimum")), number(schema.get("maximum"))
    above = low if schema.get("exclusiveMinimum") is True else number(schema.get("exclusiveMinimum"))
    below = high if schema.get("exclusiveMaximum") is True else number(schema.get("exclusiveMaximum"))
    if low is not None and value < low:
        yield f"{path}: must be at least {low}, is {value}"
    if high is not None and value > high:
        yield f"{path}: must be at most {high}, is {value}"
    if above is not None and value <= above:
        yield f"{path}: must be greater than {above}, is {value}"
    if below is not None and value >= below:
        yield f"{path}: must be less than {below}, is {value}"


def _text_problems(value: str, schema: JsonObject, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), schema, path, ("minLength", "maxLength", "characters"))
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str) and not _matches(pattern, value):
        yield f"{path}: must match {pattern!r}, is {_shown(value)}"
    if isinstance(form, str) and not _has_format(form, value):
        yield f"{path}: must have the format {form}, is {_shown(value)}"


def _size_problems(size: int, schema: JsonObject, path: str, words: tuple[str, str, str]) -> Iterator[str]:
    least, most = number(schema.get(words[0])), number(schema.get(words[1]))
    if least is not None and size < least:
        yield f"{path}: must have at least {least} {words[2]}, has {size}"
    if most is not None and size > most:
        yield f"{path}: must have at most {most} {words[2]}, has {size}"


def number(value: JsonValue) -> int | float | None:
    """Return a finite number; `None` for any other value."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value) else None


def _matches(pattern: str, value: str) -> bool:
    """Search in the manner of JSON Schema. A pattern that the engine does not support counts as matched.

    A model wrote the value, and the author of the pattern may be unknown. Python's `re` could search for years.
    """
    engine = _engine(pattern)
    return engine is None or engine.isinstance_python(value.encode(errors="replace").decode())


@lru_cache(maxsize=256)
def _engine(pattern: str) -> SchemaValidator | None:
    """Compile a pattern for pydantic's engine. Its time is linear in the text; it supports no look-around."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return None


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


def _has_format(form: str, value: str) -> bool:
    try:
        match form:
            case "date-time":
                datetime.fromisoformat(value)
            case "date":
                date.fromisoformat(value)
            case "uuid":
                return _UUID.fullmatch(value) is not None
            case "email":
                return _EMAIL.fullmatch(value) is not None
            case _:
                return True
    except ValueError:
        return False
    return True


def _member_path(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _listed(wanted: Sequence[str]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aio' else 'a'} {kind}" if kind != "null" else kind for kind in wanted)


def _shown(value: JsonValue) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
