"""One attempt: a request sent through one endpoint of one provider, and its answer as it comes in.

As a generator of steps.

The answer's bytes are told apart by their first one: a JSON document, an HTML page, or an event stream. What the URL
promised does not matter, since providers answer streams in one piece and errors with a success.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from gemini_multi import catalog, tokens
from gemini_multi._call import worth
from gemini_multi._call.attempt_log import LOGGER, AttemptLog
from gemini_multi._call.judging import unwanted_by
from gemini_multi._encoding import json_text
from gemini_multi._encoding.sse import EventDecoder
from gemini_multi._encoding.surrogates import SurrogateJoiner
from gemini_multi._routing import pricing
from gemini_multi._routing.schedule import RouteState
from gemini_multi._transport.steps import HttpRequest, ReadBody, ResponseHead, Send, Step, TransportError
from gemini_multi.dialects.base import Decoder
from gemini_multi.errors import GeminiMultiError, InvalidResponse, PromptBlocked, ProviderError, RequestTimeout
from gemini_multi.preference import FailoverOn
from gemini_multi.providers import ErrorPayload
from gemini_multi.routing import PreparedRequest
from gemini_multi.types import Attempt, ChatEvent, ChatRequest, ChatResponse, Finished, JsonValue, ThoughtDelta, Usage

Flow: TypeAlias = Generator[Step | list[ChatEvent], Any, None]

READ_BODY: Final = ReadBody()
_DONE: Final = b"[DONE]"
_BOM: Final = b"\xef\xbb\xbf"


class RetryableAnswer(InvalidResponse):
    """A readable answer that is worth another try: empty, or with a malformed call."""

    response: ChatResponse
    events: Sequence[ChatEvent] = ()


class UnwantedAnswer(RetryableAnswer):
    """An answer that the caller does not want by a condition of `failover_on`. Another provider may do better."""


class AttemptRunner:
    """One attempt: the request sent and the answer as it comes in."""

    def __init__(
        self, request: ChatRequest, state: RouteState, prepared: PreparedRequest, attempt_log: AttemptLog
    ) -> None:
        self._request = request
        self.state = state
        self._route = state.route
        self._prepared = prepared
        self._attempt_log = attempt_log
        self._conditions = attempt_log.conditions
        self._decoder: Decoder = prepared.endpoint.dialect.decoder(request, prepared.endpoint.target)
        self._progress = self.started = self._conditions.clock()
        self._status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.committed = False
        self._values = 0
        self._has_spoken = False
        """Whether more than thoughts went out to the caller."""
        self._is_noted = False
        self.is_finished = False
        self._counted: Literal["no", "answer", "abandoned"] = "no"
        self.used: Usage | None = None
        """What was counted."""
        self._first_content: float | None = None
        self._halves = SurrogateJoiner()
        failover = self._conditions.failover
        self._buffers = failover is not None and failover.buffer and self._conditions.stream
        self._held: list[ChatEvent] = []
        """What has come of a stream and is held back until it is known to be wanted, or to sign something."""

    def note(self, failure: GeminiMultiError | None = None, *, is_left: bool = False) -> None:
        """Enter the attempt into the journal, once: it was answered, it failed, or the caller left."""
        if self._is_noted:
            return
        self._is_noted = True
        self._attempt_log.note(self._entry("cancelled" if is_left else "failed" if failure else "answered", failure))

    def count(self, usage: Usage, *, abandoned: bool = False) -> None:
        """Count what the attempt has used, once: the provider bills it, whoever gets the answer."""
        if self._counted == "no":
            self._counted = "abandoned" if abandoned else "answer"
            self.used = usage
            self._conditions.ledger.add(usage, abandoned=abandoned)

    def leave(self) -> None:
        """Note that nobody waits for the answer any more, also when it has come already."""
        self.note(is_left=True)
        if self._counted == "answer":
            self._counted = "abandoned"
            self._conditions.ledger.disown()

    def _entry(
        self, outcome: Literal["answered", "failed", "cancelled"], failure: GeminiMultiError | None = None
    ) -> Attempt:
        refusal = failure if isinstance(failure, ProviderError) else None
        provider = self._route.provider
        return Attempt(
            provider=provider.name,
            model=self.model_id,
            outcome=outcome,
            status=self._status if refusal is None else refusal.status,
            code=None if refusal is None else refusal.code,
            error="" if failure is None else type(failure).__name__,
            message="" if failure is None else failure.message,
            request_id=provider.request_id(self.headers),
            first_content=self._first_content,
            duration=self._conditions.clock() - self.started,
        )

    @property
    def model_id(self) -> str:
        return self._prepared.endpoint.target.model_id

    def run(self) -> Flow:
        endpoint = self._prepared.endpoint
        body = json_text.write(self._prepared.body) if endpoint.method == "POST" else b""
        request = HttpRequest(endpoint.url, self._request_headers(), body, endpoint.method)
        self._attempt_log.check_deadline()
        head: ResponseHead = yield Send(
            request, timeouts=self._conditions.timeouts, within=self._attempt_log.remaining()
        )
        self._status, self.headers = head.status, head.headers
        if not 200 <= head.status < 300:
            body = yield from self._body([], self._conditions.limits.error_bytes, is_error=True)
            raise self._route.provider.error_of(head, body, endpoint.target)
        head_bytes, start = yield from self._beginning()
        if start[:1] in (b"{", b"["):
            yield from self._whole(head_bytes)
        elif start[:1] == b"<":
            raise InvalidResponse("The answer is an HTML page.", raw=start.decode("utf-8", "replace"))
        else:
            yield from self._stream(head_bytes)

    def _request_headers(self) -> Mapping[str, str]:
        provider, call = self._route.provider, self._conditions.call_headers
        headers = provider.request_headers(self._prepared.endpoint)
        return headers if call is None else {**headers, **provider.call_headers(call)}

    def _beginning(self) -> Generator[Step, Any, tuple[bytes, bytes]]:
        """Read until something other than white space came; give it as it is, and without what stands before."""
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
                return beginning, start
            if size > self._conditions.limits.event_bytes:
                raise InvalidResponse("The answer is nothing but white space.")
            if not start:
                beginning = beginning[: len(_BOM)]  # a mark, or white space that means nothing

    def _whole(self, beginning: bytes) -> Flow:
        body = yield from self._body([beginning], self._conditions.limits.body_bytes)
        if len(body) > json_text.LARGE:
            self._check_values(body)
        document = json_text.read(body)
        events: list[ChatEvent] = []
        for item in document if isinstance(document, list) else [document]:
            events += self._decoder.feed(self._route.provider.unwrap(item))
        events += self._decoder.close()
        yield self._finish(events)

    def _body(self, chunks: list[bytes], limit: int, *, is_error: bool = False) -> Generator[Step, Any, bytes]:
        body = bytearray(b"".join(chunks))  # one buffer: a list of single bytes would take many times their size
        while len(body) <= limit:
            chunk: bytes = yield READ_BODY
            if not chunk:
                return bytes(body)
            if not chunk.isspace():
                self._progress = self._conditions.clock()
            self._check_time()
            body += chunk
        if is_error:
            return bytes(body[:limit])
        raise InvalidResponse(
            f"The answer is larger than {limit:,} bytes. Raise `Limits(body_bytes=...)` if that is expected."
        )

    def _stream(self, chunk: bytes) -> Flow:
        decoder, size = EventDecoder(self._conditions.limits.event_bytes), len(chunk)
        while chunk:
            yield from self._deliver(decoder.feed(chunk))
            try:
                chunk = yield READ_BODY
                size += len(chunk)
                self._check_time()
                self._check_size(size, chunk)
            except (TransportError, GeminiMultiError):  # what comes after the answer spoils nothing
                if self.is_finished or self._decoder.is_complete:
                    break
                raise
        if self.is_finished:
            return
        yield from self._deliver(decoder.close(), at_end=True)

    def _deliver(self, payloads: list[bytes], *, at_end: bool = False) -> Flow:
        """Decode what arrived. What came before a failure is delivered before the failure."""
        events: list[ChatEvent] = []
        try:
            self._decode_into(events, payloads, at_end=at_end)
            if at_end and not self.is_finished:
                events += self._end(is_done=False)
        except RetryableAnswer as flawed:
            # Nothing is out yet, so that it can be asked for again.
            flawed.events = [*self._held, *events, *flawed.events]
            raise
        except (ErrorPayload, GeminiMultiError):
            if events and self._conditions.stream and not self._buffers:
                self._begin()
                yield events
            raise
        if events:
            self._progress = self._conditions.clock()
            self._begin()
            if self._buffers and not self.is_finished:
                self._held += events
            elif events := events if self._has_spoken else self._until_spoken(events):
                yield events

    def _until_spoken(self, events: list[ChatEvent]) -> list[ChatEvent]:
        """Give events out before the first word: thoughts at once, signatures with what they sign.

        An answer of nothing but thoughts is asked for again, and its signatures belong to no other answer.
        """
        self._has_spoken = not all(map(worth.is_silent, events))
        if self._has_spoken:
            return [*self._held, *events]
        thoughts = [event for event in events if isinstance(event, ThoughtDelta)]
        self._held += [event for event in events if not isinstance(event, ThoughtDelta)]
        return list[ChatEvent](thoughts)

    def _decode_into(self, events: list[ChatEvent], payloads: list[bytes], *, at_end: bool) -> None:
        for payload in payloads:
            if self.is_finished:
                break
            if payload == _DONE:
                events += self._end(is_done=True)
            elif payload and not payload.isspace():
                events += self._decode(payload, at_end=at_end)

    def _begin(self) -> None:
        """Note the first content: from here on a stream is committed, and the route is known to answer."""
        if self._first_content is None:
            now = self._conditions.clock()
            self._first_content = now - self.started
            self.state.answered(now, first_content=self._first_content, stream=self._conditions.stream)
            if self._conditions.stream:
                self._attempt_log.begin(self._entry("answered"))
        self.committed = self._conditions.stream and (self.is_finished or not self._buffers)

    def _decode(self, payload: bytes, *, at_end: bool) -> list[ChatEvent]:
        if self._halves.held:
            first, payload = self._halves.joined(payload)
            return [*self._decode(first, at_end=at_end), *self._decode(payload, at_end=at_end)]
        try:
            document = json_text.read(payload, self._halves)
        except InvalidResponse:
            if at_end:  # cut off in the middle of an event: the missing end is noticed below
                return []
            raise
        if document is None:
            return []
        return self._decoder.feed(self._route.provider.unwrap(document))

    def _end(self, *, is_done: bool) -> list[ChatEvent]:
        if self._halves.held:
            # Nothing follows that could bring the other half of the character.
            return [*self._decode(b"null", at_end=True), *self._end(is_done=is_done)]
        if not is_done and not self._decoder.is_complete:
            raise InvalidResponse("The stream ended before the answer did: no finish reason and no [DONE].")
        return self._finish(self._decoder.close())

    def _finish(self, events: list[ChatEvent]) -> list[ChatEvent]:
        answer = self._decoder.response()
        if not answer.candidates:
            raise InvalidResponse("The answer holds no candidates.")
        self._check_worth(answer, events)
        if self._conditions.failover is not None and not self._has_spoken:
            self._check_wanted(answer, events, self._conditions.failover)
        if answer.candidates[0].finish_reason in worth.EXPLAINED and (silence := worth.silence(answer)) is not None:
            LOGGER.warning("%s (%r) %s", self._route.provider.name, self.model_id, silence)
        self._begin()
        self.note()
        self.is_finished = True
        completed = self._completed(answer)
        self.count(self._used(completed))
        return [*events, Finished(completed)]

    def _check_worth(self, answer: ChatResponse, events: list[ChatEvent]) -> None:
        """Notice an answer that is worth another try; once its first words are out there is none."""
        what = worth.fault(answer, is_committed=self.committed)
        if what is None or self._has_spoken:
            return
        flawed = RetryableAnswer(f"{self._route.provider.name} ({self.model_id!r}) answered with {what}.")
        flawed.response, flawed.events = self._completed(answer), events
        raise flawed

    def _check_wanted(self, answer: ChatResponse, events: list[ChatEvent], failover: FailoverOn) -> None:
        completed = self._completed(answer)
        if condition := unwanted_by(failover, self._request, completed):
            unwanted = UnwantedAnswer(
                f"{self._route.provider.name} ({self.model_id!r}) answered, and `failover_on` left it: {condition}."
            )
            unwanted.response, unwanted.events = completed, events
            raise unwanted

    def response(self) -> ChatResponse:
        """Give the answer so far."""
        return self._completed(self._decoder.response())

    def _completed(self, answer: ChatResponse) -> ChatResponse:
        """Add to what the decoder knows what the exchange knows."""
        provider, endpoint = self._route.provider, self._prepared.endpoint
        return ChatResponse(
            candidates=answer.candidates,
            usage=self._priced(answer),
            provider=provider.name,
            model=answer.model or endpoint.target.model_id,
            dialect=answer.dialect or endpoint.dialect.name,
            response_id=answer.response_id,
            request_id=provider.request_id(self.headers) or answer.request_id,
            attempts=self._attempt_log.attempts,
            prompt_feedback=answer.prompt_feedback,
            provider_metadata={**answer.provider_metadata, **self._header_metadata()},
        )

    def _header_metadata(self) -> dict[str, JsonValue]:
        """Collect what the response's headers say: what the provider's file names, and all of them on request."""
        found = self._route.provider.response_metadata(self.headers)
        return {**found, "headers": dict(self.headers)} if self._conditions.include_response_headers else found

    def _priced(self, response: ChatResponse) -> Usage:
        usage = response.usage
        charged = self._route.provider.cost_usd(self.headers)
        if charged is not None:
            # What the provider charged comes before a cost in the body, which may be its upstream's.
            return usage.priced(charged, "host")
        return usage if usage.cost_usd is not None else self._listed(usage, response.model)

    def _listed(self, usage: Usage, model_version: str) -> Usage:
        """Put a price on tokens by the catalog, if it knows one."""
        model = catalog.find_answered(model_version) or self._route.model
        computed = pricing.cost_usd(usage, model, self._route.provider.name, self._conditions.today())
        return usage if computed is None else usage.priced(computed, "catalog")

    def usage_so_far(self) -> Usage:
        """Say what an answer that nobody waits for has used."""
        return self._used(self.response())

    def _used(self, response: ChatResponse) -> Usage:
        """Say what an answer has used: as the provider said, else estimated."""
        if response.usage.total_tokens or response.usage.cost_usd is not None:
            return response.usage
        prompt = tokens.estimate_messages(self._request.messages)
        output = sum(tokens.estimate(candidate.text + candidate.thoughts) for candidate in response.candidates)
        return self._listed(
            Usage(input_tokens=prompt, output_tokens=output, total_tokens=prompt + output), response.model
        )

    def _check_size(self, size: int, chunk: bytes) -> None:
        limit = self._conditions.limits.stream_bytes
        if size > limit:
            raise InvalidResponse(
                f"The stream is larger than {limit:,} bytes. Raise `Limits(stream_bytes=...)` if that is expected."
            )
        if size > json_text.LARGE:
            self._check_values(chunk)

    def _check_values(self, data: bytes) -> None:
        """Refuse an answer that would take many times its size in memory."""
        self._values += json_text.values_in(data)
        if self._values > json_text.MOST_VALUES:
            raise InvalidResponse(f"The answer holds more than {json_text.MOST_VALUES:,} JSON values.")

    def _check_time(self) -> None:
        """Notice a provider that keeps the connection alive without going on, and a deadline that passes meanwhile."""
        silent = self._conditions.clock() - self._progress
        if silent > self._conditions.timeouts.read:
            raise TransportError(RequestTimeout, f"no content for {silent:.1f} s")
        self._attempt_log.check_deadline()

    def typed(self, failure: TransportError) -> GeminiMultiError:
        """Make the typed error for a failed connection."""
        provider = self._route.provider.name
        text = f"{provider} ({self.model_id!r}) gave no whole answer: {failure}."
        if issubclass(failure.kind, InvalidResponse):
            return InvalidResponse(text, provider=provider, model=self.model_id)
        return failure.kind(text, provider=provider, model=self.model_id)

    def located(self, failure: GeminiMultiError) -> GeminiMultiError:
        """Say in an error where it happened, if it does not yet."""
        if isinstance(failure, (InvalidResponse, PromptBlocked, RequestTimeout)) and not failure.provider:
            failure.provider, failure.model = self._route.provider.name, self.model_id
            failure.message = f"{failure.provider} ({failure.model!r}): {failure.message}"
            failure.args = (failure.message,)
        return failure
