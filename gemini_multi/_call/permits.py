"""Permits for requests if rates, concurrent calls or a shared budget are limited.

A storage holds the counts. A storage on a server is read in steps of the call, so that the loop that performs the steps
blocks or awaits. A storage in memory returns at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from gemini_multi._routing import pricing
from gemini_multi._routing.routes import Route
from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit, Storage
from gemini_multi._transport.steps import Consult, Step
from gemini_multi.errors import BudgetExceeded, GeminiMultiError, RateLimited, StorageUnavailable
from gemini_multi.rate_limits import RateLimits, SharedStorage
from gemini_multi.types import ChatRequest

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
    """Reserves and settles the permits of a client's calls."""

    storage: Storage
    limits: RateLimits
    max_cost_usd: float | None = None
    """The budget that the clients of the storage share."""

    @property
    def waits(self) -> bool:
        """Whether a call waits until a provider has room, even if another provider has room now."""
        return self.limits.when_full == "wait"

    def acquire(self, request: ChatRequest, route: Route, on: date) -> Generator[Step, Any, Permit | OutOfRoom]:
        """Reserve a permit for a request over a route.

        Raises:
            BudgetExceeded: The shared budget does not allow the request.
            StorageUnavailable: The storage does not answer.
        """
        demand = self._demand(request, route, on)
        acquisition = _Acquisition(self.storage, demand)
        try:
            reserved = yield from self._consult(acquisition.run)
        except GeneratorExit:
            if (late := acquisition.leave()) is not None:
                self.settle_later(late, Outcome(tokens=0))
            raise
        if isinstance(reserved, NoRoom):
            return _out_of_room(route, reserved)
        if isinstance(reserved, NoMoney):
            raise _out_of_money(demand, reserved)
        assert isinstance(reserved, Permit)
        return reserved

    def _demand(self, request: ChatRequest, route: Route, on: date) -> Demand:
        name = route.provider.name
        limits = {
            f"{covered}:{route.provider.account}": limit
            for covered, limit in self.limits.of_route(name, route.model.name).items()
        }
        needs_tokens = any(limit.tokens_per_minute for limit in limits.values())
        is_paid = self.max_cost_usd is not None
        return Demand(
            limits=limits,
            tokens=pricing.expected_tokens(request, route.answering, name) if needs_tokens else 0,
            worst_usd=(pricing.worst_usd(request, route.answering, name, on) or 0.0) if is_paid else 0.0,
            max_cost_usd=self.max_cost_usd,
        )

    def settle(self, permit: Permit, outcome: Outcome) -> Generator[Step, Any, None]:
        """Settle a permit. If the storage fails, the answer is still delivered, and the permit expires."""
        yield from self._consult(lambda: self._settle(permit, outcome))

    def settle_later(self, permit: Permit, outcome: Outcome) -> None:
        """Settle the permit of a call that cannot perform steps any more."""
        if self.storage.is_local:
            self._settle(permit, outcome)
        else:
            threading.Thread(target=self._settle, args=[permit, outcome], name="gemini-multi-settlement").start()

    def _settle(self, permit: Permit, outcome: Outcome) -> None:
        try:
            self.storage.settle(permit, outcome)
        except StorageUnavailable as error:
            _LOGGER.warning("What a request has used was not counted, and its permit expires: %s", error.message)

    def _consult(self, action: Callable[[], object]) -> Generator[Step, Any, object]:
        if self.storage.is_local:
            return action()
        outcome: object = yield Consult(lambda: _caught(action))
        if isinstance(outcome, GeminiMultiError):
            raise outcome
        return outcome


class _Acquisition:
    """Reserves a permit, possibly in another thread, which continues when the caller leaves."""

    def __init__(self, storage: Storage, demand: Demand) -> None:
        self._storage = storage
        self._demand = demand
        self._lock = threading.Lock()
        self._permit: Permit | None = None
        self._is_left = False

    def run(self) -> Permit | NoRoom | NoMoney:
        """Reserve the permit, and release it if the caller has left."""
        reserved = self._storage.reserve(self._demand)
        with self._lock:
            self._permit = reserved if isinstance(reserved, Permit) else None
            is_left = self._is_left
        if is_left and self._permit is not None:
            self._storage.settle(self._permit, Outcome(tokens=0))
        return reserved

    def leave(self) -> Permit | None:
        """Record that the caller has left. Return the permit if it was reserved already."""
        with self._lock:
            self._is_left = True
            return self._permit


def open_permits(
    limits: RateLimits | None, storage: SharedStorage | None, max_cost_usd: float | None
) -> Permits | None:
    """Open the storage that a client's limits need, or return `None` if it has no limits.

    Raises:
        ConfigurationError: A package is missing.
    """
    if limits is None and (storage is None or max_cost_usd is None):
        return None
    from gemini_multi._storage.opening import open_storage

    return Permits(open_storage(storage), limits or RateLimits(), None if storage is None else max_cost_usd)


def _caught(action: Callable[[], object]) -> object:
    """Return an error instead of raising it. The call then raises the error itself, after its cleanup."""
    try:
        return action()
    except GeminiMultiError as error:
        return error


def _out_of_room(route: Route, refusal: NoRoom) -> OutOfRoom:
    name = route.provider.name
    return OutOfRoom(
        f"{name} ({route.model.name!r}) has no room within the rate limits of this client for {refusal.wait:.2f} s. "
        "Raise `rate_limits` or `deadline`, or add a provider.",
        provider=name,
        model=route.model.name,
        retry_after=refusal.wait,
    )


def _out_of_money(demand: Demand, refusal: NoMoney) -> BudgetExceeded:
    return BudgetExceeded(
        f"{refusal.spent_usd:.6f} USD were spent, {refusal.reserved_usd:.6f} USD are set aside for calls under way in "
        f"all processes, and this request may cost {demand.worst_usd:.6f} USD: together more than the spending limit "
        f"of {demand.max_cost_usd} USD. Raise `max_cost_usd`, set `max_tokens`, or name another budget.",
        spent_usd=refusal.spent_usd,
        limit_usd=demand.max_cost_usd or 0.0,
        reserved_usd=refusal.reserved_usd,
    )
