"""A reply on the socket: whole, streamed, or broken on purpose."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal

from starlette.types import Receive, Scope, Send

Ending = Literal["whole", "close", "reset", "reset_at_once", "close_at_once", "stall"]

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_PAUSE_BEFORE_RESET: Final = 0.01
"""The seconds that the client has to read the data. A reset discards data that was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply. A stream has `events`, any other reply has a `body`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    body: bytes = b""
    events: tuple[bytes, ...] | None = None
    ending: Ending = "whole"
    claimed_length: int | None = None
    """A wrong `content-length`."""

    async def send(self, scope: Scope, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
        """Send the reply."""
        if self.ending != "whole" or self.claimed_length is not None:
            await self._send_broken(scope, receive, stopping)
            return
        await send({"type": "http.response.start", "status": self.status, "headers": self._raw_headers()})
        if self.events is None:
            await send({"type": "http.response.body", "body": self.body})
            return
        for piece in self._pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        headers = {"content-type": self.content_type, **self.headers}
        if self.events is None:
            headers["content-length"] = str(len(self.body) if self.claimed_length is None else self.claimed_length)
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    def _pieces(self) -> Iterator[bytes]:
        if self.events is None:
            yield self.body
            return
        yield from cut(self.events)

    async def _send_broken(self, scope: Scope, receive: Receive, stopping: asyncio.Event) -> None:
        """Write below the server's HTTP layer, because that layer would never send a broken response."""
        transport: asyncio.Transport = scope["state"]["transport"]
        if not self.ending.endswith("at_once"):
            transport.write(self._head())
            for piece in self._pieces():
                transport.write(piece if self.events is None else b"%x\r\n%b\r\n" % (len(piece), piece))
                await asyncio.sleep(0)
        if self.ending == "stall":
            await _until_either(stopping, receive)
        if self.ending.startswith("reset"):
            await asyncio.sleep(_PAUSE_BEFORE_RESET)
            _reset(transport)
        else:
            transport.close()
        await _disconnected(receive)

    def _head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self._raw_headers()]
        lines += [b"transfer-encoding: chunked"] if self.events is not None else []
        return b"\r\n".join([*lines, b"connection: close", b"", b""])


def cut(events: tuple[bytes, ...]) -> Iterator[bytes]:
    """Split events at difficult positions: inside a character, else in the middle, and between CR and LF."""
    rest = b""
    for event in events:
        place = next((index + 1 for index, byte in enumerate(event) if byte >= 0xC0), len(event) // 2)
        yield rest + event[:place]
        rest = event[place:]
        if rest.endswith(b"\n"):
            yield rest[:-1]
            rest = b"\n"
    if rest:
        yield rest


def _reset(transport: asyncio.Transport) -> None:
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_either(stopping: asyncio.Event, receive: Receive) -> None:
    waits = (asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(_disconnected(receive)))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
