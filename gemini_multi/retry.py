"""Retry and failover: which failures lead to a retry or the next route, and the waits. Pure: the time is an argument.

| what happened | then | the route's health |
|---|---|---|
| no connection, reset, closed, timeout | "retry" | a failure |
| 408, 409, 425, 5xx; an answer that cannot be read; a stream that ends before its first content | "retry" | a failure |
| 429, also if another status reports it | "retry" | a pause as long as the provider asks, else `initial_rest` |
| a malformed call; nothing usable, and neither length nor a filter as the reason | one retry, then the next route | |
| 401, 402, 403, 404, 410, out of credit, daily quota | the next route at once | a pause of `unusable_rest` |
| 501, 505 | the next route at once | a failure |
| a feature that the route does not support | the next route at once, nothing is sent | |
| a prompt that is too long | a route with a larger window, else stop | |
| a bad request, a blocked prompt | stop | |
| any answer of the provider with `x-should-retry: true` | "retry" | as without the header |
| an answer that would lead to "retry", with `x-should-retry: false` | the next route at once | as without the header |

"Retry" means: the next healthy route that was not used yet, at once. If there is none, the same routes are used again
after a wait, each at most `max_retries` times. The provider may set the wait (`retry-after-ms`, `retry-after` as
seconds or date, Google's `RetryInfo` or `quotaResetDelay`, else words such as "retry in 34.07s" and "will reset after
3s" in the message). Otherwise it is chosen at random up to a limit that doubles with each retry. A route whose wait is
longer than `maximum_retry_after`, or passes the deadline, is not used again. `x-should-retry` overrides the status,
also for a refused key or a bad request, as in OpenAI's clients: a provider that sends it knows its own failures best,
and `max_retries` limits the cost of a mistake.

A route is paused (it rests) after `failures_before_rest` failures in a row, or when most of at least so many requests
within a minute failed. The pause doubles each time, and one request tests the route at its end. Paused routes are used
last. If all routes are paused, the one whose pause ends first is used at once.

Each route has a budget for retries, so that retries do not multiply an overload: of 500 tokens a retry takes 14 (5
after a 429). An answer to the first request returns 1, an answer after retries returns the tokens of those retries. A
request to another provider is free.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

from gemini_multi import errors

Verdict: TypeAlias = Literal["retry", "next", "stop"]

_UNUSABLE: Final = (errors.AuthenticationFailed, errors.PermissionDenied, errors.ModelNotFound, errors.QuotaExhausted)
_NEXT: Final = (*_UNUSABLE, errors.UnsupportedFeature)
_RETRY: Final = (errors.ConnectionFailed, errors.InvalidResponse, errors.RateLimited, errors.ServerError)
_NOT_IMPLEMENTED: Final = (501, 505)
_LONGEST_REST: Final = 86_400.0
"""Seconds. Quotas are counted by the day, so a longer wait is a provider's mistake."""
_PRICE: Final = 14.0
_PRICE_AFTER_LIMIT: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a request is retried on a route, and how long to wait before a retry."""

    max_retries: int = 2
    """Extra requests per route; 0 sends one request to each route."""
    initial_wait: float = 0.5
    """Seconds: the upper limit of the first wait, doubled with each retry."""
    maximum_wait: float = 8.0
    """Seconds: the upper limit of every wait that the provider did not set."""
    maximum_retry_after: float = 60.0
    """Seconds: if a provider asks for a longer wait, the next provider is used instead."""
    failures_before_rest: int = 5
    """Failures in a row after which a route is paused."""
    initial_rest: float = 5.0
    """Seconds of the first pause, doubled each time; also after a rate limit that states no time."""
    maximum_rest: float = 300.0
    """Seconds: the longest pause after failures."""
    unusable_rest: float = 60.0
    """Seconds that a route is paused after it refused the key or the model, or was out of credit."""
    budget: float | None = 500.0
    """Tokens for the retries on one route; `None` sets no limit."""

    def __post_init__(self) -> None:
        for name, least in (("max_retries", 0), ("failures_before_rest", 1)):
            if (number := getattr(self, name)) < least:
                raise errors.ConfigurationError(f"`{name}` must be {least} or more, not {number!r}.")

    def verdict(self, error: errors.GeminiMultiError) -> Verdict:
        """Decide what follows an error, by the table above."""
        if isinstance(error, errors.ProviderError) and error.should_retry is not None:
            return "retry" if error.should_retry else "next" if isinstance(error, (*_NEXT, *_RETRY)) else "stop"
        if isinstance(error, _NEXT) or (isinstance(error, errors.ServerError) and error.status in _NOT_IMPLEMENTED):
            return "next"
        return "retry" if isinstance(error, _RETRY) else "stop"

    def wait(self, retry: int, retry_after: float | None, chance: float) -> float | None:
        """Choose the seconds before a retry (the first is 0), or `None` to use the next route instead.

        The provider may ask for the seconds `retry_after`. `chance` is a number from 0 to 1.
        """
        if retry_after is not None:
            return retry_after if retry_after <= self.maximum_retry_after else None
        return chance * min(self.initial_wait * 2.0**retry, self.maximum_wait)

    def price(self, error: errors.GeminiMultiError) -> float:
        """Return the tokens that a retry after this error takes from the budget."""
        return _PRICE_AFTER_LIMIT if isinstance(error, errors.RateLimited) else _PRICE

    def rest(self, openings: int) -> float:
        """Return how many seconds a route is paused if failures paused it this often before."""
        return float(min(self.initial_rest * 2.0 ** min(openings, 60), self.maximum_rest))

    def rest_after(self, error: errors.GeminiMultiError) -> float | None:
        """Return how many seconds a route is paused after this error, or `None` if one such error is not enough."""
        wait = error.retry_after if isinstance(error, errors.ProviderError) else None
        wait = None if wait is None else min(wait, _LONGEST_REST)
        if isinstance(error, errors.RateLimited):
            return self.initial_rest if wait is None else wait
        return max(wait or 0.0, self.unusable_rest) if isinstance(error, _UNUSABLE) else None


_NUMBER: Final = r"\d{1,9}(?:\.\d{1,20})?"
_NAMES: Final = r"milliseconds?|seconds?|minutes?|hours?|days?|ms|s|m|h|d"
_DURATION: Final = re.compile(rf"({_NUMBER})\s*({_NAMES})?\s*", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def duration_of(text: str) -> float | None:
    """Read durations (`34.07s`, `900ms`, `1h16m0.66s`, `2 minutes`) to seconds. A bare number means seconds."""
    text, total, end = text.strip(), 0.0, 0
    while (found := _DURATION.match(text, end)) is not None:
        number, name = found.groups()
        if name is None and (end or found.end() < len(text)):
            return None
        unit = "ms" if name and name.startswith(("ms", "milli")) else (name or "s")[0]
        total += float(number) * _SECONDS[unit]
        end = found.end()
    return total if text and end == len(text) else None


_WORDS_OF_WAITS: Final = re.compile(
    r"\b(?:(?:retry|try again|resets?|wait)(?: again)?(?: in| after| for)?"
    rf"|available (?:again )?in) (?:about )?((?:{_NUMBER}\s?(?:{_NAMES})\b\s?|{_NUMBER}(?:ms|h|m|s)(?=\d))+)",
    re.ASCII | re.IGNORECASE,
)


def retry_in(message: str) -> float | None:
    """Read the seconds to wait from words such as `Please retry in 1m34.07s.` and `Your quota will reset after 3s.`."""
    found = _WORDS_OF_WAITS.search(message)
    return None if found is None else duration_of(found[1].lower())


def should_retry_of(headers: Mapping[str, str]) -> bool | None:
    """Read whether the provider recommends a retry."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Read how long the provider asks the client to wait. Dates are relative to its `Date` header, if it has one."""
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * scale
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    after = headers.get("retry-after", "")
    written = duration_of(after)
    return _until(after, headers.get("date", "")) if written is None else written


def _until(moment: str, now: str) -> float | None:
    try:
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(moment) - since).total_seconds())
    except (TypeError, ValueError):
        return None
