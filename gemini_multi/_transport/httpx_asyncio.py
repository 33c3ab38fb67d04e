"""Requests over httpx with `await`, on the event loops of asyncio."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Any, Self

from gemini_multi._transport.addresses import Address
from gemini_multi._transport.connections import Bounded, Bounds, Connection, Connections, HttpxExchange
from gemini_multi._transport.httpx_blocking import KEEP_ALIVE
from gemini_multi._transport.httpx_library import Library
from gemini_multi._transport.steps import TransportSettings


class AsyncioStream(Bounded):
    """A network stream whose waits end at the call's deadline."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await self._send(self._rest(), timeout)
        data: bytes = await self._stream.read(max_bytes, self._bounds.left(timeout))
        self._bounds.last = data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._send(self._added(buffer), timeout)

    async def _send(self, data: bytes, timeout: float | None) -> None:
        if data:
            await self._stream.write(data, self._bounds.left(timeout))

    async def start_tls(self, ssl_context: SSLContext, server_hostname: str | None, timeout: float | None) -> Self:
        stream = await self._stream.start_tls(ssl_context, server_hostname, self._bounds.left(timeout))
        return type(self)(stream, self._bounds)


class AsyncioBackend:
    """A network backend that connects within the time of the call."""

    def __init__(self, library: Library, bounds: Bounds) -> None:
        self._backend = library.httpcore.AnyIOBackend()
        self._bounds = bounds

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **_: object) -> AsyncioStream:
        """Look up the name and try its addresses. The next attempt starts before the last one has failed."""
        left = self._bounds.left(timeout)
        stream = await self._backend.connect_tcp(host, port, left, socket_options=KEEP_ALIVE)
        return AsyncioStream(stream, self._bounds)


class AsyncioConnections(Connections):
    """The connections of one event loop, shared by clients with the same settings."""

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        self.loop = asyncio.get_running_loop()
        self._closing: set[asyncio.Task[None]] = set()

    def exchange(self) -> AsyncioExchange:
        return AsyncioExchange(self)

    def _transport(self, address: Address, bounds: Bounds) -> object:
        return self.library.transport("Async", AsyncioBackend(self.library, bounds), address)

    async def send(self, connection: Connection, request: Any) -> Any:  # noqa: ANN401
        response = await connection.transport.handle_async_request(request)
        connection.body = aiter(response.stream)
        return response

    async def finish(self, response: Any) -> None:  # noqa: ANN401
        await response.aclose()

    async def is_set(self, event: asyncio.Event, end: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if end == math.inf else self.loop.time() + end - monotonic()):
                await event.wait()
        return event.is_set()

    async def close_connection(self, connection: Connection) -> None:
        """Close a connection and wait until it is closed. A cancellation ends only the wait."""
        self._in_use.discard(connection)
        await asyncio.shield(self._start_to_close(connection))

    async def aclose(self) -> None:
        self.shut()
        for connection in list(self._in_use):
            self.release(connection)
        while self._closing:
            await asyncio.wait(self._closing)

    def _close(self, connection: Connection) -> None:
        self._start_to_close(connection)

    def _start_to_close(self, connection: Connection) -> asyncio.Task[None]:
        task = self.loop.create_task(self._end(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _end(self, connection: Connection) -> None:
        """Close the connection.

        The body is a generator of httpx around several generators of httpcore. When the innermost generator finds that
        it may not read, all of them end, one after the other, without tasks of their own.
        """
        connection.bounds.is_interrupted = True
        try:
            with suppress(Exception):
                while True:
                    await anext(connection.body)
            await connection.transport.aclose()
        finally:
            self._count_closed()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act)


class AsyncioExchange(HttpxExchange):
    """One request, with `await`."""

    send = HttpxExchange._send
    close = HttpxExchange._close

    def __init__(self, pool: AsyncioConnections) -> None:
        super().__init__(pool, asyncio.Event())
        self.loop = pool.loop

    async def read(self) -> bytes:
        body: AsyncIterator[bytes] = self._body
        async for piece in body:
            if piece:
                self._last = piece
                return piece
        self._is_whole = True
        return b""

    def abandon(self) -> None:
        if (connection := self._connection) is not None and self.loop.is_running():
            self._connection = None
            self.loop.call_soon_threadsafe(self._pool.release, connection)
