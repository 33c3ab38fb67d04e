"""Reads the error bodies of all providers by their shape, and chooses the class of an error and its advice.

Shapes (each provider's file names its sources): Google's `{"error": {code, message, status, details}}`,
bare or in a one-element list; Cloudflare's `{"success": false, "errors": [...]}` and `{"error": [...], "name":
"AiGatewayError", "internalCode"}`; AIMLAPI's flat `{"message", "statusCode"}`; Oxen's `{"error": {"type", "title",
"detail"}, "status_message"}`; OpenAI's `{"error": {"message", "type", "code"}}`; and text or HTML from a proxy in
front of a provider. Routers put the error of their upstream inside their own, as JSON text in the message or in
`metadata.raw`: then the message, the codes and the wait are those of the upstream.

The class is chosen by the status, the machine-readable codes or, without them, the text.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice, product
from typing import Any, Final

import pydantic_core

from gemini_multi import catalog
from gemini_multi._encoding.json_values import as_object, objects
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Target
from gemini_multi.errors import (
    KEPT_CHARACTERS,
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
from gemini_multi.retry import duration_of, retry_after_of, should_retry_of
from gemini_multi.types import JsonObject, JsonValue


@dataclass(slots=True)
class ErrorPayload(Exception):  # raised inside the package only, to unwind a decoder
    """The error that a provider reported."""

    status: int | None = None
    upstream_status: int | None = None
    """The status in the upstream's error, if the provider passes it on."""
    code: str | None = None
    message: str = ""
    reasons: tuple[str, ...] = ()
    """Further machine-readable codes: Google's `status`, `ErrorInfo.reason`, quota ids, error types."""
    retry_after: float | None = None
    should_retry: bool | None = None
    body: JsonValue = field(default=None, repr=False)


_KEPT_OF_CODE: Final = 200
_MOST_EMBEDDED: Final = 3
"""The maximum number of positions in a message at which JSON text is parsed."""
_BEGIN: Final = re.compile(r'(?:\[\s{0,20})?\{\s{0,20}"')
_FIELD: Final = re.compile(r"""['"](status|reason|quotaId|retryDelay)['"]: ?['"]([^'"]{1,200})['"]""")
_JSON: Final = json.JSONDecoder(strict=False)
_MESSAGES: Final = ("message", "detail", "title", "description", "msg", "error_message")
_WAITS: Final = {
    **dict.fromkeys(("retryDelay", "retry_delay", "quotaResetDelay", "retry_after", "retryAfter"), 1.0),
    **dict.fromkeys(("retry_after_seconds", "retryAfterSeconds"), 1.0),
    **dict.fromkeys(("retry_after_ms", "retryAfterMs"), 0.001),
}
"""Fields that hold a wait time, and their unit in seconds."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ErrorPayload:
    """Read the body of a response without success."""
    text = body.decode("utf-8", "replace").strip()
    document: JsonValue = None
    with contextlib.suppress(ValueError):
        document = pydantic_core.from_json(body)
    if isinstance(document, list) and document:
        document = document[0]
    found = error_in(document, in_error=True) if isinstance(document, dict) else None
    payload = found or ErrorPayload(message=_plain(text), body=text[:KEPT_CHARACTERS])
    if payload.status != status and (status == 400 or status >= 500):
        # The status in the body is more precise: gateways use only a few statuses.
        payload.upstream_status = payload.upstream_status or payload.status
    payload.status = status
    payload.message = payload.message or _plain(text)
    payload.retry_after = retry_after_of(headers) if payload.retry_after is None else payload.retry_after
    payload.should_retry = should_retry_of(headers)
    if not payload.message and 300 <= status < 400:
        payload.message = "it redirects elsewhere, which is not followed so that the key stays here; check `base_url`"
    return payload


def error_in(document: JsonObject, *, in_error: bool = False) -> ErrorPayload | None:
    """Find the error that a document reports, in any provider's shape, or return `None`."""
    inner = document.get("error") or document.get("errors")
    choices = document.get("choices")
    if not inner and isinstance(choices, list) and choices and isinstance(first := choices[0], dict):
        inner = first.get("error")  # the field in which a router reports the failure of one candidate
    if isinstance(inner, list):
        inner = next((item for item in inner if isinstance(item, dict)), None) or "; ".join(map(str, inner))
    failed = document.get("success") is False or document.get("state") == "Failed"
    is_answer = "choices" in document or "candidates" in document
    if not inner and not failed and not in_error and (is_answer or not _is_flat(document)):
        return None
    return _payload(document, _innermost(inner))


def _innermost(inner: JsonValue) -> JsonValue:
    """Return the innermost error: gateways put an error into the `error` or the `message` of their own error."""
    while isinstance(inner, dict) and isinstance(nested := inner.get("error") or inner.get("message"), dict):
        inner = nested
    return inner


def _is_flat(document: JsonObject) -> bool:
    """Whether the document itself is an error, such as `{"message", "statusCode"}`, and not an answer."""
    if "error" in (document.get("object"), document.get("type"), document.get("status")):
        return True
    has_code = _status({}, document) is not None or isinstance(document.get("code"), (str, int))
    return isinstance(document.get("message"), str) and has_code


def _payload(document: JsonObject, inner: JsonValue) -> ErrorPayload:
    error = as_object(inner)
    details = objects(error.get("details"))
    code = error.get("code")
    if code is None:
        code = document.get("internalCode", document.get("code"))
    words = [error.get("status"), error.get("type"), document.get("status_message"), code, *_detail_reasons(details)]
    if not error:
        words.append(document.get("type"))
    payload = ErrorPayload(
        status=_status(error, document),
        code=None if code is None else str(code)[:_KEPT_OF_CODE],
        message=_message(document, inner, error),
        reasons=tuple(word for word in words if isinstance(word, str)),
        retry_after=_wait_in(error, document, details),
        body=_bounded(document),
    )
    return _with_upstream(payload, error)


def _message(document: JsonObject, inner: JsonValue, error: JsonObject) -> str:
    message = _first_text(error, *_MESSAGES)
    if not message:
        words = [inner if isinstance(inner, str) else "", _first_text(document, *_MESSAGES, "status_message")]
        message = ": ".join(filter(None, words))
    title = _first_text(error, "title")
    return f"{title} {message}" if title and title not in message else message


def _with_upstream(payload: ErrorPayload, error: JsonObject) -> ErrorPayload:
    """Use the upstream's codes, message and wait, if this error holds an upstream's error."""
    raw = as_object(error.get("metadata")).get("raw")
    upstream = _upstream(raw, in_error=True) or _upstream(payload.message) or _in_words(payload.message)
    if upstream is None:
        if isinstance(raw, str) and raw.strip():
            payload.message = f"{payload.message}: {_plain(raw.strip())}".removeprefix(": ")
        return payload
    payload.upstream_status = upstream.upstream_status or upstream.status
    payload.reasons = (*upstream.reasons, *payload.reasons)
    payload.message = upstream.message or payload.message
    payload.retry_after = upstream.retry_after if payload.retry_after is None else payload.retry_after
    return payload


def _upstream(given: JsonValue, *, in_error: bool = False) -> ErrorPayload | None:
    """Read an upstream's error: JSON, or text that holds JSON."""
    for document in _embedded(given) if isinstance(given, str) else [given]:
        for found in objects(document if isinstance(document, list) else [document]):
            if (payload := error_in(found, in_error=in_error)) is not None:
                return payload
    return None


def _in_words(message: str) -> ErrorPayload | None:
    """Read an error of Google that a message holds as a Python literal, as Google's SDK and LiteLLM pass it on."""
    found = dict(_FIELD.findall(message))
    if not re.fullmatch("[A-Z_]{6,}", found.get("status", "")):
        return None
    reasons = tuple(found[name] for name in ("status", "reason", "quotaId") if name in found)
    return ErrorPayload(reasons=reasons, retry_after=duration_of(found.get("retryDelay", "")))


def _embedded(text: str) -> Iterator[JsonValue]:
    """Find the JSON objects in a text, or in a text that is itself JSON text."""
    if text[:1] == '"':
        with contextlib.suppress(ValueError):
            text = str(pydantic_core.from_json(text))
    for begin in islice(_BEGIN.finditer(text), _MOST_EMBEDDED):
        with contextlib.suppress(ValueError, RecursionError):
            yield _JSON.raw_decode(text, begin.start())[0]


def _status(error: JsonObject, document: JsonObject) -> int | None:
    values = (*map(error.get, ("code", "status")), *map(document.get, ("httpCode", "statusCode", "status", "code")))
    return next((int(str(value)) for value in values if re.fullmatch("[45][0-9]{2}", str(value))), None)


def _detail_reasons(details: list[dict[str, JsonValue]]) -> Iterator[JsonValue]:
    """Yield the reasons in Google's details, and `limit: 0` for quotas with a limit of zero."""
    for detail in details:
        yield detail.get("reason")
        for violation in objects(detail.get("violations")):
            yield violation.get("quotaId")
            if str(violation.get("quotaValue")) == "0":
                yield "limit: 0"


def _wait_in(error: JsonObject, document: JsonObject, details: list[dict[str, JsonValue]]) -> float | None:
    """Find the seconds that the provider asks the client to wait, in any of the known fields."""
    metadata = as_object(error.get("metadata"))
    places = (*details, *(as_object(detail.get("metadata")) for detail in details), error, metadata, document)
    for place, (name, unit) in product(places, _WAITS.items()):
        if isinstance(value := place.get(name), (str, int, float)) and (wait := duration_of(str(value))) is not None:
            return wait * unit
    headers = as_object(metadata.get("headers"))
    return retry_after_of({name.lower(): str(value) for name, value in headers.items()})


def _first_text(document: JsonObject, *names: str) -> str:
    for name in names:
        value = document.get(name)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            value = "; ".join(map(str, value))
        if isinstance(value, str) and value:
            return value
    return ""


# The lengths are limited: without limits, the search would take quadratic time on a page with opening tags only.
_TITLE: Final = re.compile("<title[^<>]{0,200}>([^<]{0,1000})</title", re.IGNORECASE)


def _plain(text: str) -> str:
    title = _TITLE.search(text)
    return f"an HTML page titled {title[1].strip()[:200]!r}" if title else text[:500]


def _bounded(document: JsonObject) -> JsonValue:
    text = pydantic_core.to_json(document)
    return dict(document) if len(text) <= KEPT_CHARACTERS else text[:KEPT_CHARACTERS].decode("utf-8", "ignore")


_SPENT: Final = re.compile(r"per-?day|\blimit: 0(?![.\d])", re.IGNORECASE)
"""Quotas that are not refilled after a short wait: daily quotas, and quotas of zero."""
_BY_STATUS: Final[dict[int, type[ProviderError]]] = {
    **dict.fromkeys((401, 498), AuthenticationFailed),
    402: QuotaExhausted,
    403: PermissionDenied,
    **dict.fromkeys((404, 405, 410), ModelNotFound),
    **dict.fromkeys((408, 409, 425, 499), ServerError),
    429: RateLimited,
}
_WORDS: Final = {
    ContextOverflow: "context_length_exceeded",
    QuotaExhausted: "insufficient_credits insufficient_quota insufficient_balance billing_hard_limit_reached "
    "payment_required",
    RateLimited: "resource_exhausted rate_limit_exceeded rate_limit_error rate_limited rate_limit_reached "
    "too_many_requests",
    AuthenticationFailed: "api_key_invalid unauthenticated invalid_api_key authentication_error unauthorized",
    PermissionDenied: "permission_denied permission_error failed_precondition forbidden access_denied",
    ModelNotFound: "resource_not_found model_not_found not_found not_found_error",
    ServerError: "unavailable internal deadline_exceeded upstream server_error internal_server_error internal_error "
    "api_error overloaded overloaded_error service_unavailable timeout_error bad_gateway aborted already_exists "
    "cancelled data_loss unimplemented unknown",
    BadRequest: "invalid_argument invalid_request_error invalid_request invalid_params invalid_file_input "
    "unsupported_value unsupported_parameter invalid_value bad_request out_of_range validation_error",
}
"""The machine-readable codes of each class."""
_BY_WORD: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
# Some errors are identified by their text only; the documentation of each provider quotes its text.
_TEXTS: Final = {
    ContextOverflow: r"input token count .{0,40}(exceeds the maximum|but (the )?model)|maximum context length"
    r"|exceeds the maximum number of tokens|context.length.exceeded|prompt is too long"
    r"|reduce the length of the (messages|prompt)",
    QuotaExhausted: r"(run|ran) out of (credit|fund)|insufficient (credit|balance|fund|quota)",
    RateLimited: r"rate.?limit|too many requests|exceeded your current quota|quota exceeded",
    AuthenticationFailed: r"(invalid|incorrect|missing|requires a valid) api.?key|be authenticated"
    r"|api.?key (is )?(not valid|invalid|expired)",
    PermissionDenied: r"permission denied|location is not supported",
    ModelNotFound: r"model not found|no such model|is not found for api version",
    BadRequest: r"\binvalid (json payload|parameter|argument|value|request)|body validation error|unsupported value",
}
_BY_TEXT: Final = {kind: re.compile(text, re.IGNORECASE) for kind, text in _TEXTS.items()}
_ADVICE: Final[dict[type[ProviderError], str]] = {
    AuthenticationFailed: "Check the key and its permissions.",
    QuotaExhausted: "Top up the account or raise the limit of the key or the account, or add another provider to "
    "`providers`.",
    ModelNotFound: "Check the model's id at this provider, or pass that id as `model=` to the provider.",
    ContextOverflow: "Shorten the prompt or use a model with a larger window.",
    PermissionDenied: "Check what the key may do, and the account's region and verification.",
}
_RETIRED_GENERATIONS: Final = ("gemini-1", "gemini-pro", "gemini-ultra", "gemini-2.0", "text-bison", "chat-bison")
"""Prefixes of the names of models that Google no longer serves: https://ai.google.dev/gemini-api/docs/deprecations."""
_VAGUE: Final = (BadRequest, ServerError)
"""The least specific classes: any other code of the same error takes precedence."""


def classify(payload: ErrorPayload) -> type[ProviderError]:
    """Choose the error class."""
    status = payload.upstream_status or payload.status
    if status in (None, 200, 400, 413, 422, 500) and _BY_TEXT[ContextOverflow].search(payload.message):
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
    return next((kind for kind, pattern in _BY_TEXT.items() if pattern.search(message)), None)


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
    near = get_close_matches(bare, [model.name for model in catalog.models()], n=3, cutoff=0.8)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _withdrawal(provider: str, model: Model) -> str:
    hosted = model.providers.get(provider)
    days = (None if hosted is None else hosted.withdrawn, model.vertex_retired, model.retired)
    if (day := next(filter(None, days), None)) is None:
        return ""
    instead = repr(model.successor) if model.successor else "a newer model, or add another provider,"
    return f"Its end is announced for {day.isoformat()}. Use {instead} instead."
