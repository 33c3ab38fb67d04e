"""Performs the steps of an exchange over HTTP, blocking or with `await`: the only code that exists twice."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from gemini_multi._connections import POOLS, AsyncioClient, BlockingClient, Lane, Lanes
from gemini_multi._inflate import ACCEPTED, inflated, inflated_async
from gemini_multi._wire import Head, HttpRequest, Open, Read, Step, Timeouts, Wait, WireFailure
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

if TYPE_CHECKING:
    import httpx


class Response(Protocol):
    """What is used of an httpx response."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""
        ...

    def iter_raw(self) -> Iterator[bytes]:
        """Give the body as it came."""
        ...

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """Give the body as it came."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """Give the body, decompressed."""
        ...

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Give the body, decompressed."""
        ...

    def close(self) -> None:
        """Let go."""
        ...

    async def aclose(self) -> None:
        """Let go."""
        ...


class _Inside(threading.local):
    """Whether this thread is inside httpx, and what to close when it comes out.

    A stream that was left and forgotten is closed by the garbage collector, which may run while its own thread holds
    one of httpx's locks. Closing there would wait for that lock forever.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._postponed: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        while self._postponed and not self._depth:
            self._postponed.pop()()

    def postpones(self, close: Callable[[], None]) -> bool:
        if self._depth:
            self._postponed.append(close)
        return self._depth > 0


_INSIDE: Final = _Inside()
_BODIES: Final = set[Iterator[bytes]]()
"""The bodies being read: what is in here the garbage collector never closes by itself."""


class Wire:
    """Performs the steps of one exchange, blocking."""

    def __init__(self, client: httpx.Client | None, holder: object) -> None:
        """Use the caller's client, or the shared one, which stays open as long as the holder does."""
        self._client = client
        self._holder = holder
        self._lanes: Lanes[BlockingClient] | None = None
        self._lane: Lane[BlockingClient] | None = None
        self._response: Response | None = None
        self._body: Iterator[bytes] = iter(())

    def perform(self, step: Step) -> Head | bytes | None:
        """Do what the step says.

        Raises:
            WireFailure: The connection failed.
        """
        if isinstance(step, Read):
            try:
                with _INSIDE:
                    return next(self._body, b"")
            except Exception as error:
                raise _failure(error) from error
        if isinstance(step, Open):
            return self._open(step)
        if isinstance(step, Wait):
            _PAUSE.wait(step.seconds)
        else:
            self.close()
        return None

    def _open(self, step: Open) -> Head:
        self.close()
        client: BlockingClient
        if self._client is None:
            self._lanes = POOLS.blocking(self._holder)
            self._lane = self._lanes.enter()
            client = self._lane.client
        else:
            client = self._client
        try:
            request = _built(client, step.request, step.timeouts)
            with _INSIDE:
                response = client.send(request, stream=True, follow_redirects=False)
        except Exception as error:
            raise _failure(error) from error
        self._response = response
        encoding = _encoding(response)
        self._body = inflated(response.iter_raw(), encoding) if encoding else response.iter_bytes()
        _BODIES.add(self._body)
        return Head(response.status_code, response.headers)

    def interrupt(self) -> None:
        """Wake up another thread that waits for more of the answer: its connection is shut down."""
        stream = getattr(self._response, "extensions", {}).get("network_stream")
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        if _INSIDE.postpones(self.close):
            return
        response, self._response = self._response, None
        body, self._body = self._body, iter(())
        try:
            with _INSIDE:
                if response is not None:
                    response.close()
                _BODIES.discard(body)
                del body  # its own end lets go too
        finally:
            self._leave()

    def _leave(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None and self._lanes is not None:
            self._lanes.leave(lane)


class AsyncWire:
    """Performs the steps of one exchange with `await`."""

    def __init__(self, client: httpx.AsyncClient | None, holder: object) -> None:
        """Use the caller's client, or the running loop's shared one, which stays open as long as the holder does."""
        self._client = client
        self._holder = holder
        self._lanes: Lanes[AsyncioClient] | None = None
        self._lane: Lane[AsyncioClient] | None = None
        self._response: Response | None = None
        self._body: AsyncIterator[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def perform(self, step: Step) -> Head | bytes | None:
        """Do what the step says.

        Raises:
            WireFailure: The connection failed.
        """
        if isinstance(step, Read):
            return await self._read()
        if isinstance(step, Open):
            return await self._open(step)
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        else:
            await self.close()
        return None

    async def _read(self) -> bytes:
        if self._body is None:
            return b""
        try:
            return await anext(self._body, b"")
        except Exception as error:
            raise _failure(error) from error

    async def _open(self, step: Open) -> Head:
        await self.close()
        self._loop = asyncio.get_running_loop()
        client: AsyncioClient
        if self._client is None:
            self._lanes = await POOLS.of_running_loop(self._holder)
            self._lane = self._lanes.enter()
            client = self._lane.client
        else:
            client = self._client
        try:
            response = await client.send(
                _built(client, step.request, step.timeouts), stream=True, follow_redirects=False
            )
        except Exception as error:
            raise _failure(error) from error
        self._response = response
        encoding = _encoding(response)
        self._body = inflated_async(response.aiter_raw(), encoding) if encoding else response.aiter_bytes()
        return Head(response.status_code, response.headers)

    async def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        response, self._response = self._response, None
        body, self._body = self._body, None
        try:
            if isinstance(body, AsyncGenerator):
                await body.aclose()
            if response is not None:
                await response.aclose()
        finally:
            self._leave()

    def _leave(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None and self._lanes is not None:
            self._lanes.leave(lane)

    def abandon(self) -> None:
        """Close soon what was dropped without being closed, if its loop still runs."""
        loop = self._loop
        if self._response is not None and loop is not None and loop.is_running():
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.close()))


def _encoding(response: Response) -> str:
    """Name how the body is compressed; empty when it is not, or was read and decompressed already."""
    encoding = response.headers.get("content-encoding", "")
    is_plain = encoding.strip().lower() in ("", "identity") or getattr(response, "is_stream_consumed", False)
    return "" if is_plain else encoding


_PAUSE: Final = threading.Event()
"""Never set: waiting on it is a sleep that tests can see."""


def _built(client: BlockingClient | AsyncioClient, request: HttpRequest, timeouts: Timeouts) -> httpx.Request:
    """Build the request, with the per-attempt timeouts where httpx and its likes look for them."""
    headers = {"accept-encoding": ACCEPTED, **request.headers}
    limits = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": timeouts.connect}
    return client.build_request(
        "POST", request.url, content=request.body, headers=headers, extensions={"timeout": limits}
    )


_TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError"})
_CONNECTIONS_LOST: Final = frozenset({"TransportError", "OSError", "SSLError"})
_UNREADABLE: Final = frozenset({"DecodingError"})


def _failure(error: Exception) -> Exception:
    """Translate what httpx, or a client with its interface, raised; anything unknown stays itself.

    The classes are told by their names, since a caller's client may come from another package with its own classes.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if names & _TIMEOUTS:
        return WireFailure(RequestTimeout, f"timed out ({text})")
    if names & _UNREADABLE:
        return WireFailure(InvalidResponse, f"it cannot be decompressed ({text})")
    if names & _CONNECTIONS_LOST:
        return WireFailure(ConnectionFailed, f"the connection failed ({text})")
    return error
