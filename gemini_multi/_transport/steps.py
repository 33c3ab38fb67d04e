"""The steps that a call yields, their values, and the settings of a transport, which performs the steps."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from gemini_multi._encoding.long_text import ChunkedBody
from gemini_multi.errors import ConfigurationError, ConnectionFailed, InvalidResponse

TransportName: TypeAlias = Literal["httpx", "httpx2", "pyreqwest"]
"""The HTTP libraries that a caller can choose."""

_VARIABLE: Final = "GEMINI_MULTI_TRANSPORT"
"""The environment variable that chooses the library when the argument does not."""
_FOR_OTHERS: Final = 64
"""Descriptors that are reserved for the rest of the process."""
_FEWEST: Final = 8
_WITHOUT_LIMIT: Final = 1000
"""Maximum number of connections if the system does not limit the descriptors of a process."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The settings that clients must have in common to share connections."""

    name: TransportName = "httpx"
    max_connections: int | None = None
    """The caller's maximum number of open connections."""
    keep_alive: float = 120.0
    """Seconds for which an idle connection is kept."""

    @classmethod
    def of(cls, transport: str | None, max_connections: int | None, keep_alive: float | None) -> TransportSettings:
        """Check the caller's settings. The environment chooses the library if the caller does not."""
        name = transport or os.environ.get(_VARIABLE) or cls().name
        if name not in get_args(TransportName):
            source = "`transport`" if transport else f"`{_VARIABLE}`"
            raise ConfigurationError(f"{source} must be one of {', '.join(get_args(TransportName))}, not {name!r}.")
        if max_connections is not None and max_connections < 1:
            raise ConfigurationError(f"`max_connections` must be at least 1, not {max_connections!r}.")
        if keep_alive is not None and not keep_alive > 0:
            raise ConfigurationError(f"`keep_alive` must be a number of seconds above 0, not {keep_alive!r}.")
        return cls(cast("TransportName", name), max_connections, cls().keep_alive if keep_alive is None else keep_alive)

    @property
    def limit(self) -> int:
        """Maximum number of open connections of a pool: by default half of the descriptors that are not reserved.

        The blocking pool and the pool of an event loop share the process. An event loop's own descriptors are reserved.
        """
        if self.max_connections is not None:
            return self.max_connections
        try:
            from resource import RLIMIT_NOFILE, getrlimit
        except ImportError:  # Windows
            return _WITHOUT_LIMIT
        descriptors = getrlimit(RLIMIT_NOFILE)[0]
        return max(_FEWEST, (descriptors - _FOR_OTHERS) // 2) if descriptors > 0 else _WITHOUT_LIMIT


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Maximum seconds of each wait."""

    connect: float = 10.0
    """For a connection, including its TLS handshake."""
    read: float = 120.0
    """For the first byte of the response, and between two pieces of its content. Keep-alive comments do not count."""
    write: float = 120.0
    """For the provider to accept the next piece of the request."""

    @classmethod
    def of(cls, given: float | Timeouts | None) -> Timeouts:
        """Convert a number of seconds for every wait, complete timeouts, or `None` for the defaults."""
        if given is None:
            return cls()
        if isinstance(given, Timeouts):
            return given
        return cls(connect=min(given, cls().connect), read=given, write=given)


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum size of a response in memory. It also holds for a hostile or broken provider."""

    event_bytes: int = 32 * 1024 * 1024
    """One event of a stream. A generated image arrives as one event."""
    stream_bytes: int = 256 * 1024 * 1024
    """A whole stream after decompression, because many small events add up."""
    body_bytes: int = 64 * 1024 * 1024
    """A whole response in one piece, after decompression."""
    error_bytes: int = 256 * 1024
    """The body of an error. The rest is not read."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and the headers of a response."""

    status: int
    headers: Mapping[str, str]
    """The headers by lower-case name."""


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send a request; the result is the `ResponseHead`."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """The headers include the key, so they are never shown."""
    body: bytes | ChunkedBody = field(repr=False)
    method: str = "POST"
    _: KW_ONLY
    timeouts: Timeouts
    within: float = math.inf
    """Seconds that are left for the whole call."""


@dataclass(frozen=True, slots=True)
class ReadBody:
    """Step: read the next bytes of the response's body; the result is decompressed, and empty at the end."""


@dataclass(frozen=True, slots=True)
class Release:
    """Step: release the response and its connection."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Step: wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Consult:
    """Step: run a function that may block for a moment, such as a request to a storage; the result is its value."""

    action: Callable[[], Any]


Step: TypeAlias = Send | ReadBody | Release | Sleep | Consult


class Interrupted(Exception):  # not an error
    """Another thread has ended the call, so the step's result is not needed any more."""


class TransportError(Exception):  # raised in the call by the loop that performs its steps
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
        """Whether the provider may have received the request and may bill it."""
        self.is_local = is_local
        """Whether this process is the cause, such as a lack of file descriptors. If so, the route's health stays."""
