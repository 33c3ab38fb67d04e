"""How long a call may still wait on its connection, and what was read from it last."""

from __future__ import annotations

import errno
import math
import select
import socket
from collections.abc import Mapping
from time import monotonic
from typing import Final

from gemini_multi._transport.steps import Interrupted

SLICE: Final = 64 * 1024
"""Bytes that are sent at once."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, getattr(errno, "ENOBUFS", errno.EMFILE)})


class ConnectTimeout(TimeoutError):
    """There was no connection in time: nothing was sent. Named as httpx names it."""


class Outgoing:
    """Holds a small piece of a request back until the next comes: so that its head and its body leave together."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def added(self, data: bytes) -> bytes:
        """Give what is to be sent now."""
        if not self._held and len(data) < SLICE:
            self._held = data
            return b""
        return self.rest() + data

    def rest(self) -> bytes:
        """Give what is still held back, before an answer is read."""
        held, self._held = self._held, b""
        return held


class Bounds:
    """The end of the call that a connection carries now."""

    __slots__ = ("end", "is_interrupted", "last")

    def __init__(self) -> None:
        self.end = math.inf
        self.is_interrupted = False
        self.last = b""
        """What the last read gave."""

    def left(self, limit: float | None = None) -> float | None:
        """Say how long may be waited, at most for `limit` seconds.

        Raises:
            TimeoutError: The time is up.
            Interrupted: Another thread ended the call.
        """
        if self.is_interrupted:
            raise Interrupted
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the call is over")
        limit = math.inf if limit is None else limit
        return None if seconds == limit == math.inf else min(seconds, limit)

    def can_be_kept(self, headers: Mapping[str, str], piece: bytes) -> bool:
        """Tell whether the connection can carry another request, after a body that ended with a piece.

        Not when something came behind the body: it would be taken for the next answer.
        """
        end = b"\r\n\r\n" if "transfer-encoding" in headers or not piece else piece
        is_clean = self.last.endswith(end) or end.endswith(self.last)
        return is_clean and not self.is_interrupted and headers.get("connection", "").lower() != "close"


def is_readable(connected: socket.socket) -> bool:
    """Tell whether there is something to read from a socket, or its end, as when it is closed."""
    if connected.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([connected], [], [], 0)[0])
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))


def is_exhausted(error: BaseException) -> bool:
    """Tell whether a connection failed because this process, or the system, has no descriptors left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _EXHAUSTED:
            return True
        if any(f"(os error {number})" in str(cause) for number in _EXHAUSTED):  # as Rust writes it
            return True
        cause = cause.__cause__ or cause.__context__
    return False
