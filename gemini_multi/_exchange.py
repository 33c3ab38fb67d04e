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

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, Final

from gemini_multi._journal import LOGGER, Conditions, Journal
from gemini_multi._reception import FlawedAnswer, Flow, Reception
from gemini_multi._wire import Close, Step, Wait, WireFailure
from gemini_multi.errors import (
    AllRoutesFailed,
    BadRequest,
    GeminiMultiError,
    ProviderError,
    StreamInterrupted,
    UnsupportedFeature,
)
from gemini_multi.providers import ErrorFacts
from gemini_multi.routing import Passage, Route
from gemini_multi.types import ChatEvent, ChatRequest, Finished

CLOSE: Final = Close()
_FLAWED_RETRIES: Final = 1
"""An answer costs money, and a model that fails twice at the same question mostly goes on so."""


class Exchange:
    """The life of one request."""

    def __init__(self, request: ChatRequest, routes: tuple[Route, ...], conditions: Conditions) -> None:
        self._request = request
        self._routes = routes
        self._conditions = conditions
        self._journal = Journal(conditions)

    def run(self) -> Flow:
        """Try the routes in order until one answers."""
        failures: list[GeminiMultiError] = []
        for route in self._routes:
            failure = yield from self._try_route(route)
            if failure is None:
                self._count(failures)
                return
            failures.append(failure)
            if self._conditions.policy.verdict(failure) == "stop" or self._journal.remaining() <= 0:
                break
            if route is not self._routes[-1]:
                LOGGER.warning("%s failed (%s): asking the next provider", route.provider.name, type(failure).__name__)
        flawed = [failure for failure in failures if isinstance(failure, FlawedAnswer)]
        if not flawed:
            raise self._conclusion(failures)
        self._count(flawed[:-1])
        # An answer that says nothing still is one: its usage was paid for, and callers see why it stopped.
        yield [*flawed[-1].events, Finished(replace(flawed[-1].response, attempts=self._journal.attempts))]

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
                return failure
            self._count([failure])
            if wait > 0:
                yield Wait(wait)
            self._journal.waited(wait)
            retry += 1

    def _count(self, failures: Sequence[GeminiMultiError]) -> None:
        """Count the answers among them: they were paid for, though nobody gets them."""
        for failure in failures:
            if isinstance(failure, FlawedAnswer):
                self._conditions.count(failure.response.usage)

    def _wait_before(self, retry: int, failure: GeminiMultiError) -> float | None:
        policy = self._conditions.policy
        worth = min(_FLAWED_RETRIES, policy.max_retries) if isinstance(failure, FlawedAnswer) else policy.max_retries
        if retry >= worth:
            return None
        asked = failure.retry_after if isinstance(failure, ProviderError) else None
        wait = policy.wait(retry, asked, self._conditions.chance())
        return None if wait is None or wait >= self._journal.remaining() else wait

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
        reception = Reception(self._request, route, passage, self._journal)
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
        reception.note(failure)
        if reception.committed:
            yield CLOSE
            raise self._interrupted(reception, failure) from failure
        return reception.located(failure)

    def _interrupted(self, reception: Reception, failure: GeminiMultiError) -> StreamInterrupted:
        partial = reception.response()
        return StreamInterrupted(
            f"The stream of {partial.provider} ({reception.model_id!r}) broke after its first content: "
            f"{failure.message} What had arrived is in `partial`.",
            partial=partial,
            provider=partial.provider,
            model=reception.model_id,
            attempts=self._journal.attempts,
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
            single.attempts = self._journal.attempts
            return single
        lines = "\n".join(f"- {failure.message}" for failure in failures)
        return AllRoutesFailed(f"No provider answered:\n{lines}", failures, attempts=self._journal.attempts)


def _joined(refusals: list[UnsupportedFeature]) -> UnsupportedFeature:
    features = list(dict.fromkeys(feature for refusal in refusals for feature in refusal.features))
    providers = list(dict.fromkeys(name for refusal in refusals for name in refusal.providers))
    return UnsupportedFeature(
        f"No provider can express {', '.join(features)}: " + " ".join(refusal.message for refusal in refusals),
        features=features,
        providers=providers,
    )
