"""What a request reserves before it is sent: a share of the client's limits, and its highest possible cost."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._call.permits import OutOfRoom, Permits
from gemini_multi._routing import pricing
from gemini_multi._routing.routes import Route
from gemini_multi._storage.interface import Outcome, Permit
from gemini_multi._transport.steps import Sleep, Step
from gemini_multi.errors import BudgetExceeded
from gemini_multi.types import ChatRequest


class Allowance:
    """The allowance of one request. It is reserved before the request is sent and settled after the answer."""

    def __init__(self, request: ChatRequest, route: Route, attempt_log: AttemptLog) -> None:
        self._request = request
        self._route = route
        self._attempt_log = attempt_log
        self._options = attempt_log.options
        self._permit: Permit | None = None
        self._reserved = 0.0

    def take(self) -> Generator[Step, Any, OutOfRoom | None]:
        """Reserve the allowance. If the provider has no room, return that refusal.

        Raises:
            BudgetExceeded: The budget does not allow the request.
            StorageUnavailable: The storage of shared limits does not answer.
        """
        permits = self._options.permits
        if permits is not None:
            permit = yield from self._take_permit(permits)
            if isinstance(permit, OutOfRoom):
                return permit
            self._permit = permit
        try:
            self._reserve()
        except BudgetExceeded:
            yield from self.settle(Outcome(tokens=0))
            raise
        return None

    def _take_permit(self, permits: Permits) -> Generator[Step, Any, Permit | OutOfRoom]:
        """Reserve a permit, after a wait if the limits require a wait and the deadline allows it."""
        while True:
            permit = yield from permits.acquire(self._request, self._route, self._options.today())
            if not isinstance(permit, OutOfRoom) or not permits.waits:
                return permit
            wait = permit.wait(self._options.chance())
            if wait >= self._attempt_log.remaining():
                return permit
            yield Sleep(wait)
            self._attempt_log.waited += wait

    def _reserve(self) -> None:
        """Reserve the highest possible cost of the request in the client's own ledger."""
        if self._options.ledger.is_limited:
            route, today = self._route, self._options.today()
            worst = pricing.worst_usd(self._request, route.answering, route.provider.name, today)
            self._reserved = self._options.ledger.reserve(worst or 0.0)

    def settle(self, outcome: Outcome) -> Generator[Step, Any, None]:
        """Settle the allowance with the usage of the request."""
        self._release()
        permits = self._options.permits
        if permits is not None and self._permit is not None:
            yield from permits.settle(self._permit, outcome)

    def settle_later(self, outcome: Outcome) -> None:
        """Settle the allowance of a call that cannot perform steps any more."""
        self._release()
        if self._options.permits is not None and self._permit is not None:
            self._options.permits.settle_later(self._permit, outcome)

    def _release(self) -> None:
        reserved, self._reserved = self._reserved, 0.0
        if reserved:
            self._options.ledger.release(reserved)
