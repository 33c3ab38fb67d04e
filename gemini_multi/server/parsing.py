"""Reads the bytes of a request, and reports errors in them in OpenAI's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from gemini_multi.server.body import ChatBody
from gemini_multi.server.failures import Refused
from gemini_multi.types import JsonValue

_UNSUPPORTED: Final = frozenset({"extra_forbidden", "too_long"})
"""The types of errors about fields that are not declared, and about fields that must be empty."""
_ADVICE: Final = {
    "functions": " Use `tools`.",
    "function_call": " Use `tool_choice`, and `tool_calls` in messages.",
    "max_output_tokens": " Use `max_completion_tokens`.",
    "input": " This is a parameter of the Responses API; use /v1/chat/completions and `messages`.",
}


def parse(raw: bytes) -> ChatBody:
    """Read a request.

    Raises:
        Refused: The request is not a JSON object, lacks a field, or has a wrong value or an unsupported parameter.
    """
    try:
        return ChatBody.model_validate_json(raw)
    except ValidationError as error:
        # The errors do not hold the input: it may be a prompt, and callers log errors.
        problem = _most_telling(error.errors(include_url=False, include_context=False))
    raise _refusal(problem, raw)


def _most_telling(problems: list[ErrorDetails]) -> ErrorDetails:
    """Choose the error with the longest path: if a value may have several forms, it is about the intended one."""
    return max(problems, key=lambda problem: len(problem["loc"]))


def _refusal(problem: ErrorDetails, raw: bytes) -> Refused:
    kind = problem["type"]
    if kind == "json_invalid":
        return Refused(
            400,
            f"The request's body is not valid JSON: {problem['msg'].removeprefix('Invalid JSON: ')}.",
            code="invalid_json",
        )
    path = _path(problem["loc"], raw)
    name = _written(path) or None
    if kind in _UNSUPPORTED:
        advice = _ADVICE.get(str(path[-1]), " Leave it out.")
        return Refused(
            400, f"The parameter `{name}` is not supported.{advice}", code="unsupported_parameter", param=name
        )
    code = "missing_required_parameter" if kind == "missing" else "invalid_value"
    subject = f"The parameter `{name}`" if name else "The request's body"
    return Refused(400, f"{subject} cannot be used: {problem['msg']}.", code=code, param=name)


def _path(location: Sequence[int | str], raw: bytes) -> list[int | str]:
    """Return the path of a value in the body. pydantic's location also holds the names of the forms that it tried."""
    place: JsonValue = from_json(raw)
    path: list[int | str] = []
    last = len(location) - 1
    for position, step in enumerate(location):
        if _has(place, step):
            path.append(step)
            place = _inside(place, step)
        elif position == last and isinstance(place, dict) and isinstance(step, str):
            path.append(step)  # the field is missing
    return path


def _has(place: JsonValue, step: int | str) -> bool:
    if isinstance(place, dict):
        return step in place
    return isinstance(place, list) and isinstance(step, int)


def _inside(place: JsonValue, step: int | str) -> JsonValue:
    if isinstance(place, dict):
        return place[str(step)]
    return place[int(step)] if isinstance(place, list) else None


def _written(path: Sequence[int | str]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
