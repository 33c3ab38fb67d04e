"""The server: uvicorn on a loopback socket, in its own thread or in the foreground."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gemini_multi.sandbox.app import application
from gemini_multi.sandbox.state import State

_PATIENCE: Final = 5.0
"""The seconds that open requests have to finish after the sandbox stops."""


class _Protocol(H11Protocol):
    """Gives the application access to the transport, for faults that no HTTP server produces."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        # asyncio sets this option only on sockets with an explicit protocol number. Without it each answer waits 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Stops at once, instead of checking every 100 ms."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, ready: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._ready = ready

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = set(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class Serving:
    """A server in a daemon thread."""

    def __init__(self, state: State, host: str, port: int) -> None:
        self._state = state
        self._socket = socket.create_server((host, port), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="gemini-multi-sandbox", daemon=True)

    def start(self) -> None:
        """Start the server, and return when it answers."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop the server, and return when its thread and sockets are closed."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        config = uvicorn.Config(
            application(self._state, self._stopping),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        await _Server(config, self._stopping, self._ready).serve(sockets=[self._socket])
