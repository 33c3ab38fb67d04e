"""Requests over httpx with `await`, on the event loops of asyncio."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from gemini_multi._transport.addresses import Address, address_of, proxy_for
from gemini_multi._transport.bounds import Bounds, ConnectTimeout, Outgoing, is_exhausted, is_readable
from gemini_multi._transport.connections import Connections
from gemini_multi._transport.httpx_blocking import KEEP_ALIVE
from gemini_multi._transport.httpx_library import Library, head_of
from gemini_multi._transport.steps import ResponseHead, Send


class BoundedAsyncStream:
    """A network stream of httpcore whose waits end at the call's deadline."""

    def __init__(self, stream: Any, bounds: Bounds) -> None:  # noqa: ANN401  # of httpcore or httpcore2
        self._stream = stream
        self._bounds = bounds
        self._outgoing = Outgoing()
        self._socket: Any = None
        self.aclose = stream.aclose

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401
        """Return a fact about the connection. httpcore asks twice for each request whether there are bytes to read."""
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        if self._socket is None:  # found once: anyio collects all its facts at each request for one
            self._socket = self._stream.get_extra_info("socket")
        return is_readable(self._socket)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for the next bytes."""
        await self._send(self._outgoing.rest(), timeout)
        data: bytes = await self._stream.read(max_bytes, self._bounds.left(timeout))
        self._bounds.last = data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes, or delay the head of a request until its body comes."""
        await self._send(self._outgoing.added(buffer), timeout)

    async def _send(self, data: bytes, timeout: float | None) -> None:
        if data:
            await self._stream.write(data, self._bounds.left(timeout))

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> BoundedAsyncStream:
        """Start TLS on this stream."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, self._bounds.left(timeout))
        return BoundedAsyncStream(stream, self._bounds)


class BoundedAsyncBackend:
    """A network backend that connects within the time of the call."""

    def __init__(self, library: Library, bounds: Bounds) -> None:
        self._library = library
        self._bounds = bounds

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: object, **__: object
    ) -> BoundedAsyncStream:
        """Look up the name and try its addresses. The next attempt starts before the last one has failed."""
        backend, left = self._library.httpcore.AnyIOBackend(), self._bounds.left(timeout)
        stream = await backend.connect_tcp(host, port, left, socket_options=KEEP_ALIVE)
        return BoundedAsyncStream(stream, self._bounds)


class AsyncioConnection:
    """An httpx transport that holds one connection."""

    def __init__(self, library: Library, address: Address) -> None:
        self.origin = address.origin
        self.idle_since = 0.0
        self.bounds = Bounds()
        self.body: AsyncIterator[bytes] = _nothing()
        self.closing: asyncio.Task[None]
        self._transport = library.async_transport(BoundedAsyncBackend(library, self.bounds), proxy_for(address))

    async def send(self, request: Any, end: float) -> Any:  # noqa: ANN401  # of httpx or httpx2
        """Send a request and return the response. Its body is not read yet."""
        self.bounds.end = end
        response = await self._transport.handle_async_request(request)
        self.body = aiter(response.stream)
        return response

    async def aclose(self) -> None:
        """Close the connection.

        The body is a generator of httpx around several generators of httpcore. When the innermost generator finds that
        it may not read, all of them end, one after the other, without tasks of their own.
        """
        self.bounds.is_interrupted = True
        with suppress(Exception):
            while True:
                await anext(self.body)
        await self._transport.aclose()


class AsyncioConnections(Connections[AsyncioConnection, asyncio.Future[None]]):
    """The connections of one event loop, shared by clients with the same settings."""

    def __init__(self, library: Library, limit: int, keep_alive: float) -> None:
        super().__init__(limit, keep_alive, partial(AsyncioConnection, library))
        self.library = library
        self.loop = asyncio.get_running_loop()
        self._closing: set[asyncio.Task[None]] = set()

    def exchange(self) -> AsyncioExchange:
        """Make an exchange for one request."""
        return AsyncioExchange(self)

    async def acquired(self, address: Address, end: float) -> AsyncioConnection:
        """Wait for a connection."""
        while True:
            place: asyncio.Future[None] = self.loop.create_future()
            connection = self.take(address, place)
            if connection is not None:
                return connection
            await self.wait(place, end)

    async def wait(self, place: asyncio.Future[None], end: float) -> None:
        """Wait until `place` is woken or the call's time is over."""
        try:
            async with asyncio.timeout_at(None if end == math.inf else self.loop.time() + end - monotonic()):
                await place
        except BaseException as error:
            self.give_up(place)
            if isinstance(error, TimeoutError):
                raise ConnectTimeout(f"none of {self.limit} connections became free (`max_connections`)") from None
            raise

    async def end(self, connection: AsyncioConnection) -> None:
        """Close a connection and wait until it is closed. A cancellation ends only the wait."""
        self.hang_up(connection)
        await asyncio.shield(connection.closing)

    def _close(self, connection: AsyncioConnection) -> None:
        connection.closing = self.loop.create_task(self._end(connection))
        self._closing.add(connection.closing)
        connection.closing.add_done_callback(self._closing.discard)

    async def _end(self, connection: AsyncioConnection) -> None:
        try:
            await connection.aclose()
        finally:
            self.freed()

    async def aclose(self) -> None:
        """Close all connections and wait until they are closed."""
        self.shut()
        for connection in list(self._in_use):
            self.hang_up(connection)
        while self._closing:
            await asyncio.wait(self._closing)

    def _wake(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            place.set_result(None)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act)


class AsyncioExchange:
    """One request over a connection of the pool."""

    def __init__(self, pool: AsyncioConnections) -> None:
        self._pool = pool
        self._connection: AsyncioConnection | None = None
        self._response: Any = None
        self._last = b""
        self._head = ResponseHead(0, {})
        self._is_whole = False

    async def send(self, step: Send) -> ResponseHead:
        """Send the request. At the limit, wait for a connection first."""
        address, end = address_of(step.request.url), monotonic() + step.within
        request = self._pool.library.request(step, address)
        while True:
            connection = self._connection = await self._pool.acquired(address, end)
            try:
                response = await connection.send(request, end)
            except BaseException as error:
                await self.close()
                if not is_exhausted(error) or not await self._waited_for_one(end):
                    raise
            else:
                break
        self._response = response
        self._head = head_of(response.status_code, response.headers.raw)
        return self._head

    async def _waited_for_one(self, end: float) -> bool:
        """Wait until a connection of this loop is closed and frees its descriptor. Return whether there was one."""
        place: asyncio.Future[None] = self._pool.loop.create_future()
        if not self._pool.wait_for_one(place):
            return False
        await self._pool.wait(place, end)
        return True

    async def read(self) -> bytes:
        """Return the next bytes of the body; empty at its end."""
        if self._connection is None:
            return b""
        async for piece in self._connection.body:
            if piece:
                self._last = piece
                return piece
        self._is_whole = True
        return b""

    async def close(self) -> None:
        """Release the response and its connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        response, self._response = self._response, None
        is_kept = self._is_whole and connection.bounds.can_be_kept(self._head.headers, self._last)
        try:
            if is_kept:
                await response.aclose()
        except BaseException:
            is_kept = False
            raise
        finally:
            if is_kept:
                self._pool.put_back(connection)
            else:
                await self._pool.end(connection)

    def abandon(self) -> None:
        """Release the response soon, from any thread, if the event loop still runs."""
        if (connection := self._connection) is not None and self._pool.loop.is_running():
            self._connection = None
            self._pool.loop.call_soon_threadsafe(self._pool.hang_up, connection)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
