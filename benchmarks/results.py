"""What was measured: blocks of figures, and the ratios between blocks of the same round."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from .plan import Group, Show
from .roster import ENTRANTS, Entrant


def _yardstick(group: Group, case: str, entrant: Entrant) -> tuple[str, str] | None:
    """Name the case and the client to compare with."""
    if group.yardstick == "itself":
        return group.cases[0].name, entrant.name
    if group.yardstick == "raw":
        names = (other.name for other in ENTRANTS if other.role == "raw" and other.dialect == entrant.dialect)
    else:
        names = (other.name for other in ENTRANTS if other.role == "floor" and other.field == entrant.field)
    name = next(names, None)
    return None if name is None else (case, name)


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

    def compared(self, group: Group, case: str, entrant: Entrant, show: Show) -> Spread | None:
        """Compare with the group's yardstick, round by round."""
        yardstick = _yardstick(group, case, entrant)
        if show.compared == "alone" or yardstick is None or yardstick == (case, entrant.name):
            return None
        mine = self.cell(group.name, case, entrant.name).figures(show.figure)
        theirs = self.cell(group.name, *yardstick).figures(show.figure)
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
