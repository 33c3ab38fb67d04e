"""Repairs typical mistakes of Gemini in JSON answers, guided by the requested schema.

The schema is the caller's own one, not its translation for a provider. The repair never invents data and never changes
a valid value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from math import isinf
from typing import Final, NoReturn

from pydantic_core import from_json

from gemini_multi._encoding.surrogates import repaired
from gemini_multi._schemas.check import (
    Checker,
    declared_kinds,
    item_schema,
    kind_of,
    outline,
    resolve,
    same,
    validation_errors,
)
from gemini_multi.types import JsonObject, JsonValue

__all__ = ["repair", "json_text", "partial_json", "validation_errors", "strip_prefix"]

_DEEPEST: Final = 64
_MOST_STEPS: Final = 50_000
_MOST_STARTS: Final = 64
_NUMERIC: Final = frozenset({"integer", "number", "boolean"})
_NAMESPACES: Final = ("default_api:", "default_api.")


def repair(value: JsonValue, schema: JsonObject, *, root: JsonObject | None = None) -> JsonValue:
    """Return the value without Gemini's typical mistakes, or the same value if there is nothing to repair.

    Whole floats become integers, quoted numbers and booleans lose their quotes, JSON text becomes the requested object
    or array, and null is removed from optional properties that must not be null. Other mistakes stay as they are:
    `validation_errors` names them.

    Args:
        value: The model's answer.
        schema: The schema of the value.
        root: The schema that references refer to, when it is not the schema itself.
    """
    try:
        return _Repair(schema if root is None else root).fit(value, dict(schema))
    except RecursionError:
        return value


class _Repair:
    """The repair of one value."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        # One checker of each kind checks the whole value, so that the total work is limited.
        self._exact = Checker(root, is_exact=True)
        self._lenient = Checker(root)
        self._steps = 0
        self._depth = 0

    def fit(self, value: JsonValue, schema: JsonValue) -> JsonValue:
        if not isinstance(schema, dict) or self._depth >= _DEEPEST or self._steps >= _MOST_STEPS:
            return value
        self._steps += 1
        self._depth += 1
        try:
            return self._fitted(value, schema)
        finally:
            self._depth -= 1

    def _fitted(self, value: JsonValue, schema: dict[str, JsonValue]) -> JsonValue:
        pointer = schema.get("$ref")
        if isinstance(pointer, str):
            value = self.fit(value, resolve(pointer, self._root))
        parts = schema.get("allOf")
        for part in parts if isinstance(parts, list) else ():
            value = self.fit(value, part)
        for keyword in ("anyOf", "oneOf"):
            branches = schema.get(keyword)
            if isinstance(branches, list):
                value = self._alternative(value, branches)
        if "enum" in schema or "const" in schema:
            return _member(value, schema)
        value = _retyped(value, declared_kinds(schema))
        if isinstance(value, dict):
            return self._object(value, schema)
        return self._array(value, schema) if isinstance(value, list) else value

    def _alternative(self, value: JsonValue, branches: list[JsonValue]) -> JsonValue:
        if any(self._exact.accepts(value, branch) for branch in branches):
            return value
        for branch in branches:
            candidate = self.fit(value, branch)
            if self._exact.accepts(candidate, branch):
                return candidate
        likely = [branch for branch in branches if self._lenient.accepts(value, outline(branch, self._root))]
        return self.fit(value, likely[0]) if len(likely) == 1 else value

    def _object(self, value: dict[str, JsonValue], schema: dict[str, JsonValue]) -> JsonValue:
        properties, required = schema.get("properties"), schema.get("required")
        known = properties if isinstance(properties, dict) else {}
        needed = required if isinstance(required, list) else []
        rest = schema.get("additionalProperties")
        result: dict[str, JsonValue] = {}
        for name, member in value.items():
            if member is None and name in known and name not in needed and not self._may_be_null(known[name]):
                continue
            result[name] = self.fit(member, known.get(name, rest))
        is_same = len(result) == len(value) and all(result[name] is value[name] for name in result)
        return value if is_same else result

    def _array(self, value: list[JsonValue], schema: dict[str, JsonValue]) -> JsonValue:
        result = [self.fit(item, item_schema(schema, position)) for position, item in enumerate(value)]
        return value if all(new is old for new, old in zip(result, value, strict=True)) else result

    def _may_be_null(self, schema: JsonValue) -> bool:
        return self._lenient.accepts(None, schema)


def _member(value: JsonValue, schema: dict[str, JsonValue]) -> JsonValue:
    """Return the member of an enum that equals a value, or else the only member with the same text."""
    given = schema["enum"] if "enum" in schema else [schema["const"]]
    members = given if isinstance(given, list) else []
    for member in members:
        if same(value, member):
            return value if type(value) is type(member) else member
    if not isinstance(value, str):
        return value
    meant = [member for member in members if isinstance(member, (int, float)) and json.dumps(member) == value]
    return meant[0] if len(meant) == 1 else value


def _retyped(value: JsonValue, wanted: tuple[str, ...]) -> JsonValue:
    if isinstance(value, float) and "integer" in wanted and "number" not in wanted and value.is_integer():
        return int(value)
    if not isinstance(value, str) or not wanted or "string" in wanted:
        return value
    parsed = _read(value, wanted)
    kind = kind_of(parsed)
    if kind == "number" and "number" not in wanted:
        return (
            _retyped(parsed, wanted)
            if isinstance(parsed, float) and parsed.is_integer() and "integer" in wanted
            else value
        )
    return parsed if kind in wanted or (kind == "integer" and "number" in wanted) else value


def _read(text: str, wanted: tuple[str, ...]) -> JsonValue:
    """Parse text as a value of the wanted kind. Return the text itself if it is not such a value."""
    try:
        if "object" in wanted or "array" in wanted:
            return json_text(text)
        return _plain(text) if not _NUMERIC.isdisjoint(wanted) and text == text.strip() else text
    except ValueError:
        return text


def strip_prefix(name: str, declared: Container[str]) -> str:
    """Return a tool's name without the namespace that the model sometimes adds before it."""
    if name not in declared:
        for namespace in _NAMESPACES:
            if name.startswith(namespace) and (bare := name.removeprefix(namespace)) in declared:
                return bare
    return name


def json_text(text: str) -> JsonValue:
    """Find and parse the JSON in a model's answer: bare, in a code fence, or with text around it.

    Raises:
        ValueError: The answer holds no JSON.
    """
    try:
        return _plain(text)
    except ValueError:
        pass
    if fence := _FENCE.search(text):
        try:
            return _plain(fence[1])
        except ValueError:
            pass
    found = max(_spans(text), key=lambda span: span[0], default=None)
    if found is None:
        raise ValueError(f"there is no JSON in {text[:200]!r}")
    return found[1]


def partial_json(text: str) -> JsonValue | None:
    """Parse the JSON that has arrived so far, like `json_text`; `None` before it begins."""
    body = text.lstrip()
    if body.startswith("```"):
        body = body.partition("\n")[2].lstrip()
    try:
        return _begun(body)
    except ValueError:
        pass
    best = max(_spans(body, is_partial=True), key=lambda span: span[0], default=None)
    return None if best is None else best[1]


# Possessive quantifiers: the regular expression never tries the language and the white space again in shorter forms.
_FENCE: Final = re.compile(r"```[A-Za-z]*+\s*+(.*?)```", re.DOTALL)
_START: Final = re.compile(r"[{\[]")


_HUGE: Final = re.compile(r"[0-9][eE]\+?[0-9]{3}|[0-9]{309}")
"""A number that may be larger than the largest float."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def _plain(text: str) -> JsonValue:
    try:
        value: JsonValue = from_json(_utf8(text), allow_inf_nan=False)
    except ValueError:
        try:
            value = _DECODER.decode(repaired(text))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
    return _finite(value, text)


def _finite(value: JsonValue, text: str) -> JsonValue:
    """Refuse infinity, which is the result of parsing a number that is too large."""
    if _HUGE.search(text) is not None:
        json.dumps(value, allow_nan=False)
    return value


def _utf8(text: str) -> bytes:
    """Encode a text, with question marks for halves of surrogate pairs, which no parser accepts."""
    return text.encode(errors="replace")


def _begun(text: str) -> JsonValue:
    try:
        value: JsonValue = from_json(_utf8(text), allow_inf_nan=False, allow_partial="trailing-strings")
    except ValueError:
        value = from_json(_utf8(_STRING.sub(_escaped, text)), allow_inf_nan=False, allow_partial="trailing-strings")
    return _finite(value, text)


def _escaped(string: re.Match[str]) -> str:
    """Escape the raw line ends and tabs of a string: models write them without the escapes that JSON requires."""
    return string[0].replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant[:20]} is not JSON")


def _number(text: str) -> float:
    if isinf(value := float(text)):
        _refuse(text)
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_number, strict=False)


def _spans(text: str, *, is_partial: bool = False) -> Iterator[tuple[int, JsonValue]]:
    """Yield each object and array in a text with its length; with `is_partial`, also an incomplete one at the end."""
    position = 0
    for _ in range(_MOST_STARTS):
        start = _START.search(text, position)
        if start is None:
            return
        try:
            value, position = _DECODER.raw_decode(text, start.start())
            yield position - start.start(), value
        except (ValueError, RecursionError):
            position = start.end()
            if (rest := _rest(text[start.start() :])) is not None:
                # The text ends inside this value. Complete values inside it are only parts of it.
                if is_partial:
                    yield rest
                return


def _rest(text: str) -> tuple[int, JsonValue] | None:
    try:
        return len(text), _begun(text)
    except ValueError:
        return None
