"""Decodes the JSON texts of one answer: the payloads of a stream's events, or one document."""

from __future__ import annotations

from collections.abc import Callable

from gemini_multi._encoding import json_text
from gemini_multi._encoding.surrogates import SurrogateJoiner
from gemini_multi.dialects.base import Decoder
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import ChatEvent, JsonObject, JsonValue


class PayloadDecoder:
    """Turns JSON texts into events with a dialect's decoder."""

    def __init__(self, decoder: Decoder, unwrap: Callable[[JsonValue], JsonObject]) -> None:
        self.decoder = decoder
        self._unwrap = unwrap
        self._surrogates = SurrogateJoiner()

    def document(self, body: bytes) -> list[ChatEvent]:
        """Decode an answer in one piece. Some providers send the chunks of a stream as one array."""
        document = json_text.read(body)
        events: list[ChatEvent] = []
        for item in document if isinstance(document, list) else [document]:
            events += self.decoder.feed(self._unwrap(item))
        return [*events, *self.decoder.close()]

    def payload(self, payload: bytes, *, at_end: bool = False) -> list[ChatEvent]:
        """Decode the payload of one event. At the end of a stream a truncated payload is omitted: `end` detects it."""
        if self._surrogates.held:
            first, payload = self._surrogates.joined(payload)
            return [*self.payload(first, at_end=at_end), *self.payload(payload, at_end=at_end)]
        try:
            document = json_text.read(payload, self._surrogates)
        except InvalidResponse:
            if at_end:
                return []
            raise
        return [] if document is None else self.decoder.feed(self._unwrap(document))

    def end(self, *, is_done: bool) -> list[ChatEvent]:
        """Return the events that were delayed until the end. With `is_done` the provider sent `[DONE]`."""
        events: list[ChatEvent] = []
        if self._surrogates.held:  # no later text can bring the other half of the character
            events += self.payload(b"null", at_end=True)
        if not is_done and not self.decoder.is_complete:
            raise InvalidResponse("The stream ended before the answer did: no finish reason and no [DONE].")
        return [*events, *self.decoder.close()]
