"""Blocking requests over httpx.

A call runs in its caller's thread, except the name lookup. No timeout can limit a name lookup, so it runs in another
thread, and the call stops waiting for that thread when the time is over.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Any, Final, Self, TypeVar, cast

from gemini_multi._transport.addresses import Address, looked_up
from gemini_multi._transport.connections import Bounded, Bounds, Connection, Connections, ConnectTimeout, HttpxExchange
from gemini_multi._transport.httpx_library import SLICE, Library
from gemini_multi._transport.session import is_exhausted
from gemini_multi._transport.steps import ResponseHead, Send

ResultT = TypeVar("ResultT")

_LOOKUPS: Final = threading.BoundedSemaphore(64)
"""Limits the threads that look up names. Such a thread may outlive its call if no DNS server answers."""

KEEP_ALIVE: Final = tuple(
    (level, getattr(socket, name), value)
    for level, name, value in (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 20),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    )
    if hasattr(socket, name)
)
"""Detect within two minutes that a peer has gone away silently, and keep the connection open in routers."""


class BlockingStream(Bounded):
    """A network stream whose waits end at the call's deadline."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._send(self._rest(), timeout)
        data: bytes = self._stream.read(max_bytes, self._bounds.left(timeout))
        self._bounds.last = data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._send(self._added(buffer), timeout)

    def _send(self, data: bytes, timeout: float | None) -> None:
        """Send the bytes in slices, because each write may have to wait."""
        for start in range(0, len(data), SLICE):
            self._stream.write(data[start : start + SLICE], self._bounds.left(timeout))

    def start_tls(self, ssl_context: SSLContext, server_hostname: str | None, timeout: float | None) -> Self:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._bounds.left(timeout))
        return type(self)(stream, self._bounds)


class BlockingBackend:
    """A network backend that connects within the time of the call, for any number of addresses."""

    def __init__(self, library: Library, bounds: Bounds) -> None:
        self._backend = library.httpcore.SyncBackend()
        self._bounds = bounds

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **_: object) -> BlockingStream:
        """Try one address after the other. Each address gets an equal part of the time."""
        end = None if timeout is None else monotonic() + timeout
        bounds = self._bounds
        addresses = _addresses(host, port, bounds.left(timeout))
        while True:
            address = addresses.pop(0)
            left = bounds.left(None if end is None else end - monotonic())
            share = None if left is None else max(left, 0.001) / (len(addresses) + 1)
            try:
                stream = self._backend.connect_tcp(address, port, share, socket_options=KEEP_ALIVE)
                return BlockingStream(stream, bounds)
            except Exception as error:
                if not addresses or is_exhausted(error):
                    raise


def _addresses(host: str, port: int, within: float | None) -> list[str]:
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return [host]
    found = queue.SimpleQueue[list[str] | OSError]()
    if not _LOOKUPS.acquire(timeout=-1 if within is None else within):
        raise ConnectTimeout("too many names are being looked up")
    threading.Thread(target=_look_up, args=(host, port, found), name="gemini-multi-lookup", daemon=True).start()
    try:
        addresses = found.get(timeout=within)
    except queue.Empty:
        raise ConnectTimeout(f"the name {host!r} was not found in time") from None
    if isinstance(addresses, OSError):
        raise addresses
    return addresses


def _look_up(host: str, port: int, found: queue.SimpleQueue[list[str] | OSError]) -> None:
    try:
        found.put(looked_up(host, port))
    except (OSError, UnicodeError) as error:
        found.put(error if isinstance(error, OSError) else OSError(f"the name {host[:80]!r} cannot be looked up"))
    finally:
        _LOOKUPS.release()


class BlockingConnections(Connections):
    """The blocking connections that clients with the same settings share."""

    _timer: threading.Timer | None = None

    def exchange(self) -> BlockingExchange:
        return BlockingExchange(self, threading.Event())

    def _transport(self, address: Address, bounds: Bounds) -> object:
        return self.library.transport("", BlockingBackend(self.library, bounds), address)

    async def send(self, connection: Connection, request: Any) -> Any:  # noqa: ANN401
        response = connection.transport.handle_request(request)
        connection.body = iter(response.stream)
        return response

    async def finish(self, response: Any) -> None:  # noqa: ANN401
        response.close()

    async def is_set(self, event: threading.Event, end: float) -> bool:
        return event.wait(min(end - monotonic(), threading.TIMEOUT_MAX))

    def close(self) -> None:
        """Close the idle connections now, and the others when their request ends."""
        self.shut()
        if self._timer is not None:
            self._timer.cancel()

    def drop(self) -> None:
        """Close the copied sockets in a forked child. No lock is taken: its holder may not exist in the child."""
        for connection in [*self._in_use, *self._idle]:
            if (connected := connection.bounds.socket) is not None:
                connected.close()

    def _close(self, connection: Connection) -> None:
        try:
            connection.transport.close()
        finally:
            self._count_closed()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        timer = self._timer = threading.Timer(seconds, act)
        timer.name, timer.daemon = "gemini-multi-idle", True
        timer.start()


class BlockingExchange(HttpxExchange):
    """One request, blocking."""

    def send(self, step: Send) -> ResponseHead:
        return _result(self._send(step))

    def read(self) -> bytes:
        body: Iterator[bytes] = self._body
        for piece in body:
            if piece:
                self._last = piece
                return piece
        self._is_whole = True
        return b""

    def interrupt(self) -> None:
        self._is_interrupted = True
        self._event.set()
        if (connection := self._connection) is not None:
            connection.bounds.is_interrupted = True
            if (connected := connection.bounds.socket) is not None:
                with suppress(OSError):
                    # Not the `shutdown` of the TLS socket: only the thread that reads may call it.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        if self._connection is not None:
            _result(self._close())


def _result(coroutine: Coroutine[object, None, ResultT]) -> ResultT:
    """Run a coroutine that blocks instead of waiting, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("ResultT", end.value)
    raise AssertionError("a blocking call waits for no event loop")
