"""The text of one call's arguments, which arrives in pieces, and whether it is a whole JSON object yet.

The question is asked again with every chunk, so it must not read the whole text each time: a scan that goes over each
character once finds where the object ends, and only there the text is parsed. What follows and begins another object
belongs to another call.
"""

from __future__ import annotations

from gemini_multi._encoding.call_arguments import MARK, next_object, parsed


class ArgumentsText:
    """Collects the pieces of one object."""

    __slots__ = ("_depth", "_is_escaped", "_is_object", "_is_over", "_is_string", "_length", "_pieces", "is_blank")

    def __init__(self) -> None:
        """Begin without text."""
        self._pieces: list[str] = []
        self.is_blank = True
        """Whether nothing but white space came."""
        self._length = 0
        self._depth = 0
        self._is_string = False
        self._is_escaped = False
        self._is_over = False
        """Whether the outermost value has ended."""
        self._is_object: bool | None = False
        """Whether the text so far is an object; `None` while it was not looked at since it ended."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._pieces)

    def add(self, piece: str) -> str:
        """Take over the next piece, and return what of it belongs to another object."""
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
            self._is_object = False  # nothing else can follow an object but white space
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
        """Whether text came and is a JSON object."""
        if self._is_object is None:
            self._is_object = isinstance(parsed(self.joined()), dict)
        return self._is_object

    def _scan(self, piece: str) -> int | None:
        """Go on to the end of the outermost value; return where in the piece that is."""
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
