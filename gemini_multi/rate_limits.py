"""How much providers may be asked, and where processes keep what they share: rates, calls under way, and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from gemini_multi.errors import ConfigurationError

__all__ = ["RateLimit", "RateLimits", "RateLimitsArgument", "SharedStorage", "StorageArgument"]

EVERY: Final = "*"
"""Stands for every provider in `RateLimits.limits`; each still has a limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What one key of one provider, or one model there, may be asked for. `None` is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Input and output. What a call is expected to use is taken before it, and put right after it."""
    concurrency: int | None = None
    """Calls under way at the same time."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"`RateLimit({each.name}=...)` must be a whole number above 0, not {value!r}.")

    def halved(self) -> RateLimit:
        """Return half of it, at least 1: what holds for a minute after a provider refused a request as one too many."""
        return RateLimit(**{each.name: _half(getattr(self, each.name)) for each in fields(self)})


def _half(number: int | None) -> int | None:
    return None if number is None else max(1, number // 2)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of a client, and what a call does when a provider has no room."""

    limits: Mapping[str, RateLimit] = field(default_factory=dict[str, RateLimit])
    """By provider (`oxen`), by provider and model (`oxen/gemini-2.5-pro`), or `*` for each provider."""
    _: KW_ONLY
    when_full: Literal["next", "wait"] = "next"
    """`next` asks the next provider that has room, and waits where none has; `wait` keeps to the order and waits.

    Nobody waits longer than the call's deadline allows.
    """

    def __post_init__(self) -> None:
        if self.when_full not in ("next", "wait"):
            raise ConfigurationError(f"`RateLimits(when_full=...)` must be 'next' or 'wait', not {self.when_full!r}.")
        object.__setattr__(self, "limits", {name: _limit(name, limit) for name, limit in self.limits.items()})

    @classmethod
    def of(cls, given: RateLimitsArgument) -> RateLimits | None:
        """Take whole limits or their fields, or a mapping of limits by provider; `None` for none."""
        if given is None or isinstance(given, RateLimits):
            return given
        if set(given) <= {"limits", "when_full"} and "limits" in given:  # as a model's configuration is written
            return cls(**cast("dict[str, Any]", given))
        return cls(cast("Mapping[str, RateLimit]", given))  # mappings become limits above

    def of_route(self, provider: str, model: str) -> Mapping[str, RateLimit]:
        """Return the limits that a call to this provider for this model counts against, by what they cover."""
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
"""Limits, or a mapping of them by provider; see `RateLimits.limits`."""


@dataclass(frozen=True, slots=True)
class SharedStorage:
    """A Redis server that processes and machines share rate limits and a budget through."""

    url: str = field(repr=False)
    """Such as `redis://localhost:6379/0`; it may hold a password and is never shown."""
    _: KW_ONLY
    budget: str = "default"
    """Clients with the same name spend the same money."""
    lease: float = 30.0
    """Seconds after which what a crashed process held is free again, or counts as spent. Held leases are renewed."""

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("redis", "rediss", "unix"):
            raise ConfigurationError("`storage` must be the URL of a Redis server, such as redis://localhost:6379/0.")
        if not self.lease > 0:
            raise ConfigurationError(f"`SharedStorage(lease=...)` must be above 0 seconds, not {self.lease!r}.")

    @property
    def place(self) -> str:
        """Where the server is, without its password, for messages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or parts.path}" + (f":{parts.port}" if parts.port else "")

    @classmethod
    def of(cls, given: StorageArgument) -> SharedStorage | None:
        """Take whole settings or a URL; `None` for none."""
        return cls(given) if isinstance(given, str) else given


StorageArgument: TypeAlias = SharedStorage | str | None
"""A Redis server's URL, or more settings of it; `None` keeps everything in this process."""
