"""Connections to a host that carry one request at a time, blocking and with `await`.

Head and body of a request leave in one piece where that costs no copy worth mentioning. Every wait has a limit: its own
(`Timeouts`), and the moment at which the whole call ends, which bounds the sum of many short waits too.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from time import monotonic
from typing import Any, Final, Protocol, cast

from gemini_multi._clients import encoding_of
from gemini_multi._encoding.long_text import ChunkedBody
from gemini_multi._http1 import Address, AnswerReader
from gemini_multi._transport.steps import ResponseHead, Timeouts

_PIECE: Final = 64 * 1024
_WRITTEN: Final = 256 * 1024
"""Bytes of a body that are handed to asyncio at once: it copies what the socket does not take."""
_AHEAD: Final = 256 * 1024
"""Bytes that may arrive before they are asked for."""
_HAPPY_EYEBALLS: Final = 0.25

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
"""Notices, within two minutes, hosts that are gone without a word, and keeps routers from forgetting the connection."""


class Owner(Protocol):
    """Who a connection goes back to."""

    def put_back(self, connection: Any, /) -> None:  # noqa: ANN401  # of the kind that it owns
        """Keep it for the next request, or hang up."""
        ...


class Connection:
    """What both kinds have in common: the answer that is being read, and until when."""

    def __init__(self, owner: Owner, address: Address) -> None:
        self.address = address
        self.head = ResponseHead(0, {})
        self.idle_since = 0.0
        self._owner = owner
        self._answer = AnswerReader()
        self._patience = 0.0
        self._end = 0.0

    @property
    def encoding(self) -> str:
        """How the answer's body is compressed; empty when it is not."""
        return encoding_of(self.head.headers)

    def _begin(self, timeouts: Timeouts, end: float) -> None:
        self._answer = AnswerReader()
        self._patience = timeouts.read
        self._end = end

    def _left(self, limit: float) -> float:
        """Say how long may be waited, at most for `limit` seconds."""
        left = min(limit, self._end - monotonic())
        if left <= 0:
            raise TimeoutError("the time for the call is over")
        return left

    @property
    def was_silent(self) -> bool:
        """Whether not a byte of the answer has come."""
        return not self._answer.has_begun

    @property
    def can_be_kept(self) -> bool:
        """Whether the answer was read to its end and the connection can carry another request."""
        return self._answer.is_whole and self._answer.keeps_alive


class BlockingConnection(Connection):
    """A socket."""

    def __init__(self, owner: Owner, address: Address, context: ssl.SSLContext | None, timeout: float) -> None:
        """Connect, with TLS where there is a context for it."""
        super().__init__(owner, address)
        self._socket = socket.create_connection((address.host, address.port), timeout)
        self._timeout = timeout
        self._poll = _watched(self._socket)
        self.is_interrupted = False
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in KEEP_ALIVE:
                self._socket.setsockopt(*option)
            if context is not None:
                self._socket = context.wrap_socket(self._socket, server_hostname=address.host)
        except BaseException:
            self._socket.close()
            raise

    def ask(self, head: bytes, body: bytes | ChunkedBody, timeouts: Timeouts, end: float) -> None:
        """Send a request and read the head of the answer, which has to end by `end`."""
        self._begin(timeouts, end)
        with suppress(ConnectionError):  # hosts that refuse a request early answer before they close
            self._send(head, body, timeouts.write)
        limit = monotonic() + timeouts.read
        found = self._answer.head(self._receive(timeouts.read))
        while found is None:
            found = self._answer.head(self._receive(limit - monotonic()))
        self.head = found

    def _send(self, head: bytes, body: bytes | ChunkedBody, timeout: float) -> None:
        for data in _parcels(head, body):
            view = memoryview(data)
            while view:
                self._limit(self._left(timeout))
                view = view[self._socket.send(view) :]

    def _receive(self, limit: float) -> bytes:
        self._limit(self._left(limit))
        data = self._socket.recv(_PIECE)
        if not data:
            self._answer.end()
        return data

    def _limit(self, seconds: float) -> None:
        if seconds != self._timeout:
            self._timeout = seconds
            self._socket.settimeout(seconds)

    def read(self) -> bytes:
        """Give the next bytes of the body; none at its end."""
        answer = self._answer
        piece = answer.body(b"")
        while not piece and not answer.is_whole:
            data = self._receive(self._patience)
            if data:
                piece = answer.body(data)
        return piece

    def is_usable(self) -> bool:
        """Whether an idle connection still stands: what can be read from it is its end."""
        if self._poll is not None:
            return not self._poll.poll(0)
        return not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        """Let go of the answer."""
        self._owner.put_back(self)

    def hang_up(self) -> None:
        """End the connection."""
        self._socket.close()

    def interrupt(self) -> None:
        """Wake up the thread that waits for the answer: it will find the connection ended."""
        self.is_interrupted = True
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not TLS's own, which is for the thread that reads


def _parcels(head: bytes, body: bytes | ChunkedBody) -> Iterable[bytes]:
    """Give what leaves at once: head and body together, where that costs no copy worth mentioning."""
    if isinstance(body, bytes):
        return (head + body,) if len(body) <= _PIECE else (head, body)
    return chain((head,), body.slices())


def _watched(connected: socket.socket) -> select.poll | None:
    """Prepare to look whether there is something to read, where the system has a way for any number of sockets."""
    if not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return poll


class AsyncioConnection(Connection, asyncio.Protocol):
    """A transport of asyncio's, in the role of its protocol."""

    def __init__(self, owner: Owner, address: Address) -> None:
        super().__init__(owner, address)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._arrived: list[bytes] = []
        self._arrived_size = 0
        self._is_over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_full = False
        self._is_paused = False
        self.ended: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def connected(
        cls, owner: Owner, address: Address, context: ssl.SSLContext | None, timeout: float
    ) -> AsyncioConnection:
        """Connect, with TLS where there is a context for it."""
        loop = asyncio.get_running_loop()
        # Other loops than asyncio's own do not know the argument. A number has no second address to try; and a race
        # that is cancelled as it is won leaves the socket to the garbage collector.
        is_raced = isinstance(loop, asyncio.BaseEventLoop) and not _is_number(address.host)
        racing: dict[str, Any] = {"happy_eyeballs_delay": _HAPPY_EYEBALLS} if is_raced else {}
        async with asyncio.timeout(timeout):
            transport, connection = await loop.create_connection(
                partial(cls, owner, address),
                address.host,
                address.port,
                ssl=context,
                server_hostname=address.host if context is not None else None,
                **racing,
            )
        for option in KEEP_ALIVE:
            transport.get_extra_info("socket").setsockopt(*option)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # other loops have transports of their own

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is asked for."""
        self._arrived.append(data)
        self._arrived_size += len(data)
        if self._arrived_size > _AHEAD and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note the end; the transport closes itself."""
        self._is_over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self._is_over = True
        self._error = self._error or exc
        self._wake()
        if not self.ended.done():
            self.ended.set_result(None)

    def pause_writing(self) -> None:
        """Note that the host takes no more for now."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Note that the host takes more."""
        self._is_full = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self, limit: float) -> None:
        """Wait for any news."""
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._left(limit), _expire, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    async def ask(self, head: bytes, body: bytes | ChunkedBody, timeouts: Timeouts, end: float) -> None:
        """Send a request and read the head of the answer, which has to end by `end`."""
        self._begin(timeouts, end)
        await self._send(head, body, timeouts.write)
        limit = monotonic() + timeouts.read
        found = self._answer.head(await self._receive(timeouts.read))
        while found is None:
            found = self._answer.head(await self._receive(limit - monotonic()))
        self.head = found

    async def _send(self, head: bytes, body: bytes | ChunkedBody, timeout: float) -> None:
        assert self._transport is not None
        for data in _parcels(head, body):
            view = memoryview(data)
            for start in range(0, len(view), _WRITTEN):
                self._transport.write(view[start : start + _WRITTEN])
                await self._drain(timeout)

    async def _drain(self, timeout: float) -> None:
        while self._is_full and not self._is_over:
            await self._wait(timeout)

    async def _receive(self, limit: float) -> bytes:
        while not self._arrived:
            if self._error is not None:
                raise self._error
            if self._is_over:
                self._answer.end()
                return b""
            await self._wait(limit)
        data = self._arrived[0] if len(self._arrived) == 1 else b"".join(self._arrived)
        self._arrived.clear()
        self._arrived_size = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def read(self) -> bytes:
        """Give the next bytes of the body; none at its end."""
        answer = self._answer
        piece = answer.body(b"")
        while not piece and not answer.is_whole:
            data = await self._receive(self._patience)
            if data:
                piece = answer.body(data)
        return piece

    def is_usable(self) -> bool:
        """Whether an idle connection still stands: whatever has arrived on it is not an answer."""
        return not self._is_over and not self._arrived

    async def close(self) -> None:
        """Let go of the answer."""
        self._owner.put_back(self)

    def abandon(self) -> None:
        """Let go soon, from any thread, if the loop still runs."""
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._owner.put_back, self)

    def hang_up(self) -> None:
        """End the connection; `ended` tells when that is done."""
        if self._transport is not None:
            self._transport.abort()


def _is_number(host: str) -> bool:
    """Whether a host is an address, not a name: no top-level domain ends in a digit."""
    return ":" in host or host[-1:].isdigit()


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError("nothing came"))
