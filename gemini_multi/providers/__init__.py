"""The providers. Each file holds one provider: its endpoints, its deviations from its dialect, and its errors.

To add a provider, write its file, add a line to `PROVIDERS`, and add its model ids to the catalog. A provider that is
described by values needs no file: see `OpenAICompatible`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from gemini_multi.errors import ConfigurationError, ConfigurationWarning
from gemini_multi.providers import environment
from gemini_multi.providers.aimlapi import AIMLAPI
from gemini_multi.providers.base import Endpoint, Provider
from gemini_multi.providers.chat_provider import ChatTraits, OpenAICompatible
from gemini_multi.providers.cloudflare import Cloudflare
from gemini_multi.providers.errors import ErrorPayload
from gemini_multi.providers.oxen import Oxen

__all__ = [
    "AIMLAPI",
    "PROVIDERS",
    "ChatTraits",
    "Cloudflare",
    "Endpoint",
    "ErrorPayload",
    "OpenAICompatible",
    "Oxen",
    "Provider",
    "ProvidersArgument",
    "resolve",
]

ProvidersArgument: TypeAlias = str | Provider | Sequence[str | Provider] | None
"""A provider's name or configuration, or several of them in order of preference."""

PROVIDERS: Final[dict[str, type[Provider]]] = {Cloudflare.name: Cloudflare, AIMLAPI.name: AIMLAPI, Oxen.name: Oxen}


def resolve(
    providers: ProvidersArgument,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    known: Sequence[Provider] = (),
) -> tuple[Provider, ...]:
    """Return the configurations of the named providers; without names, of all providers with a key in the environment.

    Args:
        providers: Names and configurations.
        api_key: The key of the only named provider.
        base_url: The URL of the only named provider.
        known: Configurations that names may refer to. They are used before the environment.

    Raises:
        ConfigurationError: A name is unknown, a key is missing, or a key or URL is not for exactly one provider.
    """
    named = _named(providers)
    if api_key is None and base_url is None:
        return _each_configured(named, known, "`providers`") if named else _from_environment()
    if len(named) != 1:
        raise ConfigurationError(
            "`api_key` and `base_url` are for one provider: name it, as in `providers='oxen'`, or pass configured "
            "ones, as in `providers=[Oxen(api_key=...), AIMLAPI(api_key=...)]`."
        )
    only = named[0]
    kind = _class_of(only) if isinstance(only, str) else type(only)
    given = {kind.key_field: api_key, "base_url": base_url}
    connection: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return (replace(only, **connection) if isinstance(only, Provider) else kind(**connection),)  # type: ignore[type-var]  # all providers are dataclasses


def _named(providers: ProvidersArgument) -> list[str | Provider]:
    if providers is None or isinstance(providers, (str, Provider)):
        return [] if providers is None else [providers]
    if not isinstance(providers, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]  # unchecked callers
        raise ConfigurationError(f"`providers` must be a provider, its name, or several in a list, not {providers!r}.")
    if not providers:
        raise ConfigurationError("`providers` is empty: name at least one, or leave it out to use all with a key.")
    return list(providers)


def _each_configured(items: Sequence[str | Provider], known: Sequence[Provider], source: str) -> tuple[Provider, ...]:
    """Make the configurations of a list. An error also names the entry that the user can remove."""
    found: list[Provider] = []
    ready = {provider.name: provider for provider in reversed(known)}
    for item in items:
        try:
            name = str(item).strip().lower()
            found.append(item if isinstance(item, Provider) else ready.get(name) or _class_of(item)())
        except ConfigurationError as error:
            if len(items) == 1 or not isinstance(item, str):
                raise
            raise ConfigurationError(f"{error.message} Or leave {item!r} out of {source}.") from None
    return tuple(dict.fromkeys(found))


def _class_of(name: object) -> type[Provider]:
    if not isinstance(name, str):
        raise ConfigurationError(
            f"A provider is a name ({', '.join(PROVIDERS)}) or a configuration such as `Oxen(api_key=...)`, not "
            f"{name!r}."
        )
    meant = name.strip().lower()
    if meant not in PROVIDERS:
        near = get_close_matches(meant, PROVIDERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"There is no provider {name!r}; the known ones are {', '.join(PROVIDERS)}.{hint}")
    return PROVIDERS[meant]


def _from_environment() -> tuple[Provider, ...]:
    wanted = environment.read("GEMINI_MULTI_PROVIDERS")
    if wanted is not None:
        return _each_configured(wanted.replace(",", " ").split(), (), "`GEMINI_MULTI_PROVIDERS`")
    found: list[Provider] = []
    problems: list[str] = []
    for kind in PROVIDERS.values():
        try:
            found.append(kind())
        except ConfigurationError as error:
            if environment.first_set(*kind.key_variables):  # a provider without a key is not an error
                problems.append(f"{kind.__name__} cannot be used: {error.message}")
    if not found:
        raise ConfigurationError(" ".join(problems) or _no_key())
    for problem in problems:
        warnings.warn(problem, ConfigurationWarning, stacklevel=2)
    return tuple(found)


def _no_key() -> str:
    variables = ", ".join(kind.key_variables[0] for kind in PROVIDERS.values())
    google = environment.first_set("GOOGLE_API_KEY", "GEMINI_API_KEY")
    about_google = f" `{google}` is a key of Google's own API, which no provider takes." if google else ""
    return (
        f"No provider has a key.{about_google} Set one of {variables} (Cloudflare also needs CLOUDFLARE_ACCOUNT_ID), "
        "or pass configured providers, as in `providers=Oxen(api_key=...)`."
    )
