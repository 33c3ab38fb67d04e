"""One attempt: a request sent to one endpoint of one provider, and its response.

The attempt is a generator of steps. The first byte of a body shows its kind: a JSON document, an HTML page or an event
stream. The URL does not show it: providers answer a stream request in one piece, and errors with status 200.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, TypeAlias

from gemini_multi._call import judging
from gemini_multi._call.attempt_log import LOGGER, AttemptLog
from gemini_multi._call.attempt_record import AttemptRecord
from gemini_multi._call.body import READ_BODY, BodyReader, PayloadDecoder
from gemini_multi._encoding import json_text
from gemini_multi._encoding.sse import EventDecoder
from gemini_multi._routing.routes import PreparedRequest
from gemini_multi._routing.schedule import RouteState
from gemini_multi._transport.steps import ResponseHead, Send, Step, TransportError
from gemini_multi.errors import ConnectionFailed, GeminiMultiError, InvalidResponse, StreamInterrupted
from gemini_multi.providers import ErrorPayload
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, Finished, ThoughtDelta

Flow: TypeAlias = Generator[Step | list[ChatEvent], Any, None]

_DONE: Final = b"[DONE]"


class AttemptRunner(AttemptRecord):
    """Sends one request, reads its response, and judges whether the answer is delivered."""

    def __init__(
        self, request: ChatRequest, state: RouteState, prepared: PreparedRequest, attempt_log: AttemptLog
    ) -> None:
        super().__init__(request, state, prepared, attempt_log)
        endpoint, failover = prepared.endpoint, self._options.failover
        self._payloads = PayloadDecoder(endpoint.dialect.decoder(request, endpoint.target), self._provider.unwrap)
        self._body = BodyReader(attempt_log, self._started)
        self._is_finished = False
        self._has_spoken = False
        """Whether the caller received more than thoughts."""
        self._buffers = failover is not None and failover.buffer and self._attempt_log.stream
        self._held: list[ChatEvent] = []
        """Events of a stream that are delayed until the answer is accepted, or until the part that they sign comes."""

    @property
    def _is_committed(self) -> bool:
        """Whether the caller received events, so that the request cannot be repeated."""
        has_begun = self._first_content is not None
        return has_begun and self._attempt_log.stream and (self._is_finished or not self._buffers)

    def send(self) -> Generator[Step, Any, Flow]:
        """Send the request and read the beginning of the response. Return the steps that read the rest."""
        head: ResponseHead = yield self._send_step()
        self._status, self._headers = head.status, head.headers
        if not 200 <= head.status < 300:
            body = yield from self._body.error()
            raise self._provider.error_of(head, body, self._prepared.endpoint.target)
        beginning, start = yield from self._body.beginning()
        if start[:1] in (b"{", b"["):
            return self._whole(beginning)
        if start[:1] == b"<":
            raise InvalidResponse("The answer is an HTML page.", raw=start.decode("utf-8", "replace"))
        return self._stream(beginning)

    def _send_step(self) -> Send:
        endpoint, call = self._prepared.endpoint, self._options.call_headers
        body = json_text.write(self._prepared.body) if endpoint.method == "POST" else b""
        if (left := self._attempt_log.remaining()) <= 0:
            raise self._attempt_log.overdue()
        headers = self._provider.request_headers(endpoint)
        if call is not None:
            headers = {**headers, **self._provider.call_headers(call)}
        return Send(endpoint.url, headers, body, endpoint.method, timeouts=self._options.timeouts, within=left)

    def _whole(self, beginning: bytes) -> Flow:
        """Read an answer in one piece."""
        body = yield from self._body.document(beginning)
        yield self._finish(self._payloads.document(body))

    def _stream(self, chunk: bytes) -> Flow:
        """Read an answer in pieces. Deliver the events that came before a failure, and then the failure."""
        decoder = EventDecoder(self._options.limits.event_bytes)
        while True:
            events: list[ChatEvent] = []
            try:
                payloads = decoder.feed(chunk) if chunk else decoder.close()
                self._decode_into(events, payloads, at_end=not chunk)
            except (ErrorPayload, GeminiMultiError) as failure:
                if earlier := self._before(failure, events):
                    yield earlier
                raise
            if events and (events := self._choose(events)):
                yield events
            if not chunk:
                return
            try:
                chunk = yield READ_BODY
                self._body.check(chunk)
            except (TransportError, GeminiMultiError):
                if not self._is_finished and not self._payloads.decoder.is_complete:
                    raise
                chunk = b""  # the answer is complete: later bytes do not matter

    def _before(self, failure: Exception, events: list[ChatEvent]) -> list[ChatEvent]:
        """Choose the events to deliver before a failure: none if the request can be repeated."""
        if isinstance(failure, judging.RetryableAnswer):
            failure.events = [*self._held, *events, *failure.events]
            return []
        if not events or self._buffers or not self._attempt_log.stream:
            return []
        self._begin()
        return events

    def _decode_into(self, events: list[ChatEvent], payloads: list[bytes], *, at_end: bool) -> None:
        for payload in payloads:
            if self._is_finished:
                return
            if payload == _DONE:
                events += self._finish(self._payloads.end(is_done=True))
            elif payload and not payload.isspace():
                events += self._payloads.payload(payload, at_end=at_end)
        if at_end and not self._is_finished:
            events += self._finish(self._payloads.end(is_done=False))

    def _choose(self, events: list[ChatEvent]) -> list[ChatEvent]:
        """Choose the events to deliver now."""
        self._body.progress = self._body.checked
        if self._has_spoken:  # never before the end of a delayed answer
            return events
        if self._first_content is None:
            self._begin()
        if self._buffers and not self._is_finished:
            self._held += events
            return []
        return self._until_spoken(events)

    def _until_spoken(self, events: list[ChatEvent]) -> list[ChatEvent]:
        """Choose events before the first text: thoughts are delivered at once, a signature with the part that it signs.

        If an answer holds only thoughts, the request is sent again. The first answer's signatures are not valid then.
        """
        self._has_spoken = not all(map(judging.is_silent, events))
        if self._has_spoken:
            return [*self._held, *events]
        thoughts = [event for event in events if isinstance(event, ThoughtDelta)]
        self._held += [event for event in events if not isinstance(event, ThoughtDelta)]
        return list[ChatEvent](thoughts)

    def _finish(self, events: list[ChatEvent]) -> list[ChatEvent]:
        """End the attempt with its whole answer, if the answer is accepted."""
        answer = self._payloads.decoder.response()
        if not answer.candidates:
            raise InvalidResponse("The answer holds no candidates.")
        self._judge(answer, events)
        self._begin()
        self._end("answered")
        self._is_finished = True
        completed = self._completed(answer)
        self._count(self._usage_of(completed))
        return [*events, Finished(completed)]

    def _judge(self, answer: ChatResponse, events: list[ChatEvent]) -> None:
        """Refuse an answer that is flawed or unwanted. An answer whose first text was delivered is never refused."""
        fault = None if self._has_spoken else judging.fault_in(answer, is_committed=self._is_committed)
        failover, name = self._options.failover, f"{self._provider.name} ({self._model_id!r})"
        if fault is not None:
            raise judging.RetryableAnswer(f"{name} answered with {fault}.", self._completed(answer), events)
        if failover is not None and not self._has_spoken:
            completed = self._completed(answer)
            if condition := judging.unwanted_by(failover, self._request, completed):
                message = f"{name} answered, and `failover_on` left it: {condition}."
                raise judging.UnwantedAnswer(message, completed, events)
        is_explained = answer.candidates[0].finish_reason in judging.EXPLAINED
        if is_explained and (silence := judging.silence_of(answer)) is not None:
            LOGGER.warning("%s %s", name, silence)

    def _response(self) -> ChatResponse:
        """Return the answer so far."""
        return self._completed(self._payloads.decoder.response())

    def fail(self, error: GeminiMultiError | ErrorPayload | TransportError) -> GeminiMultiError:
        """End the attempt with a failure. Return the typed error."""
        failure = self._typed(error)
        self._provider.mask(failure)
        self._end("failed", failure)
        is_local, was_sent = (error.is_local, error.was_sent) if isinstance(error, TransportError) else (False, True)
        health = self._state.health
        if is_local or isinstance(failure, judging.RetryableAnswer):
            health.release()
        else:
            health.failed(failure, self._options.clock(), self._options.policy, began=self._started)
        if was_sent:
            self._count_failed(failure)
        if self._is_committed and not isinstance(failure, judging.RetryableAnswer):
            return self._interrupted(failure)
        return self._located(failure)

    def _count_failed(self, failure: GeminiMultiError) -> None:
        """Count the usage of a failed attempt that the provider may bill: the provider's figures, or an estimate."""
        if isinstance(failure, judging.RetryableAnswer):
            self._count(failure.response.usage)
        elif self._is_committed or isinstance(failure, (ConnectionFailed, InvalidResponse)):
            self._count(self._usage_of(self._response()), abandoned=not self._is_committed)

    def _interrupted(self, failure: GeminiMultiError) -> StreamInterrupted:
        partial = self._response()
        interrupted = StreamInterrupted(
            f"The stream of {partial.provider} ({self._model_id!r}) broke after its first content: "
            f"{failure.message} What had arrived is in `partial`.",
            partial=partial,
            provider=partial.provider,
            model=self._model_id,
            attempts=self._attempt_log.attempts,
        )
        interrupted.__cause__ = failure
        return interrupted

    def abandon(self) -> None:
        """End an attempt that the caller left. The provider bills the answer although the caller does not get it."""
        if not self._is_finished:
            self.leave()
            self._state.health.release()
            self._count(self._usage_of(self._response()), abandoned=True)
