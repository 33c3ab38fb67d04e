"""Measures what a call costs, side by side with raw httpx. `make bench BENCH="--quick --only unary,stream"`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .crew import ROOT, Crew, Hand, Server
from .plan import GROUPS, Case, Group, quick
from .results import Results
from .roster import ENTRANTS
from .terminal import shown

RESULTS: Final = ROOT / ".bench" / "results.json"


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ", ".join(group.name for group in GROUPS)
    parser.add_argument("--only", metavar="GROUPS", help=f"measure these groups alone, with commas between: {names}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter blocks")
    return parser.parse_args(arguments)


def chosen(given: argparse.Namespace) -> list[Group]:
    """Choose the groups to measure."""
    known = {group.name: group for group in GROUPS}
    names = given.only.split(",") if given.only else list(known)
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"There is no group {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [quick(known[name]) if given.quick else known[name] for name in names]


def measure(results: Results, site: str, group: Group, case: Case, hands: Sequence[Hand]) -> None:
    """Let all clients do a block in turn, round after round, in another order each time."""
    for number in range(case.rounds):
        turned = [*hands[number % len(hands) :], *hands[: number % len(hands)]]
        for hand in turned:
            cell = results.cell(group.name, case.name, hand.entrant.name)
            if cell.goes_on and (case.twins or not hand.entrant.is_twin):
                cell.add(hand.measure(site, case))


def main() -> int:
    given = options()
    results = Results()
    hands = [Hand(entrant, Path(sys.executable)) for entrant in ENTRANTS]
    with Server() as server, Crew(hands):
        for group in chosen(given):
            for case in group.cases:
                measure(results, server.site, group, case, hands)
                print("\n".join(shown(results, group, case, ENTRANTS)), flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    results.save(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
