"""Writes the results of a batch to files. Answers are appended as they arrive, and an interrupted run can continue.

`out.jsonl` holds answers only. `out.failures.jsonl` holds rows whose request got no answer (it can be used as an
input). `out.rejected.jsonl` holds rows that were never sent. Only one process at a time writes.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from gemini_multi._batch.index import IdIndex
from gemini_multi._batch.rows import Record, json_line
from gemini_multi.errors import ConfigurationError, GeminiMultiError

if TYPE_CHECKING:
    from filelock import FileLock

_TAIL: Final = 64 * 1024


class ResultsNotWritten(GeminiMultiError):
    """A results file cannot be written, usually because the disk is full. `unwritten` holds the answers in no file."""

    def __init__(self, message: str, unwritten: tuple[Record, ...] = ()) -> None:
        super().__init__(message)
        self.unwritten = unwritten


class Appender:
    """A file of JSON lines. It grows by whole lines only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def append(self, record: Record) -> None:
        """Write one line and pass it to the operating system, so that a crash of this process does not lose the line.

        Raises:
            OSError: Nothing was written.
        """
        file = self._file = self._file or self.path.open("ab", buffering=0)
        line, before = json_line(record), os.fstat(file.fileno()).st_size
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(before)
            raise

    def close(self) -> None:
        """Wait until the disk has all data, and close the file."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


class Results:
    """The three files of one run, protected by a lock."""

    def __init__(self, output: Path, *, resume: bool) -> None:
        """Open the files.

        Args:
            output: The file for answers.
            resume: Whether the file may hold answers of an earlier run.

        Raises:
            ConfigurationError: The file already exists, is locked by another process, or holds other data.
        """
        self.output = output
        self.failures = output.with_suffix(".failures.jsonl")
        self.rejected = output.with_suffix(".rejected.jsonl")
        self.torn_bytes = 0
        self.unwritten: list[Record] = []
        self._resume = resume
        self._answers, self._failures, self._rejected = (
            Appender(path) for path in (output, self.failures, self.rejected)
        )
        self._lock = _lock(output)
        self.index = IdIndex()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def _open(self) -> None:
        if self.output.exists():
            if not self._resume:
                raise ConfigurationError(
                    f"{self.output} exists. Continue it (`--resume`, or `resume=True`), or name another file."
                )
            self.torn_bytes = _repair(self.output)
            for row_id, digest in _answered(self.output):
                self.index.add(row_id, digest=digest)
        for path in (self.failures, self.rejected):
            path.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        try:
            for file in (self._answers, self._failures, self._rejected):
                file.close()
        finally:
            self.index.close()
            self._lock.release()

    async def answered(self, record: Record) -> None:
        """Write an answer.

        Raises:
            ResultsNotWritten: The answer is in `unwritten`.
        """
        self._append(self._answers, record)

    async def failed(self, record: Record) -> None:
        """Write a row without an answer. It raises the same error as `answered`."""
        self._append(self._failures, record)

    def reject(self, record: Record) -> None:
        """Write a row that is not sent. It raises the same error as `answered`."""
        self._append(self._rejected, record)

    def _append(self, file: Appender, record: Record) -> None:
        try:
            file.append(record)
        except OSError as error:
            self.unwritten.append(record)
            raise ResultsNotWritten(
                f"{file.path} cannot be written: {error.strerror}. Make room, then go on with `resume`."
            ) from error


def _lock(output: Path) -> FileLock:
    try:
        from filelock import FileLock, Timeout
    except ModuleNotFoundError as error:
        raise ConfigurationError('A batch needs filelock: pip install "gemini-multi[batch]"') from error
    if not output.parent.is_dir():
        raise ConfigurationError(f"{output} cannot be written: the folder {output.parent} is missing.")
    lock = FileLock(output.with_name(f".{output.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(f"Another process writes {output}. Wait for it, or name another file.") from error
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror}.") from error
    return lock


def _repair(path: Path) -> int:
    """Remove an incomplete last line after a crash. Return its number of bytes."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        keep = _whole_lines_end(file, end)
        file.seek(keep)
        torn = end - keep
        if torn and _is_result(file.read()):
            file.write(b"\n")  # only the line end was missing
            return 0
        file.truncate(keep)
        return torn


def _whole_lines_end(file: BinaryIO, end: int) -> int:
    while end:
        start = max(0, end - _TAIL)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _is_result(line: bytes) -> bool:
    try:
        return _result(json.loads(line)) is not None
    except ValueError:
        return False


def _result(record: object) -> tuple[str | int, str] | None:
    match record:
        case {"id": str() | int() as row_id, "request": str() as digest, "answer": object()}:
            return row_id, digest
        case _:
            return None


def _answered(path: Path) -> Iterator[tuple[str | int, str]]:
    """Read the ids that have an answer."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = _result(json.loads(line))
            except ValueError:
                found = None
            if found is None:
                raise ConfigurationError(
                    f"Line {number} of {path} is no result of a batch, so the file is not touched. Name another file."
                )
            yield found
