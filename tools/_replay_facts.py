"""What `replay.py` checks of the facts around an answer: tokens, cost, reasons to stop, signatures; errors and waits.

All are read from the bodies once more, by other code than the client's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from gemini_multi import ChatResponse, ProviderError, StreamInterrupted, catalog
from gemini_multi.types import JsonValue, ToolCall

Document: TypeAlias = dict[str, JsonValue]
Signed: TypeAlias = tuple[str, str]
"""Where a signature stands (`part`, or `call` with its number), and its text."""

_CENT = 0.01


def disagreements(found: Sequence[Document], answer: ChatResponse, *, native: bool) -> list[str]:
    """Name the facts that the answer tells otherwise than the body."""
    usage = answer.usage
    ours: dict[str, object] = {
        "output tokens": usage.output_tokens,
        "reasoning tokens": usage.reasoning_tokens,
        "finish reason": answer.finish_reason,
        "signatures": sorted(_signatures_of(answer)),
    }
    theirs = _native(found, answer) if native else _chat(found, answer)
    apart = [
        f"{name}: {theirs[name]!r:.200} became {ours[name]!r:.200}" for name in theirs if theirs[name] != ours[name]
    ]
    return apart + list(_cost_disagreements(found, answer))


# --- tokens and money ---


def _last(found: Sequence[Document], key: str) -> dict[str, Any]:
    """Merge what the documents say by a key: the last word counts."""
    merged: dict[str, Any] = {}
    for document in found:
        given = document.get(key)
        if isinstance(given, dict):
            merged |= {name: value for name, value in given.items() if value is not None}
    return merged


def _native_tokens(found: Sequence[Document]) -> tuple[int, int]:
    said = _last(found, "usageMetadata")
    thoughts, candidates = said.get("thoughtsTokenCount", 0), said.get("candidatesTokenCount", 0)
    rest = said.get("totalTokenCount", 0) - said.get("promptTokenCount", 0) - said.get("toolUsePromptTokenCount", 0)
    return (candidates if thoughts and rest == candidates else candidates + thoughts), thoughts


def _chat_tokens(found: Sequence[Document]) -> tuple[int, int]:
    said = _last(found, "usage")
    prompt, completion, total = (said.get(f"{name}_tokens") or 0 for name in ("prompt", "completion", "total"))
    details = said.get("completion_tokens_details") or {}
    thoughts = details.get("reasoning_tokens") or said.get("reasoning_tokens") or 0
    beside = total - prompt - completion
    if prompt and beside > 0:
        return completion + beside, thoughts or beside
    return completion + (thoughts if thoughts > completion else 0), thoughts


def _cost_disagreements(found: Sequence[Document], answer: ChatResponse) -> Iterator[str]:
    billed = _last(found, "meta").get("usage")
    stated = billed.get("usd_spent") if isinstance(billed, dict) else None
    stated = _last(found, "usage").get("cost") if stated is None else stated
    cost, source = answer.usage.cost_usd, answer.usage.cost_source
    listed = _listed(answer)
    if isinstance(stated, int | float):
        if (cost, source) != (float(stated), "host"):
            yield f"cost: {stated!r} became {cost!r} ({source})"
    elif source == "host" or (cost is None) != (source is None):
        yield f"cost: nothing was billed, and it became {cost!r} ({source})"
    elif cost is not None and listed is not None and not math.isclose(cost, listed, rel_tol=_CENT):
        yield f"cost: {listed!r} at list prices became {cost!r}"


def _listed(answer: ChatResponse) -> float | None:
    """Multiply text tokens by list prices; `None` where the prices are not that simple."""
    usage, model = answer.usage, catalog.find_answered(answer.model) or catalog.find(answer.model)
    hosted = model.providers.get(answer.provider)
    prices = (hosted.prices if hosted is not None and hosted.prices else model.prices) if model.is_known else ()
    today = datetime.now(UTC).date()
    valid = [price for price in prices if (price.since is None or price.since <= today) and not price.above_tokens]
    if len(prices) != 1 or not valid or set(usage.input_by_modality) - {"text"} or usage.cached_tokens:
        return None
    return (usage.input_tokens * valid[0].input + usage.output_tokens * valid[0].output) / 1e6


# --- reasons to stop ---

_FILTERS = (
    *("safety", "blocklist", "prohibited_content", "spii"),
    *("recitation", "model_armor", "image_safety", "content_filter"),
)
_REASONS = {
    **dict.fromkeys(_FILTERS, "content_filter"),
    **dict.fromkeys(("max_tokens", "length", "continuation"), "length"),
    **dict.fromkeys(("malformed_function_call", "unexpected_tool_call", "too_many_tool_calls", "language"), "error"),
    "stop": "stop",
    "tool_calls": "tool_calls",
}


def _reason(word: JsonValue, answer: ChatResponse) -> str | None:
    """Say what a reason is called; one that is not in the table is left to the client."""
    if not isinstance(word, str):
        return answer.finish_reason
    reason = _REASONS.get(word.rpartition(":")[2].strip().lower(), answer.finish_reason)
    return "tool_calls" if reason == "stop" and answer.tool_calls else reason


# --- signatures ---


def _signatures_of(answer: ChatResponse) -> Iterator[Signed]:
    calls = 0
    for part in answer.parts:
        signature = getattr(part, "signature", None)
        is_call = isinstance(part, ToolCall)
        if signature is not None:
            at_call = is_call and signature.carrier in ("thoughtSignature", "extra_content", "thought_signature")
            yield from ((f"call {calls}" if at_call else "part", text) for text in _texts(signature.payload))
        calls += is_call


def _texts(payload: JsonValue) -> Iterator[str]:
    """Find the signatures in what carries them."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, dict):
        spaces = [space.get("thought_signature") for space in payload.values() if isinstance(space, dict)]
        yield from (text for text in [*spaces, payload.get("data"), payload.get("signature")] if isinstance(text, str))
    elif isinstance(payload, list):
        for item in payload:
            yield from _texts(item)


def _shares(found: Sequence[Document], key: str) -> Iterator[dict[str, Any]]:
    for document in found:
        items = document.get(key)
        first = items[0] if isinstance(items, list) and items else None
        if isinstance(first, dict):
            yield first


def _native(found: Sequence[Document], answer: ChatResponse) -> dict[str, object]:
    signed, calls, finish = list[Signed](), 0, None
    for candidate in _shares(found, "candidates"):
        finish = candidate.get("finishReason") or finish
        content = candidate.get("content")
        for part in (content.get("parts") or ()) if isinstance(content, dict) else ():
            is_call = bool((part.get("functionCall") or {}).get("name"))
            if isinstance(text := part.get("thoughtSignature"), str) and text:
                signed.append((f"call {calls}" if is_call else "part", text))
            calls += is_call
    output, reasoning = _native_tokens(found)
    read: dict[str, object] = {"output tokens": output, "reasoning tokens": reasoning}
    if calls == len(answer.tool_calls):  # calls that are not to be run are kept apart, with their signatures
        read |= {"finish reason": _reason(finish, answer), "signatures": sorted(signed)}
    return read


def _chat(found: Sequence[Document], answer: ChatResponse) -> dict[str, object]:
    signed, finish, ids = dict[Signed, None](), None, list[str]()
    for choice in _shares(found, "choices"):
        finish = choice.get("finish_reason") or finish
        message = choice.get("delta") or choice.get("message") or {}
        for call in message.get("tool_calls") or ():
            if (call.get("function") or {}).get("name"):
                ids.append(str(call.get("id")))
            carried = [call.get("extra_content"), call.get("thought_signature")]
            signed |= dict.fromkeys((f"call {len(ids) - 1}", text) for text in _texts(carried))
        beside = [message.get("extra_content"), message.get("thought_signature"), message.get("reasoning_details")]
        signed |= dict.fromkeys(("part", text) for text in _texts(beside))
    at_calls = {text for place, text in signed if place != "part"}
    places = [(place, text) for place, text in signed if place != "part" or text not in at_calls]
    output, reasoning = _chat_tokens(found)
    read: dict[str, object] = {"finish reason": _reason(finish, answer)}
    if _last(found, "usage").get("prompt_tokens"):  # without them the client reads the total otherwise
        read |= {"output tokens": output, "reasoning tokens": reasoning}
    return read if len(ids) != len(answer.tool_calls) else {**read, "signatures": sorted(places)}


# --- errors ---

_CLASSES = {401: "AuthenticationFailed", 402: "QuotaExhausted", 403: "PermissionDenied", 404: "ModelNotFound"}
_MARKS = (
    ("API_KEY_INVALID", "AuthenticationFailed"),
    ("exceeds the maximum number of tokens", "ContextOverflow"),
    ("FAILED_PRECONDITION", "PermissionDenied"),
)
_WAIT = re.compile(r'"retryDelay":\s*"([\d.]+)s"|retry in ([\d.]+)s\b')


def error_disagreements(found: Sequence[Document], status: int, error: ProviderError | StreamInterrupted) -> list[str]:
    """Name the class and the wait of an error where the body demands others."""
    told = error.__cause__ if isinstance(error, StreamInterrupted) else error
    text = json.dumps([document for document in found if "error" in document], ensure_ascii=False)
    kind = _kind(_status(found, status), text)
    wait = next((float(one or other) for one, other in _WAIT.findall(text)), None)
    apart = [] if type(told).__name__ == kind else [f"{kind} became {type(told).__name__}"]
    if getattr(told, "retry_after", None) != wait:
        apart.append(f"a wait of {wait!r} s became {getattr(told, 'retry_after', None)!r}")
    return apart


def _status(found: Sequence[Document], status: int) -> int:
    codes = [error.get("code") for document in found if isinstance(error := document.get("error"), dict)]
    return status if status >= 400 else next((code for code in codes if isinstance(code, int)), status)


def _kind(status: int, text: str) -> str:
    if status == 429:
        return "QuotaExhausted" if re.search(r"PerDay|limit: 0\b", text) else "RateLimited"
    if status == 400:
        return next((kind for mark, kind in _MARKS if mark in text), "BadRequest")
    return _CLASSES.get(status, "ServerError" if status >= 499 else "BadRequest")
