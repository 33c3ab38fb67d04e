"""A case of one client, ready to be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from .answers import said
from .plan import Case
from .subjects.base import Subject

Figures = dict[str, float]

MICROSECONDS: Final = 1e6
_MOST_CALLS: Final = 20_000
_CHECKED: Final = ("ask", "ask_async", "stream", "stream_async", "events", "events_async", "spare", "failover")
"""Ways whose answer's text is known."""


class WrongAnswer(Exception):
    """A client did not deliver what the server sent."""


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(slots=True)
class Prepared:
    """A case of one client: what asks, and how often it is asked in a block."""

    subject: Subject
    case: Case
    ask: Callable[[], Any]
    runner: asyncio.Runner
    count: int = 1

    @property
    def is_async(self) -> bool:
        return self.case.way.endswith("_async")

    @property
    def is_stream(self) -> bool:
        return self.case.way.startswith(("stream", "events"))

    def warm_up(self) -> None:
        """Ask for the answer, which is checked, and then for the time that one call takes."""
        pieces = self._collected()
        if self.subject.reads_answers and self.case.way in _CHECKED:
            self._check(pieces)
        if self.case.seconds:
            began = time.perf_counter()
            self.repeat(1)
            took = time.perf_counter() - began
            self.count = max(1, min(_MOST_CALLS, int(self.case.seconds / max(took, 1e-6))))

    def _collected(self) -> list[Any]:
        if self.is_stream:
            pieces: list[Any] = []
            self.each_piece(pieces.append)
            return pieces
        return [self.runner.run(_awaited(self.ask())) if self.is_async else self.ask()]

    def _check(self, pieces: list[Any]) -> None:
        expected = said(self.case.answer)
        text = "".join(self.subject.text(piece) or "" for piece in pieces)
        if not pieces or (expected is not None and text != expected):
            raise WrongAnswer(f"it delivered {len(text)} characters of {len(expected or '')}: {text[:60]!r}")

    def repeat(self, times: int) -> None:
        """Ask again and again, and keep nothing."""
        if self.is_async:
            self.runner.run(self._repeat_async(times))
        elif self.is_stream:
            for _ in range(times):
                for _ in self.ask():
                    pass
        else:
            for _ in range(times):
                self.ask()

    async def _repeat_async(self, times: int) -> None:
        for _ in range(times):
            await self.once_async()

    async def once_async(self) -> None:
        """Ask once, to the end of the answer."""
        if not self.is_stream:
            await self.ask()
            return
        async for _ in self.ask():
            pass

    def each_piece(self, note: Callable[[Any], None]) -> None:
        """Ask once and look at each piece of the answer as it comes."""
        if self.is_async:
            self.runner.run(self.each_piece_async(note))
            return
        for piece in self.ask():
            note(piece)

    async def each_piece_async(self, note: Callable[[Any], None]) -> None:
        """Ask once, asynchronously, and look at each piece of the answer as it comes."""
        async for piece in self.ask():
            note(piece)


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer
