r"""Reads the arguments of a tool call as models write them: JSON text, or text that is nearly JSON.

Raw control characters in a string are kept, lone surrogates are replaced, and a JSON string that holds JSON text is
parsed twice. Concatenated objects, `{…}{…}`, are several calls. All other text is unreadable. Nothing is guessed,
because a misread call would be executed. JSON has no value for "not a number" and infinity, so arguments with these
numbers are unreadable too.
"""

from __future__ import annotations

import json
import re
from typing import Final

from pydantic_core import from_json

from gemini_multi._encoding.surrogates import repaired
from gemini_multi.types import JsonValue

MARK: Final = re.compile(r'["\\{}\[\]]')
"""The characters that determine where a JSON value ends."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)', re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
BETWEEN: Final = " \t\r\n,"
"""Characters that may separate two objects."""
_GAP: Final = re.compile(f"[{BETWEEN}]*+")
HUGE: Final = re.compile(r"[0-9][eE]\+?[0-9]{3}|[0-9]{309}")
"""A number that may be too large for a float."""
MOST_CALLS: Final = 128
"""The maximum number of objects that one text is split into; no model sends more calls in one text."""


def parsed(arguments: str) -> JsonValue:
    """Parse arguments. An empty text is an empty object; `None` means that the text cannot be parsed."""
    text = arguments.strip()
    if not text or text == "null":
        return {}
    try:
        value = _read(text)
        value = _read(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return None if HUGE.search(text) and not is_finite(value) else value


def _read(text: str) -> JsonValue:
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError:
        value = from_json(repaired(escaped(text)), allow_inf_nan=False)
    return value


def escaped(text: str) -> str:
    """Escape the raw control characters in the strings of a JSON text."""
    return _STRING.sub(lambda string: _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", string[0]), text)


def is_finite(value: JsonValue) -> bool:
    """Whether a value can be written as JSON, because it holds no infinite number."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def separated(arguments: str) -> list[str]:
    """Split concatenated objects. Any other text is not split."""
    found: list[str] = []
    begin = next_object(arguments, 0)
    while begin is not None and len(found) < MOST_CALLS and (end := _end_of_value(arguments, begin)) is not None:
        found.append(arguments[begin:end])
        begin = next_object(arguments, end)
        if begin is None and not arguments[end:].strip(BETWEEN):
            return found
    return [arguments]


def next_object(text: str, start: int) -> int | None:
    """Return the position of the next object, if only separators come before it from `start` on."""
    found = _GAP.match(text, start)
    begin = found.end() if found else start
    return begin if text.startswith("{", begin) else None


def _end_of_value(text: str, begin: int) -> int | None:
    depth, is_string, position = 0, False, begin
    while (found := MARK.search(text, position)) is not None:
        position = found.end()
        mark = found[0]
        if mark == "\\":
            position += 1
        elif mark == '"':
            is_string = not is_string
        elif not is_string:
            depth += 1 if mark in "{[" else -1
            if depth <= 0:
                return position
    return None
