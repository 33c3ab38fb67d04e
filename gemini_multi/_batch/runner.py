"""Runs the rows of a batch in one process: a limited number at once. Each answer is written as soon as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, Protocol

from gemini_multi._batch.report import BatchReport, OnProgress
from gemini_multi._batch.rows import Record, Row
from gemini_multi._batch.tasks import Task, UnusableAnswer
from gemini_multi.errors import (
    AllRoutesFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConfigurationError,
    GeminiMultiError,
    ModelNotFound,
    QuotaExhausted,
    StorageUnavailable,
)

_HOPELESS: Final = (
    AuthenticationFailed,
    BudgetExceeded,
    ConfigurationError,
    ModelNotFound,
    QuotaExhausted,
    StorageUnavailable,
)
"""Errors that every other row would get too, so that the run stops."""

_BUDGET_LOOK: Final = 0.1
"""The seconds between two attempts while running calls reserve the budget."""


class Sink(Protocol):
    """Accepts results as they arrive."""

    async def answered(self, record: Record) -> None:
        """Store an answer. The row counts as running until the answer is stored."""
        ...

    async def failed(self, record: Record) -> None:
        """Store a row that got no answer."""
        ...


class Runner:
    """Runs rows from an iterator until it ends or an error stops the run."""

    def __init__(
        self,
        rows: Iterator[Row],
        task: Task[Any],
        results: Sink,
        report: BatchReport,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._rows = rows
        self._task = task
        self._results = results
        self._report = report
        self._on_progress = on_progress
        self._is_stopping = False

    async def run(self, concurrency: int, *, grace: float) -> None:
        """Run the rows.

        Args:
            concurrency: The number of rows that run at once.
            grace: The seconds for running calls to end after the run is cancelled.

        Raises:
            ResultsNotWritten: The disk is full.
            ConfigurationError: The results file belongs to another run.
        """
        workers = [asyncio.create_task(self._work()) for _ in range(concurrency)]
        try:
            await self._joined(workers)
        except asyncio.CancelledError:
            self._is_stopping = True
            await asyncio.wait(workers, timeout=grace)
            raise
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def stop(self) -> None:
        """Start no further rows. Running rows still end."""
        self._is_stopping = True

    async def _joined(self, workers: list[asyncio.Task[None]]) -> None:
        """Wait for all workers. If one fails, the others finish their current row."""
        done, pending = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        self._is_stopping = True
        if pending:
            await asyncio.wait(pending)
        for worker in done:
            worker.result()

    async def _work(self) -> None:
        while not self._is_stopping and (row := next(self._rows, None)) is not None:
            await self._deal_with(row)
            if self._on_progress is not None:
                self._on_progress(self._report)

    async def _deal_with(self, row: Row) -> None:
        result: Record = {"id": row.id, "line": row.number, "request": row.digest}
        try:
            fields = await self._ask(row)
        except asyncio.CancelledError:
            raise
        except UnusableAnswer as unusable:
            await self._fail(row, unusable.error, unusable.fields)
        except Exception as error:  # noqa: BLE001  # a caller's function raises anything; the other rows go on
            if _is_hopeless(error):
                self._stop(error)
            else:
                await self._fail(row, error, {})
        else:
            await self._results.answered({**result, **fields})
            self._report.answered += 1
        self._report.cost_usd = self._task.cost_usd()

    async def _ask(self, row: Row) -> dict[str, Any]:
        """Send a row's request. If running calls reserve the whole budget, send it again after a short wait."""
        while True:
            try:
                return await self._task.answer(row.payload)
            except BudgetExceeded as refusal:
                if not refusal.reserved_usd:
                    raise
            await asyncio.sleep(_BUDGET_LOOK)

    def _stop(self, error: Exception) -> None:
        self._is_stopping = True
        self._report.stopped = self._report.stopped or error

    async def _fail(self, row: Row, error: Exception, fields: Record) -> None:
        self._report.failed += 1
        await self._results.failed(failure(row, error, fields))


def _is_hopeless(error: BaseException) -> bool:
    if isinstance(error, AllRoutesFailed):
        return all(_is_hopeless(inner) for inner in error.exceptions)
    return isinstance(error, _HOPELESS)


def failure(row: Row, error: Exception, fields: Record) -> Record:
    """Return the record of a row without an answer: its columns, the paid-for `fields`, and the error."""
    known = error if isinstance(error, GeminiMultiError) else None
    kept = {
        "type": type(error).__name__,
        "message": str(error),
        "is_retryable": known is not None and known.is_retryable,
    }
    attempts = {"attempts": [asdict(attempt) for attempt in known.attempts]} if known and known.attempts else {}
    return {**row.record, **fields, "line": row.number, "error": kept, **attempts}
