"""What is measured, as data: groups of cases, and which figures of them are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

Task = Literal["calls", "chunks", "extra", "paced", "peak", "crowd", "first", "held", "shares", "import"]
Yardstick = Literal["raw", "floor"]


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
    """How long one block of calls takes, about; 0 for a single call."""
    rounds: int = 5
    """How many blocks each client gets; their order changes from round to round."""
    width: int = 0
    """How many calls are in flight at once, as tasks or, of a batch, in threads."""
    each: int = 1
    """How many answers one call gets, to divide by."""
    twins: bool = True
    """Whether ours also takes part through its second dialect."""
    floors: bool = True
    """Whether the frameworks alone take part."""
    others: bool = True
    """Whether anybody but ours takes part."""
    parts: bool = False
    """Whether the parts of ours take part, one after the other."""
    is_encrypted: bool = False
    """Whether the server is asked over TLS."""
    is_fresh: bool = False
    """Whether the client gets a new process for it."""
    after: str = ""
    """The smaller case that a client must have managed before this one is tried."""
    is_checked: bool = True
    """Whether the client is tried, and its answer checked, before the first block."""
    limit: float = 60.0
    """Seconds after which a block is given up, and the client with it."""


@dataclass(frozen=True, slots=True)
class Show:
    """A figure, and how it is shown: by itself, divided by the yardstick's, or as what is added to it."""

    figure: str
    unit: str
    scale: float = 1.0
    """Units per what was measured."""
    compared: Literal["alone", "ratio", "added"] = "alone"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are shown together, a column for each."""

    name: str
    title: str
    cases: tuple[Case, ...]
    shows: tuple[Show, ...]
    yardstick: Yardstick = "raw"
    """What figures are compared with: raw httpx on the same bytes, or the framework alone."""
    plot: Literal["", "bars", "lines"] = ""
    """How the first figure is drawn: of the first case, or over the sizes of all cases that ask in the same way."""


_CPU: Final = Show("cpu", "µs", compared="ratio")
_WALL: Final = Show("wall", "µs", compared="ratio")
_CALLS: Final = (_CPU, Show("wall", "µs of wall time"))
_CROWD: Final = (
    Show("per_second", "/s", compared="ratio"),
    Show("p50", "ms p50", 1e-3),
    Show("p99", "ms p99", 1e-3),
    Show("failed", "failed"),
)
_SIZES: Final = (100, 1_000, 10_000)
_MEGABYTE: Final = 2.0**-20


def _streams(*ways: str) -> tuple[Case, ...]:
    """List the cases of streams. Long blocks hold several collections of all garbage, so that each has its share."""
    return tuple(
        Case(f"{way}, {size:,} chunks", "chunks", way, f"burst-{size}", seconds=size / 1250, parts=size == 1_000)
        if size < max(_SIZES)
        else Case(f"{way}, {size:,} chunks", "chunks", way, f"burst-{size}", seconds=0.0, rounds=2, is_checked=False)
        for way in ways
        for size in _SIZES
    )


def _crowds(task: Task, way: str, answer: str, *widths: int) -> tuple[Case, ...]:
    names = ["", *(f"{width:,} at once" for width in widths)]
    return tuple(
        Case(
            name,
            task,
            way,
            answer,
            seconds=0.0 if task == "held" else 0.4,
            rounds=1 if task == "held" or width > 256 else 7 if width == 64 else 3,
            width=width,
            twins=False,
            floors=task != "held",
            parts=way == "ask_async" and width == 64,
            is_fresh=task == "held",
            after=smaller,
            limit=40.0,
        )
        for smaller, name, width in zip(names, names[1:], widths, strict=False)
    )


def _encrypted(way: str, answer: str, *widths: int) -> tuple[Case, ...]:
    return tuple(
        replace(case, is_encrypted=True, floors=False, parts=False) for case in _crowds("crowd", way, answer, *widths)
    )


GROUPS: Final = (
    Group(
        "import",
        "Importing the model class: what it adds to its framework",
        (Case("import", "import", "import", "", rounds=9, twins=False),),
        (
            Show("wall", "ms", 1e-3, "added"),
            Show("own", "ms without the garbage collector", 1e-3, "added"),
            Show("modules", "modules", compared="added"),
            Show("memory", "MB", _MEGABYTE, "added"),
        ),
        yardstick="floor",
        plot="bars",
    ),
    Group(
        "construct",
        "Making the model object",
        (Case("construct", "calls", "construct", "text", seconds=0.05, rounds=3),),
        (Show("wall", "ms", 1e-3),),
    ),
    Group(
        "unary",
        "Whole answers, one after the other: CPU time",
        (
            Case("blocking", "calls", "ask", "text", rounds=11, parts=True),
            Case("async", "calls", "ask_async", "text", rounds=11, parts=True),
        ),
        _CALLS,
        plot="bars",
    ),
    Group(
        "shares",
        "Where the CPU time of a whole answer goes, and that of a chunk, by looking again and again",
        (
            Case("a whole answer", "shares", "ask", "text", seconds=3.0, rounds=1, others=False),
            Case("a chunk", "shares", "stream", "burst-1000", seconds=3.0, rounds=1, each=1_000, others=False),
        ),
        (
            Show("cpu", "µs"),
            Show("framework", "the framework"),
            Show("binding", "its binding"),
            Show("request", "the request written"),
            Show("call", "routes, retries, accounts"),
            Show("http", "HTTP and the system"),
            Show("answer", "the answer read"),
        ),
    ),
    Group("stream", "Streams: CPU time per chunk", _streams("stream", "stream_async"), (_CPU,), plot="lines"),
    Group("events", "LangChain's typed events (v3): CPU time per chunk", _streams("events", "events_async"), (_CPU,)),
    Group(
        "paced",
        "Streams of one event per millisecond: delay from the server's write to the caller",
        tuple(
            Case(way, "paced", way, "paced-300", seconds=0.0, rounds=3, floors=False)
            for way in ("stream", "stream_async")
        ),
        (Show("p50", "µs p50", compared="added"), Show("p99", "µs p99", compared="added")),
    ),
    Group(
        "tools",
        "Tool calls and structured answers: CPU time",
        (
            Case("a tool call", "calls", "tool", "tool", rounds=4),
            Case("a structured answer", "calls", "structured", "structured", rounds=4),
        ),
        (_CPU,),
    ),
    Group(
        "large",
        "A history of 1 MB in 200 turns, and an image of 8 MB: wall time, and the copies alive at once at most",
        tuple(
            Case(f"{question}, {task}", task, "ask", "text", question, seconds=0.0, rounds=rounds)
            for question in ("history", "image")
            for task, rounds in (("calls", 5), ("peak", 1))
        ),
        (_WALL, Show("copies", "copies")),
    ),
    Group(
        "concurrency",
        "Whole answers, many at once",
        _crowds("crowd", "ask_async", "text", 1, 16, 64, 256, 1_000),
        _CROWD,
        plot="lines",
    ),
    Group(
        "streams",
        "Streams of 20 chunks, many at once",
        _crowds("crowd", "stream_async", "burst-20", 1, 16, 64, 256, 1_000),
        _CROWD,
    ),
    Group(
        "held",
        "Streams held open at once: the memory of each",
        _crowds("held", "stream_async", "held-4", 100, 1_000),
        (Show("memory", "KB each", 2.0**-10), Show("open", "open at most"), Show("failed", "failed")),
    ),
    Group(
        "batch",
        "64 calls over 16 threads, and over 64: CPU time of each",
        tuple(
            Case(f"{threads} threads", "calls", "batch", "text", rounds=4, each=64, width=threads)
            for threads in (16, 64)
        ),
        _CALLS,
    ),
    Group(
        "first",
        "64 streams at once: until each has its first piece",
        (Case("64 at once", "first", "stream_async", "held-2", seconds=0.0, rounds=3, width=64, twins=False),),
        (_CPU, Show("p50", "ms p50", 1e-3), Show("p99", "ms p99", 1e-3), Show("failed", "failed")),
    ),
    Group(
        "connections",
        "64 tasks that ask again and again: the connections that stay open",
        (
            Case(
                "64 at once", "crowd", "ask_async", "text", rounds=1, width=64, twins=False, floors=False, is_fresh=True
            ),
        ),
        (Show("connections", "connections"),),
    ),
    Group(
        "tls",
        "Over TLS: CPU time, of a call or of a stream of 20 chunks",
        tuple(
            Case(name, "calls", way, answer, is_encrypted=True, twins=False, floors=False)
            for name, way, answer in (
                ("blocking", "ask", "text"),
                ("async", "ask_async", "text"),
                ("a stream", "stream_async", "burst-20"),
            )
        ),
        _CALLS,
    ),
    Group("tls-calls", "Whole answers over TLS, many at once", _encrypted("ask_async", "text", 64, 1_000), _CROWD),
    Group(
        "tls-streams", "Streams of 20 chunks over TLS, many at once", _encrypted("stream_async", "burst-20", 64), _CROWD
    ),
)


def quick(group: Group) -> Group:
    """Shorten a group: fewer and shorter blocks, and only the sizes that tell most."""
    kept = [case for case in group.cases if case.width in (0, 64, 100) and "10,000" not in case.name]
    short = (
        replace(case, seconds=case.seconds / 3, rounds=min(case.rounds, 2) if case.seconds else 1, after="")
        for case in kept
    )
    return replace(group, cases=tuple(short))


def in_rounds(group: Group, most: int) -> Group:
    """Give each client at most so many blocks."""
    return replace(group, cases=tuple(replace(case, rounds=min(case.rounds, most)) for case in group.cases))
