"""The code that runs on a worker of a Dask cluster. It answers a chunk of rows, and sends each answer at once."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from gemini_multi._batch.report import BatchReport
from gemini_multi._batch.rows import Record, Row
from gemini_multi._batch.runner import Runner
from gemini_multi._batch.tasks import Task

LOOK: Final = 0.05
"""The seconds between two checks of the answers, and of whether the batch still needs them."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """The data that a worker sends: results of a chunk, and the cost of the chunk so far."""

    chunk: str
    cost_usd: float
    answered: tuple[Record, ...] = ()
    failed: tuple[Record, ...] = ()
    stopped: Exception | None = None
    """The reason why rows of the chunk are unanswered, if any are."""


class Outbox:
    """Accepts results in place of files, and sends them through a queue of the cluster.

    A row counts as running until its result is sent, so a worker that dies loses only its running rows.
    """

    def __init__(self, chunk: str, queue: Any, cost_usd: Callable[[], float]) -> None:  # noqa: ANN401  # as Dask's are
        self._chunk = chunk
        self._queue = queue
        self._cost_usd = cost_usd
        self._answered: list[Record] = []
        self._failed: list[Record] = []
        self._sending = asyncio.Lock()

    async def answered(self, record: Record) -> None:
        """Send an answer."""
        self._answered.append(record)
        await self._send()

    async def failed(self, record: Record) -> None:
        """Send a row that got no answer."""
        self._failed.append(record)
        await self._send()

    async def _send(self) -> None:
        """Send the results that collected while earlier results were sent."""
        async with self._sending:
            if self._answered or self._failed:
                parcel = Parcel(self._chunk, self._cost_usd(), tuple(self._answered), tuple(self._failed))
                self._answered, self._failed = [], []
                await asyncio.to_thread(self._queue.put, parcel)


def pack(task: Task[Any], rows: Sequence[Row]) -> bytes:
    """Pickle the data of a chunk. Dask would unpickle it outside of the task, where an error ends the whole worker."""
    packed: bytes = import_module("cloudpickle").dumps((task, rows))
    return packed


def answer_chunk(packed: bytes, concurrency: int, chunk: str, queue: str) -> None:
    """Answer rows in a thread of a worker. It returns nothing: a returned value is lost when the worker dies."""
    task: Task[Any]
    rows: Sequence[Row]
    task, rows = pickle.loads(packed)  # noqa: S301  # packed by the caller's own process
    distributed: Any = import_module("distributed")
    worker = distributed.get_worker()
    key = worker.get_current_task()

    def is_unwanted() -> bool:
        """Whether the batch was stopped, or the process that ran it has ended."""
        state = worker.state.tasks.get(key)
        return state is None or state.state == "cancelled"

    spent_before = task.cost_usd()
    sender = distributed.Queue(queue, client=distributed.get_client())
    outbox = Outbox(chunk, sender, lambda: task.cost_usd() - spent_before)
    report = asyncio.run(_answer(task, rows, concurrency, outbox, is_unwanted))
    sender.put(Parcel(chunk, task.cost_usd() - spent_before, stopped=report.stopped))


async def _answer(
    task: Task[Any], rows: Sequence[Row], concurrency: int, outbox: Outbox, is_unwanted: Callable[[], bool]
) -> BatchReport:
    report = BatchReport()
    runner = Runner(iter(rows), task, outbox, report)
    running = asyncio.create_task(runner.run(concurrency, grace=0.0))
    try:
        while not running.done():
            await asyncio.wait([running], timeout=LOOK)
            if is_unwanted():
                runner.stop()
        await running
    finally:
        await task.aclose()
    return report
