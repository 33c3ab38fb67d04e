"""What a client knows of its routes: which are paused after failures, how fast they are, and their budget for retries.

All copies of a client share it. It is safe between threads. The time is an argument.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from typing import Final

from gemini_multi._routing.locks import Locked
from gemini_multi.errors import ConnectionFailed, GeminiMultiError, InvalidResponse, ServerError, StreamInterrupted
from gemini_multi.retry import RetryPolicy

_WINDOW: Final = 60.0
"""Seconds over which the share of failures is computed."""
_REMEMBERED: Final = 100
"""Maximum number of requests in the share of failures, and of answers whose speed is stored."""
_LATEST: Final = 10
"""Number of answers whose mean is a route's speed."""
_SPEED_KEPT: Final = 300.0
"""Seconds after which a measured speed is ignored, so that a route that was slow once is tried again."""
_USUAL_SHARE: Final = 0.95
_ANSWERS_NEEDED: Final = 20
"""The number of answers from which the usual wait is computed."""
_FAILURES: Final = (ConnectionFailed, InvalidResponse, ServerError, StreamInterrupted)
"""Failures that count against the route's health. A refused request does not."""


class RouteHealth(Locked):
    """The health of one route: one provider, model and key.

    It is a circuit breaker: after failures in a row, or when most of the last minute's requests failed, the route is
    paused. After the pause one request tests the route, and other requests use other routes until the test ends.
    A failed test doubles the pause.
    """

    def __init__(self) -> None:
        super().__init__()
        self.opens_at = -math.inf
        """The time when the pause ends. A route without a test after its pause keeps this time."""
        self._in_a_row = 0
        self._recent = deque[tuple[float, bool]](maxlen=_REMEMBERED)
        self._openings = 0
        self._rested_at = -math.inf
        self._is_probed = False
        self._spent = 0.0
        self._speeds = {stream: deque[tuple[float, float]](maxlen=_REMEMBERED) for stream in (False, True)}

    def claim(self, now: float) -> bool:
        """Claim the route for one request, if it is healthy. `answered`, `failed` or `release` ends the claim."""
        with self._lock:
            if now < self.opens_at or self._is_probed:
                return False
            self._is_probed = self.opens_at > -math.inf
            return True

    def release(self) -> None:
        """End a claim without a result: the caller left, or nothing was sent."""
        self._is_probed = False

    def answered(self, now: float, *, first_content: float, stream: bool, repeats: float) -> None:
        """Record an answer whose first content came after these seconds, and return the tokens of its retries.

        Streams are counted apart: the first content of a whole answer comes at its end.
        """
        with self._lock:
            self._in_a_row = self._openings = 0
            self.opens_at = -math.inf
            self._is_probed = False
            self._recent.append((now, False))
            self._spent = max(0.0, self._spent - (repeats or 1.0))
            self._speeds[stream].append((now, first_content))

    def failed(self, failure: GeminiMultiError, now: float, policy: RetryPolicy, *, began: float) -> None:
        """Record a failure of a request that began at this time, and pause the route if the failure requires it."""
        with self._lock:
            was_probed, self._is_probed = self._is_probed, False
            rest = policy.rest_after(failure)
            if rest is not None:
                self.opens_at = max(self.opens_at, now + rest)
            elif isinstance(failure, _FAILURES) and began >= self._rested_at:  # otherwise the pause already counts it
                self._count_failure(now, policy, is_probe=was_probed)

    def _count_failure(self, now: float, policy: RetryPolicy, *, is_probe: bool) -> None:
        self._in_a_row += 1
        self._recent.append((now, True))
        if is_probe or self._in_a_row >= policy.failures_before_rest or self._mostly_fails(now, policy):
            self.opens_at = max(self.opens_at, now + policy.rest(self._openings))
            self._openings += 1
            self._rested_at = now
            self._in_a_row = 0
            self._recent.clear()

    def _mostly_fails(self, now: float, policy: RetryPolicy) -> bool:
        recent = [failed for at, failed in self._recent if now - at <= _WINDOW]
        return len(recent) >= policy.failures_before_rest and sum(recent) * 2 > len(recent)

    def spend(self, tokens: float, budget: float | None) -> bool:
        """Take the tokens of a retry from the budget. Return whether the budget was large enough."""
        with self._lock:
            if budget is not None and self._spent + tokens > budget:
                return False
            self._spent += tokens
            return True

    def speed(self, now: float, *, stream: bool) -> float | None:
        """Return the mean seconds to the first content of the latest answers, or `None` without recent answers."""
        latest = self._lately(now, stream=stream)[-_LATEST:]
        return sum(latest) / len(latest) if latest else None

    def usual_wait(self, now: float, *, stream: bool) -> float | None:
        """Return the seconds within which 95 % of the answers began, or `None` if there are too few answers."""
        latest = sorted(self._lately(now, stream=stream))
        return latest[int(len(latest) * _USUAL_SHARE)] if len(latest) >= _ANSWERS_NEEDED else None

    def _lately(self, now: float, *, stream: bool) -> list[float]:
        with self._lock:
            return [took for at, took in self._speeds[stream] if now - at <= _SPEED_KEPT]


class Health(Locked):
    """The health of all routes of a client, and the counts that its strategies need."""

    def __init__(self) -> None:
        super().__init__()
        self._routes: dict[object, RouteHealth] = {}
        self.calls = itertools.count()
        """Counts the calls, for the strategy `round_robin`."""
        self._hedges = 1.0

    def of(self, key: object) -> RouteHealth:
        """Return the health of the route with this key."""
        found = self._routes.get(key)
        if found is None:
            with self._lock:
                found = self._routes.setdefault(key, RouteHealth())
        return found

    def earn_hedge(self, share: float) -> None:
        """Record a call, which allows this share of a hedge."""
        with self._lock:
            self._hedges = min(self._hedges + share, 1.0 + share)

    def spend_hedge(self) -> bool:
        """Use one hedge. Return whether the calls so far allow it."""
        with self._lock:
            if self._hedges < 1.0:
                return False
            self._hedges -= 1.0
            return True

    def __reduce__(self) -> tuple[object, ...]:
        return Health, ()
