"""What providers report keeps its class: a caller may act on the status."""

from __future__ import annotations

import json

import pytest

from gemini_multi import (
    AllRoutesFailed,
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    ContextOverflow,
    InvalidResponse,
    ModelNotFound,
    PermissionDenied,
    PromptBlocked,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServerError,
    UnsupportedFeature,
)
from gemini_multi.server.failures import failure_of

HELLO = [{"role": "user", "content": "Hello"}]

ERRORS = [
    (BadRequest("x"), 400, "invalid_request_error", "invalid_request"),
    (ConfigurationError("x"), 400, "invalid_request_error", "invalid_request"),
    (UnsupportedFeature("x", features=["`n`"]), 400, "invalid_request_error", "unsupported_feature"),
    (UnsupportedFeature("x", features=["the model 'y'"]), 404, "not_found_error", "model_not_found"),
    (ContextOverflow("x"), 400, "invalid_request_error", "context_length_exceeded"),
    (PromptBlocked("x"), 400, "invalid_request_error", "content_filter"),
    (ModelNotFound("x"), 404, "not_found_error", "model_not_found"),
    (RateLimited("x"), 429, "rate_limit_error", "rate_limit_exceeded"),
    (QuotaExhausted("x"), 429, "rate_limit_error", "insufficient_quota"),
    (BudgetExceeded("x"), 429, "rate_limit_error", "insufficient_quota"),
    (AuthenticationFailed("x"), 502, "api_error", "provider_authentication_failed"),
    (PermissionDenied("x"), 502, "api_error", "provider_permission_denied"),
    (ServerError("x"), 502, "api_error", "provider_failed"),
    (ConnectionFailed("x"), 502, "api_error", "provider_unreachable"),
    (InvalidResponse("x"), 502, "api_error", "provider_answer_unreadable"),
    (RequestTimeout("x"), 504, "api_error", "provider_timeout"),
    (
        AllRoutesFailed("x", [RateLimited("y"), AuthenticationFailed("z")]),
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
    ),
    (AllRoutesFailed("x", [BadRequest("y"), ModelNotFound("z")]), 404, "not_found_error", "model_not_found"),
]


@pytest.mark.parametrize(("error", "status", "kind", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_a_status_and_a_code(error, status, kind, code):
    """In OpenAI's form, with our message."""
    failure = failure_of(error)

    assert failure.status == status
    assert failure.document()["error"] == {"message": "x", "type": kind, "param": failure.param, "code": code}


def test_an_unforeseen_error_says_nothing_of_its_inside():
    """It might quote the conversation."""
    assert "secret" not in json.dumps(failure_of(ValueError("secret")).document())


@pytest.mark.parametrize(
    ("status", "seen", "asks_again"),
    [(429, 429, None), (401, 502, "false"), (500, 502, None), (400, 400, None), (402, 429, "false")],
)
def test_a_refusal_of_a_provider_is_told(served, status, seen, asks_again):
    """With the attempts, and with a word where asking again is of no use: OpenAI's clients honour it."""
    served.sandbox.fail("oxen", status=status, retry_after=0.5 if status == 429 else None)
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": HELLO})

    assert answer.status_code == seen, answer.text
    assert answer.headers.get("x-should-retry") == asks_again
    assert answer.headers["x-gemini-multi-attempts"] == "1"
    assert answer.headers["x-gemini-multi-provider"] == "oxen"
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)


def test_a_stream_that_never_began_has_a_status(served):
    """As a whole answer: the head waits for the first content."""
    served.sandbox.fail("oxen", status=429)
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": HELLO, "stream": True})

    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")


def test_a_stream_that_breaks_ends_in_openais_form(served):
    """An error as the last event, and no `[DONE]`."""
    served.sandbox.fail("oxen", fault="cut")
    answer = served.post({"model": "oxen/gemini-2.5-flash", "messages": HELLO, "stream": True})
    last = answer.text.strip().splitlines()[-1]

    assert answer.status_code == 200
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "stream_interrupted"
