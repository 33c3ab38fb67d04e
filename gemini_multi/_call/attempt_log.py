"""The options of a call, its attempts so far, and the time that it has left."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from gemini_multi._call.permits import Permits
from gemini_multi._call.telemetry import Trace
from gemini_multi._routing.health import Health
from gemini_multi._routing.ledger import Ledger
from gemini_multi._routing.schedule import RouteState
from gemini_multi._transport.steps import Limits, Timeouts
from gemini_multi.errors import ConnectionFailed, GeminiMultiError, ProviderError, RequestTimeout, UnsupportedFeature
from gemini_multi.preference import FailoverOn, Hedging
from gemini_multi.providers.base import CallHeaders
from gemini_multi.retry import RetryPolicy
from gemini_multi.types import Attempt

LOGGER: Final = logging.getLogger("gemini_multi")
"""Logs attempts at debug level, and failovers and answers that stopped before their first text at warning level.

The log contains no keys and no part of the conversation.
"""


def _chance() -> float:
    return random.random()  # noqa: S311  # spreads waits


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The options that hold for every attempt of a call. Calls without options of their own share the client's."""

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    deadline: float = 600.0
    """Seconds for the whole call with its retries and failovers."""
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = _chance
    """Returns a number from 0 to 1."""
    today: Callable[[], date] = _today
    ledger: Ledger = field(default_factory=Ledger)
    """Counts the usage of every request that a provider may bill, and refuses requests beyond the budget."""
    health: Health = field(default_factory=Health)
    on_attempt: tuple[Callable[[Attempt], object], ...] = ()
    failover: FailoverOn | None = None
    """The conditions under which an answer is not accepted."""
    call_headers: CallHeaders | None = None
    """Headers that this call adds to its requests."""
    include_response_headers: bool = False
    permits: Permits | None = None
    """Limits requests by rate, by the number of concurrent calls and by cost."""
    hedging: Hedging | None = None
    tracing: bool = False


class AttemptLog:
    """The attempts of one call, and its deadline."""

    def __init__(self, options: CallOptions, trace: Trace | None, *, stream: bool) -> None:
        self.options = options
        self.trace = trace
        self.stream = stream
        """Whether the caller reads the answer in pieces."""
        self.ends = options.clock() + options.deadline
        """The time when the deadline passes, by the clock of the options."""
        self._attempts: list[Attempt] = []
        self.answering: Attempt | None = None
        """The attempt whose answer has begun."""
        self.waited = 0.0
        """Seconds of waits before the next attempt."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt that has ended."""
        return tuple(self._attempts)

    def note(self, attempt: Attempt) -> None:
        """Record an attempt that ends now."""
        self._attempts.append(attempt)
        self.waited = 0.0
        if self.answering is not None and self.answering.provider == attempt.provider:
            self.answering = None
        error, text = attempt.error or "no error", "%s (%s) %s: status %s, %s, %.3f s"
        LOGGER.debug(text, attempt.provider, attempt.model, attempt.outcome, attempt.status, error, attempt.duration)
        if self.trace is not None:
            self.trace.attempt(attempt)
        for listener in self.options.on_attempt:
            try:
                listener(attempt)
            except Exception:  # a listener must not end the call
                LOGGER.warning("`on_attempt` failed", exc_info=True)

    def remaining(self) -> float:
        """Return the seconds until the deadline, below 0 if the deadline has passed."""
        return self.ends - self.options.clock()

    def overdue(self) -> RequestTimeout:
        """Make the error for a call whose deadline has passed."""
        return RequestTimeout(f"The deadline of {self.options.deadline} s has passed.", attempts=self._attempts)

    def failover(self, previous: RouteState, following: RouteState) -> None:
        """Log that a call continues over another route."""
        failure = previous.failure
        what = "has no room" if failure is None else f"failed ({_reason(failure)})"
        LOGGER.warning("%s %s: sending to %s next", previous.route.provider.name, what, following.route.provider.name)


def _reason(failure: GeminiMultiError) -> str:
    """Return why an attempt failed, without the provider's message, which may quote the conversation."""
    words = [type(failure).__name__]
    if isinstance(failure, ProviderError):
        known = {"status": failure.status, "code": failure.code}
        words += [f"{name} {value}" for name, value in known.items() if value]
    if isinstance(failure, ConnectionFailed):
        words.append(failure.message.rstrip("."))
    if isinstance(failure, UnsupportedFeature):
        words += failure.features
    return ", ".join(words)
