"""Measures what a call costs, side by side with raw httpx and with the rivals."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .environments import FOLDER, python_of, set_up, versions
from .limits import MARKS as LIMITS_MARKS
from .limits import limits
from .plan import GROUPS, Case, Group, in_rounds
from .plan import quick as shortened
from .processes import ENVIRONMENT, ROOT, Server, WorkerProcess, Workers, cores
from .report import DOCUMENT, README, case_text, tables, write
from .results import Results
from .roster import ENTRANTS, Entrant, Field
from .summary import HEADLINE_MARKS, headline, summary
from .summary import MARKS as SUMMARY_MARKS

RESULTS: Final = FOLDER / "results.json"
OURS: Final = FOLDER / "ours.json"
"""What was measured without rivals, which the documentation never shows."""


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ", ".join(group.name for group in GROUPS)
    parser.add_argument("--only", metavar="GROUPS", help=f"measure these groups alone, with commas between: {names}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter blocks")
    parser.add_argument("--rounds", type=int, metavar="N", help="at most N blocks of each case")
    parser.add_argument(
        "--no-rivals", action="store_true", help="raw httpx, the floors and ours alone; no environments"
    )
    parser.add_argument("--redraw", action="store_true", help="write tables and plots of what was measured before")
    return parser.parse_args(arguments)


def chosen(given: argparse.Namespace) -> list[Group]:
    """Choose the groups to measure."""
    known = {group.name: group for group in GROUPS}
    names = given.only.split(",") if given.only else list(known)
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"There is no group {', '.join(unknown)}. There are: {', '.join(known)}.")
    found = [shortened(known[name]) if given.quick else known[name] for name in names]
    return [in_rounds(group, given.rounds) for group in found] if given.rounds else found


def takes_part(entrant: Entrant, case: Case) -> bool:
    return (
        (case.twins or not entrant.is_twin)
        and (case.floors or entrant.role != "floor")
        and (case.parts or entrant.role != "parts")
        and (case.others or entrant.role == "ours")
    )


def measure(results: Results, server: Server, group: Group, case: Case, workers: Sequence[WorkerProcess]) -> None:
    """Let all clients do a block in turn, round after round, in another order each time."""
    for worker in workers:
        name = worker.entrant.name
        if case.after and results.cell(group.name, case.after, name).trouble:
            results.cell(group.name, case.name, name).trouble = f"not tried, since {case.after} failed"
    workers = [worker for worker in workers if takes_part(worker.entrant, case)]
    for number in range(case.rounds):
        turn = number % len(workers)
        for worker in (*workers[turn:], *workers[:turn]):
            cell = results.cell(group.name, case.name, worker.entrant.name)
            if cell.goes_on:
                cell.add(worker.measure(server.site_of(case), case))


def prepared_workers(*, rivals: bool, quick: bool) -> tuple[list[WorkerProcess], dict[str, Any]]:
    """Give a process to each client, and tell what they run."""
    facts: dict[str, Any] = {
        "day": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, CPython {platform.python_version()}, "
        + ("the server on one core, the clients on another" if len(set().union(*cores())) > 1 else "one core"),
        "quick": quick,
        "versions": {},
        "not installed": [],
    }
    fields = {entrant.field: Path(sys.executable) for entrant in ENTRANTS}
    if rivals:
        for field in fields:
            facts["not installed"] += [(package, field) for package in set_up(field)]
            fields[field] = python_of(field)
    entrants = [entrant for entrant in ENTRANTS if rivals or entrant.role != "rival"]
    for field, python in fields.items():
        facts["versions"] |= versions(python, _packages(entrants, field))
    return [WorkerProcess(entrant, fields[entrant.field]) for entrant in entrants], facts


def _packages(entrants: Sequence[Entrant], field: Field) -> list[str]:
    return [entrant.package for entrant in entrants if entrant.field == field and entrant.package]


def redraw(results: Results) -> None:
    """Write the tables and the plots of the documentation, and the README's headline."""
    write(DOCUMENT, tables(results, GROUPS))
    write(DOCUMENT, summary(results), *SUMMARY_MARKS)
    write(DOCUMENT, limits(results), *LIMITS_MARKS)
    write(README, headline(results), *HEADLINE_MARKS)
    command = [str(python_of("core")), "-m", "benchmarks.plots", str(RESULTS), str(DOCUMENT.parent)]
    subprocess.run(command, check=True, timeout=120.0, cwd=ROOT, env=ENVIRONMENT)


def beginning(path: Path, facts: dict[str, Any], groups: Sequence[Group]) -> Results:
    """Begin with what was measured of other groups before."""
    results = Results.load(path) if path.exists() else Results()
    for group in groups:
        results.forget(group)
    results.facts = {**facts, "quick": facts["quick"] or bool(results.cells and results.facts["quick"])}
    return results


def main() -> int:
    given = options()
    if given.redraw:
        redraw(Results.load(RESULTS))
        return 0
    began = time.monotonic()
    groups = chosen(given)
    workers, facts = prepared_workers(rivals=not given.no_rivals, quick=given.quick)
    FOLDER.mkdir(exist_ok=True)
    path = OURS if given.no_rivals else RESULTS
    results = beginning(path, facts, groups)
    with Server() as server, Workers(workers):
        for group in groups:
            for case in group.cases:
                measure(results, server, group, case, workers)
                print(case_text(results, group, case), flush=True)
                results.save(path)
    print(f"Measured in {time.monotonic() - began:.0f} seconds; all figures are in {path}.")
    if not (given.only or given.quick or given.no_rivals):
        redraw(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
