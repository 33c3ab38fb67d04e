"""A progress bar on standard error: finished rows, rate, cost and remaining time."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gemini_multi._batch.report import BatchReport


class ProgressBar:
    """Shows the reports that are passed to it."""

    def __init__(self, console: Console | None = None) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f} rows/s"),
            TextColumn("${task.fields[cost]:.4f}"),
            TextColumn("{task.fields[problems]} failed"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._task = self._bar.add_task("Rows", total=None, rate=0.0, cost=0.0, problems=0)

    def __call__(self, report: BatchReport) -> None:
        elapsed = self._bar.tasks[0].elapsed or 0.0
        self._bar.update(
            self._task,
            total=report.total,
            completed=report.done,
            rate=report.answered / elapsed if elapsed else 0.0,
            cost=report.cost_usd,
            problems=report.failed + report.broken,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
