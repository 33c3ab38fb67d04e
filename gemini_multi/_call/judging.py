"""Answers that are not delivered as they are: flawed ones, and those that `failover_on` does not want."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gemini_multi import structured
from gemini_multi.errors import InvalidResponse, PromptBlocked
from gemini_multi.preference import FailoverOn, NamedCondition
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, JsonObject, Tool

_Check: TypeAlias = Callable[[ChatRequest, ChatResponse], bool]
_FORCED: Final = ("required", "validated")


class RetryableAnswer(InvalidResponse):
    """A readable answer that is worth another try: it is empty, or it holds a malformed call."""

    def __init__(self, message: str, response: ChatResponse, events: Sequence[ChatEvent]) -> None:
        super().__init__(message)
        self.response = response
        self.events = events


class UnwantedAnswer(RetryableAnswer):
    """An answer that the caller does not want by a condition of `failover_on`. Another provider may do better."""


def unwanted_by(failover: FailoverOn, request: ChatRequest, response: ChatResponse) -> str | None:
    """Return the name of the first condition that holds; `None` when the answer is wanted."""
    for condition in failover.conditions:
        if callable(condition):
            if condition(response):
                return getattr(condition, "__name__", type(condition).__name__)
        elif _CHECKS[condition](request, response):
            return condition
    return None


def errors_to_leave(failover: FailoverOn) -> tuple[type[Exception], ...]:
    """List the errors that lead to the next provider because of a condition; without it they end the call."""
    return (PromptBlocked,) if {"refusal", "content_filter"} & {*failover.conditions} else ()


def _is_filtered(_request: ChatRequest, response: ChatResponse) -> bool:
    return response.finish_reason == "content_filter"


def _is_refused(request: ChatRequest, response: ChatResponse) -> bool:
    return bool(response.candidate.refusal) or _is_filtered(request, response)


def _is_cut(_request: ChatRequest, response: ChatResponse) -> bool:
    return response.finish_reason == "length"


def _is_invalid(request: ChatRequest, response: ChatResponse) -> bool:
    """Whether the answer breaks the schema of its response format, or of a tool that must be called."""
    if request.response_format is not None and not response.tool_calls:
        return not _is_readable(response.text, request.response_format.schema or {})
    if request.tool_choice is None or request.tool_choice.mode not in _FORCED:
        return False
    schemas = {tool.name: tool.parameters for tool in request.tools if isinstance(tool, Tool)}
    return not response.tool_calls or any(
        call.invalid_arguments is not None
        or structured.validation_errors(dict(call.arguments), schemas.get(call.name, {}))
        for call in response.tool_calls
    )


def _is_readable(text: str, schema: JsonObject) -> bool:
    try:
        structured.read(text, schema)
    except InvalidResponse:
        return False
    return True


_CHECKS: Final[dict[NamedCondition, _Check]] = {
    "content_filter": _is_filtered,
    "refusal": _is_refused,
    "length": _is_cut,
    "invalid_output": _is_invalid,
}
