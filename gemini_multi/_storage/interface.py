"""What a storage offers: permits for requests, taken before a request is sent and settled after its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from gemini_multi.rate_limits import RateLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a request needs before it may be sent."""

    limits: Mapping[str, RateLimit] = field(default_factory=dict[str, RateLimit])
    """By the name under which the limit is kept. The names hold no key."""
    tokens: int = 0
    """About what the request will use."""
    worst_usd: float = 0.0
    max_cost_usd: float | None = None
    """The shared budget; `None` for none."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What a request holds until it is settled."""

    demand: Demand
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class NoRoom:
    """A limit is reached. Nothing was taken."""

    wait: float
    """Seconds until it is worth trying again."""


@dataclass(frozen=True, slots=True)
class NoMoney:
    """The shared budget does not allow the request. Nothing was taken."""

    spent_usd: float
    reserved_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request that held a permit ended."""

    tokens: int | None = None
    """What it used; `None` where nobody knows."""
    cost_usd: float = 0.0
    was_refused: bool = False
    """Whether the provider said that it was one request too many."""


class Storage(Protocol):
    """Keeps counts. All methods may block, but for those of a storage that `is_local`."""

    is_local: bool

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        """Reserve everything that a request needs, or nothing.

        Raises:
            StorageUnavailable: The storage cannot be reached.
        """
        ...

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Release what is held, and correct what was estimated.

        Raises:
            StorageUnavailable: The storage cannot be reached.
        """
        ...

    def spent_usd(self) -> float:
        """Return what the shared budget has spent, expired reservations included."""
        ...
