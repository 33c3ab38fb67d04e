"""The steps that a call yields, and the values that they carry. The transport performs them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeAlias

from gemini_multi._encoding.long_text import ChunkedBody
from gemini_multi.errors import ConnectionFailed, InvalidResponse


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait, each at most this long."""

    connect: float = 10.0
    """For a connection, its TLS handshake included."""
    read: float = 120.0
    """For the first byte of the answer, and between two pieces of its content; keep-alive comments do not count."""
    write: float = 120.0
    """For the provider to accept the next piece of the request."""

    @classmethod
    def of(cls, given: float | Timeouts | None) -> Timeouts:
        """Take a number of seconds for every wait, whole timeouts, or the defaults."""
        if given is None:
            return cls()
        if isinstance(given, Timeouts):
            return given
        return cls(connect=min(given, cls().connect), read=given, write=given)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an answer is held in memory, also of a hostile or broken provider."""

    event_bytes: int = 32 * 1024 * 1024
    """One event of a stream; generated images arrive as one event."""
    stream_bytes: int = 256 * 1024 * 1024
    """A whole stream, after decompression: many small events add up too."""
    body_bytes: int = 64 * 1024 * 1024
    """A whole answer in one piece, after decompression."""
    error_bytes: int = 256 * 1024
    """An error's body; the rest is not read."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request that is ready to be sent."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """With the key: never shown."""
    body: bytes | ChunkedBody = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and the headers of a response."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send a request; give back the `ResponseHead`."""

    request: HttpRequest
    _: KW_ONLY
    timeouts: Timeouts
    within: float = math.inf
    """Seconds that are left for the whole call."""


@dataclass(frozen=True, slots=True)
class ReadBody:
    """Step: give back the next bytes of the answer's body, decompressed; empty at its end."""


@dataclass(frozen=True, slots=True)
class Release:
    """Step: release the response and its connection."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Step: wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Consult:
    """Step: run a function that may block for a moment, such as a request to a storage; give back its result."""

    action: Callable[[], Any]


Step: TypeAlias = Send | ReadBody | Release | Sleep | Consult


class Interrupted(Exception):  # it is no error
    """Another thread has ended the call: the result of the step does not matter any more."""


class TransportError(Exception):  # thrown into the call by the loop that performs its steps
    """The connection failed in a step."""

    def __init__(
        self,
        kind: type[ConnectionFailed] | type[InvalidResponse],
        text: str,
        *,
        is_local: bool = False,
        was_sent: bool = True,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.was_sent = was_sent
        """Whether the provider may have the request, and bill it."""
        self.is_local = is_local
        """Whether this process is the cause, as when it has no descriptors left. The route's health then stays."""
