"""A row of a batch: its id, where it stands in the input, and what it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Record: TypeAlias = Mapping[str, Any]
"""The columns of a row by name."""


class BrokenRow(Exception):
    """A row that cannot be asked. The text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the input: a record, or why there is none."""

    number: int
    """The line of a text file, else the row's position; from 1."""
    record: Record | None = None
    problem: str = ""
    text: str = ""
    """The beginning of a line that cannot be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is ready to be asked."""

    id: str | int
    number: int
    record: Record
    digest: str
    """A name for this row's request, which no other request has."""
    payload: Any
    """What the task made of the record."""


def row_id(record: Record, column: str) -> str | int:
    """Return the id of a row.

    Raises:
        BrokenRow: There is none, or it is neither a text nor a whole number.
    """
    found = record.get(column)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise BrokenRow(f"The column {column!r} must hold a text or a whole number as the row's id, not {found!r}.")
    return found


def json_line(record: Record) -> bytes:
    """Write a record as one line of JSON, also when a text holds half a surrogate pair."""
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record).encode() + b"\n"
