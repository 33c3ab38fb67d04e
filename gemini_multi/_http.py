"""The only module that knows httpx: connections that are made lazily, shared, and let go with their event loop.

All models of a process share one blocking client and one client per event loop, and all of those share one TLS context.
They are made by the first call, never at import or construction. A client belongs to its event loop: when the loop
shuts its asynchronous generators down, as `asyncio.run` and `asyncio.Runner` do at their end, its connections are
closed with it. After a fork the child begins with none.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from gemini_multi._wire import Head, HttpRequest, Open, Read, Step, Timeouts, Wait, WireFailure
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

if TYPE_CHECKING:
    import ssl

    import httpx

_KEEP_ALIVE: Final = 120.0
_CONNECTIONS: Final = 1000
_IDLE_CONNECTIONS: Final = 100


class Response(Protocol):
    """What is used of an httpx response."""

    status_code: int

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


class _Pools:
    """The clients that all models share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._tls: ssl.SSLContext | None = None
        self._blocking: httpx.Client | None = None
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None, None]]] = {}
        self._leases: set[int] = set()

    def blocking(self, holder: object) -> httpx.Client:
        """Give the blocking client, which is kept until its last holder lets go."""
        with self._lock:
            self._lease(holder)
            if self._blocking is None:
                self._blocking = self._new_blocking()
            return self._blocking

    async def of_running_loop(self, holder: object) -> httpx.AsyncClient:
        """Give the running loop's client, which is kept until the loop ends or its last holder lets go."""
        with self._lock:
            self._lease(holder)
        loop = asyncio.get_running_loop()
        if self._tls is None:
            # httpx and the certificates are read from disk, which must not hold up the loop.
            await asyncio.to_thread(self._context)
        entry = self._by_loop.get(loop)
        if entry is not None:
            return entry[0]
        client = self._new_asynchronous()
        guard = self._guard(loop, client)
        with self._lock:
            for stale in [known for known in self._by_loop if known.is_closed()]:
                del self._by_loop[stale]
            self._by_loop[loop] = client, guard
        await anext(guard)
        return client

    async def _guard(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
        """Wait, registered with the loop, for the loop's own shutdown."""
        try:
            yield
        finally:
            self._by_loop.pop(loop, None)
            await client.aclose()

    def _lease(self, holder: object) -> None:
        if id(holder) not in self._leases:
            self._leases.add(id(holder))
            weakref.finalize(holder, self._leases.discard, id(holder))

    def release(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the blocking client.

        One that is merely gone does not: the next model that is made finds the connections still warm.
        """
        with self._lock:
            self._leases.discard(id(holder))
            client = None if self._leases else self._blocking
            if client is not None:
                self._blocking = None
        if client is not None:
            client.close()

    async def release_running_loop(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the running loop's client too."""
        self.release(holder)
        if not self._leases:
            entry = self._by_loop.get(asyncio.get_running_loop())
            if entry is not None:
                await entry[1].aclose()

    def forget(self) -> None:
        """Begin anew in a forked child, whose copies of the connections belong to the parent."""
        self.__init__()  # type: ignore[misc]  # the same object is imported by name elsewhere

    def _new_blocking(self) -> httpx.Client:
        import httpx

        return httpx.Client(verify=self._context(), limits=self._limits(), follow_redirects=False)

    def _new_asynchronous(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(verify=self._context(), limits=self._limits(), follow_redirects=False)

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


POOLS: Final = _Pools()
os.register_at_fork(after_in_child=POOLS.forget)


class Wire:
    """Performs the steps of one exchange, blocking."""

    def __init__(self, client: httpx.Client | None, holder: object) -> None:
        """Use the caller's client, or the shared one, which stays open as long as the holder does."""
        self._client = client
        self._holder = holder
        self._response: Response | None = None
        self._body: Iterator[bytes] = iter(())

    def perform(self, step: Step) -> Head | bytes | None:
        """Do what the step says.

        Raises:
            WireFailure: The connection failed.
        """
        if isinstance(step, Read):
            try:
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
        client = self._client or POOLS.blocking(self._holder)
        try:
            response = client.send(_built(client, step.request, step.timeouts), stream=True, follow_redirects=False)
        except Exception as error:
            raise _failure(error) from error
        self._response = response
        self._body = response.iter_bytes()
        return Head(response.status_code, response.headers)

    def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        response, self._response = self._response, None
        self._body = iter(())
        if response is not None:
            response.close()


class AsyncWire:
    """Performs the steps of one exchange with `await`."""

    def __init__(self, client: httpx.AsyncClient | None, holder: object) -> None:
        """Use the caller's client, or the running loop's shared one, which stays open as long as the holder does."""
        self._client = client
        self._holder = holder
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
        client = self._client or await POOLS.of_running_loop(self._holder)
        try:
            response = await client.send(
                _built(client, step.request, step.timeouts), stream=True, follow_redirects=False
            )
        except Exception as error:
            raise _failure(error) from error
        self._response = response
        self._body = response.aiter_bytes()
        return Head(response.status_code, response.headers)

    async def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        response, self._response = self._response, None
        body, self._body = self._body, None
        if isinstance(body, AsyncGenerator):
            await body.aclose()
        if response is not None:
            await response.aclose()

    def abandon(self) -> None:
        """Close soon what was dropped without being closed, if its loop still runs."""
        loop = self._loop
        if self._response is not None and loop is not None and loop.is_running():
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.close()))


_PAUSE: Final = threading.Event()
"""Never set: waiting on it is a sleep that tests can see."""


def _built(client: httpx.Client | httpx.AsyncClient, request: HttpRequest, timeouts: Timeouts) -> httpx.Request:
    """Build the request, with the per-attempt timeouts where httpx and its likes look for them."""
    limits = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": timeouts.connect}
    return client.build_request(
        "POST", request.url, content=request.body, headers=dict(request.headers), extensions={"timeout": limits}
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
