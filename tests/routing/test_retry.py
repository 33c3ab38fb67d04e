"""What is repeated, what moves on, and how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gemini_multi.errors import (
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    ContextOverflow,
    GeminiMultiError,
    InvalidResponse,
    ModelNotFound,
    PermissionDenied,
    PromptBlocked,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServerError,
    UnsupportedFeature,
)
from gemini_multi.retry import RetryPolicy, Verdict, duration_of, retry_after_of, retry_in

VERDICTS: list[tuple[GeminiMultiError, Verdict]] = [
    (ConnectionFailed("x"), "retry"),
    (RequestTimeout("x"), "retry"),
    (RateLimited("x", status=429), "retry"),
    (ServerError("x", status=500), "retry"),
    (ServerError("x", status=408), "retry"),
    (ServerError("x", status=529), "retry"),
    (InvalidResponse("x"), "retry"),
    (ServerError("x", status=501), "next"),
    (ServerError("x", status=505), "next"),
    (AuthenticationFailed("x", status=401), "next"),
    (PermissionDenied("x", status=403), "next"),
    (QuotaExhausted("x", status=402), "next"),
    (ModelNotFound("x", status=404), "next"),
    (UnsupportedFeature("x"), "next"),
    (BadRequest("x", status=400), "stop"),
    (ContextOverflow("x", status=400), "stop"),
    (PromptBlocked("x"), "stop"),
    (BudgetExceeded("x"), "stop"),
    (BadRequest("x", status=400, should_retry=True), "retry"),
    (AuthenticationFailed("x", status=401, should_retry=True), "retry"),
    (ServerError("x", status=501, should_retry=True), "retry"),
    (ServerError("x", status=503, should_retry=False), "next"),
    (RateLimited("x", status=429, should_retry=False), "next"),
    (ModelNotFound("x", status=404, should_retry=False), "next"),
    (BadRequest("x", status=400, should_retry=False), "stop"),
]


@pytest.mark.parametrize(("error", "verdict"), VERDICTS, ids=lambda value: repr(value))
def test_each_failure_has_its_verdict(error: GeminiMultiError, verdict: Verdict) -> None:
    """The documented table holds."""
    assert RetryPolicy().verdict(error) == verdict


@pytest.mark.parametrize(("retry", "limit"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (50, 8.0)])
def test_the_wait_is_jittered_up_to_a_doubling_limit(retry: int, limit: float) -> None:
    """Chance picks anything from nothing to the limit, which doubles and is capped."""
    policy = RetryPolicy()

    assert [policy.wait(retry, None, chance) for chance in (0.0, 0.5, 1.0)] == [0.0, limit / 2, limit]


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 0.0), (7.5, 7.5), (60.0, 60.0), (60.1, None)])
def test_the_providers_own_wait_comes_first(asked: float, wait: float | None) -> None:
    """A provider that asks for a wait gets it; one that asks for too much is left."""
    assert RetryPolicy().wait(0, asked, 1.0) == wait


HEADERS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "3"}, 3.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1.5"}, 1.5),
    ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ({"x-ms-retry-after-ms": "40"}, 0.04),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "30s"}, 30.0),
    ({"retry-after": "1m5s"}, 65.0),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30.0),
    ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "today"}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), HEADERS)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds, seconds and dates are understood; nonsense is no wait."""
    assert retry_after_of(headers) == seconds


def test_a_dated_wait_without_a_date_counts_from_now() -> None:
    """The process's own clock has to do."""
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    wait = retry_after_of({"retry-after": moment})

    assert wait is not None
    assert 3000 < wait <= 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("34.07s", 34.07),
        ("900ms", 0.9),
        ("373.801628ms", 0.373801628),
        ("2m", 120.0),
        ("1h16m0.5s", 4560.5),
        ("1 hour 2 minutes", 3720.0),
        ("3 seconds", 3.0),
        ("5", 5.0),
        ("5 5", None),
        ("1m5", None),
        ("-1s", None),
        ("", None),
        ("soon", None),
    ],
)
def test_googles_durations_are_read(text: str, seconds: float | None) -> None:
    """`RetryInfo.retryDelay` comes with a unit."""
    assert duration_of(text) == seconds


def test_a_negative_number_of_retries_is_refused() -> None:
    """A policy that makes no sense is an error at construction."""
    with pytest.raises(ConfigurationError, match="max_retries"):
        RetryPolicy(max_retries=-1)


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Quota exceeded. Please retry in 34.074824224s.", 34.074824224),
        ("Please retry in 1h2m3.5s.", 3723.5),
        ("Retry in 250ms", 0.25),
        ("No capacity is left. Your quota will reset after 1m5s.", 65.0),
        ("Rate limit reached. Please try again in 20s. Visit us.", 20.0),
        ("Please wait 12 seconds before the next request.", 12.0),
        ("Retry after 2 minutes", 120.0),
        ("We retry a request after 5 failures", None),
        ("The limit resets at 5 o'clock", None),
        ("Please retry in a moment.", None),
        ("Please retry in 5 days", 432_000.0),
        ("Do not retry in 5sec", None),
        ("retry in " + "9" * 5_000 + "s", None),
        ("", None),
    ],
)
def test_googles_words_are_read(message: str, seconds: float | None) -> None:
    """Some gateways pass on nothing else of Google's hint."""
    assert retry_in(message) == seconds


@pytest.mark.parametrize(("error", "is_retryable"), [(RateLimited, True), (ServerError, True), (BadRequest, False)])
@pytest.mark.parametrize("told", [True, False, None])
def test_frameworks_that_retry_hear_what_the_provider_said(
    error: type[ProviderError], is_retryable: bool, told: bool | None
) -> None:
    """LangChain's retries go by `is_retryable`."""
    assert error("x", should_retry=told).is_retryable is (is_retryable if told is None else told)


@pytest.mark.parametrize("kind", [ConnectionFailed, RequestTimeout, InvalidResponse, PromptBlocked, RateLimited])
def test_an_error_takes_no_unknown_argument(kind: type[GeminiMultiError]) -> None:
    """A misspelt argument is not dropped."""
    arguments = {"povider": "oxen"}

    with pytest.raises(TypeError, match="povider"):
        kind("x", **arguments)  # type: ignore[arg-type]  # what the test is about
