"""The time limits of a call on its connection, and the last bytes that were read from the connection."""

from __future__ import annotations

import errno
import math
import select
import socket
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from gemini_multi._transport.steps import Interrupted

SLICE: Final = 64 * 1024
"""Maximum number of bytes in one write."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, getattr(errno, "ENOBUFS", errno.EMFILE)})


class ConnectTimeout(TimeoutError):
    """No connection was made in time, so nothing was sent. The name is the same as in httpx."""


class Bounds:
    """The end of the call that uses a connection now, and the connection's socket."""

    __slots__ = ("end", "is_interrupted", "last", "socket")

    def __init__(self) -> None:
        self.end = math.inf
        self.is_interrupted = False
        self.last = b""
        """The result of the last read."""
        self.socket: socket.socket | None = None

    def left(self, limit: float | None = None) -> float | None:
        """Return how many seconds the call may still wait, at most `limit`, or raise an error if it must not wait."""
        if self.is_interrupted:
            raise Interrupted
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the call is over")
        limit = math.inf if limit is None else limit
        return None if seconds == limit == math.inf else min(seconds, limit)

    def is_quiet(self) -> bool:
        """Return whether the peer has neither closed the idle connection nor sent anything that nobody asked for."""
        if self.socket is None or self.socket.fileno() < 0:
            return False
        if not hasattr(select, "poll"):  # Windows
            return not select.select([self.socket], [], [], 0)[0]
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def can_be_kept(self, headers: Mapping[str, str], piece: bytes) -> bool:
        """Return whether the connection can carry another request after a body whose last bytes were `piece`.

        If bytes came after the body, the answer is no: the next call would read these bytes as its response.
        """
        end = b"\r\n\r\n" if "transfer-encoding" in headers or not piece else piece
        is_clean = self.last.endswith(end) or end.endswith(self.last)
        return is_clean and not self.is_interrupted and headers.get("connection", "").lower() != "close"


class Bounded:
    """A network stream of httpcore with the bounds of a call. It sends the head and a small body together."""

    def __init__(self, stream: Any, bounds: Bounds) -> None:  # noqa: ANN401  # of httpcore or httpcore2
        self._stream = stream
        self._bounds = bounds
        self._delayed = b""
        self.get_extra_info = stream.get_extra_info
        self.close, self.aclose = getattr(stream, "close", None), getattr(stream, "aclose", None)
        bounds.socket = stream.get_extra_info("socket")

    def _added(self, data: bytes) -> bytes:
        """Add data to send, and return the bytes to send now: the first part of a request waits for the next part."""
        if not self._delayed and len(data) < SLICE:
            self._delayed = data
            return b""
        return self._rest() + data

    def _rest(self) -> bytes:
        """Return the delayed bytes. They must be sent before the response is read."""
        delayed, self._delayed = self._delayed, b""
        return delayed


def is_exhausted(error: BaseException) -> bool:
    """Return whether a connection failed because this process or the system has no file descriptors left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _EXHAUSTED:
            return True
        if any(f"(os error {number})" in str(cause) for number in _EXHAUSTED):  # the format of Rust's errors
            return True
        cause = cause.__cause__ or cause.__context__
    return False
