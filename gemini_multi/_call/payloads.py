"""Decodes the JSON texts of one answer: the payloads of a stream's events, or one whole document."""

from __future__ import annotations

from collections.abc import Callable

from gemini_multi._encoding import json_text
from gemini_multi._encoding.surrogates import SurrogateJoiner
from gemini_multi.dialects.base import Decoder
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import ChatEvent, ChatResponse, JsonObject, JsonValue


class PayloadDecoder:
    """Turns JSON texts into events by a decoder of a dialect."""

    def __init__(self, decoder: Decoder, unwrap: Callable[[JsonValue], JsonObject]) -> None:
        self._decoder = decoder
        self._unwrap = unwrap
        self._surrogates = SurrogateJoiner()

    @property
    def is_complete(self) -> bool:
        """Whether the provider said why the answer stopped."""
        return self._decoder.is_complete

    def response(self) -> ChatResponse:
        """Give the answer so far."""
        return self._decoder.response()

    def document(self, body: bytes) -> list[ChatEvent]:
        """Decode a whole answer. Some providers send the chunks of a stream as one array."""
        document = json_text.read(body)
        events: list[ChatEvent] = []
        for item in document if isinstance(document, list) else [document]:
            events += self._decoder.feed(self._unwrap(item))
        return [*events, *self._decoder.close()]

    def payload(self, payload: bytes, *, at_end: bool = False) -> list[ChatEvent]:
        """Decode the payload of one event.

        Args:
            payload: The JSON text.
            at_end: Whether the stream ended with it: a payload that was cut off is then left out, and the missing end
                of the answer is noticed by `end`.
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
        """Give the events that waited for the end of the answer.

        Args:
            is_done: Whether the provider sent `[DONE]`.
        """
        events: list[ChatEvent] = []
        if self._surrogates.held:  # nothing follows that could bring the other half of the character
            events += self.payload(b"null", at_end=True)
        if not is_done and not self._decoder.is_complete:
            raise InvalidResponse("The stream ended before the answer did: no finish reason and no [DONE].")
        return [*events, *self._decoder.close()]
