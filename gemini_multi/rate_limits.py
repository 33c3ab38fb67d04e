"""Rate limits of providers, and the storage that processes share: rates, concurrent calls and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from gemini_multi.errors import ConfigurationError

__all__ = ["RateLimit", "RateLimits", "RateLimitsArgument", "SharedStorage", "StorageArgument"]

EVERY: Final = "*"
"""Means every provider in `RateLimits.limits`. Each provider has its own limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """The limits for one key of one provider, or for one of its models. `None` is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Input and output tokens. The expected tokens of a call are reserved before the call and corrected after it."""
    concurrency: int | None = None
    """Maximum number of concurrent calls."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"`RateLimit({each.name}=...)` must be a whole number above 0, not {value!r}.")

    def halved(self) -> RateLimit:
        """Return half of the limits, at least 1. They hold for a minute after a provider's rate limit was hit."""
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        return RateLimit(**{name: number and max(1, number // 2) for name, number in known.items()})


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of a client, and the action of a call when a provider has no room."""

    limits: Mapping[str, RateLimit] = field(default_factory=dict[str, RateLimit])
    """By provider (`oxen`), by provider and model (`oxen/gemini-2.5-pro`), or `*` for each provider."""
    _: KW_ONLY
    when_full: Literal["next", "wait"] = "next"
    """`next` uses the next provider that has room, and waits if none has room. `wait` keeps the order and waits.

    A call never waits beyond its deadline.
    """

    def __post_init__(self) -> None:
        if self.when_full not in ("next", "wait"):
            raise ConfigurationError(f"`RateLimits(when_full=...)` must be 'next' or 'wait', not {self.when_full!r}.")
        object.__setattr__(self, "limits", {name: _limit(name, limit) for name, limit in self.limits.items()})

    @classmethod
    def of(cls, given: RateLimitsArgument) -> RateLimits | None:
        """Convert limits or their fields, or a mapping of limits by provider; `None` for no limits."""
        if given is None or isinstance(given, RateLimits):
            return given
        if set(given) <= {"limits", "when_full"} and "limits" in given:  # the form in a model's configuration
            return cls(**cast("dict[str, Any]", given))
        return cls(cast("Mapping[str, RateLimit]", given))  # mappings become limits above

    def of_route(self, provider: str, model: str) -> Mapping[str, RateLimit]:
        """Return the limits that a call to this provider for this model counts against, by provider and by model."""
        found = {provider: self.limits.get(provider) or self.limits.get(EVERY)}
        found[f"{provider}/{model}"] = self.limits.get(f"{provider}/{model}")
        return {name: limit for name, limit in found.items() if limit is not None}


def _limit(name: str, given: object) -> RateLimit:
    if isinstance(given, RateLimit):
        return given
    known = {each.name for each in fields(RateLimit)}
    settings = dict(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else None
    if settings is None or set(settings) - known:
        raise ConfigurationError(
            f"The rate limit of {name!r} must be a `RateLimit` or a mapping of {', '.join(sorted(known))}, "
            f"not {given!r}."
        )
    return RateLimit(**settings)


RateLimitsArgument: TypeAlias = RateLimits | Mapping[str, RateLimit | Mapping[str, int]] | None
"""Limits, or a mapping of limits by provider; see `RateLimits.limits`."""


@dataclass(frozen=True, slots=True)
class SharedStorage:
    """A Redis server through which processes and machines share rate limits and a budget."""

    url: str = field(repr=False)
    """For example `redis://localhost:6379/0`. The URL may hold a password and is never shown."""
    _: KW_ONLY
    budget: str = "default"
    """Clients with the same name share one budget."""
    lease: float = 30.0
    """Seconds after which the permits of a crashed process are free or count as spent. Active leases are renewed."""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("redis", "rediss", "unix"):
            raise ConfigurationError("`storage` must be the URL of a Redis server, such as redis://localhost:6379/0.")
        if not self.lease > 0:
            raise ConfigurationError(f"`SharedStorage(lease=...)` must be above 0 seconds, not {self.lease!r}.")

    @property
    def place(self) -> str:
        """The server's address without its password, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or parts.path}" + (f":{parts.port}" if parts.port else "")

    @classmethod
    def of(cls, given: StorageArgument) -> SharedStorage | None:
        """Convert settings or a URL; `None` for no shared storage."""
        return cls(given) if isinstance(given, str) else given


StorageArgument: TypeAlias = SharedStorage | str | None
"""A Redis server's URL, or its full settings. With `None` all counts stay in this process."""
