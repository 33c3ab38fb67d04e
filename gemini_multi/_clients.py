"""Requests through a client with httpx's interface: the caller's own, or one of ours where there is a proxy."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from gemini_multi._inflate import ACCEPTED
from gemini_multi._transport.steps import ResponseHead, Send

if TYPE_CHECKING:
    import httpx

_LANE: Final = 8
"""Requests on one lane before the next is opened."""
_LANES: Final = 64


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


class BlockingAnswer:
    """An answer that comes through a client."""

    def __init__(self, client: httpx.Client, step: Send, leave: Callable[[], None] | None = None) -> None:
        """Send the request and wait for the answer's head; `leave` is called at the end."""
        self._leave = leave
        try:
            request = _built(client, step)
            with _INSIDE:
                response: Response = client.send(request, stream=True, follow_redirects=False)
        except BaseException:
            if leave is not None:
                leave()
            raise
        self._response: Response | None = response
        self.head = ResponseHead(response.status_code, response.headers)
        self.encoding = encoding_of(self.head.headers, is_read=getattr(response, "is_stream_consumed", False))
        self._body = response.iter_raw() if self.encoding else response.iter_bytes()
        _BODIES.add(self._body)

    def read(self) -> bytes:
        """Give the next bytes of the body; none at its end."""
        with _INSIDE:
            return next(self._body, b"")

    def interrupt(self) -> None:
        """Wake up the thread that waits for more of the answer, where the client shows its connection."""
        stream = getattr(self._response, "extensions", {}).get("network_stream")
        connected = stream.get_extra_info("socket") if stream is not None else None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go; the connection goes back to its pool if the answer was read to its end."""
        if _INSIDE.postpones(self.close):
            return
        response, self._response = self._response, None
        if response is None:
            return
        body, self._body = self._body, iter(())
        try:
            with _INSIDE:
                response.close()
                _BODIES.discard(body)
                del body  # its own end lets go too
        finally:
            if self._leave is not None:
                self._leave()


class AsyncioAnswer:
    """An answer that comes through a client, with `await`."""

    def __init__(self, response: Response, leave: Callable[[], None] | None) -> None:
        """Take over a response; `leave` is called at the end."""
        self._leave = leave
        self._response: Response | None = response
        self._loop = asyncio.get_running_loop()
        self.head = ResponseHead(response.status_code, response.headers)
        self.encoding = encoding_of(self.head.headers, is_read=getattr(response, "is_stream_consumed", False))
        self._body: AsyncIterator[bytes] = response.aiter_raw() if self.encoding else response.aiter_bytes()

    @classmethod
    async def of(cls, client: httpx.AsyncClient, step: Send, leave: Callable[[], None] | None = None) -> AsyncioAnswer:
        """Send the request and wait for the answer's head; `leave` is called at the end."""
        try:
            async with asyncio.timeout(step.within if step.within < math.inf else None):
                response = await client.send(_built(client, step), stream=True, follow_redirects=False)
        except BaseException:
            if leave is not None:
                leave()
            raise
        return cls(response, leave)

    async def read(self) -> bytes:
        """Give the next bytes of the body; none at its end."""
        return await anext(self._body, b"")

    async def close(self) -> None:
        """Let go; the connection goes back to its pool if the answer was read to its end."""
        response, self._response = self._response, None
        if response is None:
            return
        body: object = self._body
        try:
            if isinstance(body, AsyncGenerator):
                await body.aclose()
            await response.aclose()
        finally:
            if self._leave is not None:
                self._leave()

    def abandon(self) -> None:
        """Close soon what was dropped without being closed, if its loop still runs."""
        if self._response is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.close()))


def encoding_of(headers: Mapping[str, str], *, is_read: bool = False) -> str:
    """Name how a body is compressed; empty when it is not, or was read and decompressed already."""
    encoding = headers.get("content-encoding", "")
    return "" if is_read or encoding.strip().lower() in ("", "identity") else encoding


def _built(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    """Build the request, with the per-attempt timeouts where httpx and its likes look for them."""
    request, timeouts = step.request, step.timeouts
    headers = {"accept-encoding": ACCEPTED, **request.headers}
    limits = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": timeouts.connect}
    return client.build_request(
        request.method, request.url, content=bytes(request.body), headers=headers, extensions={"timeout": limits}
    )


ClientT = TypeVar("ClientT", bound="httpx.Client | httpx.AsyncClient")


@dataclass(slots=True)
class Lane(Generic[ClientT]):
    """A client with a small pool of connections, and how many requests are on it."""

    client: ClientT
    in_flight: int = 0


class Lanes(Generic[ClientT]):
    """Small pools of httpx side by side, for the way through a proxy.

    A single pool looks through all its connections for every request, so that many requests in flight slow each other
    down (https://github.com/encode/httpx/issues/3215). Lanes are filled in order, so that few requests share few warm
    connections.
    """

    def __init__(self, make: Callable[[], ClientT]) -> None:
        self._make = make
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self.lanes: list[Lane[ClientT]] = []

    @property
    def busy(self) -> int:
        """How many requests are on their way."""
        return sum(lane.in_flight for lane in self.lanes)

    def enter(self) -> Lane[ClientT]:
        """Take the first lane that has room; when all are full, the emptiest."""
        with self._lock:
            lane = next((lane for lane in self.lanes if lane.in_flight < _LANE), None)
            if lane is None and len(self.lanes) < _LANES:
                lane = Lane(self._make())
                self.lanes.append(lane)
            lane = lane or min(self.lanes, key=lambda lane: lane.in_flight)
            lane.in_flight += 1
            return lane

    def leave(self, lane: Lane[ClientT]) -> None:
        """Give the place back."""
        with self._lock:
            lane.in_flight -= 1


class BlockingLanes(Lanes["httpx.Client"]):
    """The blocking ones."""

    def open(self, step: Send, _: object) -> BlockingAnswer:
        """Send a request and wait for the head of its answer."""
        lane = self.enter()
        return BlockingAnswer(lane.client, step, partial(self.leave, lane))

    def close(self) -> None:
        """Close all connections."""
        for lane in self.lanes:
            lane.client.close()


class AsyncioLanes(Lanes["httpx.AsyncClient"]):
    """The ones with `await`."""

    async def open(self, step: Send) -> AsyncioAnswer:
        """Send a request and wait for the head of its answer."""
        lane = self.enter()
        return await AsyncioAnswer.of(lane.client, step, partial(self.leave, lane))

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self.lanes:
            await lane.client.aclose()
