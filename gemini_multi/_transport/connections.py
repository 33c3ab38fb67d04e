"""A pool of connections: a limit on their number, and idle connections by origin until they are used again or expire.

Both kinds of pool (blocking, and of an event loop) share this code. Each kind has its own way to wait, to close a
connection and to measure time. Only one call uses a connection, and a connection that failed is never used again.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from gemini_multi._transport.addresses import Address

_FOR_OTHERS: Final = 64
"""Descriptors that are reserved for the rest of the process."""
_FEWEST: Final = 8
_WITHOUT_LIMIT: Final = 1000
"""Maximum number of connections if the system does not limit the descriptors of a process."""


class Pooled(Protocol):
    """The attributes of a connection that a pool uses."""

    origin: str
    idle_since: float


ConnectionT = TypeVar("ConnectionT", bound=Pooled)
PlaceT = TypeVar("PlaceT")
"""The object on which a call waits for a free connection: an event or a future."""


class Connections(ABC, Generic[ConnectionT, PlaceT]):
    """The connections of a pool."""

    def __init__(self, limit: int, keep_alive: float, make: Callable[[Address], ConnectionT]) -> None:
        self.limit = limit
        self._keep_alive = keep_alive
        self._make = make
        self._lock = threading.RLock()  # reentrant: a finalizer may run while its own thread holds the lock
        self._idle: dict[str, deque[ConnectionT]] = {}
        self._waiting: deque[PlaceT] = deque()
        self._in_use: set[ConnectionT] = set()
        self._is_closed = False
        self._is_reaping = False
        self.open = 0
        """Number of connections that are busy, idle or being closed."""

    @property
    def busy(self) -> int:
        """Number of connections that carry a request."""
        return len(self._in_use)

    def take(self, address: Address, place: PlaceT) -> ConnectionT | None:
        """Return the idle connection that was used last, or a new connection.

        At the limit, return `None`, and wake `place` when a connection may be free.
        """
        with self._lock:
            idle = self._last_idle(address.origin)
            if idle is not None:
                self._in_use.add(idle)
                return idle
            if self.open >= self.limit:
                self._make_room()
            if self.open >= self.limit:
                self._waiting.append(place)
                return None
            self.open += 1
        try:
            made = self._make(address)
        except BaseException:
            self.freed()
            raise
        self._in_use.add(made)
        return made

    def give_up(self, place: PlaceT) -> None:
        """Stop waiting. If `place` was already woken, wake another call instead."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
            else:
                self._wake_one()

    def wait_for_one(self, place: PlaceT) -> bool:
        """Wake `place` when a connection is given back. Return whether any connection is in use."""
        with self._lock:
            is_possible = bool(self._in_use)
            if is_possible:
                self._waiting.append(place)
            return is_possible

    def put_back(self, connection: ConnectionT) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            if self._is_closed:
                self.hang_up(connection)
                return
            self._in_use.discard(connection)
            connection.idle_since = monotonic()
            self._idle.setdefault(connection.origin, deque()).append(connection)
            self._wake_one()
            if not self._is_reaping:
                self._is_reaping = True
                self._after(self._keep_alive, self._reap)

    def freed(self) -> None:
        """Count one connection less: it is closed."""
        with self._lock:
            self.open -= 1
            self._wake_one()

    def shut(self) -> None:
        """Close the idle connections now, and every other connection when its request ends."""
        with self._lock:
            self._is_closed = True
            idle = [connection for stack in self._idle.values() for connection in stack]
            self._idle.clear()
            for connection in idle:
                self.hang_up(connection)

    def hang_up(self, connection: ConnectionT) -> None:
        """Close a connection, now or soon."""
        self._in_use.discard(connection)
        self._close(connection)

    @abstractmethod
    def _close(self, connection: ConnectionT) -> None:
        """Close a connection, and call `freed` when it is closed."""

    @abstractmethod
    def _wake(self, place: PlaceT) -> None:
        """Let the waiting call try again."""

    @abstractmethod
    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call a function later."""

    def _last_idle(self, origin: str) -> ConnectionT | None:
        stack = self._idle.get(origin)
        if not stack:
            return None
        connection = stack.pop()
        if connection.idle_since + self._keep_alive > monotonic():
            return connection
        self.hang_up(connection)  # the connections below it have been idle for longer
        self._reap_stack(stack)
        return None

    def _make_room(self) -> None:
        """Close the connection that has been idle for longest, of any origin."""
        stacks = [stack for stack in self._idle.values() if stack]
        if stacks:
            self.hang_up(min(stacks, key=lambda stack: stack[0].idle_since).popleft())

    def _wake_one(self) -> None:
        if self._waiting:
            self._wake(self._waiting.popleft())

    def _reap(self) -> None:
        """Close the connections that have been idle for too long, and run again later for the others."""
        with self._lock:
            for stack in self._idle.values():
                self._reap_stack(stack)
            oldest = min((stack[0].idle_since for stack in self._idle.values() if stack), default=None)
            self._is_reaping = oldest is not None
        if oldest is not None:
            self._after(max(oldest + self._keep_alive - monotonic(), 0.01), self._reap)

    def _reap_stack(self, stack: deque[ConnectionT]) -> None:
        while stack and stack[0].idle_since + self._keep_alive <= monotonic():
            self.hang_up(stack.popleft())


def default_limit() -> int:
    """Return how many connections a pool may have open: half of the descriptors that are not reserved.

    The blocking pool and the pool of an event loop share the process. An event loop's own descriptors are reserved.
    """
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows
        return _WITHOUT_LIMIT
    descriptors = getrlimit(RLIMIT_NOFILE)[0]
    return max(_FEWEST, (descriptors - _FOR_OTHERS) // 2) if descriptors > 0 else _WITHOUT_LIMIT
