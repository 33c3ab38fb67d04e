"""A row of a batch: its id, its position in the input, and its content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Record: TypeAlias = Mapping[str, Any]
"""The columns of a row by name."""


class BrokenRow(Exception):
    """A row that cannot be sent. The text of the error says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the input: a record, or the reason why there is none."""

    number: int
    """The number of the line in a text file, else the row's position. It begins at 1."""
    record: Record | None = None
    problem: str = ""
    text: str = ""
    """The beginning of a line that cannot be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is ready to be sent."""

    id: str | int
    number: int
    record: Record
    digest: str
    """A digest of this row's request. No other request has the same digest."""
    payload: Any
    """The payload that the task made from the record."""


def row_id(record: Record, column: str) -> str | int:
    """Return the id of a row.

    Raises:
        BrokenRow: The row has no id, or the id is neither a text nor a whole number.
    """
    found = record.get(column)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise BrokenRow(f"The column {column!r} must hold a text or a whole number as the row's id, not {found!r}.")
    return found


def json_line(record: Record) -> bytes:
    """Write a record as one line of JSON. A text may hold half a surrogate pair."""
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record).encode() + b"\n"
