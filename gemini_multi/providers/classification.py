"""Chooses the class of a provider's error by its status, its machine-readable codes or, without them, its text.

An upstream's error that a provider passed on is classified by the upstream's status, codes and text.
"""

from __future__ import annotations

import re
from typing import Final

from gemini_multi.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextOverflow,
    ModelNotFound,
    PermissionDenied,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerError,
)
from gemini_multi.providers.errors import ErrorPayload

_BY_STATUS: Final[dict[int, type[ProviderError]]] = {
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: PermissionDenied,
    404: ModelNotFound,
    405: ModelNotFound,
    410: ModelNotFound,
    408: ServerError,
    409: ServerError,
    425: ServerError,
    429: RateLimited,
    498: AuthenticationFailed,
    499: ServerError,
}

# Only the text identifies these errors; the documentation of each provider quotes its text.
_OVERFLOW: Final = re.compile(
    r"input token count .{0,40}(exceeds the maximum|but (the )?model)|exceeds the maximum number of tokens"
    r"|maximum context length|context.length.exceeded|prompt is too long|reduce the length of the (messages|prompt)",
    re.IGNORECASE,
)
_SPENT: Final = re.compile(r"per-?day|\blimit: 0(?![.\d])", re.IGNORECASE)
"""Quotas that are not refilled after a short wait: daily quotas, and quotas of zero."""

_WORDS: Final[dict[type[ProviderError], str]] = {
    AuthenticationFailed: "api_key_invalid unauthenticated invalid_api_key authentication_error unauthorized",
    PermissionDenied: "permission_denied permission_error failed_precondition forbidden access_denied",
    QuotaExhausted: (
        "insufficient_credits insufficient_quota insufficient_balance billing_hard_limit_reached payment_required"
    ),
    ContextOverflow: "context_length_exceeded",
    ModelNotFound: "resource_not_found model_not_found not_found not_found_error",
    RateLimited: (
        "resource_exhausted rate_limit_exceeded rate_limit_error rate_limited rate_limit_reached too_many_requests"
    ),
    ServerError: (
        "unavailable internal deadline_exceeded upstream server_error internal_server_error internal_error api_error "
        "overloaded overloaded_error service_unavailable timeout_error bad_gateway"
    ),
    BadRequest: (
        "invalid_argument invalid_request_error invalid_request invalid_params invalid_file_input unsupported_value "
        "unsupported_parameter invalid_value bad_request out_of_range validation_error"
    ),
}
_REASONS: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_TEXTS: Final[tuple[tuple[type[ProviderError], re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (ContextOverflow, _OVERFLOW.pattern),
        (QuotaExhausted, r"(run|ran) out of (credit|fund)|insufficient (credit|balance|fund|quota)"),
        (RateLimited, r"rate.?limit|too many requests|exceeded your current quota|quota exceeded"),
        (
            AuthenticationFailed,
            (
                r"(invalid|incorrect|missing|requires a valid) api.?key|api.?key (is )?(not valid|invalid|expired)"
                r"|be authenticated"
            ),
        ),
        (PermissionDenied, r"permission denied|location is not supported"),
        (ModelNotFound, r"model not found|no such model|is not found for api version"),
        (
            BadRequest,
            r"\binvalid (json payload|parameter|argument|value|request)|body validation error|unsupported value",
        ),
    )
)
_VAGUE: Final = (BadRequest, ServerError)
"""The least specific classes: any other code of the same error takes precedence."""


def classify(payload: ErrorPayload) -> type[ProviderError]:
    """Choose the error class."""
    status = payload.upstream_status or payload.status
    if status in (None, 200, 400, 413, 422, 500) and _OVERFLOW.search(payload.message):
        return ContextOverflow
    if status == 429 and (_is_spent(payload) or QuotaExhausted in (_by_words(payload), _by_text(payload.message))):
        return QuotaExhausted
    kind = _by_words_or_text(payload) if status in (None, 200, 400) else _by_words(payload) if status >= 500 else None
    if kind is not None and (status is None or status < 500 or kind not in _VAGUE):
        return QuotaExhausted if kind is RateLimited and _is_spent(payload) else kind
    if status is None or status < 400:
        return ServerError
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else BadRequest)


def _by_words_or_text(payload: ErrorPayload) -> type[ProviderError] | None:
    """Choose by the codes, or by the text if the codes only state a bad request, as Google's codes often do."""
    by_words = _by_words(payload)
    by_text = _by_text(payload.message) if by_words is None or by_words in _VAGUE else None
    return by_words if by_text is None or (by_text in _VAGUE and by_words is not None) else by_text


def _is_spent(payload: ErrorPayload) -> bool:
    return any(_SPENT.search(text) for text in (*payload.reasons, payload.message))


def _by_words(payload: ErrorPayload) -> type[ProviderError] | None:
    """Choose by the machine-readable codes. The most specific code counts."""
    kinds = [kind for reason in payload.reasons if (kind := _REASONS.get(reason.lower())) is not None]
    return next((kind for kind in kinds if kind not in _VAGUE), kinds[0] if kinds else None)


def _by_text(message: str) -> type[ProviderError] | None:
    return next((kind for kind, pattern in _TEXTS if pattern.search(message)), None)
