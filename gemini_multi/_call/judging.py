"""Judges answers: which are worth another attempt, and which `failover_on` refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gemini_multi import structured, types
from gemini_multi.errors import InvalidResponse, PromptBlocked
from gemini_multi.preference import FailoverOn, NamedCondition

_FORCED: Final = ("required", "validated")
_RETRYABLE_REASONS: Final = ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE")
_SHOWN_OF_A_REASON: Final = 100
EXPLAINED: Final = ("length", "content_filter")
"""Finish reasons that explain an empty answer: the same request would end in the same way."""


class RetryableAnswer(InvalidResponse):
    """A readable answer that is worth a retry: it is empty, or it holds a malformed tool call."""

    def __init__(self, message: str, response: types.ChatResponse, events: Sequence[types.ChatEvent]) -> None:
        super().__init__(message)
        self.response = response
        self.events = events


class UnwantedAnswer(RetryableAnswer):
    """An answer that a condition of `failover_on` refuses. Another provider may give a better answer."""


def is_silent(event: types.ChatEvent) -> bool:
    """Whether an event holds no content of the answer, only a thought or a signature."""
    return isinstance(event, types.ThoughtDelta) or (isinstance(event, types.TextDelta) and not event.text)


def fault_in(answer: types.ChatResponse, *, is_committed: bool) -> str | None:
    """Return the fault of an answer that is worth another attempt, or `None` for a good answer.

    If the caller already received events of the answer (`is_committed`), a malformed call is not a fault.
    """
    for candidate in answer.candidates:
        if candidate.finish_reason in EXPLAINED or _is_usable(candidate):
            first = answer.candidates[0]
            is_malformed = not is_committed and first.finish_reason != "stop" and _is_malformed(first)
            return "a malformed function call" if is_malformed else None
    if any(_is_malformed(candidate) for candidate in answer.candidates):
        return "a malformed function call"
    return "nothing but thoughts" if answer.thoughts else "nothing at all"


def _is_usable(candidate: types.Candidate) -> bool:
    """Whether a candidate holds more than thoughts and signatures."""
    if candidate.refusal:
        return True
    for part in candidate.parts:  # a generator costs a call more for every part
        if not isinstance(part, types.Thought) and (not isinstance(part, types.Text) or part.text):
            return True
    return False


def _is_malformed(candidate: types.Candidate) -> bool:
    """Whether the model tried to call a function and failed. The same request may succeed."""
    reason = candidate.raw_finish_reason or ""
    if candidate.finish_reason == "error":
        return any(word in reason for word in _RETRYABLE_REASONS)
    if candidate.finish_reason not in ("tool_calls", None):
        return False
    return any(isinstance(part, types.ToolCall) and part.invalid_arguments is not None for part in candidate.parts)


def silence_of(answer: types.ChatResponse) -> str | None:
    """Explain an answer that was stopped before its first text and so looks empty, or return `None`."""
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


def unwanted_by(failover: FailoverOn, request: types.ChatRequest, response: types.ChatResponse) -> str | None:
    """Return the name of the first condition that holds, or `None` if the answer is accepted."""
    for condition in failover.conditions:
        if callable(condition):
            if condition(response):
                return getattr(condition, "__name__", type(condition).__name__)
        elif _CHECKS[condition](request, response):
            return condition
    return None


def errors_to_leave(failover: FailoverOn) -> tuple[type[Exception], ...]:
    """List the errors that lead to the next provider because of a condition. Otherwise they end the call."""
    return (PromptBlocked,) if {"refusal", "content_filter"} & {*failover.conditions} else ()


def _is_invalid(request: types.ChatRequest, response: types.ChatResponse) -> bool:
    """Whether the answer breaks the schema of its response format, or of a tool that must be called."""
    if request.response_format is not None and not response.tool_calls:
        try:
            structured.read(response.text, request.response_format.schema or {})
        except InvalidResponse:
            return True
        return False
    if request.tool_choice is None or request.tool_choice.mode not in _FORCED:
        return False
    schemas = {tool.name: tool.parameters for tool in request.tools if isinstance(tool, types.Tool)}
    return not response.tool_calls or any(
        call.invalid_arguments is not None
        or structured.validation_errors(dict(call.arguments), schemas.get(call.name, {}))
        for call in response.tool_calls
    )


_CHECKS: Final[dict[NamedCondition, Callable[[types.ChatRequest, types.ChatResponse], bool]]] = {
    "content_filter": lambda _, response: response.finish_reason == "content_filter",
    "refusal": lambda _, response: bool(response.candidate.refusal) or response.finish_reason == "content_filter",
    "length": lambda _, response: response.finish_reason == "length",
    "invalid_output": _is_invalid,
}
