"""Reasons to stop, as providers say them."""

from __future__ import annotations

import pytest

from gemini_multi.dialects.finish import finish_reason, word_of

REASONS = {
    "stop": ["STOP", "stop"],
    "length": ["MAX_TOKENS", "CONTINUATION", "length"],
    "content_filter": [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "content_filter",
        "content_filter: PROHIBITED_CONTENT",
        "content_filter: NEW_REASON",
    ],
    "error": [
        "LANGUAGE",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "ESCALATION",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "error",
    ],
    "other": ["OTHER", "FINISH_REASON_UNSPECIFIED", "PUP_LIMITED_DISABLED", "A_WORD_OF_TOMORROW", "new: SOMETHING"],
    "tool_calls": ["tool_calls", "function_call"],
}


@pytest.mark.parametrize(("expected", "raw"), [(reason, raw) for reason, raws in REASONS.items() for raw in raws])
def test_finish_reason_normalizes_every_known_word(expected: str, raw: str) -> None:
    """Google's words, OpenAI's and Google's mixture of both mean the same; an unknown word is `other`."""
    assert finish_reason(raw, called=False) == expected


@pytest.mark.parametrize(
    ("raw", "expected"), [("STOP", "tool_calls"), ("stop", "tool_calls"), ("SAFETY", "content_filter")]
)
def test_finish_reason_knows_that_stop_with_a_call_means_tool_calls(raw: str, expected: str) -> None:
    """Gemini has no reason of its own for calls; other reasons are not covered up by one."""
    assert finish_reason(raw, called=True) == expected


def test_word_of_takes_the_prefix_off() -> None:
    """The word is the same on both dialects."""
    assert word_of("function_call_filter: malformed_function_call") == word_of("MALFORMED_FUNCTION_CALL")
