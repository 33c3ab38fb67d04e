"""The headers that a single call adds to its requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from gemini_multi.errors import ConfigurationError

GatewayMetadata: TypeAlias = Mapping[str, str | int | float | bool]
"""Entries for the log of a provider's gateway."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_THE_LIBRARY: Final = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
"""Headers that frame a request. The HTTP library writes these headers."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CallHeaders:
    """A call's own headers, and its settings for a provider's gateway. `repr` shows no value: values may be secret."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    gateway_metadata: GatewayMetadata = field(default_factory=dict[str, "str | int | float | bool"])
    gateway_event_id: str | None = None

    @classmethod
    def of(
        cls, headers: Mapping[str, str] | None, gateway_metadata: GatewayMetadata | None, gateway_event_id: str | None
    ) -> Self | None:
        """Collect the given settings, or return `None` if nothing is given."""
        if not headers and not gateway_metadata and gateway_event_id is None:
            return None
        return cls(
            headers=checked_headers(headers or {}),
            gateway_metadata=gateway_metadata or {},
            gateway_event_id=gateway_event_id,
        )

    def __repr__(self) -> str:
        return f"CallHeaders({sorted(self.headers)})"


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name, or raise a `ConfigurationError` if one of them cannot be sent unchanged."""
    for name, value in headers.items():
        if name.lower() in _OF_THE_LIBRARY:
            raise ConfigurationError(f"The header {name!r} cannot be set: it is written for each request.")
        if not _NAME.fullmatch(name) or not (f"{value}".isascii() and f"{value}".isprintable()):
            raise ConfigurationError(
                f"The header {name!r} cannot be sent: names and values must be printable ASCII in one line."
            )
    return {name.lower(): value for name, value in headers.items()}
