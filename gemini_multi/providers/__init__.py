"""The providers. Each is one file: where its endpoints are, how it deviates from its dialect, how its errors read.

To add one, write its file, add a line to `PROVIDERS`, and give the catalog its models' ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import environment
from gemini_multi.providers.aimlapi import AIMLAPI
from gemini_multi.providers.base import Endpoint, Provider
from gemini_multi.providers.cloudflare import Cloudflare
from gemini_multi.providers.errors import ErrorPayload
from gemini_multi.providers.oxen import Oxen

__all__ = [
    "AIMLAPI",
    "PROVIDERS",
    "Cloudflare",
    "Endpoint",
    "ErrorPayload",
    "Oxen",
    "Provider",
    "ProvidersArgument",
    "resolve",
]

ProvidersArgument: TypeAlias = str | Provider | Sequence[str | Provider] | None
"""A provider's name or configuration, or several in order of preference."""

PROVIDERS: Final[dict[str, type[Provider]]] = {
    Cloudflare.name: Cloudflare,
    AIMLAPI.name: AIMLAPI,
    Oxen.name: Oxen,
}


def resolve(
    providers: ProvidersArgument,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    known: Sequence[Provider] = (),
) -> tuple[Provider, ...]:
    """Turn names into configurations, and nothing into all providers whose key is in the environment.

    Args:
        providers: What the user passed.
        api_key: The key of the only provider named.
        base_url: The address of the only provider named.
        known: Configurations that names may refer to, before the environment is asked.

    Raises:
        ConfigurationError: A name is unknown, a key is missing, or `api_key` and `base_url` do not say for which
        provider.
    """
    named = _named(providers)
    if api_key is None and base_url is None:
        return _unique([_configured(item, known) for item in named]) if named else _from_environment()
    if len(named) != 1:
        raise ConfigurationError(
            "`api_key` and `base_url` are for one provider: name it, as in `providers='oxen'`, or pass configured "
            "ones, as in `providers=[Oxen(api_key=...), AIMLAPI(api_key=...)]`."
        )
    only = named[0]
    if isinstance(only, str):
        return (_class_of(only).connected(api_key, base_url),)
    return (only.with_connection(api_key, base_url),)


def _named(providers: ProvidersArgument) -> list[str | Provider]:
    if providers is None:
        return []
    if isinstance(providers, (str, Provider)):
        return [providers]
    named = list(providers)
    if not named:
        raise ConfigurationError("`providers` is empty: name at least one, or leave it out to use all with a key.")
    return named


def _configured(item: str | Provider, known: Sequence[Provider]) -> Provider:
    if isinstance(item, Provider):
        return item
    kind = _class_of(item)
    for provider in known:
        if provider.name == kind.name:
            return provider
    return kind()


def _class_of(name: object) -> type[Provider]:
    found = PROVIDERS.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None:
        raise ConfigurationError(f"There is no provider {name!r}; the known ones are {', '.join(PROVIDERS)}.")
    return found


def _unique(providers: list[Provider]) -> tuple[Provider, ...]:
    return tuple(dict.fromkeys(providers))


def _from_environment() -> tuple[Provider, ...]:
    wanted = environment.read("GEMINI_MULTI_PROVIDERS")
    if wanted is not None:
        return _unique([_configured(name, ()) for name in wanted.replace(",", " ").split()])
    found: list[Provider] = []
    for kind in PROVIDERS.values():
        try:
            found.append(kind())
        except ConfigurationError:  # this provider is not set up, which is no error as long as one is
            continue
    if not found:
        variables = ", ".join(kind.key_variables[0] for kind in PROVIDERS.values())
        raise ConfigurationError(
            f"No provider has a key. Set one of {variables} (Cloudflare also needs CLOUDFLARE_ACCOUNT_ID), or pass "
            "configured providers, as in `providers=Oxen(api_key=...)`."
        )
    return tuple(found)
