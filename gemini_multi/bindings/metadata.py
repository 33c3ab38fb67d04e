"""Writes an answer's metadata as plain JSON. Both bindings use the same names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from gemini_multi.types import Attempt, Candidate, ChatResponse, Citation

_ATTEMPT: Final = tuple(one.name for one in fields(Attempt))
_CITATION: Final = ("start", "end", "uri", "title", "text")


def attempts(response: ChatResponse) -> list[Any]:
    """Write the attempts of the answer."""
    return [_attempt(attempt) for attempt in response.attempts]


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {**{name: getattr(attempt, name) for name in _ATTEMPT}, "ignored": list(attempt.ignored)}


def citations(found: Sequence[Citation]) -> list[Any]:
    """Write citations, without empty fields."""
    return [
        {name: value for name, value in _citation(citation).items() if value is not None and value != {}}
        for citation in found
    ]


def _citation(citation: Citation) -> dict[str, Any]:
    return {**{name: getattr(citation, name) for name in _CITATION}, "source": dict(citation.source)}


def candidate_metadata(candidate: Candidate) -> dict[str, Any]:
    """Write the metadata of a candidate, without empty fields."""
    found = {
        "finish_message": candidate.finish_message,
        "safety_ratings": [dict(rating) for rating in candidate.safety_ratings],
        "grounding_metadata": dict(candidate.grounding or {}),
        "citations": candidate.citations and citations(candidate.citations),
        "logprobs": candidate.logprobs,
    }
    return {name: value for name, value in found.items() if value}
