"""Connections that are made lazily, shared, and let go with their event loop.

All models of a process share the blocking connections and, in each event loop, the asynchronous ones; all of those
share one TLS context. They are made by the first call, never at import or construction. Asynchronous connections belong
to their event loop: when the loop shuts its asynchronous generators down, as `asyncio.run` and `asyncio.Runner` do at
their end, they are closed with it. After a fork the child begins with none.

Each connection carries one request at a time, and the idle ones lie on a stack by host: taking one costs the same
however many there are, and few requests share few warm connections. Their number has no limit: whoever asks a thousand
questions at once wants a thousand answers at once. Behind a proxy httpx's own clients are used instead.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable
from time import monotonic
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar
from urllib.request import getproxies

from gemini_multi._clients import AsyncioLanes, BlockingLanes
from gemini_multi._http1 import Address, address_of, request_head
from gemini_multi._inflate import ACCEPTED
from gemini_multi._sockets import AsyncioConnection, BlockingConnection
from gemini_multi._transport.steps import Send

if TYPE_CHECKING:
    import ssl

    import httpx

_KEEP_ALIVE: Final = 120.0
"""Seconds for which an idle connection is used again."""
_IDLE: Final = 1000
"""Idle connections that are kept to one host."""
_LANE_CONNECTIONS: Final = 1000
"""Per lane; when all lanes are full, they share what comes."""
_LANE_IDLE: Final = 8

Expectation: TypeAlias = Callable[[BlockingConnection | None], None]
ConnectionT = TypeVar("ConnectionT", BlockingConnection, AsyncioConnection)


class Connections(Generic[ConnectionT]):
    """The idle connections by host, and those in use."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._idle: dict[tuple[str, str, int], deque[ConnectionT]] = {}
        self._busy: set[ConnectionT] = set()
        self._is_closed = False

    @property
    def busy(self) -> int:
        """How many connections carry a request."""
        return len(self._busy)

    def take(self, address: Address) -> ConnectionT | None:
        """Give the idle connection that was used last, if it still stands."""
        with self._lock:
            stack = self._idle.get(address[:3])
            while stack:
                connection = stack.pop()
                if connection.idle_since + _KEEP_ALIVE > monotonic() and connection.is_usable():
                    self._busy.add(connection)
                    return connection
                connection.hang_up()
        return None

    def put_back(self, connection: ConnectionT) -> None:
        """Keep a connection for the next request if it can carry one, else hang up."""
        with self._lock:
            self._busy.discard(connection)
            if self._is_closed or not connection.can_be_kept:
                connection.hang_up()
                return
            now = connection.idle_since = monotonic()
            stack = self._idle.setdefault(connection.address[:3], deque())
            while stack and (stack[0].idle_since + _KEEP_ALIVE <= now or len(stack) >= _IDLE):
                stack.popleft().hang_up()
            stack.append(connection)

    def shut(self) -> list[ConnectionT]:
        """Hang up what is idle, now and whenever another becomes so; return the former."""
        with self._lock:
            self._is_closed = True
            idle = [connection for stack in self._idle.values() for connection in stack]
            self._idle.clear()
        for connection in idle:
            connection.hang_up()
        return idle

    def _prepared(self, step: Send) -> tuple[Address, bytes, float]:
        """Return where a request goes, its head, and until when its answer has to be whole."""
        request = step.request
        address = address_of(request.url)
        headers = {"accept-encoding": ACCEPTED, **request.headers}
        return address, request_head(address, headers, len(request.body), request.method), monotonic() + step.within

    def _context(self, address: Address) -> ssl.SSLContext | None:
        return self._pools.context() if address.scheme == "https" else None


class BlockingConnections(Connections[BlockingConnection]):
    """The blocking ones."""

    def open(self, step: Send, expect: Expectation) -> BlockingConnection:
        """Send a request and wait for the head of its answer; `expect` is told over which connection it will come.

        A connection that had been idle and dies before it gives anything was most likely dead already: then the
        request goes out once more, over a new one.
        """
        address, head, end = self._prepared(step)
        connection = self.take(address)
        if connection is not None:
            try:
                return self._ask(connection, head, step, end, expect)
            except OSError as error:
                if isinstance(error, TimeoutError) or not connection.was_silent or connection.is_interrupted:
                    raise
        connection = BlockingConnection(self, address, self._context(address), min(step.timeouts.connect, step.within))
        self._busy.add(connection)
        return self._ask(connection, head, step, end, expect)

    @staticmethod
    def _ask(
        connection: BlockingConnection, head: bytes, step: Send, end: float, expect: Expectation
    ) -> BlockingConnection:
        expect(connection)
        try:
            connection.ask(head, step.request.body, step.timeouts, end)
        except BaseException:
            expect(None)
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the idle connections; the others close when they are let go."""
        self.shut()

    def drop(self) -> None:
        """Close this process's copies of the sockets, without the lock, which nobody may be left to give back."""
        for connection in [*self._busy, *(one for stack in self._idle.values() for one in stack)]:
            connection.hang_up()


class AsyncioConnections(Connections[AsyncioConnection]):
    """The ones with `await`."""

    async def open(self, step: Send) -> AsyncioConnection:
        """Send a request and wait for the head of its answer; see `BlockingConnections.open`."""
        address, head, end = self._prepared(step)
        connection = self.take(address)
        if connection is not None:
            try:
                return await self._ask(connection, head, step, end)
            except OSError as error:
                if isinstance(error, TimeoutError) or not connection.was_silent:
                    raise
        timeout = min(step.timeouts.connect, step.within)
        connection = await AsyncioConnection.connected(self, address, self._context(address), timeout)
        self._busy.add(connection)
        return await self._ask(connection, head, step, end)

    @staticmethod
    async def _ask(connection: AsyncioConnection, head: bytes, step: Send, end: float) -> AsyncioConnection:
        try:
            await connection.ask(head, step.request.body, step.timeouts, end)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def aclose(self) -> None:
        """Close all connections, and wait until they are."""
        ending = [*self._busy, *self.shut()]
        for connection in ending:
            connection.hang_up()
        for connection in ending:
            await connection.ended


Blocking: TypeAlias = BlockingConnections | BlockingLanes
Asynchronous: TypeAlias = AsyncioConnections | AsyncioLanes


class Pools:
    """The connections that all models share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may run while its own thread holds it
        self._tls: ssl.SSLContext | None = None
        self._blocking: Blocking | None = None
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[Asynchronous, AsyncGenerator[None, None]]] = {}
        self._leases: set[int] = set()

    @property
    def busy(self) -> int:
        """How many requests are on their way, in this thread's running loop and in no loop."""
        try:
            entry = self._by_loop.get(asyncio.get_running_loop())
        except RuntimeError:
            entry = None
        return sum(one.busy for one in (self._blocking, entry and entry[0]) if one is not None)

    def blocking(self, holder: object) -> Blocking:
        """Give the blocking connections, which are kept until their last holder lets go."""
        with self._lock:
            self._lease(holder)
            if self._blocking is None:
                self._blocking = BlockingLanes(self._client) if _has_proxy() else BlockingConnections(self)
            return self._blocking

    async def of_running_loop(self, holder: object) -> Asynchronous:
        """Give the running loop's connections, which are kept until the loop ends or their last holder lets go."""
        with self._lock:
            self._lease(holder)
        loop = asyncio.get_running_loop()
        entry = self._by_loop.get(loop)
        if entry is not None:
            return entry[0]
        if self._tls is None:
            # httpx and the certificates are read from disk, which must not hold up the loop.
            await asyncio.to_thread(self.context)
        found = AsyncioLanes(self._async_client) if _has_proxy() else AsyncioConnections(self)
        guard = self._guard(loop, found)
        with self._lock:
            for stale in [known for known in self._by_loop if known.is_closed()]:
                del self._by_loop[stale]
            self._by_loop[loop] = found, guard
        await anext(guard)
        return found

    async def _guard(self, loop: asyncio.AbstractEventLoop, found: Asynchronous) -> AsyncGenerator[None, None]:
        """Wait, registered with the loop, for the loop's own shutdown."""
        try:
            yield
        finally:
            self._by_loop.pop(loop, None)
            await found.aclose()

    def _lease(self, holder: object) -> None:
        if id(holder) not in self._leases:
            self._leases.add(id(holder))
            weakref.finalize(holder, self._leases.discard, id(holder))

    def release(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the blocking connections.

        One that is merely gone does not: the next model that is made finds the connections still warm.
        """
        with self._lock:
            self._leases.discard(id(holder))
            if not self._leases:
                self.hang_up()

    def hang_up(self) -> None:
        """Close the blocking connections. A later call connects anew."""
        with self._lock:
            found, self._blocking = self._blocking, None
        if found is not None:
            found.close()

    async def release_running_loop(self, holder: object) -> None:
        """Forget a holder; the last one to let go closes the running loop's connections too."""
        self.release(holder)
        if not self._leases:
            entry = self._by_loop.get(asyncio.get_running_loop())
            if entry is not None:
                await entry[1].aclose()

    def forget(self) -> None:
        """Begin anew in a forked child, whose copies of the connections belong to the parent."""
        if isinstance(self._blocking, BlockingConnections):
            self._blocking.drop()
        self.__init__()  # type: ignore[misc]  # the same object is imported by name elsewhere

    def context(self) -> ssl.SSLContext:
        """Give the one TLS context."""
        if self._tls is None:
            import httpx

            context = httpx.create_ssl_context()
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls

    def _client(self) -> httpx.Client:
        import httpx

        return httpx.Client(verify=self.context(), limits=self._limits(), follow_redirects=False)

    def _async_client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(verify=self.context(), limits=self._limits(), follow_redirects=False)

    @staticmethod
    def _limits() -> httpx.Limits:
        import httpx

        return httpx.Limits(
            max_connections=_LANE_CONNECTIONS, max_keepalive_connections=_LANE_IDLE, keepalive_expiry=_KEEP_ALIVE
        )


def _has_proxy() -> bool:
    return bool(getproxies().keys() - {"no"})


POOLS: Final = Pools()
os.register_at_fork(after_in_child=POOLS.forget)
