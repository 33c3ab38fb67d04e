"""Collects the text of one call's arguments, piece by piece, and detects when it is a whole JSON object.

Every chunk needs this check, so the check must not read the whole text each time: one scan reads each character once
and finds the end of the object; the text is parsed only there. Text after that end that begins another object belongs
to another call.
"""

from __future__ import annotations

from gemini_multi._encoding.call_arguments import MARK, next_object, parsed


class ArgumentsText:
    """The text of the arguments of one call."""

    __slots__ = ("_depth", "_is_escaped", "_is_object", "_is_over", "_is_string", "_length", "_pieces", "is_blank")

    def __init__(self) -> None:
        """Begin without text."""
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
        """Whether the text so far is an object; `None` until the ended text was parsed."""

    def __bool__(self) -> bool:
        """Whether any text has arrived."""
        return bool(self._pieces)

    def add(self, piece: str) -> str:
        """Add the next piece, and return the rest of it that belongs to another object."""
        if self._is_over:
            return self._after_the_end(piece)
        end = self._scan(piece)
        begin = None if end is None else next_object(piece, end)
        if begin is None:
            self._append(piece)
            return ""
        self._append(piece[:end])
        return piece[begin:]

    def _after_the_end(self, piece: str) -> str:
        if (begin := next_object(piece, 0)) is not None and self.is_object:
            return piece[begin:]
        self._append(piece)
        if not piece.isspace():
            self._is_object = False  # only white space may follow an object
        return ""

    def _append(self, piece: str) -> None:
        self.is_blank = self.is_blank and piece.isspace()
        self._pieces.append(piece)
        self._length += len(piece)

    def joined(self) -> str:
        """Return the text so far."""
        return "".join(self._pieces)

    def means(self, text: str) -> bool:
        """Whether the text so far is an object, and this is the same object."""
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
        """Scan on to the end of the outermost value; return the position of that end in the piece."""
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
