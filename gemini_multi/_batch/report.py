"""The progress of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(slots=True, kw_only=True)
class BatchReport:
    """The numbers of rows by result, and the cost."""

    total: int | None = None
    """The number of lines of the input, if it can be counted quickly."""
    answered: int = 0
    """Rows whose answer this run wrote."""
    skipped: int = 0
    """Rows that an earlier run had answered."""
    failed: int = 0
    """Rows whose request got no answer. They are in the failures file."""
    broken: int = 0
    """Rows that cannot be sent. They are in the rejected file, with their line."""
    duplicates: int = 0
    """Rows with the id of an earlier row. They are in the rejected file, with their line."""
    repeated: int = 0
    """Rows that were sent again, because their worker died. They may have been paid for twice."""
    cost_usd: float = 0.0
    """The cost of this run, including its failures, if prices are known."""
    seconds: float = 0.0
    torn_bytes: int = 0
    """The number of bytes of an incomplete last line after a crash. They were removed."""
    stopped: Exception | None = None
    """The reason why rows were not sent. `resume` continues with them.

    The budget is spent, no provider accepts its key, or the storage of shared limits cannot be reached.
    """

    @property
    def done(self) -> int:
        """The number of lines of the input that are finished."""
        return self.answered + self.skipped + self.failed + self.broken + self.duplicates

    @property
    def is_complete(self) -> bool:
        """Whether every row has an answer."""
        return not (self.failed or self.broken or self.duplicates or self.stopped)


OnProgress: TypeAlias = Callable[[BatchReport], object]
"""A function that is called after every row with the report so far."""
