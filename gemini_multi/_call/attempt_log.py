"""What one exchange has done so far, and how much time it has left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from gemini_multi._call.permits import Permits
from gemini_multi._call.telemetry import Trace
from gemini_multi._routing.health import Health
from gemini_multi._routing.ledger import Ledger
from gemini_multi._transport.steps import Limits, Timeouts
from gemini_multi.errors import RequestTimeout
from gemini_multi.preference import FailoverOn
from gemini_multi.providers.call_headers import CallHeaders
from gemini_multi.retry import RetryPolicy
from gemini_multi.types import Attempt

OnAttempt: TypeAlias = Callable[[Attempt], object]
"""Called with every attempt when it ends, in the thread or task of the call. What it returns is not looked at."""

LOGGER: Final = logging.getLogger("gemini_multi")
"""Attempts at debug; failovers, and answers that were stopped before their first word, at warning.

Neither keys nor anything of the conversation.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What holds for every attempt of an exchange. Calls that change nothing share theirs."""

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
    ledger: Ledger = field(default_factory=Ledger)
    """Takes the usage of answers that were paid for and not delivered, and lets requests begin."""
    health: Health = field(default_factory=Health)
    on_attempt: tuple[OnAttempt, ...] = ()
    failover: FailoverOn | None = None
    """The conditions on which an answer is not wanted."""
    call_headers: CallHeaders | None = None
    """What this call adds to the headers of its requests."""
    include_response_headers: bool = False
    permits: Permits | None = None
    """Lets requests begin where rates, calls under way or money are limited."""


class AttemptLog:
    """The attempts of one exchange, and its deadline."""

    def __init__(self, conditions: CallOptions, trace: Trace | None = None) -> None:
        self.conditions = conditions
        self._trace = trace
        self._started = conditions.clock()
        self._attempts: list[Attempt] = []
        self._answering: Attempt | None = None
        self._waited = 0.0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt so far."""
        return tuple(self._attempts)

    @property
    def attempts_so_far(self) -> tuple[Attempt, ...]:
        """Every attempt, with the one that has begun to answer."""
        return self.attempts if self._answering is None else (*self._attempts, self._answering)

    def begin(self, attempt: Attempt) -> None:
        """Note an attempt that begins to answer."""
        self._answering = replace(attempt, wait=self._waited)

    def waited(self, seconds: float) -> None:
        """Note the wait before the next attempt."""
        self._waited += seconds

    def note(self, attempt: Attempt) -> None:
        """Note an attempt that ends now, with the wait before it."""
        attempt = replace(attempt, wait=self._waited) if self._waited else attempt
        self._attempts.append(attempt)
        self._waited = 0.0
        if self._answering is not None and self._answering.provider == attempt.provider:
            self._answering = None
        LOGGER.debug(
            "%s (%s) %s: status %s, %s, %.3f s",
            attempt.provider,
            attempt.model,
            attempt.outcome,
            attempt.status,
            attempt.error or "no error",
            attempt.duration,
        )
        if self._trace is not None:
            self._trace.attempt(attempt)
        for listener in self.conditions.on_attempt:
            try:
                listener(attempt)
            except Exception:  # who watches a call must not end it
                LOGGER.warning("`on_attempt` failed", exc_info=True)

    def remaining(self) -> float:
        """Tell how many seconds the deadline leaves."""
        deadline = self.conditions.deadline
        return float("inf") if deadline is None else self._started + deadline - self.conditions.clock()

    def overdue(self) -> RequestTimeout:
        """Make the error for a call whose time is up."""
        return RequestTimeout(f"The deadline of {self.conditions.deadline} s has passed.", attempts=self._attempts)

    def check_deadline(self) -> None:
        """Notice a deadline that has passed.

        Raises:
            RequestTimeout: It has.
        """
        if self.remaining() <= 0:
            raise self.overdue()
