"""What is measured, as data: groups of cases."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

Task = Literal["calls", "chunks", "crowd"]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure of each client."""

    name: str
    task: Task
    """What is done, see `tasks.py`."""
    way: str
    """How the client is asked: a method of `Subject`."""
    answer: str
    """What the server answers, see `answers.py`."""
    question: str = "hello"
    seconds: float = 0.15
    """How long one block of calls takes, about. One call is always made."""
    rounds: int = 7
    """How many blocks each client gets; their order changes from round to round."""
    width: int = 0
    """How many calls are in flight at once."""
    twins: bool = True
    """Whether ours also takes part through its second dialect."""
    limit: float = 60.0
    """Seconds after which a block is given up, and the client with it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are shown together."""

    name: str
    title: str
    cases: tuple[Case, ...] = field(default=())


_SIZES: Final = (100, 1_000, 10_000)
_WIDTHS: Final = (1, 16, 64, 256, 1_000)


def _streams(size: int) -> tuple[Case, ...]:
    ways = ("stream", "stream_async", "events", "events_async")
    rounds = 3 if size == max(_SIZES) else 5
    return tuple(Case(f"{way}, {size:,} chunks", "chunks", way, f"burst-{size}", rounds=rounds) for way in ways)


GROUPS: Final = (
    Group(
        "unary",
        "Whole answers, one after the other",
        (Case("ask", "calls", "ask", "text"), Case("ask_async", "calls", "ask_async", "text")),
    ),
    Group("stream", "Streams, one after the other", tuple(case for size in _SIZES for case in _streams(size))),
    Group(
        "concurrency",
        "Whole answers, many at once",
        tuple(
            Case(f"ask_async, {width:,} at once", "crowd", "ask_async", "text", rounds=3, width=width, twins=False)
            for width in _WIDTHS
        ),
    ),
    Group(
        "streams",
        "Streams of 50 chunks, many at once",
        tuple(
            Case(
                f"stream_async, {width:,} at once",
                "crowd",
                "stream_async",
                "burst-50",
                rounds=2,
                width=width,
                twins=False,
            )
            for width in _WIDTHS
        ),
    ),
)


def quick(group: Group) -> Group:
    """Shorten a group: fewer and shorter blocks, and only the sizes that tell most."""
    kept = [case for case in group.cases if case.width in (0, 64, 1_000) and "10,000" not in case.name]
    short = (
        replace(case, seconds=case.seconds / 2, rounds=min(case.rounds, 1 if case.width > 64 else 3)) for case in kept
    )
    return replace(group, cases=tuple(short))
