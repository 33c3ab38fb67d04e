"""Reads rows from JSON Lines, CSV, Parquet, or any iterable of mappings. Only one row at a time is in memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeAlias, cast

from gemini_multi._batch.rows import Line, Record
from gemini_multi.errors import ConfigurationError

SourceArgument: TypeAlias = str | Path | Iterable[Mapping[str, Any]]

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""The longest line. A longer line is not a row, and is not kept in memory."""
_SHOWN: Final = 200
_BLOCK: Final = 1024 * 1024
_PARQUET_ROWS: Final = 256


class Source(Protocol):
    """Yields the lines of an input."""

    def lines(self) -> Iterator[Line]:
        """Read the input from its beginning."""
        ...

    def count(self) -> int | None:
        """Return the approximate number of lines, if it can be counted quickly."""
        ...


def open_source(given: SourceArgument) -> Source:
    """Choose the reader of an input by the file's suffix.

    Raises:
        ConfigurationError: The file cannot be read, or its format is unknown.
    """
    if not isinstance(given, str | Path):
        return _Rows(given)
    path = Path(given)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ConfigurationError(f"{path} has an unknown format: name it {', '.join(sorted(_KINDS))}.")
    _check_readable(path)
    return kind(path)


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigurationError(f"The input {path} cannot be read: {error.strerror}.") from error


class _Rows:
    """The mappings of a caller as lines."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = rows

    def lines(self) -> Iterator[Line]:
        for number, record in enumerate(self._rows, 1):
            yield Line(number, record)

    def count(self) -> int | None:
        return len(self._rows) if isinstance(self._rows, Sized) else None


class _JsonLines:
    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> Iterator[Line]:
        with self._path.open("rb") as file:
            for number, line in enumerate(iter(lambda: _bounded_line(file), b""), 1):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield _json_line(number, text)

    def count(self) -> int | None:
        with self._path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def _bounded_line(file: BinaryIO) -> bytes:
    """Read a line. Of a line that is too long, read only the beginning, which is not valid JSON."""
    line = file.readline(MAX_LINE_BYTES)
    rest = line
    while rest and not rest.endswith(b"\n") and len(rest) == MAX_LINE_BYTES:
        rest = file.readline(MAX_LINE_BYTES)
    return line


def _json_line(number: int, line: bytes) -> Line:
    shown = line[:_SHOWN].decode(errors="replace").rstrip("\n")
    if len(line) >= MAX_LINE_BYTES:
        return Line(number, problem=f"The line is longer than {MAX_LINE_BYTES} bytes.", text=shown)
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Line(number, problem=f"The line is not JSON: {error}.", text=shown)
    if not isinstance(record, dict):
        return Line(number, problem="The line is JSON, but not an object.", text=shown)
    return Line(number, cast("Record", record))


class _Csv:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._delimiter = "\t" if path.suffix.lower() == ".tsv" else ","

    def lines(self) -> Iterator[Line]:
        csv.field_size_limit(MAX_LINE_BYTES)  # the module's own limit is shorter than long prompts
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, delimiter=self._delimiter, strict=True)
            while (line := _csv_line(reader)) is not None:
                yield line

    def count(self) -> int | None:
        return None  # a field may hold line ends, so lines cannot be counted quickly


def _csv_line(reader: csv.DictReader[str]) -> Line | None:
    try:
        record = next(reader, None)
    except csv.Error as error:
        return Line(reader.line_num, problem=f"The line is not CSV: {error}.")
    if record is None:
        return None
    text = str(list(record.values()))[:_SHOWN]
    if None in record or None in record.values():
        return Line(reader.line_num, problem="The line has more or fewer fields than the header.", text=text)
    if any("\udc80" <= character <= "\udcff" for field in record.values() for character in field):
        return Line(reader.line_num, problem="The line is not UTF-8.", text=text)
    return Line(reader.line_num, record)


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._file = _parquet_file(path)

    def lines(self) -> Iterator[Line]:
        number = 0
        for block in self._file.iter_batches(batch_size=_PARQUET_ROWS):
            for record in block.to_pylist():
                number += 1
                yield Line(number, record)

    def count(self) -> int | None:
        return int(self._file.metadata.num_rows)


def _parquet_file(path: Path) -> Any:  # noqa: ANN401  # pyarrow has no types
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ConfigurationError("Parquet needs pyarrow: pip install pyarrow") from error
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigurationError(f"The input {path} is not Parquet: {error}.") from error


_KINDS: Final[dict[str, type[_JsonLines] | type[_Csv] | type[_Parquet]]] = {
    ".jsonl": _JsonLines,
    ".ndjson": _JsonLines,
    ".csv": _Csv,
    ".tsv": _Csv,
    ".parquet": _Parquet,
}


def columns_of(record: Record) -> str:
    """List a record's columns for a message."""
    return ", ".join(map(repr, record)) or "none"
