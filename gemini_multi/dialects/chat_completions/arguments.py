"""The text of one call's arguments, which arrives in pieces, and whether it is a whole JSON object yet.

The question is asked again with every chunk, so it must not read the whole text each time: a scan that goes over each
character once finds where an object may have ended, and only there the text is parsed.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic_core import from_json

from gemini_multi._encoding.surrogates import mended
from gemini_multi.types import JsonValue

_MARK: Final = re.compile(r'["\\{}\[\]]')
_SHORT: Final = 64
"""Characters that are parsed at any time."""


def parsed(arguments: str) -> JsonValue:
    """Read arguments: none are an empty object, and text that is JSON inside JSON is read twice."""
    text = arguments.strip()
    if not text or text == "null":
        return {}
    try:
        value = _read(text)
        return _read(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _read(text: str) -> JsonValue:
    try:
        value: JsonValue = from_json(text)
    except ValueError:
        value = from_json(mended(text))
    return value


class ArgumentsText:
    """Collects the pieces."""

    __slots__ = (
        "_depth",
        "_end",
        "_is_escaped",
        "_is_object",
        "_is_text",
        "_length",
        "_pieces",
        "_scanned",
        "is_blank",
    )

    def __init__(self) -> None:
        """Begin without text."""
        self._pieces: list[str] = []
        self.is_blank = True
        """Whether nothing but white space came."""
        self._length = 0
        self._scanned = 0
        """How many pieces were scanned."""
        self._depth = 0
        self._is_text = False
        self._is_escaped = False
        self._end: int | None = None
        """The number of the piece in which the outermost value ended."""
        self._is_object: bool | None = None
        """Whether the text up to there is an object; `None` while it is not known."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._pieces)

    def add(self, piece: str) -> None:
        """Take over the next piece."""
        self.is_blank = self.is_blank and piece.isspace()
        self._pieces.append(piece)
        self._length += len(piece)

    def joined(self) -> str:
        """Return the text so far."""
        return "".join(self._pieces)

    def equals(self, text: str) -> bool:
        """Whether the text so far is this."""
        return len(text) == self._length and text == self.joined()

    @property
    def is_object(self) -> bool:
        """Whether text came and is a JSON object."""
        if self._length <= _SHORT:
            return bool(self._pieces) and isinstance(parsed(self.joined()), dict)
        while self._scanned < len(self._pieces):
            self._scan(self._pieces[self._scanned])
            self._scanned += 1
        if self._end is not None and self._is_object is None:
            self._is_object = isinstance(parsed(self.joined()), dict)
        return bool(self._is_object)

    def _scan(self, piece: str) -> None:
        if self._end is not None:
            if not piece.isspace():
                self._is_object = False  # nothing can follow a value but white space
            return
        position = 0
        if self._is_escaped:
            position, self._is_escaped = 1, False
        while (found := _MARK.search(piece, position)) is not None:
            position = found.end()
            if found[0] == "\\":
                self._is_escaped = position == len(piece)
                position += 1
            else:
                self._mark(found[0])

    def _mark(self, mark: str) -> None:
        if mark == '"':
            self._is_text = not self._is_text
        elif not self._is_text:
            self._depth += 1 if mark in "{[" else -1
        if self._depth <= 0 and not self._is_text:
            self._end = self._scanned
