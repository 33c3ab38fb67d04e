"""Requests and tokens per minute, counted by pyrate-limiter, in memory and on Redis.

Requests are counted exactly, over a sliding minute. Tokens are counted in a bucket that refills within a minute. The
difference of an estimate that was too high is returned as a negative weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pyrate_limiter import GCRA, Decision, Duration, InMemoryBucket, Rate, RateItem, RedisBucket, StateStore

from gemini_multi._storage.interface import Demand, NoRoom

_TOKENS: Final = GCRA()
_FORCED: Final = 1_000_000
"""A burst that is never refused, to count tokens that were used already."""

Bucket = InMemoryBucket | RedisBucket


class RequestWindow:
    """One request out of the requests of a minute."""

    def __init__(self, bucket: Bucket, limit: int) -> None:
        bucket.rates = [_per_minute(limit)]
        self._bucket: Any = bucket  # its annotations allow awaitables; blocking buckets return values
        self._limit = limit

    def is_full(self) -> bool:
        """Whether the next request would be refused. Call `forget` first."""
        return int(self._bucket.count()) >= self._limit

    def forget(self, now: int) -> None:
        """Forget requests that are older than a minute."""
        self._bucket.leak(now)

    def reserve(self, now: int) -> NoRoom | None:
        """Reserve one request. Return `None` if there was room."""
        decision = self._bucket.put_decision(RateItem("request", now))
        return _refusal(decision)


class TokenWindow:
    """Some tokens out of the tokens of a minute."""

    def __init__(self, store: StateStore, limit: int, tokens: int) -> None:
        self._store: Any = store  # as above
        self._limit = limit
        self._tokens = min(tokens, limit)  # a request above the limit waits for a full bucket

    def reserve(self, now: int) -> NoRoom | None:
        """Reserve the expected tokens of the request. Return `None` if there was room."""
        decision = self._store.check(_TOKENS, [_per_minute(self._limit)], now, self._tokens)
        return _refusal(decision)

    def book(self, tokens: int, now: int) -> None:
        """Count tokens even if there is no room; a negative number returns tokens."""
        if tokens:
            self._store.check(_TOKENS, [_per_minute(self._limit, self._limit * _FORCED)], now, tokens)

    def give_back(self, now: int) -> None:
        """Cancel the reservation."""
        self.book(-self._tokens, now)

    def settle(self, used: int | None, now: int) -> None:
        """Replace the estimate by the tokens that were used, if they are known."""
        if used is not None:
            self.book(used - self._tokens, now)


class Windows:
    """All windows of a demand, together."""

    def __init__(
        self,
        demand: Demand,
        bucket: Callable[[str], Bucket],
        store: Callable[[str], StateStore],
    ) -> None:
        self._tokens = [
            TokenWindow(store(name), limit.tokens_per_minute, demand.tokens)
            for name, limit in demand.limits.items()
            if limit.tokens_per_minute is not None and demand.tokens
        ]
        self._requests = [
            RequestWindow(bucket(name), limit.requests_per_minute)
            for name, limit in demand.limits.items()
            if limit.requests_per_minute is not None
        ]

    def reserve(self, now: int) -> NoRoom | None:
        """Reserve in all windows or in none. Return `None` if there was room."""
        for window in self._requests:
            window.forget(now)
        full = [window for window in self._requests if window.is_full()] if len(self._requests) > 1 else []
        return self._reserve_tokens(full or self._requests, now)

    def _reserve_tokens(self, requests: Sequence[RequestWindow], now: int) -> NoRoom | None:
        taken: list[TokenWindow] = []
        windows: list[TokenWindow | RequestWindow] = [*self._tokens, *requests]
        for window in windows:
            refusal = window.reserve(now)
            if refusal is not None:
                for other in taken:
                    other.give_back(now)
                return refusal
            if isinstance(window, TokenWindow):
                taken.append(window)
        return None

    def settle(self, used: int | None, now: int) -> None:
        """Correct the estimates."""
        for window in self._tokens:
            window.settle(used, now)


def _refusal(decision: Decision) -> NoRoom | None:
    return None if decision.allowed else NoRoom(max(decision.retry_after_ms or 0, 1) / 1000)


def _per_minute(limit: int, burst: int | None = None) -> Rate:
    return Rate(limit, Duration.MINUTE, burst)
