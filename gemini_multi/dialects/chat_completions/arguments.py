"""Collects the text of one tool call's arguments, piece by piece, and detects when the text is a whole JSON object.

Every chunk needs this check, so the check must not read the whole text each time. One scan reads each character once
and finds the end of the object; only there the text is parsed. Text after that end that begins another object belongs
to another tool call.
"""

from __future__ import annotations

from typing import Final

from gemini_multi._encoding.call_arguments import BETWEEN, MARK, next_object, parsed

_SHORTEST_REPEATED: Final = 3
"""The shortest text that can be a repetition: a bracket and part of a name. Inside a string it is invalid JSON."""
_BEFORE_A_VALUE: Final = "{[:,"
"""Characters after which an inner object with the same text may begin."""


class ArgumentsText:
    """The text of the arguments of one tool call."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.is_blank = True
        """Whether only white space has arrived."""
        self._length = 0
        self._depth = 0
        self._is_string = False
        self._is_escaped = False
        self._is_over = False
        """Whether the outermost value has ended."""
        self._is_object: bool | None = False
        """Whether the text so far is an object; `None` from the end of the text until the text is parsed."""

    def __bool__(self) -> bool:
        """Whether any text has arrived."""
        return bool(self._pieces)

    def add(self, piece: str) -> tuple[str, str]:
        """Add the next piece. Return the part that belongs to this object, and the rest."""
        end = 0 if self.is_object else None if self._is_over else self._scan(piece)
        if end is None:
            self._append(piece)
            return piece, ""
        begin = next_object(piece, end)
        if begin is None and piece[end:].strip(BETWEEN):
            self._append(piece)
            self._is_object = False  # only separators may follow an object
            return piece, ""
        self._append(piece[:end])
        return piece[:end], "" if begin is None else piece[begin:]

    def rest_of(self, text: str) -> str:
        """Return the new part of a text: some gateways repeat all earlier text with every piece."""
        if self._is_over or not _SHORTEST_REPEATED <= self._length <= len(text):
            return text
        known = self.joined()
        may_nest = not self._is_string and known.rstrip()[-1:] in _BEFORE_A_VALUE
        is_repeated = not may_nest and known.startswith("{") and text.startswith(known)
        return text[self._length :] if is_repeated else text

    def _append(self, piece: str) -> None:
        self.is_blank = self.is_blank and piece.isspace()
        self._pieces.append(piece)
        self._length += len(piece)

    def joined(self) -> str:
        """Return the text so far."""
        return "".join(self._pieces)

    def means(self, text: str) -> bool:
        """Whether the text so far is the same object as the given one."""
        if not self.is_object:
            return False
        joined = self.joined()
        return joined == text or parsed(joined) == parsed(text)

    @property
    def is_object(self) -> bool:
        """Whether text has arrived and is a JSON object."""
        if self._is_object is None:
            self._is_object = isinstance(parsed(self.joined()), dict)
        return self._is_object

    def _scan(self, piece: str) -> int | None:
        """Continue the scan to the end of the outermost value; return the position of that end in the piece."""
        position = 0
        if self._is_escaped:
            position, self._is_escaped = 1, False
        while (found := MARK.search(piece, position)) is not None:
            position = found.end()
            if found[0] == "\\":
                self._is_escaped = position == len(piece)
                position += 1
            elif self._ends_with(found[0]):
                self._is_over, self._is_object = True, None
                return position
        return None

    def _ends_with(self, mark: str) -> bool:
        if mark == '"':
            self._is_string = not self._is_string
        elif not self._is_string:
            self._depth += 1 if mark in "{[" else -1
        return self._depth <= 0 and not self._is_string
