"""The server: finds the end of each request and writes bytes that were made before. `python -m benchmarks.loopback`.

It prints its port and the one for TLS, and ends with its standard input. Its argument is a certificate with its key.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Iterator
from functools import cache
from typing import Final

from .answers import Answer, Dialect, answer

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"


@cache
def routed(path: bytes) -> tuple[Answer, bytes]:
    """Find the answer of a path, and all its bytes in one piece."""
    segments = path.partition(b"?")[0].decode().strip("/").split("/")
    name, last = segments[0], segments[-1]
    dialect: Dialect = "chat" if last == "completions" else "native"
    found = answer(name if dialect == "chat" or ":" in last or last == "run" else "model", dialect)
    return found, found.whole()


class Loopback(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._missing = 0
        """Bytes of the request's body that have not come yet."""
        self._path = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=2**26)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._missing > 0:
            self._missing -= len(data)
        else:
            self._buffer += data
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                return
            self._begin(self._buffer[:end], len(self._buffer) - end - len(_HEAD_END))
        if self._missing <= 0:
            self._buffer = b""
            self._reply()

    def _begin(self, head: bytes, received: int) -> None:
        self._path = head.split(b" ", 2)[1]
        _, found, rest = head.lower().partition(_LENGTH)
        self._missing = (int(rest.partition(b"\r\n")[0]) if found else 0) - received

    def _reply(self) -> None:
        found, whole = routed(self._path)
        if not found.pause:
            self._transport.write(whole)
            return
        self._transport.write(found.head)
        loop = asyncio.get_running_loop()
        self._tick(found.timed(), loop.time(), found.pause, loop)

    def _tick(self, pieces: Iterator[bytes], due: float, pause: float, loop: asyncio.AbstractEventLoop) -> None:
        piece = next(pieces, None)
        if piece is None:
            return
        self._transport.write(piece)
        self._timer = loop.call_at(due + pause, self._tick, pieces, due + pause, pause, loop)


async def serve(certificate: str) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await loop.create_server(Loopback, "127.0.0.1", 0, backlog=4096)
    encrypted = await loop.create_server(Loopback, "127.0.0.1", 0, backlog=4096, ssl=context)
    for one in (server, encrypted):
        print(one.sockets[0].getsockname()[1], flush=True)
    async with server, encrypted:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
