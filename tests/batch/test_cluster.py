"""A batch on a Dask cluster of this machine: whatever dies, every row has one answer."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import Client, ConfigurationError, ConnectionFailed, SharedStorage
from gemini_multi.batch import BatchReport, run_batch
from gemini_multi.sandbox import Sandbox
from tests.redis_server import RedisServer
from tests.redis_server import redis_server as redis_server

from .conftest import Files

distributed = pytest.importorskip("distributed")

MODEL = "gemini-2.5-flash"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Dask tells of every death in its own words."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two workers, each a process with one thread."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as running:
        yield running


async def told(row: dict[str, Any]) -> object:
    """Answer with the process that answers, and note the row in a file."""
    await asyncio.sleep(0.02)
    with Path(row["log"]).open("a") as log:
        log.write(f"{row['id']}\n")
    return os.getpid()


def rows(files: Files, count: int) -> list[dict[str, Any]]:
    return [{"id": number, "log": str(files.folder / "log")} for number in range(count)]


def test_all_workers_answer(files: Files, cluster: Any) -> None:
    """Each row once; what is done is skipped by the next run."""
    report = run_batch(rows(files, 300), files.output, function=told, dask=cluster, concurrency=4)
    again = run_batch(rows(files, 300), files.output, function=told, dask=cluster, resume=True)

    assert files.answered == list(range(300))
    assert len({result["answer"] for result in files.results()}) == 2
    assert (report.answered, report.repeated, again.skipped) == (300, 0, 300)
    assert len((files.folder / "log").read_text().splitlines()) == 300


def test_a_killed_worker_loses_no_row(files: Files, cluster: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Rows with an answer are not asked again; those under way are, and are counted."""

    def kill(report: BatchReport) -> None:
        if report.answered >= 60 and not report.repeated and files.results():
            victim = files.results()[-1]["answer"]
            if victim not in killed:
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)

    killed: list[int] = []
    with caplog.at_level(logging.WARNING, "gemini_multi"):
        report = run_batch(rows(files, 400), files.output, function=told, dask=cluster, concurrency=4, on_progress=kill)
    asked = Counter((files.folder / "log").read_text().split())

    assert files.answered == list(range(400))
    assert len(files.results()) == 400
    assert 1 <= len(killed) <= 2
    assert 0 < report.repeated <= 4 * len(killed)
    assert sum(asked.values()) - 400 <= report.repeated
    assert "may be paid for twice" in caplog.text


async def deadly(row: dict[str, Any]) -> object:
    if row["id"] == 5:
        os._exit(1)
    return row["id"]


def test_a_row_that_kills_workers_is_given_up(files: Files, cluster: Any) -> None:
    """After three of them; it is told among the failures."""
    report = run_batch(rows(files, 20), files.output, function=deadly, dask=cluster, concurrency=1)

    assert 5 not in files.answered
    assert 5 in [failure["id"] for failure in files.failures]
    assert {failure["error"]["type"] for failure in files.failures} == {"WorkerLost"}
    assert report.answered + report.failed == 20


def test_providers_are_asked_with_one_budget(
    files: Files, sandbox: Sandbox, cluster: Any, redis_server: RedisServer
) -> None:
    """All workers together spend no more, and the report has the sum."""
    storage = SharedStorage(redis_server.url, budget="run")
    client = Client("oxen", max_cost_usd=0.01, storage=storage)
    settings = {"max_tokens": 600}
    report = run_batch(
        files.prompts(500), files.output, model=MODEL, client=client, settings=settings, dask=cluster, concurrency=2
    )
    spent = sum(result["cost_usd"] for result in files.results())

    assert type(report.stopped).__name__ == "BudgetExceeded"
    assert 0 < spent <= 0.01
    assert report.cost_usd == pytest.approx(spent)
    assert (report.failed, files.failures) == (0, [])


def test_workers_need_the_keys(files: Files, cluster: Any, sandbox: Sandbox) -> None:
    """Those that come from the environment do not travel."""
    with pytest.raises(ConfigurationError, match=r"cannot answer rows .*`OXEN_API_KEY`"):
        run_batch(files.prompts(1), files.output, model=MODEL, client=Client("oxen"), dask=cluster)


def test_limits_of_one_process_are_refused(files: Files, cluster: Any, sandbox: Sandbox) -> None:
    """Each worker would have all of them."""
    client = Client("oxen", max_cost_usd=0.01)

    with pytest.raises(ConfigurationError, match="need `storage`"):
        run_batch(files.prompts(1), files.output, model=MODEL, client=client, dask=cluster)


async def failing(row: dict[str, Any]) -> object:
    raise ValueError(row["id"])


def test_failures_come_back(files: Files, cluster: Any) -> None:
    """Apart from the answers, as on one machine."""
    report = run_batch(files.prompts(3), files.output, function=failing, dask=cluster)

    assert (report.failed, len(files.failures)) == (3, 3)
    assert files.failures[0]["error"]["type"] == "ValueError"


def test_a_scheduler_that_is_missing_is_one_message(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemini_multi._batch.cluster._CONNECT", 0.2)
    with pytest.raises(ConnectionFailed, match=r"The scheduler tcp://127\.0\.0\.1:1 gives no answer"):
        run_batch(files.prompts(1), files.output, function=failing, dask="tcp://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="a scheduler's address or a cluster"):
        run_batch(files.prompts(1), files.output, function=failing, dask=8)


INTERRUPTED = """
import sys, os, signal
from gemini_multi.batch import run_batch
from tests.batch.test_cluster import told
def stop(report):
    if report.answered >= 20:
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))
if __name__ == "__main__":
    rows = [{"id": number, "log": sys.argv[2]} for number in range(4000)]
    run_batch(rows, sys.argv[1], function=told, dask=sys.argv[3], concurrency=4, on_progress=stop)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_workers_stop_with_the_batch(files: Files, cluster: Any, name: str) -> None:
    """Interrupted or killed: they end the rows that they are at, and no more; what was written is kept."""
    script, log = files.folder / "script.py", files.folder / "log"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), str(files.output), str(log), cluster.scheduler_address, name]
    process = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    report = run_batch(rows(files, 400), files.output, function=told, dask=cluster, concurrency=4, resume=True)
    asked = Counter(log.read_text().split())

    assert process.returncode != 0
    assert report.skipped >= 20
    assert sorted(set(files.answered)) == files.answered
    assert set(range(400)) <= set(files.answered)
    assert sum(asked.values()) < 2000
