"""Runs a batch in a process of its own: the input, the output, and what to do, as arguments."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from typing import Any

from gemini_multi.batch import BatchReport, ResultsNotWritten, run_batch


async def echo(row: dict[str, Any]) -> object:
    await asyncio.sleep(0)
    return row["prompt"]


async def stuck(row: dict[str, Any]) -> object:
    """Answer the first rows, then never again, and say so."""
    if row["id"] >= 20:
        print("stuck", flush=True)
        await asyncio.Event().wait()
    return row["prompt"]


async def slow(row: dict[str, Any]) -> object:
    """Send Ctrl-C once all are under way, and answer after it."""
    if row["id"] == 3:
        os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.05)
    return row["prompt"]


def killed(report: BatchReport) -> None:
    """Crash after so many answers."""
    if report.answered == 20:
        os.kill(os.getpid(), signal.SIGKILL)


def full_disk(source: str, output: str) -> None:
    """Run with room for a few answers only."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        run_batch(source, output, function=echo, concurrency=4)
    except ResultsNotWritten as error:
        print(error)
        print(*(record["answer"] for record in error.unwritten), sep="\n")


def main(source: str, output: str, act: str) -> None:
    match act:
        case "kill":
            run_batch(source, output, function=echo, on_progress=killed)
        case "stuck":
            run_batch(source, output, function=stuck)
        case "interrupt":
            run_batch(source, output, function=slow, concurrency=4)
        case _:
            full_disk(source, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
