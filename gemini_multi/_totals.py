"""What a client has used so far: calls, tokens and money, shared by its copies and safe between threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from gemini_multi.errors import BudgetExceeded
from gemini_multi.types import Usage


@dataclass(frozen=True, slots=True)
class Totals:
    """A snapshot of what was used."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    """Answers whose cost is not known: `cost_usd` leaves them out."""


class Ledger:
    """Adds up the usage of answers, and refuses calls above a limit."""

    def __init__(self, limit_usd: float | None = None) -> None:
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._totals = Totals()
        self._limit_usd = limit_usd

    @property
    def totals(self) -> Totals:
        """What was used so far."""
        return self._totals

    def admit(self) -> None:
        """Let a call begin.

        Raises:
            BudgetExceeded: The spending limit is reached.
        """
        limit = self._limit_usd
        if limit is not None and self._totals.cost_usd >= limit:
            raise BudgetExceeded(
                f"The spending limit of {limit} USD is reached: {self._totals.cost_usd:.6f} USD were spent. "
                "Raise `max_cost_usd` or make a new model object.",
                spent_usd=self._totals.cost_usd,
                limit_usd=limit,
            )

    def add(self, usage: Usage) -> None:
        """Count an answer."""
        with self._lock:
            before = self._totals
            self._totals = Totals(
                calls=before.calls + 1,
                input_tokens=before.input_tokens + usage.input_tokens,
                output_tokens=before.output_tokens + usage.output_tokens,
                total_tokens=before.total_tokens + usage.total_tokens,
                cached_tokens=before.cached_tokens + usage.cached_tokens,
                reasoning_tokens=before.reasoning_tokens + usage.reasoning_tokens,
                cost_usd=before.cost_usd + (usage.cost_usd or 0.0),
                unpriced_calls=before.unpriced_calls + (usage.cost_usd is None),
            )

    def __getstate__(self) -> tuple[Totals, float | None]:
        return self._totals, self._limit_usd

    def __setstate__(self, state: tuple[Totals, float | None]) -> None:
        self._lock = threading.RLock()
        self._totals, self._limit_usd = state
