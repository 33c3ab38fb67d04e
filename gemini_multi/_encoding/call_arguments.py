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

_MARK: Final = re.compile(r'["\\{}\[\]]')
"""The characters that determine where a JSON value ends."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)', re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_BETWEEN: Final = " \t\r\n,"
"""Characters that may separate two objects."""
_SHORTEST_REPEATED: Final = 3
"""The shortest text that can be a repetition: a bracket and part of a name. Inside a string it is invalid JSON."""
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
    rest = arguments
    while rest and len(found) < MOST_CALLS:
        text = ArgumentsText()
        piece, rest = text.add(rest)
        if text.value is None:
            return [arguments]
        found.append(piece)
    return [arguments] if rest or not found else found


class ArgumentsText:
    """The text of one tool call's arguments that arrives in pieces.

    Every piece may end the arguments, so the check must not read the whole text each time. One scan reads each
    character once and finds the end of the outermost value; only there the text is parsed.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._depth = 0
        self._is_string = False
        self._is_escaped: bool = False
        self._is_over = False
        self.first = ""
        """The first character that is not white space."""
        self.value: dict[str, JsonValue] | None = None
        """The arguments, as soon as the text is a whole object; `None` for any other text."""

    def add(self, piece: str) -> tuple[str, str]:
        """Add the next piece. Return the part that belongs to this object, and the rest: the next object."""
        end = 0 if self.value is not None else self._end_in(piece)
        if end is None:
            self._append(piece)
            return piece, ""
        self._append(piece[:end])
        if end:
            value = parsed(self.joined())
            self.value = value if isinstance(value, dict) else None
        rest = piece[end:].lstrip(_BETWEEN)
        if self.value is not None and rest[:1] in ("", "{"):
            return piece[:end], rest
        self.value = None  # only separators may follow an object
        self._append(piece[end:])
        return piece, ""

    def new_part(self, text: str) -> str:
        """Return the new part of a text: some gateways repeat all earlier text with every piece."""
        if self._is_over or self.first != "{" or not _SHORTEST_REPEATED <= self._length <= len(text):
            return text
        known = self.joined()
        # After these characters an inner object with the same text may begin.
        may_nest = not self._is_string and known.rstrip()[-1] in "{[:,"
        return text[self._length :] if text.startswith(known) and not may_nest else text

    def joined(self) -> str:
        """Return the text so far."""
        return "".join(self._pieces)

    def _append(self, piece: str) -> None:
        self.first = self.first or piece.lstrip()[:1]
        self._pieces.append(piece)
        self._length += len(piece)

    def _end_in(self, piece: str) -> int | None:
        """Continue the scan; return the position in the piece where the outermost value ends."""
        if self._is_over:
            return None
        position = 1 if self._is_escaped else 0
        self._is_escaped = False
        while not self._is_over and (found := _MARK.search(piece, position)) is not None:
            mark, position = found[0], found.end()
            if mark == "\\":
                self._is_escaped = position == len(piece)
                position += 1
                continue
            if mark == '"':
                self._is_string = not self._is_string
            elif not self._is_string:
                self._depth += 1 if mark in "{[" else -1
            self._is_over = self._depth <= 0 and not self._is_string
        return position if self._is_over else None
