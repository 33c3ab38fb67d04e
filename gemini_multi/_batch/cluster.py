"""Runs a batch on a Dask cluster.

Rows go to workers in chunks. A worker sends each answer at once, and this process writes it. A chunk is bound to its
worker. When the worker dies, this process knows the rows of the chunk that have no answer, and sends only those to
another worker. Dask itself would run the whole chunk again, and the user would pay for all of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from gemini_multi._batch.cluster_worker import LOOK, Parcel, answer_chunk, pack
from gemini_multi._batch.report import BatchReport, OnProgress
from gemini_multi._batch.results import Results
from gemini_multi._batch.rows import Record, Row
from gemini_multi._batch.runner import failure
from gemini_multi._batch.tasks import Task
from gemini_multi.errors import ConfigurationError, ConnectionFailed, GeminiMultiError

_LOGGER: Final = logging.getLogger("gemini_multi")
_CHUNK: Final = 16
"""The number of rows in a chunk for each row that runs at once."""
_CONNECT: Final = 10.0
"""The seconds to connect to the scheduler."""
_ALIVE: Final = 0.5
"""The seconds between two checks of the live workers."""
_PATIENCE: Final = 60.0
"""The seconds without any worker after which the batch ends."""
_DEATHS: Final = 3
"""The number of worker deaths after which a row fails, because the row may be their cause."""


class WorkerLost(GeminiMultiError):
    """Workers died while they had a row."""

    @property
    def is_retryable(self) -> bool:
        """Whether the row may be answered in another run."""
        return True


@dataclass(slots=True)
class _Chunk:
    """The rows that a worker has."""

    worker: str
    future: Any
    lines: tuple[int, ...]
    cost_usd: float = 0.0


@asynccontextmanager
async def connected(cluster: object) -> AsyncGenerator[Any, None]:
    """Connect to a scheduler, given its address or a cluster of Dask.

    Raises:
        ConfigurationError: The extra is missing, or the argument is not a cluster.
        ConnectionFailed: The scheduler does not answer.
    """
    try:
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError as error:
        raise ConfigurationError('A batch on a cluster needs Dask: pip install "gemini-multi[dask]"') from error
    address = cluster if isinstance(cluster, str) else getattr(cluster, "scheduler_address", None)
    if not isinstance(address, str):
        raise ConfigurationError(f"`dask` must be a scheduler's address or a cluster, not {cluster!r}.")
    client = distributed.Client(address, asynchronous=True, timeout=_CONNECT)
    try:
        await client
    except (OSError, ValueError) as error:
        raise ConnectionFailed(f"The scheduler {address} gives no answer: {error}.") from error
    try:
        yield client
    finally:
        await client.close()


class Cluster:
    """Sends rows to the workers of a cluster, and writes the results that they send."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401  # Dask has no types
        rows: Iterator[Row],
        task: Task[Any],
        results: Results,
        report: BatchReport,
        on_progress: OnProgress | None,
    ) -> None:
        self._client = client
        self._rows = rows
        self._task = task
        self._results = results
        self._report = report
        self._on_progress = on_progress
        self._chunks: dict[str, _Chunk] = {}
        self._open: dict[int, Row] = {}
        """The rows that workers have and that have no result, by line. Only the first result of a row is written."""
        self._waiting = deque[Row]()
        """The rows among them whose worker died."""
        self._deaths: dict[int, int] = {}
        self._settled_usd = 0.0
        self._workers: tuple[str, ...] = ()
        self._looked_at = self._seen_at = time.monotonic()
        self._queue: Any = None

    async def run(self, concurrency: int, *, grace: float) -> None:
        """Answer all rows, `concurrency` at once on each worker.

        Raises:
            ConnectionFailed: There is no worker, or the connection to the scheduler is lost.
        """
        distributed: Any = import_module("distributed")
        name = f"gemini-multi-{uuid4().hex}"
        self._queue = await distributed.Queue(name, client=self._client)
        try:
            while await self._step(name, concurrency):
                await asyncio.sleep(LOOK)
        except (asyncio.CancelledError, GeminiMultiError):
            await self._stop(grace)
            raise
        except OSError as error:
            raise ConnectionFailed(f"The scheduler is gone: {error}. Start it, then go on with `resume`.") from error
        finally:
            self._queue.close()

    async def _step(self, name: str, concurrency: int) -> bool:
        """Do one round of work; `False` if all work is done."""
        await self._look(concurrency)
        finished = [key for key, chunk in self._chunks.items() if chunk.future.done()]
        await self._receive()  # a chunk sends all its results before it ends
        for key in finished:
            await self._end(key)
        if self._report.stopped is None:
            self._give_out(name, concurrency)
        return bool(self._chunks) or (self._report.stopped is None and bool(self._waiting or not self._workers))

    async def _look(self, concurrency: int) -> None:
        """Find the live workers, and take the rows of dead workers back."""
        now = time.monotonic()
        if self._workers and now - self._looked_at < _ALIVE:
            return
        self._looked_at = now
        self._workers = tuple((await self._client.scheduler.identity(n_workers=-1))["workers"])
        if self._workers:
            self._seen_at = now
        elif now - self._seen_at > _PATIENCE:
            raise ConnectionFailed(f"The cluster has had no worker for {_PATIENCE:.0f} s. Start one, then resume.")
        for key, chunk in tuple(self._chunks.items()):
            if chunk.worker not in self._workers and not chunk.future.done():
                await self._receive()
                await self._take_back(key, concurrency)

    async def _take_back(self, key: str, concurrency: int) -> None:
        chunk = self._chunks.pop(key)
        await self._client.cancel([chunk.future])
        self._settled_usd += chunk.cost_usd
        rows = self._open_rows(chunk)
        under_way = min(len(rows), concurrency)
        self._report.repeated += under_way
        _LOGGER.warning(
            "The worker %s died: %d rows go to another one. Up to %d of them were under way and may be paid for twice.",
            chunk.worker,
            len(rows),
            under_way,
        )
        for row in rows:
            deaths = self._deaths[row.number] = self._deaths.get(row.number, 0) + 1
            if deaths < _DEATHS:
                self._waiting.append(row)
            else:
                lost = WorkerLost(f"{_DEATHS} workers died while they had this row.")
                await self._write(failure(row, lost, {}), is_answer=False)

    def _open_rows(self, chunk: _Chunk) -> list[Row]:
        return [self._open[line] for line in chunk.lines if line in self._open]

    async def _receive(self) -> None:
        """Write the results that the workers have sent."""
        if await self._queue.qsize():
            for parcel in await self._queue.get(batch=True):
                await self._unpack(parcel)
            self._report.cost_usd = self._settled_usd + sum(chunk.cost_usd for chunk in self._chunks.values())
            if self._on_progress is not None:
                self._on_progress(self._report)

    async def _unpack(self, parcel: Parcel) -> None:
        chunk = self._chunks.get(parcel.chunk)
        if chunk is not None:
            chunk.cost_usd = parcel.cost_usd
        self._report.stopped = self._report.stopped or parcel.stopped
        for record in parcel.answered:
            await self._write(record, is_answer=True)
        for record in parcel.failed:
            await self._write(record, is_answer=False)

    async def _write(self, record: Record, *, is_answer: bool) -> None:
        """Write the first result of a row. A worker that seemed dead may send a second one."""
        if self._open.pop(record["line"], None) is None:
            return
        if is_answer:
            await self._results.answered(record)
            self._report.answered += 1
        else:
            await self._results.failed(record)
            self._report.failed += 1

    async def _end(self, key: str) -> None:
        chunk = self._chunks.get(key)
        if chunk is None:
            return
        if chunk.future.status == "error":
            error = await chunk.future.exception()
            raise ConfigurationError(
                f"The worker {chunk.worker} cannot answer rows ({type(error).__name__}: {error}). It needs "
                "gemini-multi[dask] in the same version, and the keys in its environment."
            ) from error
        del self._chunks[key]
        self._settled_usd += chunk.cost_usd
        self._report.cost_usd = self._settled_usd + sum(chunk.cost_usd for chunk in self._chunks.values())

    def _give_out(self, name: str, concurrency: int) -> None:
        """Send a chunk to each worker that has none."""
        busy = {chunk.worker for chunk in self._chunks.values()}
        for worker in self._workers:
            if worker not in busy and (rows := self._next_rows(_CHUNK * concurrency)):
                self._submit(worker, rows, name, concurrency)

    def _next_rows(self, count: int) -> Sequence[Row]:
        waiting = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        rows = [row for row in waiting if row.number in self._open] or list(islice(self._rows, count))
        self._open.update((row.number, row) for row in rows)
        return rows

    def _submit(self, worker: str, rows: Sequence[Row], name: str, concurrency: int) -> None:
        key = uuid4().hex
        future = self._client.submit(
            answer_chunk,
            pack(self._task, rows),
            concurrency,
            key,
            name,
            key=f"gemini-multi-{key}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )
        self._chunks[key] = _Chunk(worker, future, tuple(row.number for row in rows))

    async def _stop(self, grace: float) -> None:
        """Let the workers finish their current rows, and write the results that they still send."""
        await self._client.cancel([chunk.future for chunk in self._chunks.values()])
        end = time.monotonic() + grace
        while time.monotonic() < end and self._open:
            await asyncio.sleep(LOOK)
            await self._receive()
