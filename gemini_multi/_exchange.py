"""One request from its first attempt to its answer: retry, failover and decoding, as a generator of steps.

Theory of operation. `Exchange.run` never waits, sends or reads. It yields a step (`Open`, `Read`, `Close`, `Wait`) and
is sent
what the step gave, or is thrown a `WireFailure`; and it yields lists of events for the caller. A loop of a few lines,
once
blocking and once with `await`, drives it (`client.py`), so that everything that decides is written once and is tested
without a network or a clock.

The commit point of a stream is its first event: chunks without content produce none, so until then a failure is
retried or
moves to the next host, and after it nothing is repeated: the failure becomes `StreamInterrupted` with the answer so
far. An
answer in one piece is delivered only when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeAlias

from gemini_multi import _json, _pricing, catalog
from gemini_multi._sse import EventDecoder
from gemini_multi._wire import Close, Head, HttpRequest, Limits, Open, Read, Step, Timeouts, Wait, WireFailure
from gemini_multi.dialects._contract import Decoder
from gemini_multi.errors import (
    AllRoutesFailed,
    BadRequest,
    GeminiMultiError,
    InvalidResponse,
    PromptBlocked,
    ProviderError,
    RequestTimeout,
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.providers import ErrorFacts
from gemini_multi.retry import RetryPolicy
from gemini_multi.routing import Passage, Route
from gemini_multi.types import Attempt, ChatEvent, ChatRequest, ChatResponse, Finished, JsonValue, Usage

Flow: TypeAlias = Generator[Step | list[ChatEvent], Any, None]

READ: Final = Read()
CLOSE: Final = Close()
_DONE: Final = b"[DONE]"
_BOM: Final = b"\xef\xbb\xbf"
_RETRYABLE_REASONS: Final = ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE")


class _FlawedAnswer(InvalidResponse):
    """A readable answer that is worth another try: empty, or with a malformed call."""

    response: ChatResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What holds for every attempt of one exchange."""

    stream: bool
    policy: RetryPolicy
    timeouts: Timeouts
    deadline: float | None
    """Seconds for the whole exchange."""
    limits: Limits
    clock: Callable[[], float]
    """Monotonic seconds."""
    chance: Callable[[], float]
    today: Callable[[], date]


class Exchange:
    """The life of one request."""

    def __init__(self, request: ChatRequest, routes: tuple[Route, ...], conditions: Conditions) -> None:
        self._request = request
        self._routes = routes
        self._conditions = conditions
        self._attempts: list[Attempt] = []
        self._started = conditions.clock()
        self._waited = 0.0

    def run(self) -> Flow:
        """Try the routes in order until one answers."""
        failures: list[GeminiMultiError] = []
        for route in self._routes:
            failure = yield from self._try_route(route)
            if failure is None:
                return
            failures.append(failure)
            if self._conditions.policy.verdict(failure) == "stop" or self._remaining() <= 0:
                break
        raise self._conclusion(failures)

    def _try_route(self, route: Route) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        policy = self._conditions.policy
        try:
            passage = route.passage(self._request, stream=self._conditions.stream)
        except UnsupportedFeature as refusal:
            return refusal
        retry = 0
        while True:
            failure = yield from self._attempt(route, passage)
            if failure is None:
                return None
            yield CLOSE
            repaired = self._repaired(passage, failure)
            if repaired is not None:
                passage = repaired
                continue
            wait = self._wait_before(retry, failure) if policy.verdict(failure) == "retry" else None
            if wait is None:
                return (yield from self._give_up(failure))
            if wait > 0:
                yield Wait(wait)
            self._waited = wait
            retry += 1

    def _wait_before(self, retry: int, failure: GeminiMultiError) -> float | None:
        policy = self._conditions.policy
        if retry >= policy.max_retries:
            return None
        asked = failure.retry_after if isinstance(failure, ProviderError) else None
        wait = policy.wait(retry, asked, self._conditions.chance())
        return None if wait is None or wait >= self._remaining() else wait

    def _give_up(self, failure: GeminiMultiError) -> Generator[list[ChatEvent], Any, GeminiMultiError | None]:
        if not isinstance(failure, _FlawedAnswer):
            return failure
        yield [Finished(replace(failure.response, attempts=tuple(self._attempts)))]
        return None

    def _repaired(self, passage: Passage, failure: GeminiMultiError) -> Passage | None:
        """Answer a documented refusal of something in the body by a change to the body, once for each."""
        if not isinstance(failure, BadRequest):
            return None
        target = passage.endpoint.target
        repair = passage.endpoint.dialect.repair(failure.message, target.repairs)
        if repair is None:
            return None
        endpoint = replace(passage.endpoint, target=replace(target, repairs=target.repairs | {repair}))
        return Passage(endpoint, endpoint.body(self._request, stream=self._conditions.stream))

    def _attempt(
        self, route: Route, passage: Passage
    ) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once. Return the failure, or `None` when the answer was delivered."""
        reception = _Reception(self, route, passage)
        try:
            yield from reception.run()
        except WireFailure as wire_failure:
            failure: GeminiMultiError = reception.typed(wire_failure)
            failure.__cause__ = wire_failure.__cause__
        except ErrorFacts as facts:
            failure = route.provider.error(facts, passage.endpoint.target, reception.headers)
        except GeminiMultiError as error:
            failure = error
        else:
            return None
        self.record(route, passage, reception, failure)
        if reception.committed:
            yield CLOSE
            raise self._interrupted(reception, failure) from failure
        return reception.located(failure)

    def record(self, route: Route, passage: Passage, reception: _Reception, failure: GeminiMultiError | None) -> None:
        """Note an attempt."""
        refusal = failure if isinstance(failure, ProviderError) else None
        self._attempts.append(
            Attempt(
                provider=route.provider.name,
                model=passage.endpoint.target.model_id,
                outcome="answered" if failure is None else "failed",
                status=reception.status if refusal is None else refusal.status,
                code=None if refusal is None else refusal.code,
                message="" if failure is None else failure.message,
                wait=self._waited,
                duration=self._conditions.clock() - reception.started,
            )
        )
        self._waited = 0.0

    def _interrupted(self, reception: _Reception, failure: GeminiMultiError) -> StreamInterrupted:
        partial = reception.response()
        return StreamInterrupted(
            f"The stream of {partial.provider} ({reception.model_id!r}) broke after its first content: "
            f"{failure.message} What had arrived is in `partial`.",
            partial=partial,
            provider=partial.provider,
            model=reception.model_id,
            attempts=self._attempts,
        )

    def _conclusion(self, failures: list[GeminiMultiError]) -> GeminiMultiError:
        if not failures:
            raise AssertionError("a client has at least one route")
        refusals = [failure for failure in failures if isinstance(failure, UnsupportedFeature)]
        if len(refusals) == len(failures):
            return _joined(refusals)
        last = failures[-1]
        others = [failure for failure in failures if not isinstance(failure, UnsupportedFeature)]
        if self._conditions.policy.verdict(last) == "stop" or len(failures) == 1 or len(others) == 1:
            single = last if self._conditions.policy.verdict(last) == "stop" else others[0]
            single.attempts = tuple(self._attempts)
            return single
        lines = "\n".join(f"- {failure.message}" for failure in failures)
        return AllRoutesFailed(f"No provider answered:\n{lines}", failures, attempts=self._attempts)

    def _remaining(self) -> float:
        deadline = self._conditions.deadline
        return float("inf") if deadline is None else self._started + deadline - self._conditions.clock()

    def timeouts(self) -> Timeouts:
        """Give the timeouts of the next attempt, cut to what the deadline leaves.

        Raises:
            RequestTimeout: The deadline has passed.
        """
        remaining = self._remaining()
        timeouts = self._conditions.timeouts
        if remaining <= 0:
            raise RequestTimeout(f"The deadline of {self._conditions.deadline} s has passed.", attempts=self._attempts)
        if remaining >= max(timeouts.connect, timeouts.read, timeouts.write):
            return timeouts
        return Timeouts(
            connect=min(timeouts.connect, remaining),
            read=min(timeouts.read, remaining),
            write=min(timeouts.write, remaining),
        )

    @property
    def conditions(self) -> Conditions:
        """What holds for every attempt."""
        return self._conditions

    @property
    def request(self) -> ChatRequest:
        """What is asked."""
        return self._request

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt so far."""
        return tuple(self._attempts)


class _Reception:
    """One attempt: the request sent and the answer as it comes in."""

    def __init__(self, exchange: Exchange, route: Route, passage: Passage) -> None:
        self._exchange = exchange
        self._route = route
        self._passage = passage
        self._conditions = exchange.conditions
        self._decoder: Decoder = passage.endpoint.dialect.decoder(exchange.request, passage.endpoint.target)
        self._progress = self.started = self._conditions.clock()
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.committed = False
        self._finished = False

    @property
    def model_id(self) -> str:
        return self._passage.endpoint.target.model_id

    def run(self) -> Flow:
        endpoint = self._passage.endpoint
        request = HttpRequest(
            endpoint.url, self._route.provider.request_headers(endpoint), _json.write(self._passage.body)
        )
        head: Head = yield Open(request, timeouts=self._exchange.timeouts())
        self.status, self.headers = head.status, head.headers
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

    def _beginning(self) -> Generator[Step, Any, tuple[bytes, bytes]]:
        """Read until something other than white space came; give it as it is, and without what stands before."""
        beginning = b""
        while True:
            chunk: bytes = yield READ
            if not chunk:
                raise InvalidResponse("The answer is empty.")
            self._check_time()
            beginning += chunk
            start = beginning.removeprefix(_BOM).lstrip()
            if start and not _BOM.startswith(beginning):
                return beginning, start
            if len(beginning) > self._conditions.limits.event_bytes:
                raise InvalidResponse("The answer is nothing but white space.")

    def _whole(self, beginning: bytes) -> Flow:
        body = yield from self._body([beginning], self._conditions.limits.body_bytes)
        document = _json.read(body)
        events: list[ChatEvent] = []
        for item in document if isinstance(document, list) else [document]:
            events += self._decoder.feed(self._route.provider.unwrap(item))
        events += self._decoder.close()
        yield self._finish(events)

    def _body(self, chunks: list[bytes], limit: int, *, is_error: bool = False) -> Generator[Step, Any, bytes]:
        size = sum(map(len, chunks))
        while size <= limit:
            chunk: bytes = yield READ
            if not chunk:
                return b"".join(chunks)
            self._check_time()
            chunks.append(chunk)
            size += len(chunk)
        if is_error:
            return b"".join(chunks)[:limit]
        raise InvalidResponse(
            f"The answer is larger than {limit:,} bytes. Raise `Limits(body_bytes=...)` if that is expected."
        )

    def _stream(self, chunk: bytes) -> Flow:
        decoder = EventDecoder(self._conditions.limits.event_bytes)
        while chunk:
            yield from self._deliver(decoder.feed(chunk))
            try:
                chunk = yield READ
            except WireFailure:
                if self._finished or self._decoder.is_complete:
                    break
                raise
            self._check_time()
        if self._finished:
            return
        yield from self._deliver(decoder.close(), at_end=True)
        if not self._finished:
            yield self._end(is_done=False)

    def _deliver(self, payloads: list[bytes], *, at_end: bool = False) -> Flow:
        """Decode what arrived. What came before a failure is delivered before the failure."""
        events: list[ChatEvent] = []
        try:
            for payload in payloads:
                if self._finished:
                    break
                if payload == _DONE:
                    events += self._end(is_done=True)
                elif payload and not payload.isspace():
                    events += self._decode(payload, at_end=at_end)
        except (ErrorFacts, GeminiMultiError):
            if events and self._conditions.stream:
                self.committed = True
                yield events
            raise
        if events:
            self._progress = self._conditions.clock()
            self.committed = self._conditions.stream
            yield events

    def _decode(self, payload: bytes, *, at_end: bool) -> list[ChatEvent]:
        try:
            document = _json.read(payload)
        except InvalidResponse:
            if at_end:  # cut off in the middle of an event: the missing end is noticed below
                return []
            raise
        if document is None:
            return []
        return self._decoder.feed(self._route.provider.unwrap(document))

    def _end(self, *, is_done: bool) -> list[ChatEvent]:
        if not is_done and not self._decoder.is_complete:
            raise InvalidResponse("The stream ended before the answer did: no finish reason and no [DONE].")
        return self._finish(self._decoder.close())

    def _finish(self, events: list[ChatEvent]) -> list[ChatEvent]:
        response = self.response()
        if not response.candidates:
            raise InvalidResponse("The answer holds no candidates.")
        if not self.committed:
            self._check_worth(response, events)
        self._exchange.record(self._route, self._passage, self, None)
        self._finished = True
        self.committed = self._conditions.stream
        return [*events, Finished(replace(response, attempts=self._exchange.attempts))]

    def _check_worth(self, response: ChatResponse, events: list[ChatEvent]) -> None:
        candidate = response.candidate
        is_malformed = (
            candidate.finish_reason == "error"
            and candidate.raw_finish_reason is not None
            and any(reason in candidate.raw_finish_reason for reason in _RETRYABLE_REASONS)
        )
        is_empty = candidate.finish_reason in ("stop", None) and not candidate.parts and not candidate.refusal
        if is_malformed or is_empty:
            what = "a malformed function call" if is_malformed else "nothing at all"
            flawed = _FlawedAnswer(f"{response.provider} ({self.model_id!r}) answered with {what}.")
            flawed.response = response
            raise flawed

    def response(self) -> ChatResponse:
        """Complete what the decoder knows by what the exchange knows."""
        provider, target = self._route.provider, self._passage.endpoint.target
        response = self._decoder.response()
        metadata: dict[str, JsonValue] = {**response.provider_metadata, **provider.response_metadata(self.headers)}
        return replace(
            response,
            provider=provider.name,
            model=response.model or target.model_id,
            dialect=self._passage.endpoint.dialect.name,
            request_id=provider.request_id(self.headers) or response.request_id,
            usage=self._priced(response),
            attempts=self._exchange.attempts,
            provider_metadata=metadata,
        )

    def _priced(self, response: ChatResponse) -> Usage:
        usage = response.usage
        if usage.cost_usd is not None:
            return usage
        charged = self._route.provider.cost_usd(self.headers)
        if charged is not None:
            return replace(usage, cost_usd=charged, cost_source="host")
        model = catalog.find_answered(response.model) or self._route.model
        computed = _pricing.cost_usd(usage, model, self._route.provider.name, self._conditions.today())
        return usage if computed is None else replace(usage, cost_usd=computed, cost_source="catalog")

    def _check_time(self) -> None:
        """Notice a host that keeps the connection alive without going on, and a deadline that passes meanwhile."""
        if self._finished:
            return
        silent = self._conditions.clock() - self._progress
        if silent > self._conditions.timeouts.read:
            raise WireFailure(RequestTimeout, f"no content for {silent:.1f} s")
        self._exchange.timeouts()

    def typed(self, failure: WireFailure) -> GeminiMultiError:
        """Make the typed error for a failed connection."""
        provider = self._route.provider.name
        text = f"{provider} ({self.model_id!r}) gave no whole answer: {failure}."
        if issubclass(failure.kind, InvalidResponse):
            return InvalidResponse(text, provider=provider, model=self.model_id)
        return failure.kind(text, provider=provider, model=self.model_id)

    def located(self, failure: GeminiMultiError) -> GeminiMultiError:
        """Say in an error where it happened, if it does not yet."""
        if isinstance(failure, InvalidResponse | PromptBlocked | RequestTimeout) and not failure.provider:
            failure.provider, failure.model = self._route.provider.name, self.model_id
            failure.message = f"{failure.provider} ({failure.model!r}): {failure.message}"
            failure.args = (failure.message,)
        return failure


def _joined(refusals: list[UnsupportedFeature]) -> UnsupportedFeature:
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    return UnsupportedFeature(
        f"No provider can express {', '.join(features)}: " + " ".join(refusal.message for refusal in refusals),
        features=features,
        providers=providers,
    )
