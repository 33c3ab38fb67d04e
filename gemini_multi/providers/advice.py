"""The advice that ends a provider's error: one sentence, chosen by the kind of error and the catalog."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

from gemini_multi import catalog
from gemini_multi.catalog import Model
from gemini_multi.dialects.base import Target
from gemini_multi.errors import (
    AuthenticationFailed,
    ContextOverflow,
    ModelNotFound,
    PermissionDenied,
    ProviderError,
    QuotaExhausted,
)

_BY_KIND: Final[dict[type[ProviderError], str]] = {
    AuthenticationFailed: "Check the key and its permissions.",
    QuotaExhausted: "Top up the account or raise the limit of the key or the account, or add another provider to "
    "`providers`.",
    ModelNotFound: "Check the model's id at this provider, or pass that id as `model=` to the provider.",
    ContextOverflow: "Shorten the prompt or use a model with a larger window.",
    PermissionDenied: "Check what the key may do, and the account's region and verification.",
}
_NEAR: Final = 3
_RETIRED_GENERATIONS: Final = ("gemini-1", "gemini-pro", "gemini-ultra", "gemini-2.0", "text-bison", "chat-bison")
"""Prefixes of the names of models that Google no longer serves: https://ai.google.dev/gemini-api/docs/deprecations."""


def advice(kind: type[ProviderError], provider: str, target: Target[Any]) -> str:
    """Return the advice, or an empty text if there is none."""
    if kind is ModelNotFound and (known := _about_model(provider, target.model)):
        return known
    return _BY_KIND.get(kind, "")


def _about_model(provider: str, model: Model) -> str:
    if model.is_known:
        return _withdrawal(provider, model)
    if model.name.removeprefix("google/").lower().startswith(_RETIRED_GENERATIONS):
        return f"Google has retired {model.name!r}. Use 'gemini-flash-latest' or another model of the README's table."
    near = near_names(model.name)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _withdrawal(provider: str, model: Model) -> str:
    hosted = model.providers.get(provider)
    days = (hosted.withdrawn if hosted is not None else None, model.vertex_retired, model.retired)
    day = next((day for day in days if day is not None), None)
    if day is None:
        return ""
    instead = repr(model.successor) if model.successor else "a newer model, or add another provider,"
    return f"Its end is announced for {day.isoformat()}. Use {instead} instead."


def near_names(name: str) -> list[str]:
    """Return the names in the catalog that are similar to a mistyped name, the most similar first."""
    names = [model.name for model in catalog.models()]
    return get_close_matches(name.removeprefix("google/").lower(), names, n=_NEAR, cutoff=0.8)
