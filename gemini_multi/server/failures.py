"""Errors in OpenAI's form: those of the server itself, and those of the core."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gemini_multi.errors import (
    AllRoutesFailed,
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
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.types import JsonValue

_TYPES: Final = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True)
class Failure:
    """One error, as the caller gets it."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def document(self) -> dict[str, JsonValue]:
        """Write the error's JSON document."""
        error: dict[str, JsonValue] = {
            "message": self.message,
            "type": _TYPES.get(self.status) or ("invalid_request_error" if self.status < 500 else "api_error"),
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


class Refused(Exception):
    """The server refuses a request before it sends it to a provider."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "invalid_value",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Make a refusal. The arguments are those of `Failure`."""
        super().__init__(message)
        self.failure = Failure(status, message, code, param, headers or {})


# The first class that matches is used. A key that a provider refuses is the server's key; the caller's key is valid.
_STATUSES: Final[tuple[tuple[type[GeminiMultiError], int, str], ...]] = (
    (ConfigurationError, 400, "invalid_request"),
    (UnsupportedFeature, 400, "unsupported_feature"),
    (PromptBlocked, 400, "content_filter"),
    (BudgetExceeded, 429, "insufficient_quota"),
    (ContextOverflow, 400, "context_length_exceeded"),
    (ModelNotFound, 404, "model_not_found"),
    (BadRequest, 400, "invalid_request"),
    (AuthenticationFailed, 502, "provider_authentication_failed"),
    (PermissionDenied, 502, "provider_permission_denied"),
    (RateLimited, 429, "rate_limit_exceeded"),
    (QuotaExhausted, 429, "insufficient_quota"),
    (ServerError, 502, "provider_failed"),
    (RequestTimeout, 504, "provider_timeout"),
    (ConnectionFailed, 502, "provider_unreachable"),
    (StreamInterrupted, 502, "stream_interrupted"),
    (InvalidResponse, 502, "provider_answer_unreadable"),
    (ProviderError, 502, "provider_failed"),
)
_TRANSIENT: Final = frozenset({429, 502, 503, 504})


def failure_of(error: Exception) -> Failure:
    """Write any error for the caller. Errors that are not the core's show no details."""
    if isinstance(error, Refused):
        return error.failure
    if not isinstance(error, GeminiMultiError):
        return Failure(500, "The server failed. Its log says where.", "server_error")
    decisive = _decisive(error)
    status, code = _status(decisive)
    parameter = "model" if code == "model_not_found" else _parameter(decisive)
    return Failure(status, error.message, code, parameter, _headers(error, decisive, status))


def _decisive(error: GeminiMultiError) -> GeminiMultiError:
    """Choose the error that decides. Of several routes, this is a retryable error, else the last error."""
    if not isinstance(error, AllRoutesFailed):
        return error
    failures = [_decisive(one) for one in error.exceptions if isinstance(one, GeminiMultiError)]
    return next((one for one in failures if one.is_retryable), failures[-1] if failures else error)


def _status(error: GeminiMultiError) -> tuple[int, str]:
    if isinstance(error, UnsupportedFeature) and any(name.startswith("the model ") for name in error.features):
        return 404, "model_not_found"
    return next(((status, code) for kind, status, code in _STATUSES if isinstance(error, kind)), (502, "failed"))


def _parameter(error: GeminiMultiError) -> str | None:
    """Return the name of the parameter that no route supports, if the core names it as a setting."""
    features = error.features if isinstance(error, UnsupportedFeature) else ()
    return next((name.strip("`") for name in features if name.startswith("`")), None)


def _headers(error: GeminiMultiError, decisive: GeminiMultiError, status: int) -> dict[str, str]:
    headers = {"x-gemini-multi-attempts": str(len(error.attempts))}
    if error.attempts:
        headers["x-gemini-multi-provider"] = error.attempts[-1].provider
    if isinstance(decisive, ProviderError) and decisive.retry_after is not None:
        headers["retry-after"] = str(math.ceil(decisive.retry_after))
    if status in _TRANSIENT and not error.is_retryable:
        headers["x-should-retry"] = "false"  # OpenAI's clients obey it
    return headers
