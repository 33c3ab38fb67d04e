"""Writes a model's configured values as plain JSON, without keys and headers, and reads them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from gemini_multi.bindings.values import is_many, is_mapping
from gemini_multi.errors import ConfigurationError
from gemini_multi.preference import FailoverArgument, FailoverOn

if TYPE_CHECKING:
    from gemini_multi import Provider

CONFIGURED: Final = ("retry_policy", "timeout", "hedging", "rate_limits")
"""The settings, other than the providers, that may be objects of our own classes."""


def plain(value: object) -> object:
    """Write providers as JSON. Names stay unchanged."""
    from gemini_multi import Provider

    if isinstance(value, Provider):
        return {"name": value.name, **_public(value)}
    return [plain(item) for item in value] if is_many(value) else value


def plain_failover(value: FailoverArgument) -> dict[str, object] | None:
    """Write the conditions of `failover_on` as JSON, without functions, because functions cannot be written."""
    found = FailoverOn.of(value)
    names = [] if found is None else [condition for condition in found.conditions if isinstance(condition, str)]
    return {"conditions": names, "buffer": found.buffer} if found and names else None


def _public(provider: Provider) -> dict[str, object]:
    """Write a provider without keys, and without headers, because these may hold a key."""
    from gemini_multi.providers.keys import Key

    values = {one.name: getattr(provider, one.name) for one in fields(provider) if one.name != "headers"}  # type: ignore[arg-type]  # every provider is a dataclass
    return {
        name: _written(value)
        for name, value in values.items()
        if not isinstance(value, Key) and value not in (None, "", {})
    }


def _written(value: Any) -> object:  # noqa: ANN401  # whatever a provider's field holds
    """Write a dataclass with the fields that differ from their defaults, and a collection as a list."""
    if is_dataclass(value) and not isinstance(value, type):
        default = type(value)()
        names = [one.name for one in fields(value)]
        return {name: _written(own) for name in names if (own := getattr(value, name)) != getattr(default, name)}
    if isinstance(value, frozenset):
        return sorted(map(str, value))  # pyright: ignore[reportUnknownArgumentType]  # of texts, in our own classes
    return list(value) if is_many(value) else dict(value) if is_mapping(value) else value


def revived(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read the configured values that were written as JSON among a model's arguments."""
    from gemini_multi import Hedging, RateLimits, RetryPolicy, Timeouts

    kinds = {"retry_policy": RetryPolicy, "timeout": Timeouts, "hedging": Hedging}
    found: dict[str, Any] = {
        name: kinds[name](**written) if name in kinds else RateLimits.of(written)
        for name in CONFIGURED
        if is_mapping(written := values.get(name))
    }
    providers = values.get("providers")
    if is_mapping(providers):
        found["providers"] = _provider(providers)
    elif is_many(providers):
        found["providers"] = [_provider(item) if is_mapping(item) else item for item in providers]
    return found


def _provider(written: Mapping[str, Any]) -> Provider:
    from gemini_multi.providers import PROVIDERS, OpenAICompatible

    if "model_id" in written:
        return OpenAICompatible(**written)
    arguments = dict(written)
    name = arguments.pop("name", None)
    if str(name) not in PROVIDERS:
        raise ConfigurationError(f"There is no provider {name!r}; the known ones are {', '.join(PROVIDERS)}.")
    return PROVIDERS[str(name)](**arguments)
