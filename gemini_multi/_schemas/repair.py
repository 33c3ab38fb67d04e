"""Repairs typical mistakes of Gemini in JSON answers, guided by the requested schema.

The schema is the caller's own one, not its translation for a provider. The repair never invents data and never changes
a valid value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from contextlib import suppress
from typing import Final, Literal, NoReturn

from pydantic_core import from_json

from gemini_multi._encoding.call_arguments import HUGE, escaped, is_finite
from gemini_multi._encoding.json_values import as_list, as_object
from gemini_multi._encoding.surrogates import repaired
from gemini_multi._schemas.check import Checker, declared_kinds, fits, item_schemas, kind_of, outline, resolve, same
from gemini_multi.types import JsonObject, JsonValue

_DEEPEST: Final = 64
_MOST_STEPS: Final = 50_000
_MOST_STARTS: Final = 64
_NUMERIC: Final = frozenset({"integer", "number", "boolean"})


def repair(value: JsonValue, schema: JsonObject, *, root: JsonObject | None = None) -> JsonValue:
    """Return the value without Gemini's typical mistakes, or the same value if there is nothing to repair.

    Whole floats become integers, quoted numbers and booleans lose their quotes, JSON text becomes the requested object
    or array, and null is removed from optional properties that must not be null. Other mistakes stay as they are:
    `validation_errors` names them. References refer to `root`, or else to the schema itself.
    """
    try:
        return _Repair(schema if root is None else root).fit(value, dict(schema))
    except RecursionError:
        return value


class _Repair:
    def __init__(self, root: JsonObject) -> None:
        self._root = root
        # One checker of each kind checks the whole value, so that the total work is limited.
        self._exact = Checker(root, is_exact=True)
        self._lenient = Checker(root)
        self._steps = 0

    def fit(self, value: JsonValue, schema: JsonValue, depth: int = 0) -> JsonValue:
        if not isinstance(schema, dict) or depth >= _DEEPEST or self._steps >= _MOST_STEPS:
            return value
        self._steps += 1
        depth += 1
        if isinstance(pointer := schema.get("$ref"), str):
            value = self.fit(value, resolve(pointer, self._root), depth)
        for part in as_list(schema.get("allOf")):
            value = self.fit(value, part, depth)
        for keyword in ("anyOf", "oneOf"):
            if isinstance(branches := schema.get(keyword), list):
                value = self._alternative(value, branches, depth)
        if "enum" in schema or "const" in schema:
            return _member(value, schema)
        value = _retyped(value, declared_kinds(schema))
        if isinstance(value, dict):
            return self._object(value, schema, depth)
        return self._array(value, schema, depth) if isinstance(value, list) else value

    def _alternative(self, value: JsonValue, branches: list[JsonValue], depth: int) -> JsonValue:
        if any(self._exact.accepts(value, branch) for branch in branches):
            return value
        for branch in branches:
            candidate = self.fit(value, branch, depth)
            if self._exact.accepts(candidate, branch):
                return candidate
        likely = [branch for branch in branches if self._lenient.accepts(value, outline(branch, self._root))]
        return self.fit(value, likely[0], depth) if len(likely) == 1 else value

    def _object(self, value: dict[str, JsonValue], schema: dict[str, JsonValue], depth: int) -> JsonValue:
        known, needed = as_object(schema.get("properties")), as_list(schema.get("required"))
        rest = schema.get("additionalProperties")
        result: dict[str, JsonValue] = {}
        for name, member in value.items():
            is_optional = name in known and name not in needed
            if member is not None or not is_optional or self._lenient.accepts(None, known[name]):
                result[name] = self.fit(member, known.get(name, rest), depth)
        is_same = len(result) == len(value) and all(result[name] is value[name] for name in result)
        return value if is_same else result

    def _array(self, value: list[JsonValue], schema: dict[str, JsonValue], depth: int) -> JsonValue:
        result = [self.fit(item, inner, depth) for item, inner in zip(value, item_schemas(schema), strict=False)]
        return value if all(new is old for new, old in zip(result, value, strict=True)) else result


def _member(value: JsonValue, schema: dict[str, JsonValue]) -> JsonValue:
    """Return the member of an enum that equals a value, or else the only member with the same text."""
    members = as_list(schema["enum"]) if "enum" in schema else [schema["const"]]
    for member in members:
        if same(value, member):
            return value if type(value) is type(member) else member
    meant = [member for member in members if isinstance(member, (int, float)) and json.dumps(member) == value]
    return meant[0] if len(meant) == 1 else value


def _retyped(value: JsonValue, wanted: tuple[str, ...]) -> JsonValue:
    """Parse a text as a value of the wanted kind. Return the text itself if it is not such a value."""
    if not isinstance(value, str) or not wanted or "string" in wanted:
        return _whole(value, wanted)
    is_nested = "object" in wanted or "array" in wanted
    with suppress(ValueError):
        if is_nested or (value == value.strip() and not _NUMERIC.isdisjoint(wanted)):
            parsed = _whole(json_text(value) if is_nested else _plain(value), wanted)
            return parsed if fits(kind_of(parsed), wanted) else value
    return value


def _whole(value: JsonValue, wanted: tuple[str, ...]) -> JsonValue:
    """Return a whole float as an integer, if no other number is wanted."""
    if isinstance(value, float) and value.is_integer() and "integer" in wanted and "number" not in wanted:
        return int(value)
    return value


def strip_prefix(name: str, declared: Container[str]) -> str:
    """Return a tool's name without the namespace that the model sometimes adds before it."""
    bare = name.removeprefix("default_api:").removeprefix("default_api.")
    return bare if bare in declared and name not in declared else name


def json_text(text: str) -> JsonValue:
    """Find and parse the JSON in a model's answer: bare, in a code fence, or with text around it.

    Raises:
        ValueError: The answer holds no JSON.
    """
    with suppress(ValueError):
        return _plain(text)
    if fence := _FENCE.search(text):
        with suppress(ValueError):
            return _plain(fence[1])
    found = max(_spans(text), key=lambda span: span[0], default=None)
    if found is None:
        raise ValueError(f"there is no JSON in {text[:200]!r}")
    return found[1]


def partial_json(text: str) -> JsonValue | None:
    """Parse the JSON that has arrived so far, like `json_text`; `None` before it begins."""
    body = text.lstrip()
    if body.startswith("```"):
        body = body.partition("\n")[2].lstrip()
    body = _without_open_escape(body)
    with suppress(ValueError):
        return _plain(body, partial="trailing-strings")
    return max(_spans(body, is_partial=True), key=lambda span: span[0], default=(0, None))[1]


def _without_open_escape(text: str) -> str:
    """Cut a text before an escape that has only begun. The parser of pydantic 2.11 would omit the whole string."""
    start = text.rfind("\\", max(len(text) - 5, 0))
    if start < 0 or text[start + 1 : start + 2] not in ("", "u"):
        return text
    before = text[:start]
    is_escaped = (start - len(before.rstrip("\\"))) % 2
    return text if is_escaped else before


# Possessive quantifiers: the regular expression never tries the language and the white space again in shorter forms.
_FENCE: Final = re.compile(r"```[A-Za-z]*+\s*+(.*?)```", re.DOTALL)
_START: Final = re.compile(r"[{\[]")


def _plain(text: str, *, partial: Literal["off", "trailing-strings"] = "off") -> JsonValue:
    try:
        # No parser accepts lone halves of surrogate pairs: they become question marks.
        value: JsonValue = from_json(text.encode(errors="replace"), allow_inf_nan=False, allow_partial=partial)
    except ValueError:
        readable = repaired(escaped(text)).encode(errors="replace")
        value = from_json(readable, allow_inf_nan=False, allow_partial=partial)
    return _finite(value, text)


def _finite(value: JsonValue, text: str) -> JsonValue:
    """Refuse infinity, which is the result of parsing a number that is too large."""
    if HUGE.search(text) is not None and not is_finite(value):
        raise ValueError("a number in it is too large")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, strict=False)


def _spans(text: str, *, is_partial: bool = False) -> Iterator[tuple[int, JsonValue]]:
    """Yield each object and array in a text with its length; with `is_partial`, also an incomplete one at the end."""
    position = 0
    for _ in range(_MOST_STARTS):
        found = _START.search(text, position)
        if found is None:
            return
        start = found.start()
        try:
            value, position = _DECODER.raw_decode(text, start)
            yield position - start, _finite(value, text[start:position])
        except (ValueError, RecursionError):
            position = start + 1
            with suppress(ValueError):
                rest = _plain(text[start:], partial="trailing-strings")
                # The text ends inside this value. Complete values inside it are only parts of it.
                if is_partial:
                    yield len(text) - start, rest
                return
