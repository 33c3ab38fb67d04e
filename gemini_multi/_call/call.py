"""One request from its first attempt to its answer: retry and failover, as a generator of steps.

Theory of operation. `Call.run` never waits, sends or reads. It yields a step (`Send`, `ReadBody`, `Release`, `Sleep`)
and is sent what the step gave, or is thrown a `TransportError`; and it yields lists of events for the caller. A loop
of a few lines, once blocking and once with `await`, drives it (`client.py`), so that everything that decides is written
once and is tested without a network or a clock.

The commit point of a stream is its first event: chunks without content produce none, so until then a failure is retried
or moves to the next provider, and after it nothing is repeated: the failure becomes `StreamInterrupted` with the
answer so far. An answer in one piece is delivered only when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from logging import WARNING
from typing import Any, Final

from gemini_multi._call.attempt import AttemptRunner, Flow, RetryableAnswer, UnwantedAnswer
from gemini_multi._call.attempt_log import LOGGER, AttemptLog, CallOptions
from gemini_multi._call.judging import errors_to_leave
from gemini_multi._call.permits import OutOfRoom, Permits
from gemini_multi._call.telemetry import Trace
from gemini_multi._routing import pricing
from gemini_multi._routing.schedule import RouteSchedule, RouteState
from gemini_multi._storage.interface import Outcome, Permit
from gemini_multi._transport.steps import Release, Sleep, Step, TransportError
from gemini_multi.errors import (
    AllRoutesFailed,
    BadRequest,
    BudgetExceeded,
    ConnectionFailed,
    GeminiMultiError,
    InvalidResponse,
    ProviderError,
    RateLimited,
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.providers import ErrorPayload
from gemini_multi.routing import PreparedRequest, Route
from gemini_multi.types import Attempt, ChatEvent, ChatRequest, Finished

RELEASE: Final = Release()
_FLAWED_RETRIES: Final = 1
"""An answer costs money, and a model that fails twice at the same question mostly goes on so."""


class Call:
    """The life of one request."""

    def __init__(
        self, request: ChatRequest, routes: tuple[Route, ...], conditions: CallOptions, trace: Trace | None = None
    ) -> None:
        self.routes = routes
        self.trace = trace
        known = [(route, conditions.health.of(route.key)) for route in routes]
        schedule = RouteSchedule(known, conditions.policy, errors_to_leave(conditions.failover))
        self._share(request, conditions, schedule, AttemptLog(conditions, trace))

    def _share(
        self, request: ChatRequest, conditions: CallOptions, schedule: RouteSchedule, attempt_log: AttemptLog
    ) -> None:
        self._request = request
        self._conditions = conditions
        self.stream = conditions.stream
        self._schedule = schedule
        self.attempt_log = attempt_log
        self._runner: AttemptRunner | None = None
        self._last_runner: AttemptRunner | None = None
        """The one of the latest attempt, also when it is over."""
        self._next: Callable[[float], RouteState | None] = schedule.next

    def hedge(self) -> Call | None:
        """Make a second exchange for the same request, which asks a healthy route that nobody has asked yet.

        There is none without such a route, or when the calls so far have not earned a hedge.
        """
        state = self._schedule.next_healthy(self._conditions.clock())
        if state is None or not self._conditions.health.take_hedge():
            self._schedule.untake(state)
            return None
        hedge = Call.__new__(Call)
        hedge._share(self._request, self._conditions, self._schedule, self.attempt_log)
        hedge._next = _once(state)
        hedge.trace = None  # the call's span is open already
        return hedge

    def run(self) -> Flow:
        """Ask one route after the other until one answers."""
        state: RouteState | None = None
        if self.trace is not None:
            self.trace.begin()
        try:
            while self.attempt_log.remaining() > 0 and (following := self._next(self._conditions.clock())) is not None:
                if state is not None and state is not following:
                    _log_failover(state, following)
                state = following
                yield from self._waited(state)
                failure = yield from self._ask(state)
                if failure is None:
                    return
                self._put_back(state, failure)
        except BudgetExceeded:
            if not self._has_unwanted():
                raise
        yield from self._conclude(self._schedule.failures)

    def _has_unwanted(self) -> bool:
        """Whether there is an answer, although not a wanted one: it was paid for."""
        return any(isinstance(failure, UnwantedAnswer) for failure in self._schedule.failures)

    def _waited(self, state: RouteState) -> Flow:
        wait = state.ready_at - self._conditions.clock()
        if wait > 0:
            yield Sleep(wait)
            self.attempt_log.waited(wait)

    def _put_back(self, state: RouteState, failure: GeminiMultiError) -> None:
        if isinstance(failure, RetryableAnswer):
            state.is_done = True  # it was asked again at once, if it was worth it
        now, left, chance = self._conditions.clock(), self.attempt_log.remaining(), self._conditions.chance
        if isinstance(failure, OutOfRoom):
            self._schedule.postpone(state, failure, failure.wait(chance()), now=now, left=left)
        else:
            self._schedule.failed(state, failure, now=now, left=left, chance=chance)

    def _conclude(self, failures: list[GeminiMultiError]) -> Flow:
        flawed = [failure for failure in failures if isinstance(failure, RetryableAnswer)]
        if not flawed:
            raise self._conclusion(failures)
        # An answer that says nothing still is one: its usage was paid for, and callers see why it stopped.
        last = next((answer for answer in reversed(flawed) if isinstance(answer, UnwantedAnswer)), flawed[-1])
        yield [*last.events, Finished(replace(last.response, attempts=self.attempt_log.attempts))]

    def _ask(self, state: RouteState) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Ask one route, and once more at once where another body or another try is all it takes."""
        try:
            prepared = state.prepared or state.route.prepared(self._request, stream=self._conditions.stream)
        except UnsupportedFeature as refusal:
            state.health.release()
            return refusal
        send = self._paid if self._conditions.permits is None else self._permitted
        while True:
            state.prepared = prepared
            failure = yield from send(state, prepared)
            if failure is None:
                return None
            yield RELEASE
            repaired = self._repaired(prepared, failure)
            if repaired is not None:
                prepared = repaired
            elif self._is_worth_repeating(failure, state):
                state.retries += 1
            else:
                return failure

    def _is_worth_repeating(self, failure: GeminiMultiError, state: RouteState) -> bool:
        """Whether the same route may give a better answer at once."""
        repeats = min(_FLAWED_RETRIES, self._conditions.policy.max_retries)
        is_flawed = isinstance(failure, RetryableAnswer) and not isinstance(failure, UnwantedAnswer)
        return is_flawed and state.retries < repeats

    def _repaired(self, prepared: PreparedRequest, failure: GeminiMultiError) -> PreparedRequest | None:
        """Answer a documented refusal of something in the body by a change to the body, once for each."""
        if not isinstance(failure, BadRequest):
            return None
        target = prepared.endpoint.target
        repair = prepared.endpoint.dialect.repair(failure.message, target.repairs)
        if repair is None:
            return None
        endpoint = replace(prepared.endpoint, target=replace(target, repairs=target.repairs | {repair}))
        return PreparedRequest(endpoint, endpoint.body(self._request, stream=self._conditions.stream))

    def _permitted(
        self, state: RouteState, prepared: PreparedRequest
    ) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once, with a permit: there are limits that other calls or processes share."""
        permits = self._conditions.permits
        assert permits is not None
        try:
            permit = yield from self._permit(permits, state.route)
        except GeminiMultiError as refusal:
            state.health.release()
            refusal.attempts = self.attempt_log.attempts
            raise
        if isinstance(permit, OutOfRoom):
            return permit
        try:
            failure = yield from self._paid(state, prepared)
        except GeminiMultiError as error:
            yield from permits.settle(permit, self._outcome(error))
            raise
        except BaseException as error:  # the caller left, or is being stopped
            permits.settle_later(permit, self._outcome(error))
            raise
        yield from permits.settle(permit, self._outcome(failure))
        return failure

    def _permit(self, permits: Permits, route: Route) -> Generator[Step, Any, Permit | OutOfRoom]:
        """Take a permit, after a wait if the limits say so and the deadline allows it."""
        while True:
            permit = yield from permits.take(self._request, route, self._conditions.today())
            if not isinstance(permit, OutOfRoom) or not permits.waits:
                return permit
            wait = permit.wait(self._conditions.chance())
            if wait >= self.attempt_log.remaining():
                return permit
            yield Sleep(wait)
            self.attempt_log.waited(wait)

    def _outcome(self, failure: BaseException | None) -> Outcome:
        """Say what an attempt has used, for the limits that it was counted against."""
        used = self._last_runner.used if self._last_runner is not None else None
        if used is None:
            return Outcome(tokens=0, was_refused=isinstance(failure, RateLimited))
        return Outcome(tokens=used.total_tokens or None, cost_usd=used.cost_usd or 0.0)

    def _paid(
        self, state: RouteState, prepared: PreparedRequest
    ) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once, with what it may cost set aside if there is a limit."""
        ledger = self._conditions.ledger
        if not ledger.is_limited:
            return (yield from self._attempt(state, prepared))
        route = state.route
        worst = pricing.worst_usd(self._request, route.answering, route.provider.name, self._conditions.today())
        try:
            reserved = ledger.reserve(worst or 0.0)
        except BudgetExceeded as refusal:
            state.health.release()
            refusal.attempts = self.attempt_log.attempts
            raise
        try:
            return (yield from self._attempt(state, prepared))
        finally:
            ledger.release(reserved)

    def leave(self) -> None:
        """Note that nobody waits any more for the attempt under way. The one who drives the exchange then closes it."""
        if self._runner is not None:
            self._runner.leave()

    def _forfeit(self) -> None:
        """Settle an attempt that was left. Its answer is paid for, though nobody gets it."""
        runner, self._runner = self._runner, None
        if runner is None or runner.is_finished:
            return
        runner.leave()
        runner.state.health.release()
        runner.count(runner.usage_so_far(), abandoned=True)

    def _attempt(
        self, state: RouteState, prepared: PreparedRequest
    ) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once. Return the failure, or `None` when the answer was delivered."""
        route = state.route
        runner = self._runner = self._last_runner = AttemptRunner(self._request, state, prepared, self.attempt_log)
        is_ours, was_sent = False, True
        try:
            yield from runner.run()
        except TransportError as wire_failure:
            failure: GeminiMultiError = runner.typed(wire_failure)
            is_ours, was_sent = wire_failure.is_local, wire_failure.was_sent
        except ErrorPayload as payload:
            failure = route.provider.error(payload, prepared.endpoint.target, runner.headers)
        except GeminiMultiError as error:
            failure = error
        except BaseException:  # the caller left, or is being stopped
            self._forfeit()
            raise
        else:
            return None
        route.provider.mask(failure)
        runner.note(failure)
        if was_sent:
            _count(runner, failure)
        self._runner = None
        self._tell(runner, failure, is_ours=is_ours)
        if runner.committed and not isinstance(failure, RetryableAnswer):
            yield RELEASE
            raise self._interrupted(runner, failure) from failure
        return runner.located(failure)

    def _tell(self, runner: AttemptRunner, failure: GeminiMultiError, *, is_ours: bool) -> None:
        """Let the route's health know, unless the provider is not to blame."""
        if is_ours or isinstance(failure, RetryableAnswer):
            runner.state.health.release()
        else:
            now, policy = self._conditions.clock(), self._conditions.policy
            runner.state.health.failed(failure, now, policy, began=runner.started)

    def _interrupted(self, runner: AttemptRunner, failure: GeminiMultiError) -> StreamInterrupted:
        partial = runner.response()
        return StreamInterrupted(
            f"The stream of {partial.provider} ({runner.model_id!r}) broke after its first content: "
            f"{failure.message} What had arrived is in `partial`.",
            partial=partial,
            provider=partial.provider,
            model=runner.model_id,
            attempts=self.attempt_log.attempts,
        )

    def _conclusion(self, failures: list[GeminiMultiError]) -> GeminiMultiError:
        if not failures:
            return self.attempt_log.overdue()  # before anybody was asked
        refusals = [failure for failure in failures if isinstance(failure, UnsupportedFeature)]
        if len(refusals) == len(failures):
            return _joined(refusals)
        last = failures[-1]
        others = [failure for failure in failures if not isinstance(failure, UnsupportedFeature)]
        if self._conditions.policy.verdict(last) == "stop" or len(failures) == 1 or len(others) == 1:
            single = last if self._conditions.policy.verdict(last) == "stop" else others[0]
            single.attempts = self.attempt_log.attempts
            return single
        lines = "\n".join(f"- {failure.message}" for failure in failures)
        attempts = self.attempt_log.attempts
        message = f"No provider answered:\n{lines}"
        if len(attempts) > len(failures):  # else each was asked once, as the lines say
            message += "\nAttempts:\n" + "\n".join(f"- {_told(attempt)}" for attempt in attempts)
        return AllRoutesFailed(message, failures, attempts=attempts)


def _count(runner: AttemptRunner, failure: GeminiMultiError) -> None:
    """Count a failed attempt that the provider may bill: by what the provider said, else by an estimate."""
    if isinstance(failure, RetryableAnswer):
        runner.count(failure.response.usage)
    elif runner.committed:
        runner.count(runner.usage_so_far())
    elif isinstance(failure, (ConnectionFailed, InvalidResponse)):
        runner.count(runner.usage_so_far(), abandoned=True)


def _once(state: RouteState) -> Callable[[float], RouteState | None]:
    states = iter([state])
    return lambda _now: next(states, None)


def _told(attempt: Attempt) -> str:
    waited = f" after a wait of {attempt.wait:.2f} s" if attempt.wait else ""
    status = f" {attempt.status}" if attempt.status is not None else ""
    code = f" ({attempt.code})" if attempt.code else ""
    return f"{attempt.provider} {attempt.model!r}{waited}: {attempt.error}{status}{code}, {attempt.duration:.2f} s"


def _joined(refusals: list[UnsupportedFeature]) -> UnsupportedFeature:
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    said = f"does not support {', '.join(features)} for"
    if len(refusals) > 1 and all(said in refusal.message for refusal in refusals):
        message = f"None of the providers ({', '.join(providers)}) supports {', '.join(features)} for this model."
    elif len(providers) > 1:
        message = "No provider supports all that was asked. " + " ".join(refusal.message for refusal in refusals)
    else:
        message = " ".join(dict.fromkeys(refusal.message for refusal in refusals))
    return UnsupportedFeature(message, features=features, providers=providers)


def _log_failover(state: RouteState, following: RouteState) -> None:
    if LOGGER.isEnabledFor(WARNING):
        provider, instead = state.route.provider.name, following.route.provider.name
        what = "has no room" if state.failure is None else f"failed ({_reason(state.failure)})"
        LOGGER.warning("%s %s: asking %s next", provider, what, instead)


def _reason(failure: GeminiMultiError) -> str:
    """Say why an attempt failed, in our own words only: the provider's may quote the conversation."""
    words = [type(failure).__name__]
    if isinstance(failure, ProviderError):
        words += [f"status {failure.status}"] if failure.status else []
        words += [f"code {failure.code}"] if failure.code else []
    if isinstance(failure, ConnectionFailed):
        words.append(failure.message.rstrip("."))
    if isinstance(failure, UnsupportedFeature):
        words += failure.features
    return ", ".join(words)
