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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gemini_multi._transport.connections import default_limit
from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from gemini_multi._transport.httpx_asyncio import AsyncioConnections
    from gemini_multi._transport.httpx_blocking import BlockingConnections
    from gemini_multi._transport.interface import AsyncExchange, Exchange
    from gemini_multi._transport.pyreqwest_adapter import PyreqwestTransport
    from gemini_multi._transport.settings import TransportSettings

_LOGGER: Final = logging.getLogger("gemini_multi")


@dataclass
class _OfLoop:
    """The connections of one event loop."""

    guard: AsyncGenerator[None, None]
    by_settings: dict[TransportSettings, AsyncioConnections] = field(
        default_factory=dict["TransportSettings", "AsyncioConnections"]
    )


class Pools:
    """The connections that all clients share."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a finalizer may run while its own thread holds the lock
        self._blocking: dict[TransportSettings, BlockingConnections | PyreqwestTransport] = {}
        self._by_loop: dict[asyncio.AbstractEventLoop, _OfLoop] = {}
        self._leases: set[int] = set()

    @property
    def busy(self) -> int:
        """Number of requests in progress: the blocking ones, and those of this thread's running loop."""
        try:
            entry = self._by_loop.get(asyncio.get_running_loop())
        except RuntimeError:
            entry = None
        of_loop = () if entry is None else entry.by_settings.values()
        return sum(one.busy for one in (*self._blocking.values(), *of_loop))

    def exchange(self, settings: TransportSettings, holder: object) -> Exchange:
        """Make an exchange for one blocking request. The connections stay open until no holder is left."""
        self._lease(holder)
        return self._transport(settings).exchange()

    async def async_exchange(self, settings: TransportSettings, holder: object) -> AsyncExchange:
        """Make an exchange for one request with `await`. Its connections also stay open until the loop ends."""
        self._lease(holder)
        loop = _running_loop()
        entry = self._by_loop.get(loop)
        known = None if entry is None else entry.by_settings.get(settings)
        if known is not None:
            return known.exchange()
        if settings.name == "pyreqwest" and settings in self._blocking:
            return self._pyreqwest(settings).async_exchange()
        # Reading the library and the certificates from disk must not block the loop.
        await asyncio.to_thread(self._prepare, settings)
        if settings.name == "pyreqwest":
            return self._pyreqwest(settings).async_exchange()
        return (await self._of_loop(loop, settings)).exchange()

    def _transport(self, settings: TransportSettings) -> BlockingConnections | PyreqwestTransport:
        with self._lock:
            found = self._blocking.get(settings)
            if found is None:
                found = self._blocking[settings] = _made(settings)
            return found

    def _pyreqwest(self, settings: TransportSettings) -> PyreqwestTransport:
        from gemini_multi._transport.pyreqwest_adapter import PyreqwestTransport

        found = self._transport(settings)
        assert isinstance(found, PyreqwestTransport)
        return found

    def _prepare(self, settings: TransportSettings) -> None:
        """Read the files that the first call needs."""
        if settings.name == "pyreqwest":
            self._pyreqwest(settings)
        else:
            from gemini_multi._transport.httpx_library import library

            importlib.import_module("gemini_multi._transport.httpx_asyncio")
            library(settings.name).prepare()

    async def _of_loop(self, loop: asyncio.AbstractEventLoop, settings: TransportSettings) -> AsyncioConnections:
        """Return the connections of the running loop. Nothing here waits, so calls that start together share them."""
        from gemini_multi._transport.httpx_asyncio import AsyncioConnections
        from gemini_multi._transport.httpx_library import library

        entry = self._by_loop.get(loop)
        if entry is None:
            with self._lock:
                for stale in [known for known in self._by_loop if known.is_closed()]:
                    del self._by_loop[stale]
                entry = self._by_loop[loop] = _OfLoop(self._guard(loop))
            await anext(entry.guard)
        if settings not in entry.by_settings:
            limit = settings.max_connections or default_limit()
            entry.by_settings[settings] = AsyncioConnections(library(settings.name), limit, settings.keep_alive)
        return entry.by_settings[settings]

    async def _guard(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        """Wait until the loop shuts down. The loop knows this generator and closes it then."""
        try:
            yield
        finally:
            entry = self._by_loop.pop(loop, None)
            for connections in () if entry is None else entry.by_settings.values():
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
                self.hang_up()

    def hang_up(self) -> None:
        """Close the blocking connections. A later call connects again."""
        with self._lock:
            found, self._blocking = self._blocking, {}
        for transport in found.values():
            transport.close()

    async def release_running_loop(self, holder: object) -> None:
        """Remove a holder. When the last holder is removed, close the connections of the running loop too."""
        self.release(holder)
        if not self._leases:
            entry = self._by_loop.get(asyncio.get_running_loop())
            if entry is not None:
                await entry.guard.aclose()

    def forget(self) -> None:
        """Start without connections in a forked child: the copied connections belong to the parent process."""
        blocking = self._blocking
        self.__init__()  # type: ignore[misc]  # the same object is imported by name elsewhere
        for transport in blocking.values():
            transport.drop()


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "An asynchronous call needs a running asyncio event loop; other event loops, such as trio's, are not "
            "supported."
        ) from None


def _made(settings: TransportSettings) -> BlockingConnections | PyreqwestTransport:
    limit = settings.max_connections or default_limit()
    _LOGGER.debug("calls go over %s, with at most %d connections", settings.name, limit)
    if settings.name == "pyreqwest":
        from gemini_multi._transport.pyreqwest_adapter import PyreqwestTransport

        return PyreqwestTransport(limit, settings.keep_alive)
    from gemini_multi._transport.httpx_blocking import BlockingConnections
    from gemini_multi._transport.httpx_library import library

    return BlockingConnections(library(settings.name), limit, settings.keep_alive)


POOLS: Final = Pools()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=POOLS.forget)
