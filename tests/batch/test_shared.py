"""Batches that share limits and a budget, and what is left of them when the server or a process is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_multi import Client, SharedStorage, StorageUnavailable
from gemini_multi.batch import BatchReport, run_batch
from gemini_multi.sandbox import Sandbox
from tests.redis_server import RedisServer
from tests.redis_server import redis_server as redis_server

from .conftest import Files

MODEL = "gemini-2.5-flash"
ROOT = Path(__file__).parents[2]
WORST = {"max_tokens": 600}


def start(folder: Path, url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a batch over a folder's input in another process."""
    files = (str(folder / "in.jsonl"), str(folder / "out.jsonl"))
    command = [sys.executable, "-m", "gemini_multi.cli", "batch", *files, "-m", MODEL, "-p", "oxen", "--quiet"]
    command += ["--storage", url, "--max-tokens", "600", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def folders(tmp_path: Path, count: int, rows: int) -> list[Files]:
    made = [Files(tmp_path / str(number)) for number in range(count)]
    for files in made:
        files.folder.mkdir()
        files.prompts(rows)
    return made


def test_two_processes_share_a_rate(tmp_path: Path, sandbox: Sandbox, redis_server: RedisServer) -> None:
    """Of a minute's requests, together; the one that waits too long says so."""
    runs = folders(tmp_path, 2, 20)
    processes = [start(files.folder, redis_server.url, "--requests-per-minute", "30") for files in runs]
    for process in processes:
        while len(sandbox.requests) < 30 and process.poll() is None:
            pass
    for process in processes:
        process.send_signal(signal.SIGINT)
        process.communicate()

    assert len(sandbox.requests) == 30
    assert 0 < sum(len(files.results()) for files in runs) <= 30


def test_two_processes_share_a_budget(tmp_path: Path, sandbox: Sandbox, redis_server: RedisServer) -> None:
    """They spend no more together, though one of them is killed."""
    runs = folders(tmp_path, 2, 400)
    processes = [start(files.folder, redis_server.url, "--max-cost-usd", "0.02") for files in runs]
    while len(sandbox.requests) < 40:
        assert all(process.poll() is None for process in processes)
    processes[0].kill()
    codes = [process.wait() for process in processes if process.communicate() is not None]
    spent = sum(result["cost_usd"] for files in runs for result in files.results())

    assert codes == [-signal.SIGKILL, 3]
    assert 0 < spent <= 0.02


def test_a_batch_survives_the_loss_of_its_storage(
    files: Files, sandbox: Sandbox, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It stops in order, loses no answer that had arrived, and goes on when the server is back."""

    def kill(report: BatchReport) -> None:
        if report.answered == 30:
            redis_server.kill()

    limits = {"oxen": {"concurrency": 4}}
    client = Client("oxen", rate_limits=limits, storage=SharedStorage(redis_server.url, budget="run"), max_cost_usd=1.0)
    stopped = run_batch(files.prompts(100), files.output, model=MODEL, client=client, settings=WORST, on_progress=kill)
    kept = files.answered
    redis_server.start()
    resumed = run_batch(files.input, files.output, model=MODEL, client=client, settings=WORST, resume=True)

    assert isinstance(stopped.stopped, StorageUnavailable)
    assert len(kept) == stopped.answered >= 30
    assert (resumed.skipped, resumed.answered, resumed.stopped) == (len(kept), 100 - len(kept), None)
    assert files.answered == list(range(100))
    assert len(sandbox.requests) <= 100 + 4
