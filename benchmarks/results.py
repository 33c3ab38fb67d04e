"""What was measured: blocks of figures, and the ratios between blocks of the same round."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from .plan import Case, Group, Show, Yardstick
from .roster import ENTRANTS, Entrant


def _yardstick(kind: Yardstick, entrant: Entrant) -> str | None:
    """Name whom a client is compared with."""
    if kind == "raw":
        return next(other.name for other in ENTRANTS if other.role == "raw" and other.dialect == entrant.dialect)
    return next((other.name for other in ENTRANTS if other.role == "floor" and other.field == entrant.field), None)


@dataclass(slots=True)
class Cell:
    """One client in one case."""

    blocks: list[dict[str, float]] = field(default_factory=list)
    """One per round."""
    trouble: str | None = None
    """Why there are no more blocks."""
    is_offered: bool = True

    def add(self, reply: dict[str, Any]) -> None:
        """Take what a worker said."""
        if "figures" in reply:
            self.blocks.append(reply["figures"])
        elif "missing" in reply:
            self.is_offered = False
        else:
            self.trouble = reply["error"]

    @property
    def goes_on(self) -> bool:
        return self.is_offered and self.trouble is None

    def figures(self, name: str) -> list[float]:
        return [block[name] for block in self.blocks if name in block]

    def median(self, name: str) -> float | None:
        figures = self.figures(name)
        return median(figures) if figures else None


@dataclass(frozen=True, slots=True)
class Spread:
    """A comparison over all rounds."""

    least: float
    middle: float
    most: float


@dataclass(slots=True)
class Results:
    """All cells, by group, case and client."""

    cells: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """The machine, the versions, and what could not be set up."""

    def cell(self, group: str, case: str, entrant: str) -> Cell:
        return self.cells.setdefault((group, case, entrant), Cell())

    def forget(self, group: Group) -> None:
        """Make room for new figures of a group."""
        self.cells = {key: cell for key, cell in self.cells.items() if key[0] != group.name}

    def measured(self, group: Group) -> list[Case]:
        """List the cases of a group that were measured."""
        known = {(name, case) for name, case, _ in self.cells}
        return [case for case in group.cases if (group.name, case.name) in known]

    def drawn(self, group: Group) -> list[Case]:
        """List the cases that the group's picture shows; a line has two at least."""
        cases = [case for case in self.measured(group) if case.way == group.cases[0].way]
        return {"bars": cases[:1], "lines": cases if len(cases) > 1 else []}.get(group.plot, [])

    def compared(self, group: Group, case: str, entrant: Entrant, show: Show) -> Spread | None:
        """Compare with the group's yardstick, round by round."""
        yardstick = _yardstick(group.yardstick, entrant)
        if show.compared == "alone" or yardstick is None or yardstick == entrant.name:
            return None
        mine = self.cell(group.name, case, entrant.name).figures(show.figure)
        theirs = self.cell(group.name, case, yardstick).figures(show.figure)
        pairs = zip(mine, theirs, strict=False)
        if show.compared == "ratio":
            figures = [first / second for first, second in pairs if second]
        else:
            figures = [(first - second) * show.scale for first, second in pairs]
        return Spread(min(figures), median(figures), max(figures)) if figures else None

    def save(self, path: Path) -> None:
        cells = [
            {"group": group, "case": case, "client": client, "blocks": cell.blocks, "trouble": cell.trouble}
            | ({} if cell.is_offered else {"offered": False})
            for (group, case, client), cell in self.cells.items()
        ]
        path.write_text(json.dumps({"facts": self.facts, "cells": cells}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        document = json.loads(path.read_text())
        results = cls(facts=document["facts"])
        for row in document["cells"]:
            cell = Cell(row["blocks"], row["trouble"], row.get("offered", True))
            results.cells[row["group"], row["case"], row["client"]] = cell
        return results
