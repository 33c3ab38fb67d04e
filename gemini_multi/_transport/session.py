"""Performs the steps of a call over a transport, blocking or with `await`.

A transport makes one exchange for each request: it sends the request and reads the response.
"""

from __future__ import annotations

import asyncio
import errno
import threading
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, cast

from gemini_multi._transport.steps import (
    Consult,
    Interrupted,
    ReadBody,
    ResponseHead,
    Send,
    Sleep,
    Step,
    TransportError,
)
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

_PAUSE: Final = threading.Event()
"""Never set. A wait on this event is a sleep that tests can observe."""
_PIECE: Final = 1024 * 1024
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, getattr(errno, "ENOBUFS", errno.EMFILE)})
_TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError"})
_CONNECTIONS_LOST: Final = frozenset({"TransportError", "OSError", "SSLError", "RequestError"})
_NOT_SENT: Final = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ProxyError",
        "gaierror",
        "PoolTimeout",
        "PoolTimeoutError",
    }
)


class Exchange(Protocol):
    """One request and its response, blocking."""

    def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of the response."""
        ...

    def read(self) -> bytes:
        """Return the next bytes of the body, still compressed; empty at its end."""
        ...

    def close(self) -> None:
        """Release the connection, at any moment. It is kept if the response was read to its end."""

    def interrupt(self) -> None:
        """Interrupt another thread that sends or reads. That thread fails at once, and nothing more is sent."""


class AsyncExchange(Protocol):
    """One request and its response, with `await`. Cancel the waiting task to interrupt it."""

    loop: asyncio.AbstractEventLoop

    async def send(self, step: Send) -> ResponseHead: ...

    async def read(self) -> bytes: ...

    async def close(self) -> None: ...

    def abandon(self) -> None:
        """Release the connection soon, from any thread, if the event loop still runs."""
        if self.loop.is_running():
            self.loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.close()))


class Session:
    """Performs the steps of one call, blocking."""

    def __init__(self, begin: Callable[[], Exchange]) -> None:
        self._begin = begin
        self._exchange: Exchange | None = None
        self._read: Callable[[], bytes] = bytes
        self._is_interrupted = False

    def perform(self, step: Step) -> Any:  # noqa: ANN401  # the type depends on the step
        """Perform a step and return its result, or raise a `TransportError`, or `Interrupted` after `interrupt`."""
        try:
            if isinstance(step, ReadBody):
                return self._read()
            if isinstance(step, Send):
                return self._send(step)
        except BaseException as error:  # noqa: BLE001  # raised below, without the library's frames
            failure = Interrupted() if self._is_interrupted else failure_of(error)
        else:
            return self._rest(step)
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    def _rest(self, step: Step) -> Any:  # noqa: ANN401
        if isinstance(step, Consult):
            return step.action()
        if isinstance(step, Sleep):
            _PAUSE.wait(step.seconds)
        else:
            self.close()
        if self._is_interrupted:
            raise Interrupted
        return None

    def _send(self, step: Send) -> ResponseHead:
        self.close()
        exchange = self._exchange = self._begin()
        if self._is_interrupted:
            raise Interrupted
        head = exchange.send(step)
        inflater = _inflater(head)
        self._read = exchange.read if inflater is None else lambda: _inflated(exchange, inflater)
        return head

    def interrupt(self) -> None:
        """Interrupt another thread that waits for the response. Nothing more is sent."""
        self._is_interrupted = True
        if (exchange := self._exchange) is not None:
            exchange.interrupt()

    def close(self) -> None:
        """Release the response. The connection is kept if the response was read to its end."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._read = bytes
            exchange.close()


class AsyncSession:
    """Performs the steps of one call with `await`, as `Session` does."""

    def __init__(self, begin: Callable[[], Awaitable[AsyncExchange]]) -> None:
        self._begin = begin
        self._exchange: AsyncExchange | None = None
        self._read: Callable[[], Awaitable[bytes]] = _nothing

    async def perform(self, step: Step) -> Any:  # noqa: ANN401  # the type depends on the step
        try:
            if isinstance(step, ReadBody):
                return await self._read()
            if isinstance(step, Send):
                return await self._send(step)
        except BaseException as error:  # noqa: BLE001  # raised below, without the library's frames
            failure = failure_of(error)
        else:
            return await self._rest(step)
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    async def _rest(self, step: Step) -> Any:  # noqa: ANN401
        if isinstance(step, Consult):
            return await asyncio.to_thread(step.action)
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        else:
            await self.close()
        return None

    async def _send(self, step: Send) -> ResponseHead:
        await self.close()
        exchange = self._exchange = await self._begin()
        head = await exchange.send(step)
        inflater = _inflater(head)
        self._read = exchange.read if inflater is None else lambda: _inflated_async(exchange, inflater)
        return head

    async def close(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._read = _nothing
            await exchange.close()

    def abandon(self) -> None:
        """Release a response that was dropped without being closed, if its loop still runs."""
        if self._exchange is not None:
            self._exchange.abandon()


def _inflater(head: ResponseHead) -> Inflater | None:
    encoding = head.headers.get("content-encoding", "").strip().lower()
    return None if encoding in ("", "identity") else Inflater(encoding)


def _inflated(exchange: Exchange, inflater: Inflater) -> bytes:
    while not (piece := inflater.piece()) and (data := exchange.read()):
        inflater.data = data
    return piece


async def _inflated_async(exchange: AsyncExchange, inflater: Inflater) -> bytes:
    while not (piece := inflater.piece()) and (data := await exchange.read()):
        inflater.data = data
    return piece


async def _nothing() -> bytes:
    return b""


def failure_of(error: BaseException) -> BaseException:
    """Translate an error of an HTTP library, recognised by its class names; return any other error unchanged.

    A library's error holds stack frames and their variables, such as the headers with the key. The new error has
    neither these frames nor the causes of the old error.
    """
    is_local = is_exhausted(error)
    error.__traceback__ = error.__context__ = error.__cause__ = None
    names = {kind.__name__ for kind in type(error).__mro__}
    text, was_sent = _text(error), not names & _NOT_SENT
    if names & _TIMEOUTS:
        return TransportError(RequestTimeout, f"timed out ({text})", was_sent=was_sent)
    if "DecodingError" in names:
        return TransportError(InvalidResponse, f"it cannot be decompressed ({text})")
    if names & _CONNECTIONS_LOST:
        return TransportError(ConnectionFailed, f"the connection failed ({text})", is_local=is_local, was_sent=was_sent)
    return error


def is_exhausted(error: BaseException) -> bool:
    """Return whether a connection failed because this process or the system has no file descriptors left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _EXHAUSTED:
            return True
        if any(f"(os error {number})" in str(cause) for number in _EXHAUSTED):  # the format of Rust's errors
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _text(error: BaseException) -> str:
    details: Any = getattr(error, "details", None)  # the attribute of pyreqwest's errors
    causes = cast("dict[str, Any]", details).get("causes") if isinstance(details, dict) else None
    text = causes[-1]["message"] if causes else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class DecodingError(Exception):
    """A response cannot be decompressed. The name is the same as in httpx."""


class Inflater:
    """Decompresses bytes into pieces of at most one mebibyte."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            # Refuse encodings that the request did not accept, and archives inside archives.
            raise DecodingError(f"the encoding {encoding[:40]!r} was not asked for")
        self._inflate = zlib.decompressobj(_ANY_HEADER)
        self._is_first = True
        self.data = b""
        """The bytes that are not decompressed yet. The next bytes are set when all pieces have been read."""

    def piece(self) -> bytes:
        """Return the next decompressed piece; empty if there is none."""
        piece = b""
        while self.data and not piece and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(self.data, _PIECE)
            except zlib.error as error:
                if not self._is_first:
                    raise DecodingError(str(error)) from error
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers use the raw format for `deflate`
            else:
                self.data = self._inflate.unconsumed_tail
            self._is_first = False
        return piece
