"""Limits of one process, in memory."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pyrate_limiter import InMemoryBucket, InMemoryStateStore, Rate

from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit
from gemini_multi._storage.windows import Windows

HALVED_FOR: Final = 60.0
"""Seconds after the last refusal because of a rate limit."""
POLL: Final = 0.05
"""Seconds between two checks whether a running call has ended."""


class MemoryStorage:
    """Counts for the clients of this process that share the storage. The budget is in a client's own ledger."""

    is_local = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()  # reentrant: a finalizer may settle while its own thread reserves
        self._under_way = Counter[str]()
        self._halved_until: dict[str, float] = {}
        self._buckets: dict[str, InMemoryBucket] = {}
        self._stores: dict[str, InMemoryStateStore] = {}

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        """Reserve everything that a request needs, or nothing."""
        with self._lock:
            demand = self._effective(demand)
            if any(self._is_busy(name, limit.concurrency) for name, limit in demand.limits.items()):
                return NoRoom(POLL)
            refusal = self._windows(demand).reserve(self._now())
            if refusal is not None:
                return refusal
            self._under_way.update(list(demand.limits))
            return Permit(demand)

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Release the reservation, and correct the estimates."""
        with self._lock:
            self._under_way.subtract(list(permit.demand.limits))
            self._windows(permit.demand).settle(outcome.tokens, self._now())
            if outcome.was_refused:
                self._halved_until.update(dict.fromkeys(permit.demand.limits, self._clock() + HALVED_FOR))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle no counts, because they belong to this process."""
        return MemoryStorage, ()

    def spent_usd(self) -> float:
        """Return 0: this storage does not count money."""
        return 0.0

    def _effective(self, demand: Demand) -> Demand:
        now = self._clock()
        limits = {
            name: limit.halved() if now < self._halved_until.get(name, now) else limit
            for name, limit in demand.limits.items()
        }
        return replace(demand, limits=limits)

    def _is_busy(self, name: str, concurrency: int | None) -> bool:
        return concurrency is not None and self._under_way[name] >= concurrency

    def _windows(self, demand: Demand) -> Windows:
        return Windows(demand, self._bucket, self._store)

    def _bucket(self, name: str) -> InMemoryBucket:
        return self._buckets.setdefault(name, InMemoryBucket([Rate(1, 1)]))

    def _store(self, name: str) -> InMemoryStateStore:
        return self._stores.setdefault(name, InMemoryStateStore())

    def _now(self) -> int:
        return int(self._clock() * 1000)
