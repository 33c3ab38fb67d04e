"""What a worker does with a client: each task takes a prepared way of asking and gives figures in microseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from .answers import said
from .plan import Case
from .subjects.base import Subject, count_of

Figures = dict[str, float]

_MICROSECONDS: Final = 1e6
_MOST_CALLS: Final = 2_000


class WrongAnswer(Exception):
    """A client did not deliver what the server sent."""


@dataclass(slots=True)
class Prepared:
    """A case of one client, ready to be repeated."""

    subject: Subject
    case: Case
    ask: Callable[[], Any]
    runner: asyncio.Runner
    count: int = 1
    """How many calls make up a block."""

    @property
    def is_async(self) -> bool:
        return self.case.way.endswith("_async")

    @property
    def is_stream(self) -> bool:
        return self.case.way.startswith(("stream", "events"))

    def warm_up(self) -> None:
        """Ask twice: for the answer, which is checked, and for the time that one call takes."""
        pieces = self.collected()
        expected = said(self.case.answer) if self.subject.reads_answers else None
        texts = [self.subject.text(piece) for piece in pieces]
        if expected is not None and None not in texts and (text := "".join(map(str, texts))) != expected:
            raise WrongAnswer(f"it delivered {len(text)} characters of {len(expected)}: {text[:60]!r}")
        if expected and not pieces:
            raise WrongAnswer("it delivered nothing")
        began = time.perf_counter()
        self.repeat(1)
        took = time.perf_counter() - began
        self.count = max(1, min(_MOST_CALLS, int(self.case.seconds / max(took, 1e-6))))

    def collected(self) -> list[Any]:
        """Ask once and keep everything."""
        if not self.is_stream:
            return [self.runner.run(_awaited(self.ask())) if self.is_async else self.ask()]
        return self.runner.run(_listed(self.ask())) if self.is_async else list(self.ask())

    def repeat(self, times: int) -> None:
        """Ask again and again, and keep nothing."""
        if self.is_async:
            self.runner.run(_one_after_the_other(self.once_async, times))
            return
        for _ in range(times):
            answer = self.ask()
            if self.is_stream:
                _exhaust(answer)

    async def once_async(self) -> None:
        if not self.is_stream:
            await self.ask()
            return
        async for _ in self.ask():
            pass


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


async def _listed(pieces: Any) -> list[Any]:
    return [piece async for piece in pieces]


def _exhaust(pieces: Iterable[Any]) -> None:
    for _ in pieces:
        pass


async def _one_after_the_other(once: Callable[[], Awaitable[None]], times: int) -> None:
    for _ in range(times):
        await once()


def calls(prepared: Prepared) -> Figures:
    """Tell what one call costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    prepared.repeat(prepared.count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    each = _MICROSECONDS / prepared.count
    return {"wall": wall * each, "cpu": cpu * each}


def chunks(prepared: Prepared) -> Figures:
    """Tell what one event of a stream costs, the call's own cost included."""
    size = count_of(prepared.case.answer)
    return {name: figure / size for name, figure in calls(prepared).items()}


def crowd(prepared: Prepared) -> Figures:
    """Ask from many tasks at once, each again as soon as it has its answer."""
    width = prepared.case.width
    each = max(1, prepared.count // width)
    cpu = time.process_time()
    times, failed, wall = prepared.runner.run(_crowded(prepared, width, each))
    cpu = time.process_time() - cpu
    if not times:
        raise WrongAnswer(f"all {failed} calls failed")
    times.sort()
    return {
        "per_second": len(times) / wall,
        "cpu": cpu * _MICROSECONDS / len(times),
        "p50": _quantile(times, 0.5) * _MICROSECONDS,
        "p99": _quantile(times, 0.99) * _MICROSECONDS,
        "failed": float(failed),
    }


async def _crowded(prepared: Prepared, width: int, each: int) -> tuple[list[float], int, float]:
    times: list[float] = []
    failed = 0

    async def one() -> None:
        nonlocal failed
        for _ in range(each):
            began = time.perf_counter()
            try:
                await prepared.once_async()
            except Exception:  # noqa: BLE001  # whatever a client raises is a failure to count
                failed += 1
            else:
                times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(width)))
    return times, failed, time.perf_counter() - began


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


TASKS: Final[dict[str, Callable[[Prepared], Figures]]] = {"calls": calls, "chunks": chunks, "crowd": crowd}
