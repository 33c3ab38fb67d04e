"""The goals of the project, what was measured, and what the layers below and the parts cost by themselves."""

from __future__ import annotations

from statistics import median
from typing import Final

from .plan import GROUPS
from .results import Results
from .roster import ENTRANTS, Entrant, Field, Transport
from .summary import FIELDS, ROWS, Row, one_of, ratio, text

MARKS: Final = ("<!-- limits:begin -->", "<!-- limits:end -->")
_TRANSPORTS: Final[tuple[Transport, ...]] = ("httpx", "pyreqwest")
_GOALS: Final[dict[str, dict[Field, tuple[float, float]]]] = {
    "CPU of a blocking call": {"core": (1.1, 0.6), "langchain": (1.7, 1.2), "llama_index": (1.6, 1.1)},
    "CPU of an asynchronous call": {"core": (0.95, 0.45), "langchain": (1.3, 0.8), "llama_index": (1.1, 0.6)},
    "CPU of a chunk, 1,000 in a stream": {"core": (1.8, 0.9)},
    "the same, beyond the framework's own": {"langchain": (11.0, 6.0), "llama_index": (11.0, 6.0)},
    "calls per second, 64 at once": {"core": (2.0, 3.5), "langchain": (2.0, 3.5), "llama_index": (2.0, 3.5)},
}
"""The goal over httpx and the goal over pyreqwest, by the title of the row."""


def limits(results: Results) -> str:
    """Write a line for each goal."""
    lines = [
        "| | goal | measured | framework + client | framework + HTTP library | library, then ours from memory |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        for field, goals in _GOALS[row.title].items():
            pairs = zip(_TRANSPORTS, goals, strict=True)
            lines += [_line(results, row, field, transport, goal) for transport, goal in pairs]
    return "\n".join(line for line in lines if line)


def _line(results: Results, row: Row, field: Field, transport: Transport, goal: float) -> str:
    measured = ratio(results, row, one_of("ours", field, transport))
    if measured is None:
        return ""
    client = None if field == "core" else _below(results, row, field, one_of("ours", "core", transport))
    library = _below(results, row, field, next(one for one in ENTRANTS if one.name == transport))
    parts = ratio(results, row, one_of("parts", field, transport))
    is_met = measured >= goal if row.more_is_better else measured <= goal
    cells = [text(goal, row), text(measured, row) + ("" if is_met else " (missed)"), text(client, row)]
    cells += [text(library, row), text(parts, row)]
    return f"| {row.title}: {FIELDS[field]} over {transport} | {' | '.join(cells)} |"


def _below(results: Results, row: Row, field: Field, entrant: Entrant) -> float | None:
    """Return what a client or an HTTP library costs, together with the framework."""
    group = next(group for group in GROUPS if group.name == row.group)
    if row.is_added:
        figures = results.cell(row.group, row.case, entrant.name).figures(group.shows[0].figure)
        return median(figures) if figures else None
    cost = 1.0 if entrant.name == "httpx" else ratio(results, row, entrant)
    if cost is None or field == "core":
        return cost
    framework = ratio(results, row, next(one for one in ENTRANTS if one.role == "floor" and one.field == field))
    return None if framework is None else _together(row, framework, cost)


def _together(row: Row, one: float, other: float) -> float:
    """Add costs. Calls per second are the inverse of a cost."""
    return 1 / (1 / one + 1 / other) if row.more_is_better else one + other
