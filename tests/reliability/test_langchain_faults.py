"""Every fault on every provider through LangChain.

The outcome, the requests that providers saw, nothing left behind.
"""

from __future__ import annotations

import pytest
from langchain_core.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from gemini_multi import errors
from gemini_multi.sandbox import Sandbox

from .endpoints import Call
from .faults import Fault
from .matrix import cells, check_lasting, check_overcome

THEIRS: dict[type[Exception], type[Exception]] = {
    errors.AuthenticationFailed: ModelAuthenticationError,
    errors.BadRequest: ModelInvalidRequestError,
    errors.PermissionDenied: ModelPermissionDeniedError,
    errors.ModelNotFound: ModelNotFoundError,
    errors.QuotaExhausted: ModelRateLimitError,
    errors.RateLimited: ModelRateLimitError,
    errors.ServerError: ModelAPIError,
    errors.InvalidResponse: ModelAPIError,
    errors.RequestTimeout: ModelTimeoutError,
    errors.ConnectionFailed: ModelConnectionError,
    errors.StreamInterrupted: ModelConnectionError,
}


def theirs_of(error: Exception) -> type[Exception]:
    """Name LangChain's counterpart of ours."""
    return next(theirs for ours, theirs in THEIRS.items() if isinstance(error, ours))


each_cell = pytest.mark.parametrize(("fault", "provider", "call"), cells("langchain"))


@each_cell
def test_a_lasting_fault_ends_in_its_typed_error(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """After `max_retries` more requests where it may pass, after one where not; LangChain knows the error too."""
    error = check_lasting(sandbox, fault, provider, call)

    assert error is None or isinstance(error, theirs_of(error))


@each_cell
def test_a_fault_is_overcome(sandbox: Sandbox, fault: Fault, provider: str, call: Call) -> None:
    """By a retry if it passes, by the next provider if not; and when nobody answers, the error tells of all."""
    check_overcome(sandbox, fault, provider, call)
