"""The only module that knows httpx: connections that are made lazily, shared, and let go with their event loop.

All models of a process share the blocking connections and, in each event loop, the asynchronous ones; all of those
share one TLS context. They are made by the first call, never at import or construction. Asynchronous connections belong
to their event loop: when the loop shuts its asynchronous generators down, as `asyncio.run` and `asyncio.Runner` do at
their end, they are closed with it. After a fork the child begins with none.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar
from urllib.request import getproxies

if TYPE_CHECKING:
    import ssl

    import httpx

_KEEP_ALIVE: Final = 120.0
_LANE: Final = 8
"""Requests on one lane before the next is opened."""
_LANES: Final = 64
_CONNECTIONS: Final = 1000
"""Per lane; when all lanes are full, they share what comes."""
_IDLE_CONNECTIONS: Final = 8


class _Direct:
    """What a call needs of an httpx client, on a transport alone.

    The client's own machinery (redirects, cookies, hooks, authentication) costs as much again as the transport, for
    nothing that happens here.
    """

    def __init__(self, transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
        self.transport = transport

    def build_request(
        self, method: str, url: str, *, content: bytes, headers: dict[str, str], extensions: dict[str, object]
    ) -> httpx.Request:
        import httpx

        return httpx.Request(method, url, content=content, headers=headers, extensions=extensions)


class _Blocking(_Direct):
    transport: httpx.HTTPTransport

    def send(self, request: httpx.Request, **_: bool) -> httpx.Response:
        return self.transport.handle_request(request)

    def close(self) -> None:
        self.transport.close()


class _Asynchronous(_Direct):
    transport: httpx.AsyncHTTPTransport

    async def send(self, request: httpx.Request, **_: bool) -> httpx.Response:
        return await self.transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self.transport.aclose()


ClientT = TypeVar("ClientT")


@dataclass(slots=True)
class Lane(Generic[ClientT]):
    """A small pool of connections, and how many requests are on it."""

    client: ClientT
    in_flight: int = 0


class Lanes(Generic[ClientT]):
    """Small pools side by side.

    A single pool of httpx looks through all its connections for every request, so that many requests in flight slow
    each other down (https://github.com/encode/httpx/issues/3215). Lanes are filled in order, so that few requests share
    few warm connections.
    """

    def __init__(self, make: Callable[[], ClientT], lock: threading.RLock) -> None:
        self._make = make
        self._lock = lock
        self.lanes: list[Lane[ClientT]] = []

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


BlockingClient: TypeAlias = "httpx.Client | _Blocking"
AsyncioClient: TypeAlias = "httpx.AsyncClient | _Asynchronous"


class Pools:
    """The connections that all models share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._tls: ssl.SSLContext | None = None
        self._blocking: Lanes[BlockingClient] | None = None
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[Lanes[AsyncioClient], AsyncGenerator[None, None]]] = {}
        self._leases: set[int] = set()

    def blocking(self, holder: object) -> Lanes[BlockingClient]:
        """Give the blocking lanes, which are kept until their last holder lets go."""
        with self._lock:
            self._lease(holder)
            if self._blocking is None:
                self._blocking = Lanes(self._new_blocking, self._lock)
            return self._blocking

    async def of_running_loop(self, holder: object) -> Lanes[AsyncioClient]:
        """Give the running loop's lanes, which are kept until the loop ends or their last holder lets go."""
        with self._lock:
            self._lease(holder)
        loop = asyncio.get_running_loop()
        if self._tls is None:
            # httpx and the certificates are read from disk, which must not hold up the loop.
            await asyncio.to_thread(self._context)
        entry = self._by_loop.get(loop)
        if entry is not None:
            return entry[0]
        lanes = Lanes[AsyncioClient](self._new_asynchronous, self._lock)
        guard = self._guard(loop, lanes)
        with self._lock:
            for stale in [known for known in self._by_loop if known.is_closed()]:
                del self._by_loop[stale]
            self._by_loop[loop] = lanes, guard
        await anext(guard)
        return lanes

    async def _guard(self, loop: asyncio.AbstractEventLoop, lanes: Lanes[AsyncioClient]) -> AsyncGenerator[None, None]:
        """Wait, registered with the loop, for the loop's own shutdown."""
        try:
            yield
        finally:
            self._by_loop.pop(loop, None)
            for lane in lanes.lanes:
                await lane.client.aclose()

    def _lease(self, holder: object) -> None:
        if id(holder) not in self._leases:
            self._leases.add(id(holder))
            weakref.finalize(holder, self._leases.discard, id(holder))

    def release(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the blocking lanes.

        One that is merely gone does not: the next model that is made finds the connections still warm.
        """
        with self._lock:
            self._leases.discard(id(holder))
            lanes = None if self._leases else self._blocking
            if lanes is not None:
                self._blocking = None
        for lane in lanes.lanes if lanes is not None else ():
            lane.client.close()

    async def release_running_loop(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the running loop's lanes too."""
        self.release(holder)
        if not self._leases:
            entry = self._by_loop.get(asyncio.get_running_loop())
            if entry is not None:
                await entry[1].aclose()

    def forget(self) -> None:
        """Begin anew in a forked child, whose copies of the connections belong to the parent."""
        self.__init__()  # type: ignore[misc]  # the same object is imported by name elsewhere

    def _new_blocking(self) -> BlockingClient:
        import httpx

        if getproxies():  # which proxy serves which address is a matter for httpx's own client
            return httpx.Client(verify=self._context(), limits=self._limits(), follow_redirects=False)
        return _Blocking(httpx.HTTPTransport(verify=self._context(), limits=self._limits()))

    def _new_asynchronous(self) -> AsyncioClient:
        import httpx

        if getproxies():
            return httpx.AsyncClient(verify=self._context(), limits=self._limits(), follow_redirects=False)
        return _Asynchronous(httpx.AsyncHTTPTransport(verify=self._context(), limits=self._limits()))

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            import httpx

            self._tls = httpx.create_ssl_context()
        return self._tls

    @staticmethod
    def _limits() -> httpx.Limits:
        import httpx

        return httpx.Limits(
            max_connections=_CONNECTIONS, max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=_KEEP_ALIVE
        )


POOLS: Final = Pools()
os.register_at_fork(after_in_child=POOLS.forget)
