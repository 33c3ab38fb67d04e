"""The few figures that a user chooses by: one table, and the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .plan import GROUPS, Group, Show
from .results import Results
from .roster import ENTRANTS, Entrant, Field

MARKS: Final = ("<!-- summary:begin -->", "<!-- summary:end -->")
PICTURES: Final = ("unary", "stream", "concurrency")
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_NOTHING: Final = "\N{EN DASH}"
_FIELDS: Final[dict[Field, str]] = {"core": "the client", "langchain": "LangChain", "llama_index": "LlamaIndex"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, as a ratio to raw httpx in the same round."""

    title: str
    group: str
    case: str
    more_is_better: bool = False


ROWS: Final = (
    Row("CPU of a call, blocking", "unary", "blocking"),
    Row("CPU of a call, asynchronous", "unary", "async"),
    Row("CPU of a chunk, 1,000 in a stream", "stream", "stream, 1,000 chunks"),
    Row("calls per second, 64 at once", "concurrency", "64 at once", more_is_better=True),
)


def summary(results: Results) -> str:
    """Write the table, and the pictures of what was measured."""
    lines = ["| \N{MULTIPLICATION SIGN} raw httpx | | httpx | pyreqwest | best rival |", "|---|---|---|---|---|"]
    lines += [_line(results, row, field) for row in ROWS for field in _FIELDS]
    groups = [group for group in GROUPS if group.name in PICTURES and results.drawn(group)]
    pictures = [f"![{group.title}](performance-{group.name}.png)" for group in groups]
    return "\n\n".join(["\n".join(lines), *pictures])


def _line(results: Results, row: Row, field: Field) -> str:
    group = next(group for group in GROUPS if group.name == row.group)
    ours = {entrant.transport: entrant for entrant in ENTRANTS if _is_ours(entrant, field)}
    cells = [_ratio(results, row, group, ours[transport]) for transport in ("httpx", "pyreqwest")]
    texts = [_NOTHING if ratio is None else f"{ratio:.2f}{_TIMES}" for ratio in cells]
    return f"| {row.title} | {_FIELDS[field]} | {' | '.join(texts)} | {_best_rival(results, row, group, field)} |"


def _is_ours(entrant: Entrant, field: Field) -> bool:
    return entrant.role == "ours" and entrant.field == field and not entrant.is_twin


def _best_rival(results: Results, row: Row, group: Group, field: Field) -> str:
    rivals = [entrant for entrant in ENTRANTS if entrant.role == "rival" and entrant.field == field]
    found = [(ratio, rival.name) for rival in rivals if (ratio := _ratio(results, row, group, rival)) is not None]
    if not found:
        return _NOTHING
    ratio, name = max(found) if row.more_is_better else min(found)
    return f"{ratio:.2f}{_TIMES} ({name})"


def _ratio(results: Results, row: Row, group: Group, entrant: Entrant) -> float | None:
    show = Show(group.shows[0].figure, "", compared="ratio")
    spread = results.compared(group, row.case, entrant, show)
    return None if spread is None else spread.middle
