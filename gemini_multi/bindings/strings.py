"""Models named by text, such as `oxen:gemini-2.5-flash`, for configuration files and frameworks that accept text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gemini_multi.bindings.values import is_many
from gemini_multi.errors import ConfigurationError

_ANY_PROVIDER: Final = ("hosted_gemini", "gemini_multi")
"""The prefixes that mean all providers with a key.

`gemini_multi` begins like a model of Google's, so a framework that does not know the prefix may choose Google.
"""


def prefixes() -> tuple[str, ...]:
    """Return all prefixes that may precede a colon."""
    from gemini_multi.providers import PROVIDERS  # imported here, because the import of a model class does not need it

    return (*PROVIDERS, *_ANY_PROVIDER)


def read_model(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the provider from a model's name, as in `oxen:gemini-2.5-flash`. An unknown prefix is a part of the name.

    Raises:
        ConfigurationError: `providers` names another provider.
    """
    model = arguments.get("model")
    if not isinstance(model, str) or ":" not in model:
        return arguments
    prefix, _, name = model.partition(":")
    provider = prefix.strip().lower().replace("-", "_")
    if provider not in prefixes():
        return arguments
    given = arguments.get("providers")
    if provider in _ANY_PROVIDER:
        return {**arguments, "model": name}
    if given is None:
        return {**arguments, "model": name, "providers": provider}
    if any(getattr(each, "name", each) != provider for each in (given if is_many(given) else [given])):
        raise ConfigurationError(f"`model={model!r}` and `providers` name different providers: name the provider once.")
    return {**arguments, "model": name}
