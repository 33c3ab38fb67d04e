"""One call from its first attempt to its answer: retry and failover, as a generator of steps.

`Call.run` never waits, sends or reads. It yields a step (`Send`, `ReadBody`, `Release`, `Sleep`), and receives the
result of the step or a `TransportError`. It also yields lists of events for the caller. A short loop, once blocking and
once with `await`, performs the steps (`streams.py`). So all decisions are written once and are tested without a network
or a clock.

The first event of a stream is its commit point. Chunks without content produce no event. Before the first event, a
failure leads to a retry or to the next provider. After it nothing is repeated: the failure becomes `StreamInterrupted`
with the answer so far. An answer in one piece is delivered only when it is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, Final, Self, TypeAlias

from gemini_multi._call.allowance import Allowance
from gemini_multi._call.attempt import AttemptRunner, Flow
from gemini_multi._call.attempt_log import AttemptLog, CallOptions
from gemini_multi._call.conclusion import conclusion, deliverable
from gemini_multi._call.judging import RetryableAnswer, UnwantedAnswer, errors_to_leave
from gemini_multi._call.permits import OutOfRoom
from gemini_multi._call.telemetry import Trace
from gemini_multi._routing.routes import PreparedRequest, Route
from gemini_multi._routing.schedule import RouteSchedule, RouteState
from gemini_multi._storage.interface import Outcome
from gemini_multi._transport.steps import Release, Sleep, Step, TransportError
from gemini_multi.errors import (
    BadRequest,
    BudgetExceeded,
    GeminiMultiError,
    RateLimited,
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.providers import ErrorPayload
from gemini_multi.types import ChatEvent, ChatRequest, Finished

RELEASE: Final = Release()
_FLAWED_RETRIES: Final = 1
"""An answer costs money, and a model that fails twice at the same request usually fails again."""

_Sending: TypeAlias = Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]
"""Sends a request once. Returns the failure, or `None` if the answer was delivered."""


class Call:
    """The life of one request."""

    def __init__(
        self,
        request: ChatRequest,
        schedule: RouteSchedule,
        attempt_log: AttemptLog,
        *,
        trace: Trace | None = None,
        only: RouteState | None = None,
    ) -> None:
        """Prepare a call.

        Args:
            request: The request.
            schedule: The routes that the request may take.
            attempt_log: Receives the attempts, and holds the options of the call.
            trace: The span of the call.
            only: The one route that a hedge sends the request to.
        """
        self.schedule = schedule
        self.attempt_log = attempt_log
        self.trace = trace
        self._request = request
        self._options = attempt_log.options
        self._next = schedule.next if only is None else _once(only)
        self._runner: AttemptRunner | None = None
        """The latest attempt."""
        self._again: RouteState | None = None
        """The route that gets the same request again at once."""

    @classmethod
    def over(
        cls, routes: tuple[Route, ...], request: ChatRequest, options: CallOptions, trace: Trace | None = None
    ) -> Self:
        """Prepare a call over these routes, in order of preference."""
        known = [(route, options.health.of(route.key)) for route in routes]
        schedule = RouteSchedule(known, options.policy, errors_to_leave(options.failover) if options.failover else ())
        return cls(request, schedule, AttemptLog(options, trace), trace=trace)

    def hedge(self) -> Call | None:
        """Prepare a second call for the same request, over a healthy route that was not tried yet.

        Return `None` if there is no such route, or if the share of hedged calls is used up.
        """
        state = self.schedule.next_healthy(self._options.clock())
        if state is None:
            return None
        if not self._options.health.spend_hedge():
            self.schedule.put_back(state)
            return None
        return Call(self._request, self.schedule, self.attempt_log, only=state)

    def run(self) -> Flow:
        """Send the request over one route after the other until one route answers."""
        if self.trace is not None:
            self.trace.begin()
        is_limited = self._options.permits is not None or self._options.ledger.is_limited
        send = self._send_within_limits if is_limited else self._send
        state: RouteState | None = None
        failure: GeminiMultiError | None
        try:
            while (state := self._following(state)) is not None:
                if (wait := state.ready_at - self._options.clock()) > 0:
                    yield Sleep(wait)
                    self.attempt_log.waited += wait
                failure = self._prepare(state)
                if failure is None:
                    failure = yield from send(state)
                    if failure is None:
                        return
                    yield RELEASE
                self._decide(state, failure)
        except BudgetExceeded:
            # An answer that `failover_on` refused was paid for: the caller gets it.
            if not any(isinstance(failure, UnwantedAnswer) for failure in self.schedule.failures):
                raise
        yield self._conclude(self.schedule.failures)

    def _following(self, previous: RouteState | None) -> RouteState | None:
        """Return the route for the next attempt, or `None` if there is no route or no time."""
        state, self._again = self._again, None
        if state is None and self.attempt_log.remaining() > 0:
            state = self._next(self._options.clock())
            if state is not None and previous is not None and state is not previous:
                self.attempt_log.failover(previous, state)
        return state

    def _prepare(self, state: RouteState) -> UnsupportedFeature | None:
        """Write the body for a route, once. If the route does not support the request, return that error."""
        if state.prepared is None:
            try:
                state.prepared = state.route.prepared(self._request, stream=self._options.stream)
            except UnsupportedFeature as refusal:
                state.health.release()
                return refusal
        return None

    def _send(self, state: RouteState) -> _Sending:
        assert state.prepared is not None
        runner = self._runner = AttemptRunner(self._request, state, state.prepared, self.attempt_log)
        try:
            rest = yield from runner.send()
            yield from rest
        except (TransportError, ErrorPayload, GeminiMultiError) as error:
            failure = runner.fail(error)
        except BaseException:  # the caller left, or the call is being stopped
            runner.abandon()
            raise
        else:
            return None
        if isinstance(failure, StreamInterrupted):
            yield RELEASE
            raise failure
        return failure

    def _send_within_limits(self, state: RouteState) -> _Sending:
        """Send with an allowance, because other calls or processes share the limits."""
        allowance = Allowance(self._request, state.route, self.attempt_log)
        try:
            refusal = yield from allowance.take()
        except GeminiMultiError as error:
            state.health.release()
            error.attempts = self.attempt_log.attempts
            raise
        if refusal is not None:
            return refusal
        self._runner = None
        try:
            failure = yield from self._send(state)
        except GeminiMultiError as error:
            yield from allowance.settle(self._outcome(error))
            raise
        except BaseException as error:  # the caller left, or the call is being stopped
            allowance.settle_later(self._outcome(error))
            raise
        yield from allowance.settle(self._outcome(failure))
        return failure

    def _outcome(self, failure: BaseException | None) -> Outcome:
        """Return the usage of the latest attempt, for the limits that it counts against."""
        used = None if self._runner is None else self._runner.counted
        if used is None:
            return Outcome(tokens=0, was_refused=isinstance(failure, RateLimited))
        return Outcome(tokens=used.total_tokens or None, cost_usd=used.cost_usd or 0.0)

    def _decide(self, state: RouteState, failure: GeminiMultiError) -> None:
        """Decide what follows a failure: another attempt at once, a later attempt, or none on this route."""
        if self._repair(state, failure):
            self._again = state
            return
        if isinstance(failure, RetryableAnswer):
            if self._is_worth_repeating(state, failure):
                state.retries += 1
                self._again = state
                return
            state.is_done = True
        options, log = self._options, self.attempt_log
        now, left = options.clock(), log.remaining()
        if isinstance(failure, OutOfRoom):
            self.schedule.postpone(state, failure, failure.wait(options.chance()), now=now, left=left)
        else:
            self.schedule.failed(state, failure, now=now, left=left, chance=options.chance)

    def _is_worth_repeating(self, state: RouteState, failure: RetryableAnswer) -> bool:
        """Return whether the same route may give a better answer at once."""
        most = min(_FLAWED_RETRIES, self._options.policy.max_retries)
        return state.retries < most and not isinstance(failure, UnwantedAnswer)

    def _repair(self, state: RouteState, failure: GeminiMultiError) -> bool:
        """Change the body after a documented refusal of a part of it, once for each refusal."""
        if not isinstance(failure, BadRequest) or state.prepared is None:
            return False
        endpoint = state.prepared.endpoint
        target = endpoint.target
        repair = endpoint.dialect.repair(failure.message, target.repairs)
        if repair is None:
            return False
        endpoint = replace(endpoint, target=replace(target, repairs=target.repairs | {repair}))
        state.prepared = PreparedRequest.written(endpoint, self._request, stream=self._options.stream)
        return True

    def _conclude(self, failures: list[GeminiMultiError]) -> list[ChatEvent]:
        """End without an accepted answer: return the best flawed answer, or raise an error."""
        answer = deliverable(failures)
        if answer is None:
            raise conclusion(failures, self.attempt_log)
        response = replace(answer.response, attempts=self.attempt_log.attempts)
        return [*answer.events, Finished(response)]

    def leave(self) -> None:
        """Record that the caller does not wait for the attempt any more. The loop that performs the steps closes it."""
        if self._runner is not None:
            self._runner.leave()


def _once(state: RouteState) -> Callable[[float], RouteState | None]:
    states = iter([state])
    return lambda _now: next(states, None)
