"""Blocking requests over httpx.

A call runs in its caller's thread, except the name lookup. No timeout can limit a name lookup, so it runs in another
thread, and the call stops waiting for that thread when the time is over.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from gemini_multi._transport.addresses import Address, address_of, proxy_for
from gemini_multi._transport.bounds import SLICE, Bounds, ConnectTimeout, Outgoing, is_exhausted
from gemini_multi._transport.connections import Connections
from gemini_multi._transport.httpx_library import Library, head_of
from gemini_multi._transport.steps import ResponseHead, Send

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


class BoundedStream:
    """A network stream of httpcore whose waits end at the call's deadline."""

    def __init__(self, stream: Any, bounds: Bounds) -> None:  # noqa: ANN401  # of httpcore or httpcore2
        self._stream = stream
        self._bounds = bounds
        self._outgoing = Outgoing()
        self.get_extra_info = stream.get_extra_info
        self.close = stream.close

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for the next bytes."""
        self._send(self._outgoing.rest(), timeout)
        data: bytes = self._stream.read(max_bytes, self._bounds.left(timeout))
        self._bounds.last = data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes, or delay the head of a request until its body comes."""
        self._send(self._outgoing.added(buffer), timeout)

    def _send(self, data: bytes, timeout: float | None) -> None:
        """Send the bytes in slices, because each write may have to wait."""
        for start in range(0, len(data), SLICE):
            self._stream.write(data[start : start + SLICE], self._bounds.left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> BoundedStream:
        """Start TLS on this stream."""
        stream = self._stream.start_tls(ssl_context, server_hostname, self._bounds.left(timeout))
        return BoundedStream(stream, self._bounds)


class BoundedBackend:
    """A network backend that connects within the time of the call, for any number of addresses."""

    def __init__(self, library: Library, bounds: Bounds) -> None:
        self._library = library
        self._bounds = bounds
        self.stream: BoundedStream | None = None

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: object, **__: object
    ) -> BoundedStream:
        """Try one address after the other. Each address gets an equal part of the time."""
        end = None if timeout is None else monotonic() + timeout
        backend, bounds = self._library.httpcore.SyncBackend(), self._bounds
        addresses = _addresses(host, port, bounds.left(timeout))
        while True:
            address = addresses.pop(0)
            left = bounds.left(None if end is None else end - monotonic())
            share = None if left is None else max(left, 0.001) / (len(addresses) + 1)
            try:
                stream = backend.connect_tcp(address, port, share, socket_options=KEEP_ALIVE)
            except Exception as error:
                if not addresses or is_exhausted(error):
                    raise
            else:
                self.stream = BoundedStream(stream, bounds)
                return self.stream


def _addresses(host: str, port: int, within: float | None) -> list[str]:
    """Look up the addresses of a name."""
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
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.put(list(dict.fromkeys(str(result[4][0]) for result in results)))
    except OSError as error:
        found.put(error)
    except UnicodeError:
        found.put(OSError(f"the name {host[:80]!r} cannot be looked up"))
    finally:
        _LOOKUPS.release()


class BlockingConnection:
    """An httpx transport that holds one connection."""

    def __init__(self, library: Library, address: Address) -> None:
        self.origin = address.origin
        self.idle_since = 0.0
        self.bounds = Bounds()
        self._backend = BoundedBackend(library, self.bounds)
        self._transport = library.transport(self._backend, proxy_for(address))

    def send(self, request: Any, end: float) -> Any:  # noqa: ANN401  # of httpx or httpx2
        """Send a request and return the response. Its body is not read yet."""
        self.bounds.end = end
        return self._transport.handle_request(request)

    def interrupt(self) -> None:
        """Interrupt the thread that waits on the connection."""
        self.bounds.is_interrupted = True
        if (connected := self._socket()) is not None:
            with suppress(OSError):
                # Not the `shutdown` of the TLS socket: only the thread that reads may call it.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def drop(self) -> None:
        """Close the socket itself."""
        if (connected := self._socket()) is not None:
            connected.close()

    def _socket(self) -> socket.socket | None:
        stream = self._backend.stream
        return None if stream is None else stream.get_extra_info("socket")


class BlockingConnections(Connections[BlockingConnection, threading.Event]):
    """The blocking connections that clients with the same settings share."""

    def __init__(self, library: Library, limit: int, keep_alive: float) -> None:
        super().__init__(limit, keep_alive, partial(BlockingConnection, library))
        self.library = library
        self._timer: threading.Timer | None = None

    def exchange(self) -> BlockingExchange:
        """Make an exchange for one request."""
        return BlockingExchange(self)

    def close(self) -> None:
        """Close the idle connections now, and the others when their request ends."""
        self.shut()
        if self._timer is not None:
            self._timer.cancel()

    def drop(self) -> None:
        """Close the copied sockets in a forked child. No lock is taken: its holder may not exist in the child."""
        for connection in [*self._in_use, *(one for stack in self._idle.values() for one in stack)]:
            connection.drop()

    def _close(self, connection: BlockingConnection) -> None:
        try:
            connection.close()
        finally:
            self.freed()

    def _wake(self, place: threading.Event) -> None:
        place.set()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        timer = self._timer = threading.Timer(seconds, act)
        timer.name, timer.daemon = "gemini-multi-idle", True
        timer.start()


class BlockingExchange:
    """One request over a connection of the pool."""

    def __init__(self, pool: BlockingConnections) -> None:
        self._pool = pool
        self._connection: BlockingConnection | None = None
        self._response: Any = None
        self._body: Iterator[bytes] = iter(())
        self._last = b""
        self._head = ResponseHead(0, {})
        self._is_whole = False
        self._is_interrupted = False
        self._place = threading.Event()

    def send(self, step: Send) -> ResponseHead:
        """Send the request. At the limit, wait for a connection first."""
        address, end = address_of(step.request.url), monotonic() + step.within
        request = self._pool.library.request(step, address)
        while True:
            connection = self._connection = self._acquired(address, end)
            try:
                response = connection.send(request, end)
            except BaseException as error:
                self.close()
                if not is_exhausted(error) or not self._waited_for_one(end):
                    raise
            else:
                break
        self._response, self._body = response, iter(response.stream)
        self._head = head_of(response.status_code, response.headers.raw)
        return self._head

    def _acquired(self, address: Address, end: float) -> BlockingConnection:
        while (connection := self._pool.take(address, self._place)) is None:
            self._wait(end)
        if self._is_interrupted:
            connection.interrupt()
        return connection

    def _wait(self, end: float) -> None:
        try:
            came = self._place.wait(min(end - monotonic(), threading.TIMEOUT_MAX))
            if not came or self._is_interrupted:
                raise ConnectTimeout(f"none of {self._pool.limit} connections became free (`max_connections`)")
        except BaseException:
            self._pool.give_up(self._place)
            raise
        self._place.clear()

    def _waited_for_one(self, end: float) -> bool:
        """Wait until a connection of this process is closed and frees its descriptor. Return whether there was one."""
        if self._is_interrupted or not self._pool.wait_for_one(self._place):
            return False
        self._wait(end)
        return True

    def read(self) -> bytes:
        """Return the next bytes of the body; empty at its end."""
        for piece in self._body:
            if piece:
                self._last = piece
                return piece
        self._is_whole = True
        return b""

    def interrupt(self) -> None:
        """Interrupt the thread that sends or reads."""
        self._is_interrupted = True
        self._place.set()
        if (connection := self._connection) is not None:
            connection.interrupt()

    def close(self) -> None:
        """Release the response and its connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        response, self._response, self._body = self._response, None, iter(())
        is_kept = self._is_whole and connection.bounds.can_be_kept(self._head.headers, self._last)
        try:
            if is_kept:
                response.close()
        except BaseException:
            is_kept = False
            raise
        finally:
            give_back = self._pool.put_back if is_kept else self._pool.hang_up
            give_back(connection)
