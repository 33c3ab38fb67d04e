"""Normalizes the finish reasons of providers.

The providers may add reasons. An unknown reason becomes `other`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gemini_multi.types import FinishReason

MALFORMED: Final = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"})
"""Failures of one generation. The same request may succeed at the next attempt."""

UNWANTED_CALL: Final = frozenset({"UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})
"""Reasons that mean that the candidate holds a tool call that must not be executed."""

_WORDS_OF: Final[Mapping[FinishReason, str]] = {
    "stop": "STOP",
    "tool_calls": "TOOL_CALLS FUNCTION_CALL",
    "length": "LENGTH MAX_TOKENS CONTINUATION",
    "content_filter": "CONTENT_FILTER SAFETY BLOCKLIST PROHIBITED_CONTENT SPII RECITATION MODEL_ARMOR "
    "IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION",
    "error": "ERROR LANGUAGE MISSING_THOUGHT_SIGNATURE NO_IMAGE IMAGE_OTHER ESCALATION "
    + " ".join(MALFORMED | UNWANTED_CALL),
}
_REASONS: Final[Mapping[str, FinishReason]] = {
    word: reason for reason, words in _WORDS_OF.items() for word in words.split()
}

_FILTERS: Final[Mapping[str, FinishReason]] = {"content_filter": "content_filter", "function_call_filter": "error"}


def finish_reason(raw: str, *, called: bool) -> FinishReason:
    """Normalize a reason in Google's form (`MAX_TOKENS`), OpenAI's (`length`) or a mixture (`content_filter: SPII`).

    `called` states whether the answer holds a tool call. In this case Gemini sends `STOP`, and its streams `stop`.
    """
    prefix, _, word = raw.partition(":")
    reason = _REASONS.get(word_of(raw))
    if word:
        return _FILTERS.get(prefix.strip().lower()) or reason or "other"
    if reason == "stop" and called:
        return "tool_calls"
    return reason or "other"


def word_of(raw: str) -> str:
    """Return Google's own reason in a reason, such as `SPII` in `content_filter: SPII`."""
    return raw.rpartition(":")[2].strip().upper()
