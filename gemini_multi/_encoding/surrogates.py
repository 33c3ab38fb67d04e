r"""Characters that a provider split: lone halves of a surrogate pair in the escapes of a JSON text.

A gateway that counts UTF-16 units writes `\ud83d` at the end of one event and `\ude00` at the start of the next. No
JSON parser accepts either of them. This module is used only for documents that could not be parsed.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:(?P<high>u[dD][89abAB][0-9a-fA-F]{2})(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|(?P<lone>u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_REPLACEMENT: Final = "\\ufffd"


def repaired(text: str) -> str:
    """Replace every lone half by the replacement character."""
    return _ESCAPE.sub(lambda found: _REPLACEMENT if found["lone"] or _is_first(found) else found[0], text)


def _is_first(found: re.Match[str]) -> bool:
    return found["high"] is not None and found["low"] is None


class SurrogateJoiner:
    """Holds a document whose texts end in first halves until the next document brings the second halves."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = ""

    def hold(self, text: str) -> bool:
        """Hold a document if a string in it ends in a first half. Return whether it is held."""
        if any(map(_ends_string, _ESCAPE.finditer(text))):
            self.held = text
        return bool(self.held)

    def joined(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the held document and the one after it, with the joined characters in the first document."""
        first, self.held = self.held, ""
        second = payload.decode("utf-8-sig", "replace")
        halves = [found[0] for found in _ESCAPE.finditer(second) if _begins_string(found)]
        if len(halves) == sum(map(_ends_string, _ESCAPE.finditer(first))):
            rest = iter(halves)
            first = _ESCAPE.sub(lambda found: found[0] + (next(rest) if _ends_string(found) else ""), first)
            second = _ESCAPE.sub(lambda found: "" if _begins_string(found) else found[0], second)
        return repaired(first).encode(), second.encode()


def _ends_string(found: re.Match[str]) -> bool:
    """Whether an escape is the first half of a character at the end of a string."""
    return _is_first(found) and found.string.startswith('"', found.end())


def _begins_string(found: re.Match[str]) -> bool:
    """Whether an escape is the second half of a character at the beginning of a string."""
    before = found.string[max(0, found.start() - 2) : found.start()]
    return found["lone"] is not None and before.endswith('"') and not before.startswith("\\")
