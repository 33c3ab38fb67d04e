"""The ids that a batch has seen, in a private SQLite file, so that a million of them need no memory."""

from __future__ import annotations

import json
import sqlite3
from typing import NamedTuple


class Entry(NamedTuple):
    """The known facts about an id."""

    digest: str
    """The digest of the request that was answered; empty if none was answered."""
    number: int
    """The line of the input that has the id; 0 before that line was read."""


class IdIndex:
    """Stores ids, the digests of their answered requests, and their lines. A text and a number are different ids."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file, deleted on close
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, digest TEXT, number INTEGER) WITHOUT ROWID")

    def find(self, row_id: str | int) -> Entry | None:
        """Return the facts about an id."""
        found = self._database.execute("SELECT digest, number FROM ids WHERE id = ?", [json.dumps(row_id)]).fetchone()
        return None if found is None else Entry(*found)

    def add(self, row_id: str | int, *, digest: str = "", number: int = 0) -> None:
        """Store an id, and replace earlier facts about it."""
        self._database.execute("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", [json.dumps(row_id), digest, number])

    def close(self) -> None:
        """Delete the file."""
        self._database.close()
