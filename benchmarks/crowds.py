"""Tasks that ask many times at once on one event loop."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from .prepared import MICROSECONDS, Figures, Prepared, WrongAnswer, quantile

_SAMPLED: Final = 0.02


def crowd(prepared: Prepared) -> Figures:
    """Ask from many tasks at once, each again as soon as it has its answer; connected are all before it counts."""
    width = prepared.case.width
    each = max(1, prepared.count // width)
    prepared.runner.run(_timed(prepared.once_async, width, 1))
    cpu = time.process_time()
    times, failed, wall = prepared.runner.run(_timed(prepared.once_async, width, each))
    cpu = time.process_time() - cpu
    if not times:
        raise WrongAnswer(f"all {failed} calls failed")
    times.sort()
    return {
        "per_second": len(times) / wall,
        "cpu": cpu * MICROSECONDS / len(times),
        "p50": quantile(times, 0.5) * MICROSECONDS,
        "p99": quantile(times, 0.99) * MICROSECONDS,
        "failed": float(failed),
        "connections": float(connections()),
    }


async def _timed(once: Callable[[], Awaitable[None]], width: int, each: int) -> tuple[list[float], int, float]:
    times: list[float] = []
    failed = 0

    async def one() -> None:
        nonlocal failed
        for _ in range(each):
            began = time.perf_counter()
            try:
                await once()
            except Exception:  # noqa: BLE001  # whatever a client raises is a failure to count
                failed += 1
            else:
                times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(width)))
    return times, failed, time.perf_counter() - began


def first(prepared: Prepared) -> Figures:
    """Open many streams at once, and tell the time and the work until each has its first piece."""
    width = prepared.case.width
    prepared.runner.run(_first(prepared, width))  # connected are all before it counts
    times, cpu, failed = prepared.runner.run(_first(prepared, width))
    if not times:
        raise WrongAnswer(f"all {failed} streams failed")
    times.sort()
    return {
        "cpu": cpu * MICROSECONDS / len(times),
        "p50": quantile(times, 0.5) * MICROSECONDS,
        "p99": quantile(times, 0.99) * MICROSECONDS,
        "failed": float(failed),
    }


async def _first(prepared: Prepared, width: int) -> tuple[list[float], float, int]:
    """Tell the times, the CPU time until the last of them, and how many streams failed."""
    times: list[float] = []
    failed = 0
    began, cpu = time.perf_counter(), time.process_time()
    last = 0.0

    async def one() -> None:
        nonlocal failed, last
        seen = False

        def note(_: object) -> None:
            nonlocal seen, last
            if not seen:
                seen = True
                times.append(time.perf_counter() - began)
                last = time.process_time() - cpu

        try:
            await prepared.each_piece_async(note)
        except Exception:  # noqa: BLE001  # whatever a client raises is a failure to count
            failed += 1

    await asyncio.gather(*(one() for _ in range(width)))
    return times, last, failed


def held(prepared: Prepared) -> Figures:
    """Hold many streams open at once, and tell the memory that each takes."""
    gc.collect()
    before = resident()
    most, open_at_most, failed = prepared.runner.run(_held(prepared, prepared.case.width))
    return {"memory": max(0.0, most - before) / max(1, open_at_most), "open": open_at_most, "failed": failed}


async def _held(prepared: Prepared, width: int) -> tuple[float, int, int]:
    """Tell the most memory held, the most streams open at once, and how many failed."""
    opened = failed = open_at_most = 0

    async def one() -> None:
        nonlocal opened, failed, open_at_most
        seen = False

        def note(_: object) -> None:
            nonlocal seen, opened, open_at_most
            if not seen:
                seen = True
                opened += 1
                open_at_most = max(open_at_most, opened)

        try:
            await prepared.each_piece_async(note)
        except Exception:  # noqa: BLE001  # whatever a client raises is a failure to count
            failed += 1
        opened -= seen

    streams = asyncio.gather(*(one() for _ in range(width)))
    most = 0.0
    while not streams.done():
        most = max(most, resident())
        await asyncio.sleep(_SAMPLED)
    await streams
    return most, open_at_most, failed


def connections() -> int:
    """Count the connections of this process that are open at both ends, where that is told."""
    table = Path("/proc/self/net/tcp")
    lines = table.read_text().splitlines()[1:] if table.exists() else []
    established = {line.split()[9] for line in lines if line.split()[3] == "01"}
    return len(established & set(_sockets()))


def _sockets() -> Iterator[str]:
    for entry in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            yield str(entry.readlink()).removeprefix("socket:[").removesuffix("]")


def resident() -> float:
    """Tell the bytes of memory that this process holds; where that is not told, the most it has held."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * float(resource.getpagesize())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
