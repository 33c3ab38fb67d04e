"""Lists of models: the request has no body, and the response holds the records.

A call treats a list like any other answer. Its text is the number of records, so retries and failover work as usual.
"""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import Decoder, Dialect, DocumentDecoder, EncodingReport, Target
from gemini_multi.types import Candidate, ChatEvent, ChatRequest, ChatResponse, JsonObject, JsonValue, Text

_LISTS: Final = ("data", "models")


class Listing(Dialect[None]):
    """The dialect of OpenAI's and Google's models endpoints."""

    name = "models"
    refusals = ()

    def encode(
        self, request: ChatRequest, target: Target[None], *, stream: bool, report: EncodingReport | None = None
    ) -> dict[str, JsonValue]:
        """Return no body: the URL is the whole request."""
        del request, target, stream, report
        return {}

    def decoder(self, request: ChatRequest, target: Target[None]) -> Decoder:
        """Make a decoder for one list."""
        del request, target
        return ListingDecoder()


class ListingDecoder(DocumentDecoder):
    """Decodes a list of models, or the record of one."""

    def __init__(self) -> None:
        self._records: list[JsonValue] = []

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read the document: a list in a field, one record in a field, or only a record."""
        found = next((document[name] for name in _LISTS if isinstance(document.get(name), (list, dict))), document)
        records = found if isinstance(found, list) else [dict(found) if isinstance(found, dict) else dict(document)]
        self._records += [record for record in records if isinstance(record, dict)]
        self.is_complete = True
        return []

    def response(self) -> ChatResponse:
        """The records as metadata, and their number as the answer's text."""
        if not self.is_complete:
            return ChatResponse()
        count = Candidate(parts=(Text(str(len(self._records))),), finish_reason="stop")
        return ChatResponse(candidates=(count,), provider_metadata={"models": self._records})


LISTING: Final = Listing()
