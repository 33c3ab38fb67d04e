"""The connections that all clients of a process share. The first call makes a pool; it is closed with its event loop.

Clients with the same settings share the blocking connections and, in each event loop, the asynchronous connections.
When a loop shuts down its asynchronous generators, as `asyncio.run` and `asyncio.Runner` do at their end, its
connections are closed with it. After a fork the child process starts without connections.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import threading
import weakref
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from gemini_multi._transport.httpx_asyncio import AsyncioConnections
    from gemini_multi._transport.httpx_blocking import BlockingConnections
    from gemini_multi._transport.pyreqwest_adapter import PyreqwestTransport
    from gemini_multi._transport.session import AsyncExchange, Exchange
    from gemini_multi._transport.steps import TransportSettings

_LOGGER: Final = logging.getLogger("gemini_multi")


class Pools:
    """The connections that all clients share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a finalizer may run while its own thread holds the lock
        self._blocking: dict[TransportSettings, BlockingConnections | PyreqwestTransport] = {}
        self._by_loop: dict[asyncio.AbstractEventLoop, dict[TransportSettings, AsyncioConnections]] = {}
        self._guards: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._leases: set[int] = set()

    @property
    def busy(self) -> int:
        """Number of requests in progress: the blocking ones, and those of this thread's running loop."""
        transports: list[AsyncioConnections | BlockingConnections | PyreqwestTransport] = [*self._blocking.values()]
        with suppress(RuntimeError):
            transports += self._by_loop.get(asyncio.get_running_loop(), {}).values()
        return sum(transport.busy for transport in transports)

    def exchange(self, settings: TransportSettings, holder: object) -> Exchange:
        """Make an exchange for one blocking request. The connections stay open until no holder is left."""
        self._lease(holder)
        return self._transport(settings).exchange()

    async def async_exchange(self, settings: TransportSettings, holder: object) -> AsyncExchange:
        """Make an exchange for one request with `await`. Its connections also stay open until the loop ends."""
        self._lease(holder)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "An asynchronous call needs a running asyncio event loop; other event loops, such as trio's, are not "
                "supported."
            ) from None
        if (known := self._by_loop.get(loop, {}).get(settings)) is not None:
            return known.exchange()
        # Reading the library and the certificates from disk must not block the loop.
        if settings.name != "pyreqwest":
            await asyncio.to_thread(_prepare, settings.name)
            return (await self._of_loop(loop, settings)).exchange()
        if settings not in self._blocking:
            await asyncio.to_thread(self._transport, settings)
        return cast("PyreqwestTransport", self._transport(settings)).async_exchange()

    def _transport(self, settings: TransportSettings) -> BlockingConnections | PyreqwestTransport:
        with self._lock:
            found = self._blocking.get(settings)
            if found is None:
                found = self._blocking[settings] = _made(settings)
            return found

    async def _of_loop(self, loop: asyncio.AbstractEventLoop, settings: TransportSettings) -> AsyncioConnections:
        """Return the connections of the running loop. Nothing here waits, so calls that start together share them."""
        from gemini_multi._transport.httpx_asyncio import AsyncioConnections

        if loop not in self._by_loop:
            with self._lock:
                for stale in [known for known in self._by_loop if known.is_closed()]:
                    del self._by_loop[stale], self._guards[stale]
                self._by_loop[loop] = {}
                guard = self._guards[loop] = self._guard(loop)
            await anext(guard)
        by_settings = self._by_loop[loop]
        if settings not in by_settings:
            by_settings[settings] = AsyncioConnections(settings)
        return by_settings[settings]

    async def _guard(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        """Wait until the loop shuts down. The loop knows this generator and closes it then."""
        try:
            yield
        finally:
            self._guards.pop(loop, None)
            for connections in self._by_loop.pop(loop, {}).values():
                await connections.aclose()

    def _lease(self, holder: object) -> None:
        if id(holder) not in self._leases:
            with self._lock:
                self._leases.add(id(holder))
            weakref.finalize(holder, self._leases.discard, id(holder))

    def release(self, holder: object) -> None:
        """Remove a holder. When the last holder is removed, close the blocking connections.

        A client that is only garbage-collected does not close them: the next client can use the open connections.
        """
        with self._lock:
            self._leases.discard(id(holder))
            if not self._leases:
                self.close()

    def close(self) -> None:
        """Close the blocking connections. A later call connects again."""
        with self._lock:
            found, self._blocking = self._blocking, {}
        for transport in found.values():
            transport.close()

    async def release_running_loop(self, holder: object) -> None:
        """Remove a holder. When the last holder is removed, close the connections of the running loop too."""
        self.release(holder)
        guard = self._guards.get(asyncio.get_running_loop())
        if guard is not None and not self._leases:
            await guard.aclose()

    def forget(self) -> None:
        """Start without connections in a forked child: the copied connections belong to the parent process."""
        blocking = self._blocking
        self.__init__()  # type: ignore[misc]  # the same object is imported by name elsewhere
        for transport in blocking.values():
            transport.drop()


def _prepare(library_name: str) -> None:
    """Read the files that the first call in an event loop needs."""
    from gemini_multi._transport.httpx_library import library

    importlib.import_module("gemini_multi._transport.httpx_asyncio")
    library(library_name).prepare()


def _made(settings: TransportSettings) -> BlockingConnections | PyreqwestTransport:
    _LOGGER.debug("calls go over %s, with at most %d connections", settings.name, settings.limit)
    if settings.name == "pyreqwest":
        from gemini_multi._transport.pyreqwest_adapter import PyreqwestTransport

        return PyreqwestTransport(settings)
    from gemini_multi._transport.httpx_blocking import BlockingConnections

    return BlockingConnections(settings)


POOLS: Final = Pools()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=POOLS.forget)
