"""Errors are both ours and LangChain's, keep what they know, and are marked as worth a retry or not."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core import exceptions

from gemini_multi import errors
from gemini_multi.sandbox import Sandbox
from gemini_multi.types import ChatResponse
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi.errors import langchain_errors, twin

STATUSES: dict[int, tuple[type[Exception], type[Exception], bool]] = {
    400: (errors.BadRequest, exceptions.ModelInvalidRequestError, False),
    401: (errors.AuthenticationFailed, exceptions.ModelAuthenticationError, False),
    403: (errors.PermissionDenied, exceptions.ModelPermissionDeniedError, False),
    404: (errors.ModelNotFound, exceptions.ModelNotFoundError, False),
    429: (errors.RateLimited, exceptions.ModelRateLimitError, True),
    500: (errors.ServerError, exceptions.ModelAPIError, True),
    503: (errors.ServerError, exceptions.ModelAPIError, True),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", STATUSES)
def test_status_gives_an_error_of_both_kinds(sandbox: Sandbox, status: int, stream: bool) -> None:
    """A handler for either package's class catches it."""
    ours, theirs, is_retryable = STATUSES[status]
    sandbox.fail("oxen", status=status, times=3)
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", max_retries=0)
    with pytest.raises(ours) as caught:
        list(model.stream("hi")) if stream else model.invoke("hi")
    assert isinstance(caught.value, theirs)
    assert caught.value.is_retryable is is_retryable  # type: ignore[attr-defined]


ERRORS: dict[str, tuple[errors.GeminiMultiError, type[Exception], bool]] = {
    "overflow": (errors.ContextOverflow("x", status=400), exceptions.ContextOverflowError, False),
    "quota": (errors.QuotaExhausted("x", status=402), exceptions.ModelRateLimitError, False),
    "unknown": (errors.ProviderError("x", status=418), exceptions.ModelAPIError, False),
    "connection": (errors.ConnectionFailed("x"), exceptions.ModelConnectionError, True),
    "timeout": (errors.RequestTimeout("x"), exceptions.ModelTimeoutError, True),
    "interrupted": (
        errors.StreamInterrupted("x", partial=ChatResponse()),
        exceptions.ModelConnectionError,
        False,
    ),
    "unreadable": (errors.InvalidResponse("x", raw="<html>"), exceptions.ModelAPIError, True),
    "blocked": (errors.PromptBlocked("x", block_reason="SAFETY"), exceptions.ModelError, False),
    "unsupported": (errors.UnsupportedFeature("x"), exceptions.ModelInvalidRequestError, False),
    "mistake of the caller": (errors.ConfigurationError("x"), exceptions.ModelInvalidRequestError, False),
    "budget": (errors.BudgetExceeded("x"), exceptions.ModelError, False),
    "all failed": (
        errors.AllRoutesFailed("x", [errors.ServerError("a"), errors.AuthenticationFailed("b")]),
        exceptions.ModelAPIError,
        True,
    ),
    "all limited": (
        errors.AllRoutesFailed("x", [errors.RateLimited("a"), errors.QuotaExhausted("b")]),
        exceptions.ModelRateLimitError,
        True,
    ),
    "all overflowed": (
        errors.AllRoutesFailed("x", [errors.ContextOverflow("a"), errors.ContextOverflow("b")]),
        exceptions.ContextOverflowError,
        False,
    ),
    "all unauthenticated": (
        errors.AllRoutesFailed("x", [errors.AuthenticationFailed("a"), errors.PermissionDenied("b")]),
        exceptions.ModelAuthenticationError,
        False,
    ),
    "all without the model": (
        errors.AllRoutesFailed("x", [errors.ModelNotFound("a"), errors.ModelNotFound("b")]),
        exceptions.ModelNotFoundError,
        False,
    ),
    "all refused": (
        errors.AllRoutesFailed("x", [errors.BadRequest("a"), errors.UnsupportedFeature("b")]),
        exceptions.ModelInvalidRequestError,
        False,
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_has_a_twin(name: str) -> None:
    """Each of our errors becomes one that is also LangChain's, with our own judgment of a retry."""
    error, theirs, is_retryable = ERRORS[name]
    found = twin(error)
    assert (isinstance(found, type(error)), isinstance(found, theirs)) == (True, True)
    assert (found.is_retryable, found.message, str(found)) == (is_retryable, error.message, str(error))


@pytest.mark.parametrize("name", ERRORS)
def test_twin_survives_a_pickle(name: str) -> None:
    """Errors cross process borders."""
    found = twin(ERRORS[name][0])
    loaded = pickle.loads(pickle.dumps(found))
    assert (type(loaded), str(loaded)) == (type(found), str(found))


def test_twin_gives_tracing_the_providers_answer() -> None:
    """LangChain's traces show the body, the status and the request's id."""
    found: Any = twin(errors.RateLimited("x", status=429, body={"error": "slow"}, request_id="r"))
    assert (found.response.json(), found.response.status_code, found.request_id) == ({"error": "slow"}, 429, "r")


def test_our_error_is_the_cause() -> None:
    """The chain of causes leads to where it happened."""
    error = errors.RateLimited("x")
    with pytest.raises(exceptions.ModelRateLimitError) as caught, langchain_errors():
        raise error
    assert caught.value.__cause__ is error


def test_twin_is_its_own_twin() -> None:
    """An error that LangChain knows already is left alone."""
    error = twin(errors.RateLimited("x"))
    assert twin(error) is error


def test_stream_that_breaks_keeps_what_arrived(sandbox: Sandbox) -> None:
    """A cut stream is an error with the partial answer, never an answer."""
    sandbox.fail("oxen", fault="cut", after=2)
    seen: list[str] = []
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", max_retries=0)
    with pytest.raises(errors.StreamInterrupted) as caught:
        seen.extend(chunk.text for chunk in model.stream("Tell me a long story about a cat."))
    assert caught.value.partial.text == "".join(seen) != ""
