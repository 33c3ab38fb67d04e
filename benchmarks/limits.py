"""How far a binding can come at most: what its framework and the client below it cost by themselves."""

from __future__ import annotations

from typing import Final

from .results import Results
from .roster import ENTRANTS, Field, Transport
from .summary import FIELDS, ROWS, Row, ours, ratio, text

MARKS: Final = ("<!-- limits:begin -->", "<!-- limits:end -->")
_FRAMEWORKS: Final[tuple[Field, ...]] = ("langchain", "llama_index")
_TRANSPORTS: Final[tuple[Transport, ...]] = ("httpx", "pyreqwest")


def limits(results: Results) -> str:
    """Write a line for each framework, transport and figure that is measured as a ratio."""
    lines = [
        "| | measured | framework + client | framework + HTTP library |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        for field in _FRAMEWORKS if not row.is_added else ():
            lines += [_line(results, row, field, transport) for transport in _TRANSPORTS]
    return "\n".join(line for line in lines if line)


def _line(results: Results, row: Row, field: Field, transport: Transport) -> str:
    measured = ratio(results, row, ours(field, transport))
    framework = ratio(results, row, next(one for one in ENTRANTS if one.role == "floor" and one.field == field))
    client = ratio(results, row, ours("core", transport))
    library = ratio(results, row, next(one for one in ENTRANTS if one.name == transport))
    if measured is None or framework is None or client is None:
        return ""
    sums = (_together(row, framework, below) for below in (client, library or 1.0))
    cells = " | ".join(text(figure, row) for figure in (measured, *sums))
    return f"| {row.title}: {FIELDS[field]} over {transport} | {cells} |"


def _together(row: Row, one: float, other: float) -> float:
    """Add costs. Calls per second are the inverse of a cost."""
    return 1 / (1 / one + 1 / other) if row.more_is_better else one + other
