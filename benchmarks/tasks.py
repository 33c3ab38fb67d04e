"""What a worker does with a client: each task takes a prepared way of asking and gives figures.

Times are in microseconds, memory in bytes.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Final

from .answers import clocks
from .crowds import crowd, first, held
from .prepared import MICROSECONDS, Figures, Prepared, WrongAnswer, quantile
from .questions import size
from .shares import shares
from .subjects.base import count_of


def calls(prepared: Prepared) -> Figures:
    """Tell what one call costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    prepared.repeat(prepared.count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    each = MICROSECONDS / prepared.count / prepared.case.each
    return {"wall": wall * each, "cpu": cpu * each}


def chunks(prepared: Prepared) -> Figures:
    """Tell what one event of a stream costs, the call's own cost included."""
    events = count_of(prepared.case.answer)
    return {name: figure / events for name, figure in calls(prepared).items()}


def extra(prepared: Prepared) -> Figures:
    """Measure what one call costs more than a call with one provider; both are made in turn."""
    plain = prepared.subject.prepare("ask", prepared.case.question)
    plain()
    one = whole = 0.0
    for _ in range(prepared.count):
        began = time.process_time()
        plain()
        middle = time.process_time()
        prepared.ask()
        one += middle - began
        whole += time.process_time() - middle
    each = MICROSECONDS / prepared.count
    return {"cpu": whole * each, "extra": (whole - one) * each}


def paced(prepared: Prepared) -> Figures:
    """Tell how long after the server wrote them events reach the caller."""
    delays: list[int] = []

    def note(piece: object) -> None:
        now = time.perf_counter_ns()
        delays.extend(now - clock for clock in clocks(prepared.subject.text(piece) or ""))

    cpu = time.process_time()
    prepared.each_piece(note)
    cpu = time.process_time() - cpu
    if len(delays) != count_of(prepared.case.answer):
        raise WrongAnswer(f"it delivered {len(delays)} events of {prepared.case.answer}")
    ordered = sorted(delay / 1000 for delay in delays)
    return {
        "p50": quantile(ordered, 0.5),
        "p99": quantile(ordered, 0.99),
        "cpu": cpu * MICROSECONDS / len(delays),
    }


def peak(prepared: Prepared) -> Figures:
    """Tell how often a question is in memory at the worst moment of a call, beside the question itself."""
    tracemalloc.start()
    prepared.repeat(1)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    prepared.repeat(1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"copies": (most - before) / size(prepared.case.question)}


TASKS: Final[dict[str, Callable[[Prepared], Figures]]] = {
    "calls": calls,
    "chunks": chunks,
    "extra": extra,
    "paced": paced,
    "peak": peak,
    "crowd": crowd,
    "first": first,
    "held": held,
    "shares": shares,
}
