"""Writes what was measured: as text while it is measured, and as tables between the markers of a document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .plan import Case, Group, Show
from .results import Results, Spread
from .roster import ENTRANTS, Entrant
from .summary import PICTURES

BEGIN: Final = "<!-- bench:begin -->"
END: Final = "<!-- bench:end -->"
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_MINUS: Final = "\N{MINUS SIGN}"
_NOTHING: Final = "\N{EN DASH}"
DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "performance.md"
README: Final = Path(__file__).parent.parent / "README.md"


def case_text(results: Results, group: Group, case: Case) -> str:
    """Show one case of all clients, a line for each."""
    lines = [f"{group.title}: {case.name}"]
    for entrant in ENTRANTS:
        shown = cell_text(results, group, case, entrant)
        if trouble := results.cell(group.name, case.name, entrant.name).trouble:
            shown = f"{shown} NOT MEASURED: {' '.join(trouble.split())}"
        if shown:
            lines.append(f"  {entrant.name:32}{shown}")
    return "\n".join(lines)


def cell_text(results: Results, group: Group, case: Case, entrant: Entrant) -> str:
    """Show the figures of one client in one case."""
    return "; ".join(filter(None, (_shown(results, group, case, entrant, show) for show in group.shows)))


def _shown(results: Results, group: Group, case: Case, entrant: Entrant, show: Show) -> str:
    value = results.cell(group.name, case.name, entrant.name).median(show.figure)
    if value is None or (show.figure == "failed" and not value):
        return ""
    spread = results.compared(group, case.name, entrant, show)
    text = f"{_number(value * show.scale)} {show.unit}"
    return text if spread is None else f"{text}, {_spread(spread, show)}"


def _spread(spread: Spread, show: Show) -> str:
    middle, least, most = spread.middle, spread.least, spread.most
    if show.compared == "ratio":
        return f"{middle:.2f}{_TIMES} ({least:.2f} to {most:.2f})"
    middle_text, *others = (("+" if figure >= 0 else "") + _number(figure) for figure in (middle, least, most))
    return f"{middle_text} ({' to '.join(others)})"


def _number(value: float) -> str:
    """Write three digits that tell something."""
    if value < 0:
        return _MINUS + _number(-value)
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def tables(results: Results, groups: tuple[Group, ...]) -> str:
    """Write all that was measured as Markdown."""
    parts = [_facts(results)]
    for group in groups:
        if measured := results.measured(group):
            is_drawn = group.name not in PICTURES and results.drawn(group)
            picture = f"![{group.title}](performance-{group.name}.png)\n\n" if is_drawn else ""
            parts.append(f"### {group.title}\n\n{picture}{_table(results, group, measured)}")
    if troubles := list(_troubles(results)):
        parts.append("### What could not be measured\n\n" + "\n".join(troubles))
    return "\n\n".join(parts)


def _facts(results: Results) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results.facts["versions"].items())
    run = "Measured briefly" if results.facts["quick"] else "Measured"
    return f"{run} on {results.facts['day']}: {results.facts['machine']}. {versions}."


def _table(results: Results, group: Group, cases: list[Case]) -> str:
    lines = [f"| | {' | '.join(case.name for case in cases)} |", f"|---|{'---|' * len(cases)}"]
    for entrant in ENTRANTS:
        texts = [cell_text(results, group, case, entrant) for case in cases]
        if any(texts):
            name = f"**{entrant.name}**" if entrant.role == "ours" else entrant.name
            lines.append(f"| {name} | {' | '.join(text or _NOTHING for text in texts)} |")
    return "\n".join(lines)


def _troubles(results: Results) -> Iterator[str]:
    for package, field in results.facts.get("not installed", []):
        yield f"- {package} could not be installed beside {field}."
    for (group, case, client), cell in results.cells.items():
        if cell.trouble:
            yield f"- {client} in {group}, {case}: {' '.join(cell.trouble.split())}".replace("<", "&lt;")


def write(path: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the tables between the markers of a document."""
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
