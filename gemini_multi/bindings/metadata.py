"""Writes an answer's metadata as plain JSON. Both bindings use the same names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from gemini_multi.types import Attempt, Candidate, ChatResponse, Citation

_ATTEMPT: Final = tuple(one.name for one in fields(Attempt))


def attempts(response: ChatResponse) -> list[Any]:
    """Write the attempts of the answer."""
    return [
        {**{name: getattr(attempt, name) for name in _ATTEMPT}, "ignored": list(attempt.ignored)}
        for attempt in response.attempts
    ]


def candidate_metadata(candidate: Candidate) -> dict[str, Any]:
    """Write the metadata of a candidate, without empty fields."""
    found = {
        "finish_message": candidate.finish_message,
        "safety_ratings": [dict(rating) for rating in candidate.safety_ratings],
        "grounding_metadata": dict(candidate.grounding or {}),
        "citations": [_citation(citation) for citation in candidate.citations],
        "logprobs": candidate.logprobs,
    }
    return {name: value for name, value in found.items() if value}


def _citation(citation: Citation) -> dict[str, Any]:
    written = {**{one.name: getattr(citation, one.name) for one in fields(citation)}, "source": dict(citation.source)}
    return {name: value for name, value in written.items() if value is not None and value != {}}
