"""Shows what was measured as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .plan import Case, Group
from .results import Cell, Results
from .roster import Entrant

_UNITS = {"per_second": "/s", "failed": "failed"}


def shown(results: Results, group: Group, case: Case, entrants: Sequence[Entrant]) -> Iterator[str]:
    """Give the lines of one case, the fastest client first within its field."""
    yield f"{group.title}: {case.name}"
    for entrant in entrants:
        cell = results.cell(group.name, case.name, entrant.name)
        if cell.blocks or cell.trouble:
            yield f"  {entrant.name:28}" + (_figures(results, group, case, entrant, cell) or f"  {cell.trouble}")


def _figures(results: Results, group: Group, case: Case, entrant: Entrant, cell: Cell) -> str:
    texts: list[str] = []
    for name in cell.blocks[0] if cell.blocks else ():
        value = cell.median(name) or 0.0
        texts.append(f"  {name if name not in _UNITS else '':>4}{value:10,.1f} {_UNITS.get(name, 'us')}")
    ratios = ((name, results.ratio(group.name, case.name, entrant, name)) for name in ("cpu", "per_second"))
    texts += [f"  {name} x raw {it.middle:6.2f} ({it.least:.2f} to {it.most:.2f})" for name, it in ratios if it]
    return "".join(texts) + (f"  then: {cell.trouble}" if cell.trouble and cell.blocks else "")
