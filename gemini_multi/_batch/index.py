"""Which ids a batch has seen: in a private SQLite file, so that a million of them take no memory."""

from __future__ import annotations

import json
import sqlite3
from typing import NamedTuple


class Entry(NamedTuple):
    """What is known of an id."""

    digest: str
    """Of the request that was answered; empty where none was."""
    number: int
    """The line of the input that has the id; 0 before it was read."""


class IdIndex:
    """Ids, the digests of their answered requests, and their lines. A text and a number are never the same id."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a file of its own, gone when it is closed
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, digest TEXT, number INTEGER) WITHOUT ROWID")

    def find(self, row_id: str | int) -> Entry | None:
        """Return what is known of an id."""
        found = self._database.execute("SELECT digest, number FROM ids WHERE id = ?", [json.dumps(row_id)]).fetchone()
        return None if found is None else Entry(*found)

    def add(self, row_id: str | int, *, digest: str = "", number: int = 0) -> None:
        """Note an id, in place of what was known of it."""
        self._database.execute("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", [json.dumps(row_id), digest, number])

    def close(self) -> None:
        """Delete the file."""
        self._database.close()
