"""Reads the body of a response within the limits of time and memory, and decodes its JSON texts."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final

from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._encoding import json_text
from gemini_multi._encoding.surrogates import SurrogateJoiner
from gemini_multi._transport.steps import ReadBody, Step, TransportError
from gemini_multi.dialects.base import Decoder
from gemini_multi.errors import InvalidResponse, RequestTimeout
from gemini_multi.types import ChatEvent, JsonObject, JsonValue

READ_BODY: Final = ReadBody()
_BOM: Final = b"\xef\xbb\xbf"


class BodyReader:
    """The body of one response. The bytes that are read count against the limits of the call."""

    def __init__(self, attempt_log: AttemptLog, started: float) -> None:
        options = attempt_log.options
        self._attempt_log = attempt_log
        self._clock = options.clock
        self._limits = options.limits
        self._watched = min(options.limits.stream_bytes, json_text.LARGE)
        self._stall = options.timeouts.read
        self._size = 0
        self._values = 0
        self.progress = self.checked = started
        """When the last content came, and when the last bytes came. Comments and white space are not content."""

    def beginning(self) -> Generator[Step, Any, tuple[bytes, bytes]]:
        """Read until the body holds more than white space. Return the bytes with and without leading white space."""
        beginning, size = b"", 0
        while True:
            chunk: bytes = yield READ_BODY
            if not chunk:
                raise InvalidResponse("The answer is empty.")
            self._check_time()
            beginning += chunk
            size += len(chunk)
            start = beginning.removeprefix(_BOM).lstrip()
            if start and not _BOM.startswith(beginning):
                self._size = size
                return beginning, start
            if size > self._limits.event_bytes:
                raise InvalidResponse("The answer is nothing but white space.")
            if not start:
                beginning = beginning[: len(_BOM)]  # a byte order mark, or white space without meaning

    def document(self, beginning: bytes) -> Generator[Step, Any, bytes]:
        """Read a body that is one JSON document."""
        limit = self._limits.body_bytes
        body = yield from self._up_to(limit, beginning)
        if len(body) > limit:
            raise InvalidResponse(
                f"The answer is larger than {limit:,} bytes. Raise `Limits(body_bytes=...)` if that is expected."
            )
        if len(body) > json_text.LARGE:
            self._check_values(body)
        return body

    def error(self) -> Generator[Step, Any, bytes]:
        """Read the body of an error, up to the limit for errors."""
        limit = self._limits.error_bytes
        body = yield from self._up_to(limit, b"")
        return body[:limit]

    def _up_to(self, limit: int, beginning: bytes) -> Generator[Step, Any, bytes]:
        """Read to the end of the body, or until it is larger than the limit."""
        body = bytearray(beginning)  # one buffer: a list of single bytes would need many times the memory
        while len(body) <= limit:
            chunk: bytes = yield READ_BODY
            if not chunk:
                break
            if not chunk.isspace():
                self.progress = self._clock()
            self._check_time()
            body += chunk
        return bytes(body)

    def check(self, chunk: bytes) -> None:
        """Check the time and the size of a stream up to this chunk."""
        self._check_time()
        self._size += len(chunk)
        if self._size > self._watched:
            self._check_size(chunk)

    def _check_size(self, chunk: bytes) -> None:
        limit = self._limits.stream_bytes
        if self._size > limit:
            raise InvalidResponse(
                f"The stream is larger than {limit:,} bytes. Raise `Limits(stream_bytes=...)` if that is expected."
            )
        if self._size > json_text.LARGE:
            self._check_values(chunk)

    def _check_time(self) -> None:
        """Check for a deadline that has passed, and for a provider that keeps the connection open without content."""
        now = self.checked = self._clock()
        if now - self.progress > self._stall:
            raise TransportError(RequestTimeout, f"no content for {now - self.progress:.1f} s")
        if now >= self._attempt_log.ends:
            raise self._attempt_log.overdue()

    def _check_values(self, data: bytes) -> None:
        """Refuse an answer that would need many times its size in memory."""
        self._values += json_text.values_in(data)
        if self._values > json_text.MOST_VALUES:
            raise InvalidResponse(f"The answer holds more than {json_text.MOST_VALUES:,} JSON values.")


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
