"""Converts lines to rows. It counts and leaves out broken, duplicate and answered lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gemini_multi._batch.report import BatchReport
from gemini_multi._batch.results import Results
from gemini_multi._batch.rows import BrokenRow, Line, Record, Row, row_id
from gemini_multi._batch.sources import Source
from gemini_multi._batch.tasks import Task, digest_of
from gemini_multi.errors import ConfigurationError


class Intake:
    """Yields the rows that have no answer yet, each row once."""

    def __init__(self, source: Source, task: Task[Any], results: Results, report: BatchReport, id_column: str) -> None:
        self._source = source
        self._task = task
        self._results = results
        self._report = report
        self._id_column = id_column

    def rows(self) -> Iterator[Row]:
        """Read the input.

        Raises:
            ConfigurationError: The results file holds the answer to another request with the same id.
        """
        for line in self._source.lines():
            try:
                row = self._row(line)
            except BrokenRow as problem:
                self._report.broken += 1
                self._reject(line, str(problem))
                continue
            if row is not None and self._is_new(line, row):
                yield row

    def _row(self, line: Line) -> Row | None:
        if line.record is None:
            raise BrokenRow(line.problem)
        identity = row_id(line.record, self._id_column)
        payload = self._task.payload(line.record)
        return Row(identity, line.number, line.record, digest_of(payload), payload)

    def _is_new(self, line: Line, row: Row) -> bool:
        known = self._results.index.find(row.id)
        if known is None:
            self._results.index.add(row.id, number=row.number)
            return True
        if known.number:
            self._report.duplicates += 1
            self._reject(line, f"Line {known.number} has the same id: only that line is asked.")
            return False
        if known.digest != row.digest:
            raise ConfigurationError(
                f"{self._results.output} holds an answer to another request for the row {row.id!r} (line "
                f"{row.number}): it belongs to a run with another input or other settings. Name another file."
            )
        self._results.index.add(row.id, digest=known.digest, number=row.number)
        self._report.skipped += 1
        return False

    def _reject(self, line: Line, reason: str) -> None:
        shown: Record = {"text": line.text} if line.record is None else {"row": line.record}
        self._results.reject({"line": line.number, "reason": reason, **shown})
