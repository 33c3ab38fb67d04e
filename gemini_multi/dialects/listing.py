"""Lists of models: the request has no body, and the response holds the records.

A call treats a list like any other answer. Its text is the number of records, so retries and failover work as usual.
"""

from __future__ import annotations

from typing import Final

from gemini_multi._encoding.json_values import as_list
from gemini_multi.dialects.base import Decoder, Dialect, DocumentDecoder, EncodingReport, Target
from gemini_multi.types import Candidate, ChatRequest, ChatResponse, JsonObject, JsonValue, Text

_LISTS: Final = ("data", "models")


class Listing(Dialect[None]):
    """The dialect of OpenAI's and Google's models endpoints."""

    name = "models"
    refusals = ()

    def encode(
        self, request: ChatRequest, target: Target[None], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Return no body: the URL is the whole request."""
        return {}

    def decoder(self, request: ChatRequest, target: Target[None]) -> Decoder:
        """Make a decoder for one list."""
        return DocumentDecoder(_listed)


def _listed(document: JsonObject) -> ChatResponse:
    """Read a list in a field, one record in a field, or only a record."""
    found = next((document[name] for name in _LISTS if isinstance(document.get(name), (list, dict))), dict(document))
    records: list[JsonValue] = [record for record in (as_list(found) or [found]) if isinstance(record, dict)]
    count = Candidate(parts=(Text(str(len(records))),), finish_reason="stop")
    return ChatResponse(candidates=(count,), provider_metadata={"models": records})


LISTING: Final = Listing()
