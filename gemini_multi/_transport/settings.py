"""The HTTP library of a client, and its number of connections."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

from gemini_multi.errors import ConfigurationError

TransportName: TypeAlias = Literal["httpx", "httpx2", "pyreqwest"]
"""The HTTP libraries that a caller can choose."""

VARIABLE: Final = "GEMINI_MULTI_TRANSPORT"
"""The environment variable that chooses the library when the argument does not."""
_DEFAULT: Final = "httpx"
KEEP_ALIVE: Final = 120.0


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The settings that clients must have in common to share connections."""

    name: TransportName = _DEFAULT
    max_connections: int | None = None
    """Maximum number of open connections. The default depends on the process's limit of file descriptors."""
    keep_alive: float = KEEP_ALIVE
    """Seconds for which an idle connection is kept."""

    @classmethod
    def of(cls, transport: str | None, max_connections: int | None, keep_alive: float | None) -> TransportSettings:
        """Check the caller's settings. The environment chooses the library if the caller does not.

        Raises:
            ConfigurationError: There is no such transport, or a number is invalid.
        """
        name = transport or os.environ.get(VARIABLE) or _DEFAULT
        if name not in get_args(TransportName):
            source = "`transport`" if transport else f"`{VARIABLE}`"
            raise ConfigurationError(f"{source} must be one of {', '.join(get_args(TransportName))}, not {name!r}.")
        if max_connections is not None and max_connections < 1:
            raise ConfigurationError(f"`max_connections` must be at least 1, not {max_connections!r}.")
        if keep_alive is not None and not keep_alive > 0:
            raise ConfigurationError(f"`keep_alive` must be a number of seconds above 0, not {keep_alive!r}.")
        return cls(cast("TransportName", name), max_connections, KEEP_ALIVE if keep_alive is None else keep_alive)
