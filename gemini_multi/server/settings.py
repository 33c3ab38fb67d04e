"""The configuration of a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gemini_multi.errors import ConfigurationError

_MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The keys that callers may use, and the limits of the server.

    Args:
        keys: The keys that are accepted. Without keys, everybody who can reach the port may send requests.
        max_body_bytes: The largest request body. Larger bodies are answered with 413.
        max_requests: The largest number of requests at once. Further requests are answered with 503.
        retry_after: The seconds in the `retry-after` header of a 503.
        signature_entries: The number of messages with thought signatures that are remembered.
        signature_bytes: The memory that these messages may take.
        signature_seconds: The seconds for which they are remembered.

    Raises:
        ConfigurationError: A key is empty, or a limit is invalid.
    """

    keys: Sequence[str] = field(default=(), repr=False)
    max_body_bytes: int = 64 * _MEBIBYTE
    max_requests: int = 256
    retry_after: float = 1.0
    signature_entries: int = 10_000
    signature_bytes: int = 64 * _MEBIBYTE
    signature_seconds: float = 6 * 3600.0

    def __post_init__(self) -> None:
        """Refuse settings with which the server could not answer any request."""
        if any(not key.strip() for key in self.keys):
            raise ConfigurationError("A server key is empty. Set a longer one, or none at all.")
        for name in ("max_body_bytes", "max_requests", "retry_after"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"`{name}` must be above 0, not {getattr(self, name)!r}.")
