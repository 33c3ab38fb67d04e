"""One request from its first attempt to its answer: retry and failover, as a generator of steps.

Theory of operation. `Exchange.run` never waits, sends or reads. It yields a step (`Open`, `Read`, `Close`, `Wait`) and
is sent what the step gave, or is thrown a `WireFailure`; and it yields lists of events for the caller. A loop of a few
lines, once blocking and once with `await`, drives it (`client.py`), so that everything that decides is written once and
is tested without a network or a clock.

The commit point of a stream is its first event: chunks without content produce none, so until then a failure is retried
or moves to the next host, and after it nothing is repeated: the failure becomes `StreamInterrupted` with the answer so
far. An answer in one piece is delivered only when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any, Final

from gemini_multi import _pricing
from gemini_multi._journal import LOGGER, Conditions, Journal
from gemini_multi._reception import FlawedAnswer, Flow, Reception
from gemini_multi._rota import Rota, Turn
from gemini_multi._telemetry import Trace
from gemini_multi._wire import Close, Step, Wait, WireFailure
from gemini_multi.errors import (
    AllRoutesFailed,
    BadRequest,
    BudgetExceeded,
    GeminiMultiError,
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.providers import ErrorFacts
from gemini_multi.routing import Passage, Route
from gemini_multi.types import Attempt, ChatEvent, ChatRequest, Finished

CLOSE: Final = Close()
_FLAWED_RETRIES: Final = 1
"""An answer costs money, and a model that fails twice at the same question mostly goes on so."""


class Exchange:
    """The life of one request."""

    def __init__(
        self, request: ChatRequest, routes: tuple[Route, ...], conditions: Conditions, trace: Trace | None = None
    ) -> None:
        self.routes = routes
        self.trace = trace
        known = [(route, conditions.health.of(route.key)) for route in routes]
        self._share(request, conditions, Rota(known, conditions.policy), Journal(conditions, trace))

    def _share(self, request: ChatRequest, conditions: Conditions, rota: Rota, journal: Journal) -> None:
        self._request = request
        self._conditions = conditions
        self.stream = conditions.stream
        self._rota = rota
        self.journal = journal
        self._reception: Reception | None = None
        self._next: Callable[[float], Turn | None] = rota.next

    def rival(self) -> Exchange | None:
        """Make a second exchange for the same request, which asks a healthy route that nobody has asked yet.

        There is none without such a route, or when the calls so far have not earned a hedge.
        """
        turn = self._rota.next_healthy(self._conditions.clock())
        if turn is None or not self._conditions.health.take_hedge():
            self._rota.untake(turn)
            return None
        rival = Exchange.__new__(Exchange)
        rival._share(self._request, self._conditions, self._rota, self.journal)
        rival._next = _once(turn)
        rival.trace = None  # the call's span is open already
        return rival

    def run(self) -> Flow:
        """Ask one route after the other until one answers."""
        turn: Turn | None = None
        if self.trace is not None:
            self.trace.begin()
        while self.journal.remaining() > 0 and (following := self._next(self._conditions.clock())) is not None:
            if turn is not None and turn is not following:
                self._log_failover(turn)
            turn = following
            if turn.retries:
                yield from self._waited(turn)
            failure = yield from self._ask(turn)
            if failure is None:
                self._count(self._rota.failures)
                return
            self._put_back(turn, failure)
        yield from self._conclude(self._rota.failures)

    def _waited(self, turn: Turn) -> Flow:
        wait = turn.ready_at - self._conditions.clock()
        if wait > 0:
            yield Wait(wait)
            self.journal.waited(wait)

    def _put_back(self, turn: Turn, failure: GeminiMultiError) -> None:
        if isinstance(failure, FlawedAnswer):
            turn.is_done = True  # it was asked again at once, if it was worth it
        now, conditions = self._conditions.clock(), self._conditions
        self._rota.failed(turn, failure, now=now, left=self.journal.remaining(), chance=conditions.chance)

    def _log_failover(self, turn: Turn) -> None:
        LOGGER.warning(
            "%s failed (%s): asking the next provider", turn.route.provider.name, type(turn.failure).__name__
        )

    def _conclude(self, failures: list[GeminiMultiError]) -> Flow:
        flawed = [failure for failure in failures if isinstance(failure, FlawedAnswer)]
        if not flawed:
            raise self._conclusion(failures)
        self._count(flawed[:-1])
        # An answer that says nothing still is one: its usage was paid for, and callers see why it stopped.
        yield [*flawed[-1].events, Finished(replace(flawed[-1].response, attempts=self.journal.attempts))]

    def _ask(self, turn: Turn) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Ask one route, and once more at once where another body or another try is all it takes."""
        try:
            passage = turn.passage or turn.route.passage(self._request, stream=self._conditions.stream)
        except UnsupportedFeature as refusal:
            turn.health.release()
            return refusal
        while True:
            turn.passage = passage
            failure = yield from self._paid(turn, passage)
            if failure is None:
                return None
            yield CLOSE
            repaired = self._repaired(passage, failure)
            if repaired is not None:
                passage = repaired
            elif isinstance(failure, FlawedAnswer) and turn.retries < min(
                _FLAWED_RETRIES, self._conditions.policy.max_retries
            ):
                self._count([failure])
                turn.retries += 1
            else:
                return failure

    def _count(self, failures: Sequence[GeminiMultiError]) -> None:
        """Count the answers among them: they were paid for, though nobody gets them."""
        for failure in failures:
            if isinstance(failure, FlawedAnswer):
                self._conditions.ledger.add(failure.response.usage)

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

    def _paid(self, turn: Turn, passage: Passage) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once, with what it may cost set aside if there is a limit."""
        ledger = self._conditions.ledger
        if not ledger.is_limited:
            return (yield from self._attempt(turn, passage))
        route = turn.route
        worst = _pricing.worst_usd(self._request, route.answering, route.provider.name, self._conditions.today())
        try:
            reserved = ledger.reserve(worst or 0.0)
        except BudgetExceeded as refusal:
            turn.health.release()
            refusal.attempts = self.journal.attempts
            raise
        try:
            return (yield from self._attempt(turn, passage))
        finally:
            ledger.release(reserved)

    def leave(self) -> None:
        """Note that nobody waits any more for the attempt under way. The one who drives the exchange then closes it."""
        reception = self._reception
        if reception is not None:
            reception.note(is_left=True)

    def _forfeit(self) -> None:
        """Settle an attempt that was left. Its answer is paid for, though nobody gets it."""
        reception, self._reception = self._reception, None
        if reception is None or reception.is_finished:
            return
        reception.note(is_left=True)
        reception.turn.health.release()
        self._conditions.ledger.add(reception.usage_so_far(), abandoned=True)

    def _attempt(self, turn: Turn, passage: Passage) -> Generator[Step | list[ChatEvent], Any, GeminiMultiError | None]:
        """Send once. Return the failure, or `None` when the answer was delivered."""
        route = turn.route
        reception = self._reception = Reception(self._request, turn, passage, self.journal)
        try:
            yield from reception.run()
        except WireFailure as wire_failure:
            failure: GeminiMultiError = reception.typed(wire_failure)
            failure.__cause__ = wire_failure.__cause__
        except ErrorFacts as facts:
            failure = route.provider.error(facts, passage.endpoint.target, reception.headers)
        except GeminiMultiError as error:
            failure = error
        except BaseException:  # the caller left, or is being stopped
            self._forfeit()
            raise
        else:
            return None
        reception.note(failure)
        self._reception = None
        self._tell(turn, failure)
        if reception.committed:
            yield CLOSE
            raise self._interrupted(reception, failure) from failure
        return reception.located(failure)

    def _tell(self, turn: Turn, failure: GeminiMultiError) -> None:
        if isinstance(failure, FlawedAnswer):
            turn.health.release()
        else:
            turn.health.failed(failure, self._conditions.clock(), self._conditions.policy)

    def _interrupted(self, reception: Reception, failure: GeminiMultiError) -> StreamInterrupted:
        partial = reception.response()
        return StreamInterrupted(
            f"The stream of {partial.provider} ({reception.model_id!r}) broke after its first content: "
            f"{failure.message} What had arrived is in `partial`.",
            partial=partial,
            provider=partial.provider,
            model=reception.model_id,
            attempts=self.journal.attempts,
        )

    def _conclusion(self, failures: list[GeminiMultiError]) -> GeminiMultiError:
        if not failures:
            return self.journal.overdue()  # before anybody was asked
        refusals = [failure for failure in failures if isinstance(failure, UnsupportedFeature)]
        if len(refusals) == len(failures):
            return _joined(refusals)
        last = failures[-1]
        others = [failure for failure in failures if not isinstance(failure, UnsupportedFeature)]
        if self._conditions.policy.verdict(last) == "stop" or len(failures) == 1 or len(others) == 1:
            single = last if self._conditions.policy.verdict(last) == "stop" else others[0]
            single.attempts = self.journal.attempts
            return single
        lines = "\n".join(f"- {failure.message}" for failure in failures)
        tried = "\n".join(f"- {_told(attempt)}" for attempt in self.journal.attempts)
        message = f"No provider answered:\n{lines}\nWhat was tried:\n{tried}"
        return AllRoutesFailed(message, failures, attempts=self.journal.attempts)


def _once(turn: Turn) -> Callable[[float], Turn | None]:
    turns = iter([turn])
    return lambda _now: next(turns, None)


def _told(attempt: Attempt) -> str:
    waited = f" after a wait of {attempt.wait:.2f} s" if attempt.wait else ""
    status = f" {attempt.status}" if attempt.status is not None else ""
    code = f" ({attempt.code})" if attempt.code else ""
    return f"{attempt.provider} {attempt.model!r}{waited}: {attempt.error}{status}{code}, {attempt.duration:.2f} s"


def _joined(refusals: list[UnsupportedFeature]) -> UnsupportedFeature:
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    return UnsupportedFeature(
        f"No provider can express {', '.join(features)}: " + " ".join(refusal.message for refusal in refusals),
        features=features,
        providers=providers,
    )
