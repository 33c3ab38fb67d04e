"""Limits and budgets that processes and machines share through a Redis server."""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, cast

from pyrate_limiter import Rate, RedisBucket, RedisStateStore

from gemini_multi._storage import scripts
from gemini_multi._storage.heartbeat import Heartbeat
from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit
from gemini_multi._storage.memory import HALVED_FOR
from gemini_multi._storage.windows import Windows
from gemini_multi.errors import ConfigurationError, StorageUnavailable
from gemini_multi.rate_limits import RateLimit, SharedStorage

_LOGGER: Final = logging.getLogger("gemini_multi")
_PREFIX: Final = "gemini-multi"
_POLL: Final = 0.2
"""Seconds between two checks whether a running call of any process has ended."""
_TIMEOUT: Final = 5.0
"""Seconds for a command, so that a storage that does not respond cannot block calls for long."""
_RETRY: Final = 0.002
"""Seconds between two tries for the lock on the windows, which is held only for a moment."""
_UNITS: Final = 1_000_000_000
"""Units per dollar."""


class RedisStorage:
    """Stores counts on a server. Copies and other processes use the same counts."""

    is_local = False

    def __init__(self, settings: SharedStorage) -> None:
        self._settings = settings
        self._lease = int(settings.lease * 1000)
        self._heartbeat = Heartbeat(settings.lease / 3, self._renew)
        self._seen_spent = 0
        self._is_lost = False

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle only the settings, because connections belong to a process."""
        return RedisStorage, (self._settings,)

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        """Reserve everything that a request needs, or nothing."""
        with self._reached():
            permit = Permit(replace(demand, limits=dict(self._effective(demand.limits))))
            if not self._enter_lease(permit):
                return NoRoom(_POLL)
            refusal = self._reserve(permit) or self._reserve_windows(permit.demand)
            if refusal is not None:
                self._release(permit, 0)
                return refusal
        self._heartbeat.hold(permit)
        return permit

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Release the reservation, and correct the estimates."""
        self._heartbeat.drop(permit)
        with self._reached():
            self._release(permit, math.ceil(outcome.cost_usd * _UNITS))
            self._windows(permit.demand).settle(outcome.tokens, _now(self._server))
            if outcome.was_refused:
                for name in permit.demand.limits:
                    self._server.set(_key(name, "halved"), 1, px=int(HALVED_FOR * 1000))

    def spent_usd(self) -> float:
        """Return the money spent from the shared budget, including expired reservations."""
        with self._reached():
            self._run(scripts.RESERVE, self._budget_keys(), "", 0, 0, 0, self._seen_spent)  # refused: it only reads
            return int(self._server.hget(self._budget_keys()[0], "spent") or 0) / _UNITS

    @contextmanager
    def _reached(self) -> Generator[None, None, None]:
        from redis import RedisError

        try:
            yield
        except RedisError as error:
            raise StorageUnavailable(
                f"The storage {self._settings.place} gives no answer ({type(error).__name__}: {error}), so that no "
                "request may be sent. Start it, or leave out `storage`."
            ) from None

    @cached_property
    def _server(self) -> Any:  # noqa: ANN401  # its annotations allow awaitables; its results are values
        try:
            from redis import Redis
        except ModuleNotFoundError as error:
            raise ConfigurationError('`storage` needs redis: pip install "gemini-multi[redis]"') from error
        connect = cast("Any", Redis).from_url
        server = connect(self._settings.url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        weakref.finalize(self, server.connection_pool.disconnect)
        return server

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        return {}

    def _run(self, script: str, keys: Iterable[str], *arguments: object) -> Any:  # noqa: ANN401  # what Redis returns
        known = self._scripts.get(script)
        if known is None:
            known = self._scripts[script] = self._server.register_script(script)
        return known(keys=list(keys), args=list(arguments))

    def _effective(self, limits: Mapping[str, RateLimit]) -> Iterator[tuple[str, RateLimit]]:
        halved: list[object] = self._server.mget([_key(name, "halved") for name in limits]) if limits else []
        for (name, limit), is_halved in zip(limits.items(), halved, strict=True):
            yield name, limit.halved() if is_halved else limit

    def _enter_lease(self, permit: Permit) -> bool:
        bounds = _lease_bounds(permit)
        return not bounds or bool(self._run(scripts.LEASE, bounds, permit.id, self._lease, *bounds.values()))

    def _reserve_windows(self, demand: Demand) -> NoRoom | None:
        """Let one process at a time reserve, by the server's clock: a late process would miss newer requests."""
        if not any(limit.requests_per_minute or limit.tokens_per_minute for limit in demand.limits.values()):
            return None
        with self._server.lock(f"{_PREFIX}:lock", timeout=_TIMEOUT, blocking_timeout=_TIMEOUT, sleep=_RETRY):
            return self._windows(demand).reserve(_now(self._server))

    def _reserve(self, permit: Permit) -> NoMoney | None:
        demand = permit.demand
        if demand.max_cost_usd is None:
            return None
        amount, limit = math.ceil(demand.worst_usd * _UNITS), math.floor(demand.max_cost_usd * _UNITS)
        is_reserved, spent, reserved = self._run(
            scripts.RESERVE, self._budget_keys(), permit.id, self._lease, amount, limit, self._seen_spent
        )
        self._seen(spent)
        return None if is_reserved else NoMoney(spent / _UNITS, reserved / _UNITS)

    def _release(self, permit: Permit, cost: int) -> None:
        for key in _lease_bounds(permit):
            self._server.zrem(key, permit.id)
        if permit.demand.max_cost_usd is not None:
            self._seen(self._run(scripts.SETTLE, self._budget_keys(), permit.id, cost))

    def _seen(self, spent: int) -> None:
        self._seen_spent = max(self._seen_spent, spent)

    def _budget_keys(self) -> tuple[str, str, str]:
        sums, amounts, expiries = (_key(f"budget:{self._settings.budget}", kind) for kind in ("sums", "held", "leases"))
        return sums, amounts, expiries

    def _windows(self, demand: Demand) -> Windows:
        return Windows(
            demand,
            # The script is loaded each time, because a restarted server does not have it any more.
            lambda name: cast("Any", RedisBucket).init([Rate(1, 1)], self._server, _key(name, "requests")),
            lambda name: RedisStateStore(self._server, _key(name, "tokens")),
        )

    def _renew(self, permits: Sequence[Permit]) -> None:
        keys = {key for permit in permits for key in _lease_bounds(permit)} | {self._budget_keys()[2]}
        try:
            with self._reached():
                self._run(scripts.RENEW, keys, self._lease, *(permit.id for permit in permits))
            self._is_lost = False
        except StorageUnavailable as error:
            _LOGGER.log(logging.DEBUG if self._is_lost else logging.WARNING, "Permits expire: %s", error.message)
            self._is_lost = True


def _lease_bounds(permit: Permit) -> dict[str, int]:
    return {
        _key(name, "leases"): limit.concurrency
        for name, limit in permit.demand.limits.items()
        if limit.concurrency is not None
    }


def _key(name: str, kind: str) -> str:
    return f"{_PREFIX}:{name}:{kind}"


def _now(server: Any) -> int:  # noqa: ANN401  # as above
    """Read the server's clock, in milliseconds."""
    seconds, microseconds = server.time()
    return int(seconds) * 1000 + int(microseconds) // 1000
