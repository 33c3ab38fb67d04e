"""Reads the error bodies of all providers, by their shape, and classifies them by status and machine-readable code.

Shapes (the wire documents of each host name their sources): Google's `{"error": {code, message, status, details}}`,
bare or in a one-element list; Cloudflare's `{"success": false, "errors": [...]}` and `{"error": [...], "name":
"AiGatewayError", "internalCode"}`; AIMLAPI's flat `{"message", "statusCode"}`; Oxen's `{"error": {"type", "title",
"detail"}, "status_message"}`; OpenAI's `{"error": {"message", "type", "code"}}`; and text or HTML from whatever stands
in front of a provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pydantic_core

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
from gemini_multi.retry import duration_of, retry_after_of, retry_in, should_retry_of
from gemini_multi.types import JsonObject, JsonValue


@dataclass(slots=True)
class ErrorPayload(Exception):  # raised inside the package only, to unwind a decoder
    """What a provider said of its failure."""

    status: int | None = None
    code: str | None = None
    message: str = ""
    reasons: tuple[str, ...] = ()
    """Further machine-readable words: Google's `status`, `ErrorInfo.reason`, quota ids, error types."""
    retry_after: float | None = None
    should_retry: bool | None = None
    body: JsonValue = field(default=None, repr=False)

    def error(
        self, kind: type[ProviderError], provider: str, target: Target[Any], request_id: str | None
    ) -> ProviderError:
        """Make the typed error."""
        # Bounded, as the body is: the message is searched for what it means, and errors are logged and sent around.
        said = self.message[:KEPT_CHARACTERS] or "no message"
        status = f" ({self.status}{f', code {self.code}' if self.code else ''})" if self.status or self.code else ""
        advice = _ADVICE.get(kind, "")
        if kind is ModelNotFound:
            advice = _withdrawal(target, provider) or advice
        return kind(
            f"{provider} refused {target.model_id!r}{status}: {said}{' ' + advice if advice else ''}",
            provider=provider,
            model=target.model_id,
            status=self.status,
            code=self.code,
            request_id=request_id,
            retry_after=retry_in(self.message) if self.retry_after is None else self.retry_after,
            should_retry=self.should_retry,
            body=self.body,
        )


_KEPT_OF_CODE: Final = 200
_ADVICE: Final[dict[type[ProviderError], str]] = {
    AuthenticationFailed: "Check the key and its permissions.",
    QuotaExhausted: "Top up the account or raise its limit, or name another provider after this one.",
    ModelNotFound: "Check the model's id for this provider, or pass `model=` to the provider.",
    ContextOverflow: "Shorten the prompt or use a model with a larger window.",
    PermissionDenied: "Check what the key may do, and the account's region and verification.",
}


def _withdrawal(target: Target[Any], provider: str) -> str:
    hosted = target.model.providers.get(provider)
    days = ((hosted.withdrawn if hosted is not None else None), target.model.vertex_retired, target.model.retired)
    named = next((day for day in days if day is not None), None)
    if named is None:
        return ""
    instead = repr(target.model.successor) if target.model.successor else "a newer model, or name another provider,"
    return f"Its end is announced for {named.isoformat()}. Use {instead} instead."


_BY_STATUS: Final[dict[int, type[ProviderError]]] = {
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: PermissionDenied,
    404: ModelNotFound,
    405: ModelNotFound,
    408: ServerError,
    409: ServerError,
    425: ServerError,
    429: RateLimited,
    498: AuthenticationFailed,
    499: ServerError,
}

# The providers leave no other mark than the text here; each wording is quoted in the documentation of its provider.
_OVERFLOW: Final = re.compile(
    r"input token count .{0,40}exceeds the maximum|exceeds the maximum number of tokens"
    r"|maximum context length|context.length.exceeded",
    re.IGNORECASE,
)
_REASONS: Final[dict[str, type[ProviderError]]] = {
    "API_KEY_INVALID": AuthenticationFailed,
    "UNAUTHENTICATED": AuthenticationFailed,
    "unauthenticated": AuthenticationFailed,
    "PERMISSION_DENIED": PermissionDenied,
    "insufficient_credits": QuotaExhausted,
    "insufficient_quota": QuotaExhausted,
    "context_length_exceeded": ContextOverflow,
    "resource_not_found": ModelNotFound,
    "model_not_found": ModelNotFound,
    "NOT_FOUND": ModelNotFound,
    "UNAVAILABLE": ServerError,
    "INTERNAL": ServerError,
    "DEADLINE_EXCEEDED": ServerError,
    "upstream": ServerError,
}
_NAMED_STATUS: Final = {"RESOURCE_EXHAUSTED": 429, "UNAVAILABLE": 503, "INTERNAL": 500, "INVALID_ARGUMENT": 400}


def classify(facts: ErrorPayload) -> type[ProviderError]:
    """Choose the error class by the provider's codes and status, by text only for a prompt that is too long."""
    status = facts.status
    if status is not None and status in (400, 413, 422, 500) and _OVERFLOW.search(facts.message):
        return ContextOverflow
    if status == 429 and any("PerDay" in reason for reason in facts.reasons):
        return QuotaExhausted
    if status is None or status == 400 or status == 200:
        for reason in facts.reasons:
            if reason in _REASONS:
                return _REASONS[reason]
        if "FAILED_PRECONDITION" in facts.reasons:
            return PermissionDenied
    if status is None:
        return ServerError
    return _BY_STATUS.get(status) or (ServerError if status >= 500 or status < 400 else BadRequest)


def facts_of(status: int, headers: Mapping[str, str], body: bytes) -> ErrorPayload:
    """Read the body of an answer that is not a success."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document: JsonValue = pydantic_core.from_json(body)
    except ValueError:
        facts = ErrorPayload(message=_plain(text), body=text[:KEPT_CHARACTERS])
    else:
        if isinstance(document, list) and document:
            document = document[0]
        facts = (error_in(document, in_error=True) if isinstance(document, dict) else None) or ErrorPayload(
            message=_plain(text), body=text[:KEPT_CHARACTERS]
        )
    facts.status = status
    facts.retry_after = retry_after_of(headers) if facts.retry_after is None else facts.retry_after
    facts.should_retry = should_retry_of(headers)
    if not facts.message and 300 <= status < 400:
        facts.message = "it redirects elsewhere, which is not followed so that the key stays here; check `base_url`"
    return facts


def error_in(document: JsonObject, *, in_error: bool = False) -> ErrorPayload | None:
    """Find the error that a document reports, in any provider's shape; `None` when it reports none."""
    inner = document.get("error") or document.get("errors")
    if isinstance(inner, list):
        inner = next((item for item in inner if isinstance(item, dict)), None) or (str(inner[0]) if inner else None)
    failed = document.get("success") is False or document.get("state") == "Failed"
    if not inner and not failed and not in_error and not _is_flat(document):
        return None
    return _facts(document, inner)


def _is_flat(document: JsonObject) -> bool:
    """Whether the document itself is the error: `{"message", "statusCode"}` and no answer."""
    is_answer = "choices" in document or "candidates" in document
    return not is_answer and isinstance(document.get("message"), str) and _status({}, document) is not None


def _facts(document: JsonObject, inner: JsonValue) -> ErrorPayload:
    error: JsonObject = inner if isinstance(inner, dict) else {}
    message = _first_text(error, "message", "detail", "title", "description") or (
        inner if isinstance(inner, str) else ""
    )
    message = message or _first_text(document, "message", "detail", "title", "description", "status_message")
    title = _first_text(error, "title")
    if title and title not in message:
        message = f"{title} {message}"
    details = error.get("details")
    found = [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []
    code = error.get("code")
    if code is None:
        code = document.get("internalCode", document.get("code"))
    words = [error.get("status"), error.get("type"), document.get("status_message"), code, *_detail_reasons(found)]
    facts = ErrorPayload(
        status=_status(error, document),
        code=None if code is None else str(code)[:_KEPT_OF_CODE],
        message=message,
        reasons=tuple(word for word in words if isinstance(word, str)),
        retry_after=_retry_delay(found),
        body=_bounded(document),
    )
    return _with_inner(facts)


def _with_inner(facts: ErrorPayload) -> ErrorPayload:
    """Read Google's error out of a message that carries it as JSON text, as gateways do."""
    start = facts.message.find('{"error"')
    if start < 0:
        start = facts.message.find('{\n  "error"')
    if start < 0:
        return facts
    try:
        document = pydantic_core.from_json(facts.message[start:])
    except ValueError:
        return facts
    inner = error_in(document)
    if inner is None:
        return facts
    facts.reasons = (*facts.reasons, *inner.reasons)
    facts.message = inner.message or facts.message
    facts.retry_after = inner.retry_after if facts.retry_after is None else facts.retry_after
    return facts


def _status(error: JsonObject, document: JsonObject) -> int | None:
    places = (
        (error, "code"),
        (error, "status"),
        (document, "httpCode"),
        (document, "statusCode"),
        (document, "status"),
    )
    for place, name in places:
        text = str(place.get(name))
        status = _NAMED_STATUS.get(text) or (int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else 0)
        if 400 <= status < 600:
            return status
    return None


def _detail_reasons(details: list[dict[str, JsonValue]]) -> list[str]:
    reasons: list[str] = []
    for detail in details:
        reason = detail.get("reason")
        if isinstance(reason, str):
            reasons.append(reason)
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else []:
            quota = violation.get("quotaId") if isinstance(violation, dict) else None
            if isinstance(quota, str):
                reasons.append(quota)
    return reasons


def _retry_delay(details: list[dict[str, JsonValue]]) -> float | None:
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (seconds := duration_of(delay)) is not None:
            return seconds
    return None


def _first_text(document: JsonObject, *names: str) -> str:
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


_TITLE: Final = re.compile("<title", re.IGNORECASE)
_TITLE_END: Final = re.compile("</title", re.IGNORECASE)


def _plain(text: str) -> str:
    # Not one pattern for both tags: it would take quadratic time on a page of nothing but opening tags.
    opening = _TITLE.search(text)
    begin = text.find(">", opening.end()) + 1 if opening else 0
    closing = _TITLE_END.search(text, begin) if begin else None
    return f"an HTML page titled {text[begin : closing.start()].strip()[:200]!r}" if closing else text[:500]


def _bounded(document: JsonObject) -> JsonValue:
    text = pydantic_core.to_json(document)
    return dict(document) if len(text) <= KEPT_CHARACTERS else text[:KEPT_CHARACTERS].decode("utf-8", "ignore")
