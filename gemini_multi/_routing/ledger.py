"""What a client has used so far: calls, tokens and money, shared by its copies and safe between threads."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gemini_multi._routing.locks import Locked
from gemini_multi.errors import BudgetExceeded
from gemini_multi.types import Usage


@dataclass(frozen=True, slots=True)
class Totals:
    """A snapshot of the usage."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    """Answers whose cost is unknown. `cost_usd` does not include them."""
    abandoned_calls: int = 0
    """Answers that the caller left before their end, answers of hedges that lost, and requests that failed after they
    were sent. Their usage is included, estimated if the provider did not send it. `calls` does not include them."""


class Ledger(Locked):
    """Adds up the usage of answers, and refuses calls that may pass a limit."""

    def __init__(self, limit_usd: float | None = None, totals: Totals = Totals()) -> None:  # frozen
        super().__init__()
        self.limit_usd = limit_usd
        """With a limit, calls have to reserve their highest possible cost."""
        self.totals = totals
        self._reserved = 0.0

    def reserve(self, worst_usd: float) -> float:
        """Reserve the highest possible cost of a request, and return it for `release`, or raise `BudgetExceeded`."""
        limit = self.limit_usd
        with self._lock:
            spent = self.totals.cost_usd
            if limit is not None and (spent >= limit or spent + self._reserved + worst_usd > limit):
                raise budget_exceeded(spent, self._reserved, worst_usd, limit)
            self._reserved += worst_usd
        return worst_usd

    def release(self, reserved_usd: float) -> None:
        """End a reservation, because the cost is known now or there is no cost."""
        with self._lock:
            self._reserved = max(0.0, self._reserved - reserved_usd)

    def add(self, usage: Usage, *, abandoned: bool = False) -> None:
        """Count an answer, or the known part of an answer that the caller left before its end."""
        with self._lock:
            before = self.totals
            self.totals = Totals(
                calls=before.calls + (not abandoned),
                input_tokens=before.input_tokens + usage.input_tokens,
                output_tokens=before.output_tokens + usage.output_tokens,
                total_tokens=before.total_tokens + usage.total_tokens,
                cached_tokens=before.cached_tokens + usage.cached_tokens,
                reasoning_tokens=before.reasoning_tokens + usage.reasoning_tokens,
                cost_usd=before.cost_usd + (usage.cost_usd or 0.0),
                unpriced_calls=before.unpriced_calls + (usage.cost_usd is None),
                abandoned_calls=before.abandoned_calls + abandoned,
            )

    def disown(self) -> None:
        """Count one of the answers as abandoned: it came, but no caller received it."""
        with self._lock:
            before = self.totals
            self.totals = replace(before, calls=before.calls - 1, abandoned_calls=before.abandoned_calls + 1)

    def __reduce__(self) -> tuple[object, ...]:
        return Ledger, (self.limit_usd, self.totals)


def budget_exceeded(
    spent: float, reserved: float, worst: float, limit: float, *, is_shared: bool = False
) -> BudgetExceeded:
    """Make the error for a request that may cost more than is left."""
    return BudgetExceeded(
        f"{spent:.6f} USD were spent, {reserved:.6f} USD are set aside for calls under way"
        f"{' in all processes' if is_shared else ''}, and this request may cost {worst:.6f} USD: together more than "
        f"the spending limit of {limit} USD. Raise `max_cost_usd`,{' name another budget,' if is_shared else ''} or "
        "set `max_tokens`: without it an answer may be as long as the model allows.",
        spent_usd=spent,
        limit_usd=limit,
        reserved_usd=round(reserved, 9),
    )
