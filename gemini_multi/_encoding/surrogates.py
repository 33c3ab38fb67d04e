r"""Characters that a provider split: lone halves of a surrogate pair in the escapes of a JSON text.

A gateway that counts UTF-16 units writes `\ud83d` at the end of one event and `\ude00` at the start of the next. No
JSON parser accepts either of them. This module is used only for documents that could not be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:(?P<high>u[dD][89abAB][0-9a-fA-F]{2})(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|(?P<lone>u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_REPLACEMENT: Final = "\\ufffd"


def repaired(text: str) -> str:
    """Replace every lone half by the replacement character."""
    return _ESCAPE.sub(lambda found: _REPLACEMENT if _is_half(found) else found[0], text)


def _is_half(found: re.Match[str]) -> bool:
    return found["lone"] is not None or (found["high"] is not None and found["low"] is None)


class SurrogateJoiner:
    """Holds a document whose texts end in first halves until the next document brings the second halves."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        """Start without a held document."""
        self.held = ""

    def hold(self, text: str) -> bool:
        """Hold a document if a string in it ends in a first half. Return whether it is held."""
        if any(_first_halves(text)):
            self.held = text
        return bool(self.held)

    def joined(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the held document and the one after it, with the joined characters in the first document."""
        first, self.held = self.held, ""
        second = payload.decode("utf-8-sig", "replace")
        begun, rest = list(_first_halves(first)), list(_second_halves(second))
        if len(begun) == len(rest):
            first = _spliced(first, [found.end() for found in begun], [found[0] for found in rest])
            second = _without(second, rest)
        return repaired(first).encode(), second.encode()


def _spliced(text: str, places: list[int], halves: list[str]) -> str:
    starts = [0, *places]
    pieces = [text[start:end] + half for start, end, half in zip(starts, places, halves, strict=False)]
    return "".join([*pieces, text[starts[-1] :]])


def _without(text: str, halves: list[re.Match[str]]) -> str:
    starts = [0, *(found.end() for found in halves)]
    ends = [*(found.start() for found in halves), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _first_halves(text: str) -> Iterator[re.Match[str]]:
    """Find the first halves at the ends of strings."""
    for found in _ESCAPE.finditer(text):
        if found["high"] and _is_half(found) and text.startswith('"', found.end()):
            yield found


def _second_halves(text: str) -> Iterator[re.Match[str]]:
    """Find the second halves at the beginnings of strings."""
    before = 0
    for found in _ESCAPE.finditer(text):
        if found["lone"] and before < found.start() and text[found.start() - 1] == '"':
            yield found
        before = found.end()
