"""The few figures that a user chooses by: one table and the pictures for the document, two sentences for the README."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .plan import GROUPS, Show
from .results import Results
from .roster import ENTRANTS, Entrant, Field, Role, Transport

MARKS: Final = ("<!-- summary:begin -->", "<!-- summary:end -->")
HEADLINE_MARKS: Final = ("<!-- headline:begin -->", "<!-- headline:end -->")
PICTURES: Final = ("unary", "stream", "concurrency")
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_NOTHING: Final = "\N{EN DASH}"
FIELDS: Final[dict[Field, str]] = {"core": "client", "langchain": "LangChain", "llama_index": "LlamaIndex"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, as a ratio to raw httpx in the same round, or as what is added to the framework's own."""

    title: str
    group: str
    case: str
    more_is_better: bool = False
    is_added: bool = False


_CALL: Final = Row("CPU of an asynchronous call", "unary", "async")
_CROWD: Final = Row("calls per second, 64 at once", "concurrency", "64 at once", more_is_better=True)
ROWS: Final = (
    Row("CPU of a blocking call", "unary", "blocking"),
    _CALL,
    Row("CPU of a chunk, 1,000 in a stream", "stream", "stream, 1,000 chunks"),
    Row("the same, beyond the framework's own", "stream", "stream, 1,000 chunks", is_added=True),
    _CROWD,
)


def summary(results: Results) -> str:
    """Write the table, and the pictures of what was measured."""
    day = results.facts["day"]
    lead = (
        f"Ratios to raw httpx on the same bytes, measured on {day}. For CPU less is better, for calls per second more."
    )
    lines = [f"| {_TIMES} raw httpx | over httpx | over pyreqwest | best rival |", "|---|---|---|---|"]
    groups = [group for group in GROUPS if group.name in PICTURES and results.drawn(group)]
    pictures = " ".join(f"![{group.title}](performance-{group.name}.png)" for group in groups)
    return "\n\n".join(filter(None, (lead, "\n".join([*lines, *(_line(results, row) for row in ROWS)]), pictures)))


def _line(results: Results, row: Row) -> str:
    cells = [_ours(results, row, "httpx"), _ours(results, row, "pyreqwest"), _rivals(results, row)]
    return f"| {row.title} | {' | '.join(', '.join(cell) or _NOTHING for cell in cells)} |"


def _ours(results: Results, row: Row, transport: Transport) -> list[str]:
    found = {field: _of(results, row, field, transport) for field in FIELDS}
    return [f"{FIELDS[field]} {text(one, row)}" for field, one in found.items() if one is not None]


def _rivals(results: Results, row: Row) -> list[str]:
    found = [_best_rival(results, row, field) for field in FIELDS]
    return [f"{name} {text(one, row)}" for one, name in filter(None, found)]


def headline(results: Results) -> str:
    """Write the README's sentences: over plain httpx, and with the extra `fast`."""
    call, crowd = (_compared(results, row) for row in (_CALL, _CROWD))
    return (
        f"An asynchronous LangChain call takes {call} the CPU time of the same request by httpx alone. Of 64 at once, "
        f"{crowd} as many are answered per second. Blocking calls, streams and LlamaIndex: "
        "[what a call costs](https://github.com/gemini-multi/gemini-multi/blob/main/docs/performance.md)."
    )


def _compared(results: Results, row: Row) -> str:
    plain, fast = (_of(results, row, "langchain", transport) for transport in ("httpx", "pyreqwest"))
    best = _best_rival(results, row, "langchain")
    rival = "" if best is None else f"; {best[1]}: {text(best[0], row)}"
    return f"{text(plain, row)} ({text(fast, row)} with the extra `fast`{rival})"


def text(figure: float | None, row: Row) -> str:
    """Write a figure of a row."""
    if figure is None:
        return _NOTHING
    return f"{figure:.1f} µs" if row.is_added else f"{figure:.2f}{_TIMES}"


def _of(results: Results, row: Row, field: Field, transport: Transport) -> float | None:
    return ratio(results, row, one_of("ours", field, transport))


def one_of(role: Role, field: Field, transport: Transport) -> Entrant:
    """Return our client of a field over a transport, with its first dialect, or the parts of that client."""
    known = (one for one in ENTRANTS if one.role == role and one.field == field and not one.is_twin)
    return next(one for one in known if one.transport == transport)


def _best_rival(results: Results, row: Row, field: Field) -> tuple[float, str] | None:
    rivals = [entrant for entrant in ENTRANTS if entrant.role == "rival" and entrant.field == field]
    found = [(one, rival.name) for rival in rivals if (one := ratio(results, row, rival)) is not None]
    return (max if row.more_is_better else min)(found, default=None)


def ratio(results: Results, row: Row, entrant: Entrant) -> float | None:
    """Return a client's median figure of a row, or `None` if it was not measured."""
    group = next(group for group in GROUPS if group.name == row.group)
    show = Show(group.shows[0].figure, "", compared="added" if row.is_added else "ratio")
    group = replace(group, yardstick="floor" if row.is_added else "raw")
    spread = results.compared(group, row.case, entrant, show)
    return None if spread is None else spread.middle
