"""Whose turn it is: the routes of one call, which of them may be asked now, and which are through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from gemini_multi._health import RouteHealth
from gemini_multi.errors import ContextOverflow, GeminiMultiError, ProviderError
from gemini_multi.retry import RetryPolicy
from gemini_multi.routing import Passage, Route

_LARGER: Final = 1.1
"""Hosts round their figures: a window that is larger by less is the same."""


class Turn:
    """One route in one call."""

    def __init__(self, route: Route, health: RouteHealth) -> None:
        self.route = route
        self.health = health
        self.passage: Passage | None = None
        """The body, once it was made."""
        self.failure: GeminiMultiError | None = None
        """The last one."""
        self.retries = 0
        self.ready_at = float("-inf")
        """When the wait before the next request is over."""
        self.spent = 0.0
        """What repeats took from the route's budget."""
        self.is_taken = False
        self.is_done = False

    def answered(self, now: float, *, first_content: float, stream: bool) -> None:
        """Note that the route answers."""
        self.health.answered(now, first_content=first_content, stream=stream, repeats=self.spent)


class Rota:
    """The routes of one call in order of preference. Two exchanges may share one, each on a route of its own."""

    def __init__(self, routes: Sequence[tuple[Route, RouteHealth]], policy: RetryPolicy) -> None:
        self._turns = [Turn(route, health) for route, health in routes]
        self._policy = policy
        self._lock = threading.RLock()
        self._order: list[Turn] = []

    @property
    def failures(self) -> list[GeminiMultiError]:
        """The last failure of each route, in the order in which the routes were asked first."""
        return [turn.failure for turn in self._order if turn.failure is not None]

    def next(self, now: float) -> Turn | None:
        """Take the route to ask now, or the one to wait for; `None` when all are through."""
        with self._lock:
            turn = self._healthy(now) or self._soonest()
            while turn is not None and not self._afford(turn):
                turn.is_done = True
                turn = self._healthy(now) or self._soonest()
            return self._take(turn)

    def next_healthy(self, now: float) -> Turn | None:
        """Take a route that was not asked yet and is healthy; `None` when there is none."""
        with self._lock:
            turn = self._healthy(now, fresh=True)
            return self._take(turn)

    def untake(self, turn: Turn | None) -> None:
        """Put a route back that was not asked after all."""
        if turn is not None:
            turn.is_taken = False
            self._order.remove(turn)
            turn.health.release()

    def _waiting(self) -> list[Turn]:
        return [turn for turn in self._turns if not turn.is_done and not turn.is_taken]

    def _healthy(self, now: float, *, fresh: bool = False) -> Turn | None:
        """Find the first route that nothing speaks against, those asked least first."""
        ready = [turn for turn in self._waiting() if turn.ready_at <= now and not (fresh and turn.retries)]
        if len(ready) > 1:
            ready.sort(key=lambda turn: turn.retries)
        return next((turn for turn in ready if turn.health.claim(now)), None)

    def _soonest(self) -> Turn | None:
        """Find the route whose wait or rest ends first: when all rest, somebody is asked nevertheless."""
        return min(self._waiting(), key=lambda turn: max(turn.ready_at, turn.health.opens_at), default=None)

    def _afford(self, turn: Turn) -> bool:
        if not turn.retries or turn.failure is None:
            return True
        price = self._policy.price(turn.failure)
        if not turn.health.spend(price, self._policy.budget):
            turn.health.release()
            return False
        turn.spent += price
        return True

    def _take(self, turn: Turn | None) -> Turn | None:
        if turn is not None:
            turn.is_taken = True
            if turn not in self._order:
                self._order.append(turn)
        return turn

    def failed(
        self, turn: Turn, failure: GeminiMultiError, *, now: float, left: float, chance: Callable[[], float]
    ) -> None:
        """Put a route back that gave no answer, or out.

        Args:
            turn: The route, which was taken.
            failure: What happened.
            now: Monotonic seconds.
            left: Seconds until the deadline.
            chance: Gives a number from 0 to 1.
        """
        with self._lock:
            turn.failure = failure
            turn.is_taken = False
            wait = self._wait_before_retry(turn, failure, chance)
            turn.is_done = turn.is_done or wait is None or wait >= left
            turn.ready_at = now + (wait or 0.0)
            turn.retries += 1
            if isinstance(failure, ContextOverflow):
                self._leave_small(turn.route.context_window)
            elif self._policy.verdict(failure) == "stop":
                self.stop()

    def _wait_before_retry(self, turn: Turn, failure: GeminiMultiError, chance: Callable[[], float]) -> float | None:
        if self._policy.verdict(failure) != "retry" or turn.retries >= self._policy.max_retries:
            return None
        asked = failure.retry_after if isinstance(failure, ProviderError) else None
        return self._policy.wait(turn.retries, asked, chance())

    def _leave_small(self, window: int) -> None:
        for turn in self._turns:
            turn.is_done = turn.is_done or turn.route.context_window < window * _LARGER

    def stop(self) -> None:
        """Put all routes out that are not being asked."""
        with self._lock:
            for turn in self._turns:
                turn.is_done = True
