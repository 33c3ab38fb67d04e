"""What is repeated, what moves on and how long to wait. Pure: time and chance are passed in.

| what happened | then |
|---|---|
| no connection, reset, closed, timeout | again on the same route, then the next route |
| 408, 409, 425, 429, 5xx; an answer that cannot be read; a stream that ends before its first content | the same |
| a malformed call; a `stop` without content | once more, then the next route; the last such answer is returned |
| 401, 402, 403, 404, out of credit, daily quota, 501, 505 | the next route at once |
| a feature that the route cannot express | the next route at once, nothing is sent |
| a bad request, a prompt that is too long, a blocked prompt | stop |

A wait is the host's own (`retry-after-ms`, `retry-after` as seconds or date, Google's `RetryInfo`), else chosen at
random up to a limit that doubles with each retry. A wait that is longer than `maximum_retry_after`, or would pass the
deadline, moves on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

from gemini_multi.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ConnectionFailed,
    GeminiMultiError,
    InvalidResponse,
    ModelNotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    ServerError,
    UnsupportedFeature,
)

Verdict: TypeAlias = Literal["retry", "next", "stop"]

_NEXT: Final = (AuthenticationFailed, PermissionDenied, ModelNotFound, QuotaExhausted, UnsupportedFeature)
_RETRY: Final = (ConnectionFailed, InvalidResponse, RateLimited, ServerError)
_NOT_IMPLEMENTED: Final = (501, 505)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a route is asked again."""

    max_retries: int = 2
    """Extra requests per route; 0 asks each route once."""
    initial_wait: float = 0.5
    """Seconds: the upper limit of the first wait, doubled each time."""
    maximum_wait: float = 8.0
    """Seconds: the upper limit of every wait that the host did not ask for."""
    maximum_retry_after: float = 60.0
    """Seconds: a host that asks for a longer wait is left for the next one."""

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise ConfigurationError(f"`max_retries` must be 0 or more, not {self.max_retries!r}.")

    def verdict(self, error: GeminiMultiError) -> Verdict:
        """Decide what an error leads to, by the table above."""
        if isinstance(error, _NEXT):
            return "next"
        if isinstance(error, ServerError) and error.status in _NOT_IMPLEMENTED:
            return "next"
        return "retry" if isinstance(error, _RETRY) else "stop"

    def wait(self, retry: int, retry_after: float | None, chance: float) -> float | None:
        """Choose the seconds to wait before a retry; `None` means: move on instead.

        Args:
            retry: Which retry it is, from 0.
            retry_after: Seconds that the host asked for.
            chance: A number from 0 to 1.
        """
        if retry_after is not None:
            return retry_after if retry_after <= self.maximum_retry_after else None
        return chance * min(self.initial_wait * 2.0**retry, self.maximum_wait)


_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?\s*", re.ASCII)
_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_of(text: str) -> float | None:
    """Read Google's durations (`34.07s`, `900ms`) into seconds."""
    match = _DURATION.fullmatch(text)
    return float(match.group(1)) * _UNIT[match.group(2) or "s"] if match else None


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Read how long the host asks to wait; dates are relative to its own `Date` header."""
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * scale
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(moment: str, now: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(moment) - parsedate_to_datetime(now)).total_seconds())
    except (TypeError, ValueError):
        return None
