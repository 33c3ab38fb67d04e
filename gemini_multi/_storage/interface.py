"""The interface of a storage: permits for requests, reserved before a request is sent and settled after its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from gemini_multi.rate_limits import RateLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The limits, the tokens and the money that a request needs."""

    limits: Mapping[str, RateLimit] = field(default_factory=dict[str, RateLimit])
    """By the name of the limit in the storage. The names contain no key."""
    tokens: int = 0
    """The approximate tokens of the request."""
    worst_usd: float = 0.0
    max_cost_usd: float | None = None
    """The shared budget; `None` for no budget."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The reservation of a request until it is settled."""

    demand: Demand
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class NoRoom:
    """A limit is reached. Nothing was reserved."""

    wait: float
    """Seconds until the next try makes sense."""


@dataclass(frozen=True, slots=True)
class NoMoney:
    """The shared budget does not allow the request. Nothing was reserved."""

    spent_usd: float
    reserved_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a request that held a permit."""

    tokens: int | None = None
    """The tokens of the request; `None` if unknown."""
    cost_usd: float = 0.0
    was_refused: bool = False
    """Whether the provider refused the request because of a rate limit."""


class Storage(Protocol):
    """Stores counts. All methods may block, except those of a storage that `is_local`."""

    is_local: bool

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        """Reserve everything that a request needs, or nothing.

        Raises:
            StorageUnavailable: The storage cannot be reached.
        """
        ...

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Release the reservation, and correct the estimates.

        Raises:
            StorageUnavailable: The storage cannot be reached.
        """
        ...

    def spent_usd(self) -> float:
        """Return the money spent from the shared budget, including expired reservations."""
        ...
