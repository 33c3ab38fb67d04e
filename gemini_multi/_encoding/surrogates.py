r"""Characters that a provider split: lone halves of a surrogate pair in the escapes of a JSON text.

A gateway that counts UTF-16 units writes `\ud83d` at the end of one event and `\ude00` at the start of the next. No
JSON parser accepts either of them. This module is used only for documents that could not be parsed.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r'|(?P<last>u[dD][89abAB][0-9a-fA-F]{2}(?="))|(?P<first>(?<=[^\\]"\\)u[dD][c-fC-F][0-9a-fA-F]{2})'
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape. Its group tells a lone half: the last character of a string, the first one, or any other."""


def repaired(text: str) -> str:
    """Replace every lone half by the replacement character."""
    return _ESCAPE.sub(lambda found: "\\ufffd" if found.lastgroup else found[0], text)


class SurrogateJoiner:
    """Holds a document whose texts end in first halves until the next document brings the second halves."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = ""

    def hold(self, text: str) -> bool:
        """Hold a document if a string in it ends in a first half. Return whether it is held."""
        if any(found["last"] for found in _ESCAPE.finditer(text)):
            self.held = text
        return bool(self.held)

    def joined(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the held document and the one after it, with the joined characters in the first document."""
        first, self.held = self.held, ""
        second = payload.decode("utf-8-sig", "replace")
        halves = [found[0] for found in _ESCAPE.finditer(second) if found["first"]]
        if len(halves) == sum(found["last"] is not None for found in _ESCAPE.finditer(first)):
            rest = iter(halves)
            first = _ESCAPE.sub(lambda found: found[0] + (next(rest) if found["last"] else ""), first)
            second = _ESCAPE.sub(lambda found: "" if found["first"] else found[0], second)
        return repaired(first).encode(), second.encode()
