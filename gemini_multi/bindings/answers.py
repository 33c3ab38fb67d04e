"""What both bindings read from an answer: metadata, JSON that is still arriving, and why it holds no object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from typing import Any, Final

from pydantic import ValidationError

from gemini_multi.types import Attempt, Candidate, ChatResponse, JsonValue

_ADVICE: Final[Mapping[object, str]] = {
    "length": "The answer was cut off: raise `max_tokens`, which thoughts count against, or lower `reasoning_effort`.",
    "content_filter": "The provider stopped the answer for its content: change the prompt, or ask another provider.",
    "error": "The model made a call that cannot be read: ask again, or ask for JSON instead of a call.",
}
_values: Final = attrgetter(*Attempt.__slots__)
_SHOWN: Final = 5
"""The number of problems that a message lists."""
_SHORT: Final = 10_000
"""The number of characters up to which the whole text is parsed again for each piece."""
_SHARE: Final = 20
"""A longer text is parsed again after it has grown by one part in `_SHARE`, so that the total time is linear."""


def explained(what: str, reason: object, raw_reason: object = None) -> str:
    """Add to the sentence `what` the finish reason, if possible in the provider's words, and what to do."""
    advice = _ADVICE.get(reason, "Ask again, or make the schema simpler.")
    return f"{what} It ended with the finish reason {str(raw_reason or reason)!r}. {advice}"


def problems(error: BaseException | None) -> str:
    """List the errors of a value, without the value itself."""
    if not isinstance(error, ValidationError):
        return f"{error}."
    details = error.errors(include_input=False, include_url=False)
    return " ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}." for detail in details[:_SHOWN])


class GrowingJson:
    """A JSON value whose text is still arriving."""

    def __init__(self) -> None:
        from gemini_multi.structured import partial_json  # the import of a model class does not need it

        self._parse = partial_json
        self._pieces: list[str] = []
        self._length = 0
        self._due = 0
        """The length at which the text is parsed again."""
        self._last: JsonValue = None

    def add(self, piece: str) -> JsonValue:
        """Return the value so far, or `None` if the piece adds nothing to it."""
        self._pieces.append(piece)
        self._length += len(piece)
        if not piece or self._length < self._due:
            return None
        if self._length > _SHORT:
            self._due = self._length + self._length // _SHARE
        known = self._parse("".join(self._pieces))
        if known == self._last:
            return None
        self._last = known
        return known


def attempts(response: ChatResponse) -> list[Any]:
    """Write the attempts of the answer."""
    return [
        dict(zip(Attempt.__slots__, _values(attempt), strict=True), ignored=list(attempt.ignored))
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
