"""A run that ends too early loses no answer that had arrived, and another run goes on with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import ConfigurationError
from gemini_multi.batch import arun_batch, run_batch

from .conftest import Files

SCRIPT = Path(__file__).parent / "script.py"
ROOT = Path(__file__).parents[2]


async def echo(row: dict[str, Any]) -> object:
    await asyncio.sleep(0)
    return row["prompt"]


async def unused(row: dict[str, Any]) -> object:
    raise AssertionError(row)


def start(files: Files, act: str) -> subprocess.Popen[str]:
    """Start a batch in another process."""
    command = [sys.executable, str(SCRIPT), str(files.input), str(files.output), act]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def assert_each_once(files: Files, count: int) -> None:
    assert files.answered == list(range(count))
    assert all(result["answer"] == f"Say {result['id']}" for result in files.results())


def test_a_crash_loses_no_answer(files: Files) -> None:
    """The process is killed; what it had answered is not asked again."""
    files.prompts(100)
    process = start(files, "kill")
    process.communicate()
    kept = len(files.results())
    report = run_batch(files.input, files.output, function=echo, resume=True)

    assert process.returncode == -signal.SIGKILL
    assert kept >= 20
    assert (report.skipped, report.answered) == (kept, 100 - kept)
    assert_each_once(files, 100)


def test_an_interrupt_waits_for_what_is_under_way(files: Files) -> None:
    """It is paid for; no other row is asked."""
    files.prompts(100)
    process = start(files, "interrupt")
    _, told = process.communicate()

    assert "KeyboardInterrupt" in told
    assert files.answered == [0, 1, 2, 3]


async def test_a_cancelled_batch_ends_at_once(files: Files) -> None:
    """What had arrived is kept."""
    arrived = asyncio.Event()

    async def answer(row: dict[str, Any]) -> object:
        if row["id"] == 2:
            arrived.set()
            await asyncio.Event().wait()
        return row["prompt"]

    batch = asyncio.create_task(arun_batch(files.prompts(9), files.output, function=answer, concurrency=1))
    await arrived.wait()
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    resumed = await arun_batch(files.input, files.output, function=echo, resume=True)

    assert (resumed.skipped, resumed.answered) == (2, 7)
    assert_each_once(files, 9)


RESULT = json.dumps({"id": 0, "request": "?", "answer": "Say 0"}).encode()


@pytest.mark.parametrize("torn", [RESULT[:1], RESULT[:20], RESULT[:-1], b"\0" * 5000, b"\xff", b"x" * 200_000])
def test_a_torn_last_line_is_cut_off(files: Files, torn: bytes) -> None:
    """A crash of the machine leaves such lines. The row is asked again."""
    run_batch(files.prompts(3), files.output, function=echo)
    whole = files.output.read_bytes()
    lines = whole.splitlines(keepends=True)
    files.output.write_bytes(b"".join(lines[:2]) + torn)
    report = run_batch(files.input, files.output, function=echo, resume=True)

    assert (report.torn_bytes, report.skipped, report.answered) == (len(torn), 2, 1)
    assert_each_once(files, 3)


def test_a_last_line_without_its_end_is_kept(files: Files) -> None:
    """All of the answer is there."""
    run_batch(files.prompts(3), files.output, function=echo)
    files.output.write_bytes(files.output.read_bytes().rstrip(b"\n"))
    report = run_batch(files.input, files.output, function=unused, resume=True)

    assert (report.torn_bytes, report.skipped) == (0, 3)
    assert_each_once(files, 3)


def test_results_are_not_written_over(files: Files) -> None:
    """Going on must be asked for."""
    run_batch(files.prompts(1), files.output, function=echo)
    before = files.output.read_bytes()

    with pytest.raises(ConfigurationError, match="exists"):
        run_batch(files.input, files.output, function=unused)
    assert files.output.read_bytes() == before


def test_resuming_without_results_is_a_first_run(files: Files) -> None:
    """So that a script can always say so."""
    assert run_batch(files.prompts(2), files.output, function=echo, resume=True).answered == 2


def test_results_of_another_run_are_refused(files: Files) -> None:
    """The same id with another request tells them apart."""
    run_batch(files.prompts(2), files.output, function=echo)
    before = files.output.read_bytes()
    files.write({"id": 0, "prompt": "Something else"})

    with pytest.raises(ConfigurationError, match=r"another request for the row 0 \(line 1\)"):
        run_batch(files.input, files.output, function=unused, resume=True)
    assert files.output.read_bytes() == before


@pytest.mark.parametrize("line", ['{"id": 1}', "no JSON", "[]", '{"id": [], "request": "", "answer": ""}'])
def test_a_file_that_holds_something_else_is_left_alone(files: Files, line: str) -> None:
    """It is somebody's data."""
    files.output.write_text(f"{line}\n")
    files.prompts(1)

    with pytest.raises(ConfigurationError, match="is no result of a batch"):
        run_batch(files.input, files.output, function=unused, resume=True)
    assert files.output.read_text() == f"{line}\n"


def test_one_process_writes_a_file(files: Files) -> None:
    """Another is told to wait; after a crash of the first the file is free."""
    files.prompts(100)
    process = start(files, "stuck")
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(ConfigurationError, match="Another process writes"):
        run_batch(files.input, files.output, function=unused, resume=True)
    process.kill()
    process.communicate()
    run_batch(files.input, files.output, function=echo, resume=True)

    assert_each_once(files, 100)


def test_a_folder_that_is_missing_is_told(files: Files) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        run_batch(files.prompts(1), files.folder / "gone" / "out.jsonl", function=unused)


def test_a_batch_that_cannot_begin_leaves_no_database_open(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def kept(*given: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*given, **named))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", kept)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        run_batch(files.prompts(1), files.folder / "gone" / "out.jsonl", function=unused)
    run_batch(files.input, files.output, function=echo)

    assert opened
    for database in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            database.execute("SELECT 1")


def test_a_full_disk_is_one_message(files: Files) -> None:
    """Answers that found no room are in the error, whole lines stay whole, and the run can go on."""
    files.prompts(100)
    told, errors = start(files, "full disk").communicate()
    message, *unwritten = told.splitlines()
    kept = files.results()
    run_batch(files.input, files.output, function=echo, resume=True)

    assert errors == ""
    assert "cannot be written: No space left on device. Make room, then go on with `resume`." in message
    assert 1 <= len(set(unwritten) - {""}) <= 4
    assert not {result["answer"] for result in kept} & set(unwritten)
    assert_each_once(files, 100)


async def test_memory_stays_flat(files: Files) -> None:
    """The rows alone are 3 MB of text."""

    def rows(count: int) -> Iterator[dict[str, Any]]:
        return ({"id": number, "prompt": f"Say {number} " + "x" * 1000} for number in range(count))

    async def most_memory(count: int) -> int:
        tracemalloc.start()
        await arun_batch(rows(count), files.folder / f"{count}.jsonl", function=echo)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    await most_memory(10)
    small, large = await most_memory(300), await most_memory(3000)

    assert large < small + 500_000
