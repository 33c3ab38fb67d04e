"""What one exchange has done so far, and how much time it has left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from gemini_multi._wire import Limits, Timeouts
from gemini_multi.errors import GeminiMultiError, ProviderError, RequestTimeout
from gemini_multi.retry import RetryPolicy
from gemini_multi.types import Attempt, Usage

LOGGER: Final = logging.getLogger("gemini_multi")
"""Attempts at debug, failovers at warning; neither keys nor anything of the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What holds for every attempt of one exchange."""

    stream: bool
    policy: RetryPolicy
    timeouts: Timeouts
    deadline: float | None
    """Seconds for the whole exchange."""
    limits: Limits
    clock: Callable[[], float]
    """Monotonic seconds."""
    chance: Callable[[], float]
    today: Callable[[], date]
    count: Callable[[Usage], None]
    """Takes the usage of answers that were paid for and not delivered."""


class Journal:
    """The attempts of one exchange, and its deadline."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self._started = conditions.clock()
        self._attempts: list[Attempt] = []
        self._waited = 0.0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt so far."""
        return tuple(self._attempts)

    def waited(self, seconds: float) -> None:
        """Note the wait before the next attempt."""
        self._waited = seconds

    def note(
        self, provider: str, model: str, *, status: int | None, started: float, failure: GeminiMultiError | None = None
    ) -> None:
        """Note an attempt that ends now."""
        refusal = failure if isinstance(failure, ProviderError) else None
        attempt = Attempt(
            provider=provider,
            model=model,
            outcome="answered" if failure is None else "failed",
            status=status if refusal is None else refusal.status,
            code=None if refusal is None else refusal.code,
            message="" if failure is None else failure.message,
            wait=self._waited,
            duration=self.conditions.clock() - started,
        )
        self._attempts.append(attempt)
        LOGGER.debug(
            "%s (%s) %s: status %s, %s, %.3f s",
            provider,
            model,
            attempt.outcome,
            attempt.status,
            type(failure).__name__ if failure is not None else "no error",
            attempt.duration,
        )
        self._waited = 0.0

    def remaining(self) -> float:
        """Tell how many seconds the deadline leaves."""
        deadline = self.conditions.deadline
        return float("inf") if deadline is None else self._started + deadline - self.conditions.clock()

    def timeouts(self) -> Timeouts:
        """Give the timeouts of the next attempt, cut to what the deadline leaves.

        Raises:
            RequestTimeout: The deadline has passed.
        """
        timeouts, remaining = self.conditions.timeouts, self.remaining()
        if remaining <= 0:
            raise RequestTimeout(f"The deadline of {self.conditions.deadline} s has passed.", attempts=self._attempts)
        if remaining >= max(timeouts.connect, timeouts.read, timeouts.write):
            return timeouts
        return Timeouts(
            connect=min(timeouts.connect, remaining),
            read=min(timeouts.read, remaining),
            write=min(timeouts.write, remaining),
        )
