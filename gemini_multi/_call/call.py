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

from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final, Self, TypeAlias

from gemini_multi import errors
from gemini_multi._call.attempt import AttemptRunner, Flow
from gemini_multi._call.attempt_log import AttemptLog, CallOptions
from gemini_multi._call.judging import RetryableAnswer, UnwantedAnswer, errors_to_leave
from gemini_multi._call.permits import Allowance, OutOfRoom
from gemini_multi._call.telemetry import trace_of
from gemini_multi._routing.routes import PreparedRequest, Route
from gemini_multi._routing.schedule import RouteSchedule, RouteState
from gemini_multi._storage.interface import Outcome
from gemini_multi._transport.steps import Release, Sleep, Step, TransportError
from gemini_multi.providers import ErrorPayload
from gemini_multi.types import Attempt, ChatEvent, ChatRequest, Finished

RELEASE: Final = Release()

_Sending: TypeAlias = Generator[Step | list[ChatEvent], Any, errors.GeminiMultiError | None]
"""Sends a request once. Returns the failure, or `None` if the answer was delivered."""


class Call:
    """The life of one request."""

    def __init__(
        self, request: ChatRequest, schedule: RouteSchedule, attempt_log: AttemptLog, only: RouteState | None = None
    ) -> None:
        """Prepare a call over the routes of a schedule. A hedge uses `only` one of them."""
        self.schedule = schedule
        self.attempt_log = attempt_log
        self.trace = None if only else attempt_log.trace
        self._request = request
        self._options = attempt_log.options
        self._is_hedge = only is not None
        self._runner: AttemptRunner | None = None
        """The latest attempt."""
        self._again = only
        """The route that gets the request at once."""

    @classmethod
    def over(cls, routes: tuple[Route, ...], request: ChatRequest, options: CallOptions, *, stream: bool) -> Self:
        """Prepare a call over these routes, in order of preference."""
        to_leave = errors_to_leave(options.failover) if options.failover else ()
        schedule = RouteSchedule(routes, options.health, options.policy, to_leave)
        trace = trace_of(request, stream=stream) if options.tracing else None
        return cls(request, schedule, AttemptLog(options, trace, stream=stream))

    def hedge_delay(self) -> float | None:
        """Return after how many seconds without content to hedge this call, or `None` for never."""
        options, states = self._options, self.schedule.states
        if options.hedging is None or len(states) < 2 or options.failover is not None:
            return None
        options.health.earn_hedge(options.hedging.share)
        if options.hedging.after is not None:
            return options.hedging.after
        return states[0].health.usual_wait(options.clock(), stream=self.attempt_log.stream)

    def hedge(self) -> Call | None:
        """Prepare a second call for the same request, over a healthy route that was not tried yet.

        Return `None` if there is no such route, or if the share of hedged calls is used up.
        """
        health = self._options.health
        if not health.spend_hedge():
            return None
        state = self.schedule.next_healthy(self._options.clock())
        if state is None:
            health.earn_hedge(1.0)
            return None
        return Call(self._request, self.schedule, self.attempt_log, state)

    def run(self) -> Flow:
        """Send the request over one route after the other until one route answers."""
        if self.trace is not None:
            self.trace.begin()
        is_limited = self._options.permits is not None or self._options.ledger.limit_usd is not None
        send = self._send_within_limits if is_limited else self._send
        state: RouteState | None = None
        failure: errors.GeminiMultiError | None
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
        except errors.BudgetExceeded:
            # An answer that `failover_on` refused was paid for: the caller gets it.
            if not any(isinstance(failure, UnwantedAnswer) for failure in self.schedule.failures):
                raise
        yield self._conclude(self.schedule.failures)

    def _following(self, previous: RouteState | None) -> RouteState | None:
        """Return the route for the next attempt, or `None` if there is no route or no time."""
        state, self._again = self._again, None
        if state is None and not self._is_hedge and self.attempt_log.remaining() > 0:
            state = self.schedule.next(self._options.clock())
            if state is not None and previous is not None and state is not previous:
                self.attempt_log.failover(previous, state)
        return state

    def _prepare(self, state: RouteState) -> errors.UnsupportedFeature | None:
        """Write the body for a route, once. If the route does not support the request, return that error."""
        if state.prepared is None:
            try:
                state.prepared = state.route.prepared(self._request, stream=self.attempt_log.stream)
            except errors.UnsupportedFeature as refusal:
                state.health.release()
                return refusal
        return None

    def _send(self, state: RouteState) -> _Sending:
        assert state.prepared is not None
        runner = self._runner = AttemptRunner(self._request, state, state.prepared, self.attempt_log)
        try:
            rest = yield from runner.send()
            yield from rest
        except (TransportError, ErrorPayload, errors.GeminiMultiError) as error:
            failure = runner.fail(error)
        except BaseException:  # the caller left, or the call is being stopped
            runner.abandon()
            raise
        else:
            return None
        if isinstance(failure, errors.StreamInterrupted):
            yield RELEASE
            raise failure
        return failure

    def _send_within_limits(self, state: RouteState) -> _Sending:
        """Send with an allowance, because other calls or processes share the limits."""
        allowance = Allowance(self._request, state.route, self.attempt_log)
        try:
            refusal = yield from allowance.take()
        except errors.GeminiMultiError as error:
            state.health.release()
            error.attempts = self.attempt_log.attempts
            raise
        if refusal is not None:
            return refusal
        self._runner = None
        try:
            failure = yield from self._send(state)
        except errors.GeminiMultiError as error:
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
            return Outcome(tokens=0, was_refused=isinstance(failure, errors.RateLimited))
        return Outcome(tokens=used.total_tokens or None, cost_usd=used.cost_usd or 0.0)

    def _decide(self, state: RouteState, failure: errors.GeminiMultiError) -> None:
        """Decide what follows a failure: another attempt at once, a later attempt, or none on this route."""
        if self._repair(state, failure):
            self._again = state
            return
        if isinstance(failure, RetryableAnswer):
            # An answer costs money, and a model that fails twice at the same request usually fails again.
            is_first = state.retries == 0 < self._options.policy.max_retries
            if is_first and not isinstance(failure, UnwantedAnswer):
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

    def _repair(self, state: RouteState, failure: errors.GeminiMultiError) -> bool:
        """Change the body after a documented refusal of a part of it, once for each refusal."""
        if not isinstance(failure, errors.BadRequest) or state.prepared is None:
            return False
        endpoint = state.prepared.endpoint
        target = endpoint.target
        repair = endpoint.dialect.repair(failure.message, target.repairs)
        if repair is None:
            return False
        endpoint = replace(endpoint, target=replace(target, repairs=target.repairs | {repair}))
        state.prepared = PreparedRequest.written(endpoint, self._request, stream=self.attempt_log.stream)
        return True

    def _conclude(self, failures: list[errors.GeminiMultiError]) -> list[ChatEvent]:
        """End without an accepted answer: return the best flawed answer, or raise an error.

        An answer without content counts too: its usage was paid for, and the caller sees its finish reason.
        """
        flawed = [failure for failure in failures if isinstance(failure, RetryableAnswer)]
        if not flawed:
            raise _conclusion(failures, self.attempt_log)
        answer = [failure for failure in flawed if isinstance(failure, UnwantedAnswer)][-1:] or flawed[-1:]
        response = replace(answer[0].response, attempts=self.attempt_log.attempts)
        return [*answer[0].events, Finished(response)]

    def leave(self) -> None:
        """Record that the caller does not wait for the attempt any more. The loop that performs the steps closes it."""
        if self._runner is not None:
            self._runner.leave()


def _conclusion(failures: list[errors.GeminiMultiError], attempt_log: AttemptLog) -> errors.GeminiMultiError:
    """Make the error that the caller gets from the last failure of each route."""
    if not failures:
        return attempt_log.overdue()  # before any request was sent
    sent = [failure for failure in failures if not isinstance(failure, errors.UnsupportedFeature)]
    if not sent:
        return _joined([failure for failure in failures if isinstance(failure, errors.UnsupportedFeature)])
    if attempt_log.options.policy.verdict(failures[-1]) == "stop":
        explaining = failures[-1]  # it ended the call
    elif len(sent) == 1:
        explaining = sent[0]
    else:
        return _all_failed(failures, attempt_log.attempts)
    explaining.attempts = attempt_log.attempts
    return explaining


def _all_failed(failures: list[errors.GeminiMultiError], attempts: tuple[Attempt, ...]) -> errors.AllRoutesFailed:
    message = "No provider answered:\n" + "\n".join(f"- {failure.message}" for failure in failures)
    if len(attempts) > len(failures):  # otherwise the lines already show each attempt
        message += "\nAttempts:\n" + "\n".join(f"- {_attempt_line(attempt)}" for attempt in attempts)
    return errors.AllRoutesFailed(message, failures, attempts=attempts)


def _attempt_line(attempt: Attempt) -> str:
    waited = f" after a wait of {attempt.wait:.2f} s" if attempt.wait else ""
    status = f" {attempt.status}" if attempt.status is not None else ""
    code = f" ({attempt.code})" if attempt.code else ""
    return f"{attempt.provider} {attempt.model!r}{waited}: {attempt.error}{status}{code}, {attempt.duration:.2f} s"


def _joined(refusals: list[errors.UnsupportedFeature]) -> errors.UnsupportedFeature:
    """Merge the refusals of all providers into one error."""
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    common = f"does not support {', '.join(features)} for"
    if len(refusals) > 1 and all(common in refusal.message for refusal in refusals):
        message = f"None of the providers ({', '.join(providers)}) supports {', '.join(features)} for this model."
    else:
        message = "No provider supports all that was asked. " if len(providers) > 1 else ""
        message += " ".join(dict.fromkeys(refusal.message for refusal in refusals))
    return errors.UnsupportedFeature(message, features=features, providers=providers)
