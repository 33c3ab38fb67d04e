"""Chooses the class of a provider's error, and the advice that ends its message.

The class is chosen by the status, the machine-readable codes or, without them, the text.
An upstream's error that a provider passed on is classified by the upstream's status, codes and text.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from gemini_multi import catalog
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Target
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

_OVERFLOW: Final = re.compile(
    r"input token count .{0,40}(exceeds the maximum|but (the )?model)|exceeds the maximum number of tokens"
    r"|maximum context length|context.length.exceeded|prompt is too long|reduce the length of the (messages|prompt)",
    re.IGNORECASE,
)
_SPENT: Final = re.compile(r"per-?day|\blimit: 0(?![.\d])", re.IGNORECASE)
"""Quotas that are not refilled after a short wait: daily quotas, and quotas of zero."""


class _Signs(NamedTuple):
    """The signs of an error class: statuses, machine-readable codes, and a pattern of texts."""

    kind: type[ProviderError]
    statuses: tuple[int, ...]
    words: str
    text: str = "(?!)"


# Some errors are identified by their text only; the documentation of each provider quotes its text.
_SIGNS: Final = (
    _Signs(ContextOverflow, (), "context_length_exceeded", _OVERFLOW.pattern),
    _Signs(
        QuotaExhausted,
        (402,),
        "insufficient_credits insufficient_quota insufficient_balance billing_hard_limit_reached payment_required",
        r"(run|ran) out of (credit|fund)|insufficient (credit|balance|fund|quota)",
    ),
    _Signs(
        RateLimited,
        (429,),
        "resource_exhausted rate_limit_exceeded rate_limit_error rate_limited rate_limit_reached too_many_requests",
        r"rate.?limit|too many requests|exceeded your current quota|quota exceeded",
    ),
    _Signs(
        AuthenticationFailed,
        (401, 498),
        "api_key_invalid unauthenticated invalid_api_key authentication_error unauthorized",
        r"(invalid|incorrect|missing|requires a valid) api.?key|api.?key (is )?(not valid|invalid|expired)"
        r"|be authenticated",
    ),
    _Signs(
        PermissionDenied,
        (403,),
        "permission_denied permission_error failed_precondition forbidden access_denied",
        r"permission denied|location is not supported",
    ),
    _Signs(
        ModelNotFound,
        (404, 405, 410),
        "resource_not_found model_not_found not_found not_found_error",
        r"model not found|no such model|is not found for api version",
    ),
    _Signs(
        ServerError,
        (408, 409, 425, 499),
        "unavailable internal deadline_exceeded upstream server_error internal_server_error internal_error api_error "
        "overloaded overloaded_error service_unavailable timeout_error bad_gateway",
    ),
    _Signs(
        BadRequest,
        (),
        "invalid_argument invalid_request_error invalid_request invalid_params invalid_file_input unsupported_value "
        "unsupported_parameter invalid_value bad_request out_of_range validation_error",
        r"\binvalid (json payload|parameter|argument|value|request)|body validation error|unsupported value",
    ),
)
_BY_STATUS: Final = {status: signs.kind for signs in _SIGNS for status in signs.statuses}
_BY_WORD: Final = {word: signs.kind for signs in _SIGNS for word in signs.words.split()}
_BY_TEXT: Final = tuple((signs.kind, re.compile(signs.text, re.IGNORECASE)) for signs in _SIGNS)
_ADVICE: Final[dict[type[ProviderError], str]] = {
    AuthenticationFailed: "Check the key and its permissions.",
    QuotaExhausted: "Top up the account or raise the limit of the key or the account, or add another provider to "
    "`providers`.",
    ModelNotFound: "Check the model's id at this provider, or pass that id as `model=` to the provider.",
    ContextOverflow: "Shorten the prompt or use a model with a larger window.",
    PermissionDenied: "Check what the key may do, and the account's region and verification.",
}
_NEAR: Final = 3
_RETIRED_GENERATIONS: Final = ("gemini-1", "gemini-pro", "gemini-ultra", "gemini-2.0", "text-bison", "chat-bison")
"""Prefixes of the names of models that Google no longer serves: https://ai.google.dev/gemini-api/docs/deprecations."""
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
    kinds = [kind for reason in payload.reasons if (kind := _BY_WORD.get(reason.lower())) is not None]
    return next((kind for kind in kinds if kind not in _VAGUE), kinds[0] if kinds else None)


def _by_text(message: str) -> type[ProviderError] | None:
    return next((kind for kind, pattern in _BY_TEXT if pattern.search(message)), None)


def advice(kind: type[ProviderError], provider: str, target: Target[Any]) -> str:
    """Return the advice, or an empty text if there is none."""
    if kind is not ModelNotFound:
        return _ADVICE.get(kind, "")
    about = _withdrawal(provider, target.model) if target.model.is_known else _meant(target.model.name)
    return about or _ADVICE[kind]


def _meant(name: str) -> str:
    bare = name.removeprefix("google/").lower()
    if bare.startswith(_RETIRED_GENERATIONS):
        return f"Google has retired {name!r}. Use 'gemini-flash-latest' or another model of the README's table."
    near = get_close_matches(bare, [model.name for model in catalog.models()], n=_NEAR, cutoff=0.8)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _withdrawal(provider: str, model: Model) -> str:
    hosted = model.providers.get(provider)
    days = (None if hosted is None else hosted.withdrawn, model.vertex_retired, model.retired)
    if (day := next(filter(None, days), None)) is None:
        return ""
    instead = repr(model.successor) if model.successor else "a newer model, or add another provider,"
    return f"Its end is announced for {day.isoformat()}. Use {instead} instead."
