"""What a request reserves before it is sent, if rates, concurrent calls or costs are limited.

A storage holds the counts. A storage on a server is read in steps of the call, so that the loop that performs the steps
blocks or awaits. A storage in memory returns at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from gemini_multi._routing import pricing
from gemini_multi._routing.ledger import budget_exceeded
from gemini_multi._routing.routes import Route
from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit, Storage
from gemini_multi._transport.steps import Consult, Sleep, Step
from gemini_multi.errors import BudgetExceeded, RateLimited, StorageUnavailable
from gemini_multi.rate_limits import RateLimits, SharedStorage
from gemini_multi.types import ChatRequest

if TYPE_CHECKING:
    from gemini_multi._call.attempt_log import AttemptLog

_LOGGER: Final = logging.getLogger("gemini_multi")
_SPREAD: Final = 0.1
"""Waits are longer by up to this share, so that waiting calls do not all try at the same moment."""


class OutOfRoom(RateLimited):
    """A provider has no room within the limits of this client. No request was sent."""

    def wait(self, chance: float) -> float:
        """Return the seconds until the next try makes sense; `chance` is a number from 0 to 1."""
        return (self.retry_after or 0.0) * (1 + _SPREAD * chance)


@dataclass(frozen=True, slots=True)
class Permits:
    """The limits of a client's calls, and the storage that counts the calls."""

    storage: Storage
    limits: RateLimits
    max_cost_usd: float | None = None
    """The budget that the clients of the storage share."""

    def demand(self, request: ChatRequest, route: Route, on: date) -> Demand:
        """Return what a request over a route counts against the limits."""
        name, account = route.provider.name, route.provider.account
        found = self.limits.of_route(name, route.model.name)
        needs_tokens = any(limit.tokens_per_minute for limit in found.values())
        is_paid = self.max_cost_usd is not None
        return Demand(
            limits={f"{covered}:{account}": limit for covered, limit in found.items()},
            tokens=pricing.expected_tokens(request, route.answering, name) if needs_tokens else 0,
            worst_usd=pricing.worst_usd(request, route.answering, name, on) if is_paid else 0.0,
            max_cost_usd=self.max_cost_usd,
        )


def open_permits(
    limits: RateLimits | None, storage: SharedStorage | None, max_cost_usd: float | None
) -> Permits | None:
    """Open the storage that a client's limits need, or return `None` if it has no limits."""
    if limits is None and (storage is None or max_cost_usd is None):
        return None
    from gemini_multi._storage.opening import open_storage

    return Permits(open_storage(storage), limits or RateLimits(), None if storage is None else max_cost_usd)


class Allowance:
    """What one request reserves and settles after its answer: a permit, and its highest possible cost."""

    def __init__(self, request: ChatRequest, route: Route, attempt_log: AttemptLog) -> None:
        self._request = request
        self._route = route
        self._attempt_log = attempt_log
        self._options = attempt_log.options
        self._permits = attempt_log.options.permits
        self._permit: Permit | None = None
        self._reserved_usd = 0.0

    def take(self) -> Generator[Step, Any, OutOfRoom | None]:
        """Reserve the allowance, or raise `BudgetExceeded`. If the provider has no room, return that refusal."""
        if self._permits is not None:
            refusal = yield from self._take_permit(self._permits)
            if refusal is not None:
                return refusal
        ledger, route = self._options.ledger, self._route
        if ledger.limit_usd is not None:
            worst = pricing.worst_usd(self._request, route.answering, route.provider.name, self._options.today())
            try:
                self._reserved_usd = ledger.reserve(worst)
            except BudgetExceeded:
                yield from self.settle(Outcome(tokens=0))
                raise
        return None

    def _take_permit(self, permits: Permits) -> Generator[Step, Any, OutOfRoom | None]:
        """Reserve a permit, after a wait if the limits require a wait and the deadline allows it."""
        demand = permits.demand(self._request, self._route, self._options.today())
        while isinstance(reserved := (yield from self._reserve(permits.storage, demand)), NoRoom):
            refusal = _out_of_room(self._route, reserved)
            wait = refusal.wait(self._options.chance())
            if permits.limits.when_full == "next" or wait >= self._attempt_log.remaining():
                return refusal
            yield Sleep(wait)
            self._attempt_log.waited += wait
        if isinstance(reserved, NoMoney):
            limit = demand.max_cost_usd or 0.0
            raise budget_exceeded(reserved.spent_usd, reserved.reserved_usd, demand.worst_usd, limit, is_shared=True)
        self._permit = reserved
        return None

    def _reserve(self, storage: Storage, demand: Demand) -> Generator[Step, Any, Permit | NoRoom | NoMoney]:
        if storage.is_local:
            return storage.reserve(demand)
        reserved = Future[Permit | NoRoom | NoMoney]()

        def reserve() -> None:
            try:
                reserved.set_result(storage.reserve(demand))
            except BaseException as error:  # noqa: BLE001  # raised below, in the call
                reserved.set_exception(error)

        try:
            yield Consult(reserve)
        except GeneratorExit:
            reserved.add_done_callback(self._return)  # another thread may still reserve it
            raise
        return reserved.result()

    def _return(self, reserved: Future[Permit | NoRoom | NoMoney]) -> None:
        """Release the permit of a call that left while it was being reserved."""
        if reserved.exception() is None and isinstance(permit := reserved.result(), Permit):
            self._permit = permit
            self.settle_later(Outcome(tokens=0))

    def settle(self, outcome: Outcome) -> Generator[Step, Any, None]:
        """Settle the allowance with the usage of the request."""
        if self._permits is None or self._permits.storage.is_local:
            self._settle(outcome)
        else:
            yield Consult(lambda: self._settle(outcome))

    def settle_later(self, outcome: Outcome) -> None:
        """Settle the allowance of a call that cannot perform steps any more."""
        if self._permits is None or self._permits.storage.is_local:
            self._settle(outcome)
        else:
            threading.Thread(target=self._settle, args=[outcome], name="gemini-multi-settlement").start()

    def _settle(self, outcome: Outcome) -> None:
        """Settle the allowance. If the storage fails, the answer is still delivered, and the permit expires."""
        if self._reserved_usd:
            self._options.ledger.release(self._reserved_usd)
        if self._permits is None or self._permit is None:
            return
        try:
            self._permits.storage.settle(self._permit, outcome)
        except StorageUnavailable as error:
            _LOGGER.warning("What a request has used was not counted, and its permit expires: %s", error.message)


def _out_of_room(route: Route, refusal: NoRoom) -> OutOfRoom:
    name = route.provider.name
    return OutOfRoom(
        f"{name} ({route.model.name!r}) has no room within the rate limits of this client for {refusal.wait:.2f} s. "
        "Raise `rate_limits` or `deadline`, or add a provider.",
        provider=name,
        model=route.model.name,
        retry_after=refusal.wait,
    )
