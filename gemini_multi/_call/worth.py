"""Judges an answer: whether it holds content, and whether another attempt may give a better one."""

from __future__ import annotations

from typing import Final

from gemini_multi.types import Candidate, ChatEvent, ChatResponse, Text, TextDelta, Thought, ThoughtDelta, ToolCall

_RETRYABLE_REASONS: Final = ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE")
_SHOWN_OF_A_REASON: Final = 100
EXPLAINED: Final = ("length", "content_filter")
"""Reasons to stop that explain an empty answer: the same request would end in the same way."""


def is_silent(event: ChatEvent) -> bool:
    """Whether an event holds no content of the answer: it is a thought or a signature."""
    return isinstance(event, ThoughtDelta) or (isinstance(event, TextDelta) and not event.text)


def fault(answer: ChatResponse, *, is_committed: bool) -> str | None:
    """Name what is wrong with an answer that is worth another attempt; `None` for a good answer.

    Args:
        answer: The whole answer.
        is_committed: Whether events of it went out already. Then a malformed call is no reason any more.
    """
    for candidate in answer.candidates:
        if candidate.finish_reason in EXPLAINED or _is_usable(candidate):
            first = answer.candidates[0]
            is_malformed = not is_committed and first.finish_reason != "stop" and _is_malformed(first)
            return "a malformed function call" if is_malformed else None
    if any(_is_malformed(candidate) for candidate in answer.candidates):
        return "a malformed function call"
    return "nothing but thoughts" if answer.thoughts else "nothing at all"


def _is_usable(candidate: Candidate) -> bool:
    """Whether a candidate holds more than thoughts and signatures."""
    if candidate.refusal:
        return True
    for part in candidate.parts:  # noqa: SIM110 - a generator costs a call more for every part
        if not isinstance(part, Thought) and (not isinstance(part, Text) or part.text):
            return True
    return False


def _is_malformed(candidate: Candidate) -> bool:
    """Whether the model tried to call a function and failed; the same request may well succeed."""
    reason = candidate.raw_finish_reason or ""
    if candidate.finish_reason == "error":
        return any(word in reason for word in _RETRYABLE_REASONS)
    if candidate.finish_reason not in ("tool_calls", None):
        return False
    for part in candidate.parts:  # noqa: SIM110 - as above
        if isinstance(part, ToolCall) and part.invalid_arguments is not None:
            return True
    return False


def silence(answer: ChatResponse) -> str | None:
    """Explain an answer that was stopped before its first word, which looks like an empty one; else `None`."""
    candidate, usage = answer.candidate, answer.usage
    if _is_usable(candidate):
        return None
    if candidate.finish_reason == "length":
        return (
            f"came to its limit before it said anything: {usage.reasoning_tokens} of {usage.output_tokens} tokens "
            "were thoughts. Raise `max_tokens`, which thoughts count against, or lower `reasoning_effort`."
        )
    reason = (candidate.raw_finish_reason or "")[:_SHOWN_OF_A_REASON]
    return f"was stopped for its content before it said anything: {reason!r}."
