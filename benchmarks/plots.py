"""Draws a few figures of what was measured. `python -m benchmarks.plots .bench/results.json docs`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from .plan import GROUPS, Case, Group
from .results import Results
from .roster import ENTRANTS, Entrant

_COLORS: Final = {"raw": "#888888", "floor": "#bbbbbb", "ours": "#1a73e8", "rival": "#e8a33d"}
_MARKS: Final = {"core": "o", "langchain": "s", "llama_index": "^"}


def main(results: Results, folder: Path) -> None:
    """Draw a picture of each group that has one."""
    mpl.use("Agg")
    draw = {"bars": _bars, "lines": _lines}
    for group in GROUPS:
        path = folder / f"performance-{group.name}.png"
        path.unlink(missing_ok=True)
        if cases := results.drawn(group):
            draw[group.plot](results, group, cases, path)


def _bars(results: Results, group: Group, cases: Sequence[Case], path: Path) -> None:
    """Draw a bar for each client."""
    show = group.shows[0]
    found = (
        (entrant, results.cell(group.name, cases[0].name, entrant.name).median(show.figure))
        for entrant in ENTRANTS
        if entrant.role != "parts"
    )
    rows = [(entrant, value * show.scale) for entrant, value in found if value is not None][::-1]
    drawing, axes = plt.subplots(figsize=(7, 0.27 * len(rows) + 0.9))
    bars = axes.barh(
        [entrant.name for entrant, _ in rows],
        [value for _, value in rows],
        color=[_COLORS[entrant.role] for entrant, _ in rows],
    )
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.margins(x=0.12)
    _save(drawing, axes, f"{group.title}, {show.unit}", path)


def _lines(results: Results, group: Group, cases: Sequence[Case], path: Path) -> None:
    """Draw how a figure grows with the size of a stream or of a crowd, a line for each client."""
    figure = group.shows[0].figure
    sizes = [case.width or int(case.answer.rpartition("-")[2]) for case in cases]
    drawing, axes = plt.subplots(figsize=(7, 4.5))
    for entrant in ENTRANTS:
        values = [results.cell(group.name, case.name, entrant.name).median(figure) for case in cases]
        points = [(size, value) for size, value in zip(sizes, values, strict=True) if value]
        if points and not entrant.is_twin and entrant.role != "parts":
            _line(axes, entrant, points)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    _save(drawing, axes, f"{group.title}, {group.shows[0].unit}", path)


def _line(axes: Any, entrant: Entrant, points: Sequence[tuple[int, float]]) -> None:
    axes.plot(
        [size for size, _ in points],
        [value for _, value in points],
        marker=_MARKS[entrant.field],
        markersize=4,
        linewidth=2.2 if entrant.role == "ours" else 1.0,
        linestyle="--" if entrant.role == "floor" else "-",
        color=_COLORS[entrant.role] if entrant.role != "rival" else None,
        label=entrant.name,
    )


def _save(drawing: Any, axes: Any, title: str, path: Path) -> None:
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    # No time of making in the file: the same figures give the same bytes.
    drawing.savefig(path, dpi=90, bbox_inches="tight", metadata={"Software": None})
    plt.close(drawing)


if __name__ == "__main__":
    main(Results.load(Path(sys.argv[1])), Path(sys.argv[2]))
