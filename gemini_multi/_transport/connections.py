"""Open connections: a limit on how many there are, and idle ones by origin, until they are used again or too old.

Both kinds of pool (blocking, and of an event loop) share this bookkeeping; how they wait, hang up and keep time is
theirs. A connection is taken as a whole and given back as a whole, so that one that failed never reaches another call.
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
"""Descriptors that are left to the rest of the process."""
_FEWEST: Final = 8
_WITHOUT_LIMIT: Final = 1000
"""Connections where the system does not say how many descriptors a process may have."""


class Pooled(Protocol):
    """What a pool knows of a connection."""

    origin: str
    idle_since: float


ConnectionT = TypeVar("ConnectionT", bound=Pooled)
PlaceT = TypeVar("PlaceT")
"""What a call waits on for room: an event, or a future."""


class Connections(ABC, Generic[ConnectionT, PlaceT]):
    """The connections of a pool."""

    def __init__(self, limit: int, keep_alive: float, make: Callable[[Address], ConnectionT]) -> None:
        self.limit = limit
        self._keep_alive = keep_alive
        self._make = make
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._idle: dict[str, deque[ConnectionT]] = {}
        self._waiting: deque[PlaceT] = deque()
        self._in_use: set[ConnectionT] = set()
        self._is_closed = False
        self._is_reaping = False
        self.open = 0
        """Connections that are busy, idle or being closed."""

    @property
    def busy(self) -> int:
        """How many connections carry a request."""
        return len(self._in_use)

    def take(self, address: Address, place: PlaceT) -> ConnectionT | None:
        """Give a connection, the idle one that was used last or a new one.

        When there is no room for one, give `None`, and wake `place` when there may be.
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
        """Stop waiting. Who was woken already passes it on."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
            else:
                self._wake_one()

    def wait_for_one(self, place: PlaceT) -> bool:
        """Wake `place` when a connection is given back; tell whether one is in use that can be."""
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
        """Note that a connection is closed."""
        with self._lock:
            self.open -= 1
            self._wake_one()

    def shut(self) -> None:
        """Hang up what is idle, now and whenever another becomes so."""
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
        """Let the call that waits try again."""

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
        self.hang_up(connection)  # and those below it are older
        self._reap_stack(stack)
        return None

    def _make_room(self) -> None:
        """Hang up the connection that has been idle for longest, to whichever origin."""
        stacks = [stack for stack in self._idle.values() if stack]
        if stacks:
            self.hang_up(min(stacks, key=lambda stack: stack[0].idle_since).popleft())

    def _wake_one(self) -> None:
        if self._waiting:
            self._wake(self._waiting.popleft())

    def _reap(self) -> None:
        """Hang up what has been idle for too long, and come back for the rest."""
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
    """Say how many connections a pool may have open: half of what the process's descriptors leave.

    The blocking pool and an event loop's share the process; an event loop's own descriptors are among the others.
    """
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows
        return _WITHOUT_LIMIT
    descriptors = getrlimit(RLIMIT_NOFILE)[0]
    return max(_FEWEST, (descriptors - _FOR_OTHERS) // 2) if descriptors > 0 else _WITHOUT_LIMIT
