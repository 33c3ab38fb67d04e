"""Decodes the JSON texts of one answer: the payloads of a stream's events, or one document."""

from __future__ import annotations

from collections.abc import Callable

from gemini_multi._encoding import json_text
from gemini_multi._encoding.surrogates import SurrogateJoiner
from gemini_multi.dialects.base import Decoder
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import ChatEvent, ChatResponse, JsonObject, JsonValue


class PayloadDecoder:
    """Turns JSON texts into events with a dialect's decoder."""

    def __init__(self, decoder: Decoder, unwrap: Callable[[JsonValue], JsonObject]) -> None:
        self._decoder = decoder
        self._unwrap = unwrap
        self._surrogates = SurrogateJoiner()

    @property
    def is_complete(self) -> bool:
        """Whether the provider sent a finish reason."""
        return self._decoder.is_complete

    def response(self) -> ChatResponse:
        """Return the answer so far."""
        return self._decoder.response()

    def document(self, body: bytes) -> list[ChatEvent]:
        """Decode an answer in one piece. Some providers send the chunks of a stream as one array."""
        document = json_text.read(body)
        events: list[ChatEvent] = []
        for item in document if isinstance(document, list) else [document]:
            events += self._decoder.feed(self._unwrap(item))
        return [*events, *self._decoder.close()]

    def payload(self, payload: bytes, *, at_end: bool = False) -> list[ChatEvent]:
        """Decode the payload of one event.

        Args:
            payload: The JSON text.
            at_end: Whether the stream ended with this payload. A truncated payload is then omitted, and `end` detects
                the missing end of the answer.
        """
        if self._surrogates.held:
            first, payload = self._surrogates.joined(payload)
            return [*self.payload(first, at_end=at_end), *self.payload(payload, at_end=at_end)]
        try:
            document = json_text.read(payload, self._surrogates)
        except InvalidResponse:
            if at_end:
                return []
            raise
        return [] if document is None else self._decoder.feed(self._unwrap(document))

    def end(self, *, is_done: bool) -> list[ChatEvent]:
        """Return the events that were delayed until the end of the answer.

        Args:
            is_done: Whether the provider sent `[DONE]`.
        """
        events: list[ChatEvent] = []
        if self._surrogates.held:  # no later text can bring the other half of the character
            events += self.payload(b"null", at_end=True)
        if not is_done and not self._decoder.is_complete:
            raise InvalidResponse("The stream ended before the answer did: no finish reason and no [DONE].")
        return [*events, *self._decoder.close()]
