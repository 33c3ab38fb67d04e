"""Counts the work that our code does, so that what is worse than linear shows without a clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

OURS: Final = ("gemini_multi.", "langchain_gemini_multi.", "llama_index_gemini_multi.")
SCANNING: Final = frozenset(
    {"decode", "dumps", "encode", "find", "from_json", "isascii", "lstrip", "search", "splitlines", "strip", "to_json"}
)
"""Functions written in C whose work grows with the text that they are given."""


class Work:
    """Adds up the lines that run in our packages, the texts that functions return, and those that are scanned."""

    def __init__(self) -> None:
        self.steps = 0

    def measured(self, action: Callable[[], object]) -> int:
        before = sys.gettrace(), sys.getprofile()
        sys.settrace(self._trace)
        sys.setprofile(self._profile)
        try:
            action()
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
        return self.steps

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_globals.get("__name__", "").startswith(OURS):
            return None
        self.steps += 1
        return self._trace_ours

    def _trace_ours(self, frame: FrameType, event: str, argument: Any) -> None:
        """Go on with the next line; it is called for every one, so that it asks no more than it must."""
        self.steps += 1
        if event == "return" and isinstance(argument, str | bytes):
            self.steps += len(argument)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ in SCANNING:
            owner = getattr(argument, "__self__", None)
            if isinstance(owner, str | bytes):
                self.steps += len(owner)
            elif frame.f_globals.get("__name__", "").startswith(OURS):
                self.steps += sum(len(value) for value in frame.f_locals.values() if isinstance(value, str | bytes))


def growth(make: Callable[[int], Callable[[], object]], size: int) -> float:
    """Tell how many times as much work twice the size is; `make` prepares the work for a size, which is not counted."""
    for one in (size, 2 * size):
        make(one)()  # what the first time does only once is not counted
    small, large = (Work().measured(make(one)) for one in (size, 2 * size))
    return large / small
