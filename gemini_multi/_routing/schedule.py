"""The routes of one call: which can be used now, which have to wait, and which are done."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gemini_multi._routing.health import Health, RouteHealth
from gemini_multi._routing.routes import PreparedRequest, Route
from gemini_multi.errors import ContextOverflow, GeminiMultiError, ProviderError
from gemini_multi.retry import RetryPolicy

_LARGER: Final = 1.1
"""Providers round their figures: a window that is larger by less than this factor counts as the same."""


@dataclass(eq=False, slots=True)
class RouteState:
    """One route in one call."""

    route: Route
    health: RouteHealth
    prepared: PreparedRequest | None = None
    """The endpoint and the body, once the body is written."""
    failure: GeminiMultiError | None = None
    """The last failure."""
    retries: int = 0
    ready_at: float = -math.inf
    """The time when the wait before the next request is over."""
    spent: float = 0.0
    """Tokens that retries took from the route's budget."""
    is_in_use: bool = False
    is_done: bool = False


class RouteSchedule:
    """The routes of one call in order of preference. A call and its hedge share a schedule and use different routes."""

    def __init__(
        self,
        routes: Sequence[Route],
        health: Health,
        policy: RetryPolicy,
        errors_to_leave: tuple[type[Exception], ...] = (),
    ) -> None:
        """Start with unused routes. After `errors_to_leave` the next route is used, whatever the policy says."""
        self.states = [RouteState(route, health.of(route.key)) for route in routes]
        self._policy = policy
        self._errors_to_leave = errors_to_leave
        self._lock = threading.RLock()
        self._order: list[RouteState] = []

    @property
    def failures(self) -> list[GeminiMultiError]:
        """The last failure of each route, in the order in which the routes were first used."""
        return [state.failure for state in self._order if state.failure is not None]

    def next(self, now: float) -> RouteState | None:
        """Choose the route to use now, or the route to wait for, or `None` if all routes are done."""
        with self._lock:
            while (state := self._healthy(now) or self._soonest()) is not None and not self._afford(state):
                state.is_done = True
            return self._use(state)

    def next_healthy(self, now: float) -> RouteState | None:
        """Choose a healthy route that was not used yet, or `None` if there is none."""
        with self._lock:
            return self._use(self._healthy(now, fresh=True))

    def _waiting(self) -> list[RouteState]:
        return [state for state in self.states if not state.is_done and not state.is_in_use]

    def _healthy(self, now: float, *, fresh: bool = False) -> RouteState | None:
        """Find the first healthy route that can be used now. Routes with the fewest requests come first."""
        ready = self._waiting()
        if len(ready) > 1:
            ready.sort(key=lambda state: state.retries)
        for state in ready:
            if state.ready_at <= now and not (fresh and state.retries) and state.health.claim(now):
                return state
        return None

    def _soonest(self) -> RouteState | None:
        """Find the route whose wait or pause ends first. If all routes are paused, it is used during its pause."""
        return min(self._waiting(), key=lambda state: max(state.ready_at, state.health.opens_at), default=None)

    def _afford(self, state: RouteState) -> bool:
        if not state.retries or state.failure is None:
            return True
        price = self._policy.price(state.failure)
        if not state.health.spend(price, self._policy.budget):
            state.health.release()
            return False
        state.spent += price
        return True

    def _use(self, state: RouteState | None) -> RouteState | None:
        if state is not None:
            state.is_in_use = True
            if state not in self._order:
                self._order.append(state)
        return state

    def failed(
        self, state: RouteState, failure: GeminiMultiError, *, now: float, left: float, chance: Callable[[], float]
    ) -> None:
        """Keep a route that gave no answer for later, or mark it as done. `left` are the seconds until the deadline."""
        with self._lock:
            state.failure = failure
            state.is_in_use = False
            wait = self._wait_before_retry(state, failure, chance)
            state.is_done = state.is_done or wait is None or wait >= left
            state.ready_at = now + (wait or 0.0)
            state.retries += 1
            needed = self._needed_window(state, failure)
            for other in self.states:
                other.is_done = other.is_done or other.route.context_window < needed

    def postpone(self, state: RouteState, failure: GeminiMultiError, wait: float, *, now: float, left: float) -> None:
        """Keep a route that has no room for later; mark it as done with this failure if that passes the deadline."""
        with self._lock:
            state.is_in_use = False
            state.health.release()
            if state.retries and state.failure is not None:  # the retry was taken from the budget and not sent
                price = self._policy.price(state.failure)
                state.health.spend(-price, None)
                state.spent -= price
            state.ready_at = now + wait
            if wait >= left:
                state.is_done = True
                state.failure = failure

    def _wait_before_retry(
        self, state: RouteState, failure: GeminiMultiError, chance: Callable[[], float]
    ) -> float | None:
        if self._policy.verdict(failure) != "retry" or state.retries >= self._policy.max_retries:
            return None
        retry_after = failure.retry_after if isinstance(failure, ProviderError) else None
        return self._policy.wait(state.retries, retry_after, chance())

    def _needed_window(self, state: RouteState, failure: GeminiMultiError) -> float:
        """Return the context window that a route needs after a failure. No window is enough if the call has to stop."""
        if isinstance(failure, ContextOverflow):
            return state.route.context_window * _LARGER
        is_final = self._policy.verdict(failure) == "stop" and not isinstance(failure, self._errors_to_leave)
        return math.inf if is_final else 0.0
