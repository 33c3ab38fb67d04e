"""What a batch has done so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(slots=True, kw_only=True)
class BatchReport:
    """How many rows became what, and what they cost."""

    total: int | None = None
    """Lines of the input, where that is quick to know."""
    answered: int = 0
    """Rows whose answer this run wrote."""
    skipped: int = 0
    """Rows that an earlier run had answered."""
    failed: int = 0
    """Rows that were asked and got no answer; they stand in the failures file."""
    broken: int = 0
    """Rows that cannot be asked; they stand in the rejected file, with their line."""
    duplicates: int = 0
    """Rows with the id of an earlier row; they stand in the rejected file, with their line."""
    repeated: int = 0
    """Rows that were asked again, because the worker that asked them died: they may have been paid for twice."""
    cost_usd: float = 0.0
    """What this run has spent, with its failures, as far as prices are known."""
    seconds: float = 0.0
    torn_bytes: int = 0
    """What a crash had left of a last line, and was cut off."""
    stopped: Exception | None = None
    """Why rows are left that were not asked. `resume` goes on.

    The budget is spent, no provider accepts its key, or the storage of shared limits cannot be reached.
    """

    @property
    def done(self) -> int:
        """Lines of the input that are dealt with."""
        return self.answered + self.skipped + self.failed + self.broken + self.duplicates

    @property
    def is_complete(self) -> bool:
        """Whether every row has an answer."""
        return not (self.failed or self.broken or self.duplicates or self.stopped)


OnProgress: TypeAlias = Callable[[BatchReport], object]
"""Called after every row with the report so far."""
