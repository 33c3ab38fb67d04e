"""A pool of connections over httpx, and the exchange of one request over a connection of the pool.

Both kinds of pool (blocking, and of an event loop) share this code. Only one call uses a connection, and a connection
that failed is never used again. The coroutines of this module also run in blocking calls: there, all that they call
blocks, so that they end without an event loop.
"""

from __future__ import annotations

import asyncio
import math
import select
import socket
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeAlias

from gemini_multi._transport.addresses import Address, address_of
from gemini_multi._transport.httpx_library import SLICE, head_of, library
from gemini_multi._transport.session import is_exhausted
from gemini_multi._transport.steps import Interrupted, ResponseHead, Send, TransportSettings

Event: TypeAlias = threading.Event | asyncio.Event


class ConnectTimeout(TimeoutError):
    """No connection was made in time, so nothing was sent. The name is the same as in httpx."""


class Bounds:
    """The end of the call that uses a connection now, and the connection's socket."""

    __slots__ = ("end", "is_interrupted", "last", "socket")

    def __init__(self) -> None:
        self.end = math.inf
        self.is_interrupted = False
        self.last = b""
        """The result of the last read."""
        self.socket: socket.socket | None = None

    def left(self, limit: float | None = None) -> float | None:
        """Return how many seconds the call may still wait, at most `limit`, or raise an error if it must not wait."""
        if self.is_interrupted:
            raise Interrupted
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the call is over")
        limit = math.inf if limit is None else limit
        return None if seconds == limit == math.inf else min(seconds, limit)

    def is_quiet(self) -> bool:
        """Return whether the peer has neither closed the idle connection nor sent anything that nobody asked for."""
        if self.socket is None or self.socket.fileno() < 0:
            return False
        if not hasattr(select, "poll"):  # Windows
            return not select.select([self.socket], [], [], 0)[0]
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def can_be_kept(self, headers: Mapping[str, str], piece: bytes) -> bool:
        """Return whether the connection can carry another request after a body whose last bytes were `piece`.

        If bytes came after the body, the answer is no: the next call would read these bytes as its response.
        """
        end = b"\r\n\r\n" if "transfer-encoding" in headers or not piece else piece
        is_clean = self.last.endswith(end) or end.endswith(self.last)
        return is_clean and not self.is_interrupted and headers.get("connection", "").lower() != "close"


class Bounded:
    """A network stream of httpcore with the bounds of a call. It sends the head and a small body together."""

    def __init__(self, stream: Any, bounds: Bounds) -> None:  # noqa: ANN401  # of httpcore or httpcore2
        self._stream = stream
        self._bounds = bounds
        self._delayed = b""
        self.get_extra_info = stream.get_extra_info
        self.close, self.aclose = getattr(stream, "close", None), getattr(stream, "aclose", None)
        bounds.socket = stream.get_extra_info("socket")

    def _added(self, data: bytes) -> bytes:
        """Add data to send, and return the bytes to send now: the first part of a request waits for the next part."""
        if not self._delayed and len(data) < SLICE:
            self._delayed = data
            return b""
        return self._rest() + data

    def _rest(self) -> bytes:
        """Return the delayed bytes. They must be sent before the response is read."""
        delayed, self._delayed = self._delayed, b""
        return delayed


@dataclass(eq=False, slots=True)
class Connection:
    """An httpx transport that holds one connection."""

    origin: str
    bounds: Bounds
    transport: Any
    body: Any = ()
    """The pieces of the response's body."""
    idle_since: float = 0.0


class Connections(ABC):
    """A pool: a limit on the number of connections, and idle connections until they are used again or expire."""

    def __init__(self, settings: TransportSettings) -> None:
        self.library = library(settings.name)
        self.limit = settings.limit
        self._keep_alive = settings.keep_alive
        self._lock = threading.RLock()  # reentrant: a finalizer may run while its own thread holds the lock
        self._idle: list[Connection] = []
        """The connections that no call uses. The last of them was used last."""
        self._waiting: deque[Event] = deque()
        self._in_use: set[Connection] = set()
        self._is_closed = False
        self._has_timer = False
        self._open = 0
        """Number of connections that are busy, idle or being closed."""

    @property
    def busy(self) -> int:
        return len(self._in_use)

    def acquire(self, address: Address, event: Event) -> Connection | None:
        """Return the idle connection that was used last, or a new connection.

        At the limit, return `None`, and set the event when a connection may be free.
        """
        with self._lock:
            self._close_expired()
            for position in range(len(self._idle) - 1, -1, -1):
                if self._idle[position].origin == address.origin:
                    idle = self._idle.pop(position)
                    if idle.bounds.is_quiet():
                        self._in_use.add(idle)
                        return idle
                    self.release(idle)
            if self._open >= self.limit and self._idle:
                self.release(self._idle.pop(0))
            if self._open >= self.limit:
                self._waiting.append(event)
                return None
            self._open += 1
        bounds = Bounds()
        try:
            made = Connection(address.origin, bounds, self._transport(address, bounds))
        except BaseException:
            self._count_closed()
            raise
        self._in_use.add(made)
        return made

    def stop_waiting(self, event: Event) -> None:
        """Stop waiting. If the event was already set, set that of another call instead."""
        with self._lock:
            if event in self._waiting:
                self._waiting.remove(event)
            else:
                self._wake_one()

    def wait_for_another(self, event: Event) -> bool:
        """Set the event when another call releases its connection. Return whether any connection is in use."""
        with self._lock:
            if self._in_use:
                self._waiting.append(event)
            return bool(self._in_use)

    def keep(self, connection: Connection) -> None:
        with self._lock:
            if self._is_closed:
                self.release(connection)
                return
            self._in_use.discard(connection)
            connection.idle_since = monotonic()
            self._idle.append(connection)
            self._wake_one()
            if not self._has_timer:
                self._has_timer = True
                self._after(self._keep_alive, self._expire)

    def release(self, connection: Connection) -> None:
        """Close a connection, now or soon."""
        self._in_use.discard(connection)
        self._close(connection)

    async def close_connection(self, connection: Connection) -> None:
        self.release(connection)

    def shut(self) -> None:
        """Close the idle connections now, and every other connection when its request ends."""
        with self._lock:
            self._is_closed = True
            while self._idle:
                self.release(self._idle.pop())

    @abstractmethod
    def _transport(self, address: Address, bounds: Bounds) -> object:
        """Make a transport of httpx that holds one connection."""

    @abstractmethod
    async def send(self, connection: Connection, request: Any) -> Any:  # noqa: ANN401  # of httpx or httpx2
        """Send a request and return the response. Its body is not read yet."""

    @abstractmethod
    async def finish(self, response: Any) -> None:  # noqa: ANN401
        """Close a response that was read to its end, so that its connection can be used again."""

    @abstractmethod
    def _close(self, connection: Connection) -> None:
        """Close a connection, and call `_count_closed` when it is closed."""

    @abstractmethod
    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call a function later."""

    @abstractmethod
    async def is_set(self, event: Any, end: float) -> bool:  # noqa: ANN401  # of the pool's kind
        """Wait for an event. Return whether it is set before the end."""

    def _count_closed(self) -> None:
        with self._lock:
            self._open -= 1
            self._wake_one()

    def _wake_one(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()

    def _expire(self) -> None:
        """Close the connections that have been idle for too long, and run again later for the others."""
        with self._lock:
            self._close_expired()
            self._has_timer = bool(self._idle)
            if self._has_timer:
                self._after(max(self._idle[0].idle_since + self._keep_alive - monotonic(), 0.01), self._expire)

    def _close_expired(self) -> None:
        while self._idle and self._idle[0].idle_since + self._keep_alive <= monotonic():
            self.release(self._idle.pop(0))


class HttpxExchange:
    """One request over a connection of the pool."""

    def __init__(self, pool: Connections, event: Event) -> None:
        self._pool = pool
        self._event = event
        self._connection: Connection | None = None
        self._response: Any = None
        self._body: Any = ()
        self._last = b""
        self._head = ResponseHead(0, {})
        self._is_whole = False
        self._is_interrupted = False

    async def _send(self, step: Send) -> ResponseHead:
        """Send the request. At the limit, wait for a connection first."""
        address, end = address_of(step.url), monotonic() + step.within
        request = self._pool.library.request(step, address)
        while True:
            connection = self._connection = await self._acquired(address, end)
            try:
                connection.bounds.end = end
                response = self._response = await self._pool.send(connection, request)
            except BaseException as error:
                await self._close()
                if not is_exhausted(error) or self._is_interrupted or not self._pool.wait_for_another(self._event):
                    raise
                await self._wait(end)  # for a connection of this process that is closed and frees its descriptor
            else:
                break
        self._body = connection.body
        self._head = head_of(response.status_code, response.headers.raw)
        return self._head

    async def _acquired(self, address: Address, end: float) -> Connection:
        while (connection := self._pool.acquire(address, self._event)) is None:
            await self._wait(end)
        connection.bounds.is_interrupted = self._is_interrupted
        return connection

    async def _wait(self, end: float) -> None:
        try:
            if self._is_interrupted or not await self._pool.is_set(self._event, end):
                raise ConnectTimeout(f"none of {self._pool.limit} connections became free (`max_connections`)")
        except BaseException:
            self._pool.stop_waiting(self._event)
            raise
        self._event.clear()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        response, self._response, self._body = self._response, None, ()
        is_kept = self._is_whole and connection.bounds.can_be_kept(self._head.headers, self._last)
        try:
            if is_kept:
                is_kept = False
                await self._pool.finish(response)
                is_kept = connection.transport._pool.is_available()  # whether httpcore has kept it open
        finally:
            if is_kept:
                self._pool.keep(connection)
            else:
                await self._pool.close_connection(connection)
