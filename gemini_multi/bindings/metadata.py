"""Writes an answer's metadata as plain JSON. Both bindings use the same names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gemini_multi.types import Attempt, Candidate, ChatResponse


def attempts(response: ChatResponse) -> list[Any]:
    """Write the attempts of the answer."""
    return [
        {**{name: getattr(attempt, name) for name in Attempt.__slots__}, "ignored": list(attempt.ignored)}
        for attempt in response.attempts
    ]


def candidate_metadata(candidate: Candidate) -> dict[str, Any]:
    """Write the metadata of a candidate, without empty fields."""
    found = {
        "finish_message": candidate.finish_message,
        "safety_ratings": [dict(rating) for rating in candidate.safety_ratings],
        "grounding_metadata": dict(candidate.grounding or {}),
        "citations": [
            {name: value for name, value in asdict(citation).items() if value not in (None, {})}
            for citation in candidate.citations
        ],
        "logprobs": candidate.logprobs,
    }
    return {name: value for name, value in found.items() if value}
