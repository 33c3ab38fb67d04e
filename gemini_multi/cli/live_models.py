"""`models --live`: the differences between a provider's own list and the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gemini_multi import catalog
from gemini_multi.cli.console import ERRORS, show_status
from gemini_multi.client import Client
from gemini_multi.errors import GeminiMultiError, UnsupportedFeature
from gemini_multi.types import ListedModel

_FAMILIES: Final = ("gemini", "gemma")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference from the catalog."""

    provider: str
    id: str
    finding: str


def compare(providers: Sequence[str] | None) -> tuple[list[Difference], bool]:
    """Get the providers' lists. Return the differences, and whether one of the providers failed."""
    found: list[Difference] = []
    failed = False
    with Client(providers) as client:
        for provider in client.providers:
            try:
                with ERRORS.status(f"asking {provider.name}"):
                    listed = client.models(provider)
            except GeminiMultiError as error:
                failed = failed or not isinstance(error, UnsupportedFeature)
                show_status(f"{provider.name}: {error.message}")
            else:
                found.extend(differences(provider.name, listed))
    return found, failed


def differences(provider: str, listed: Sequence[ListedModel]) -> Iterator[Difference]:
    """Compare a provider's list with the catalog's rows for it."""
    by_id = {name: one for one in listed for name in (one.id, *one.aliases)}
    rows: dict[str, catalog.Model] = {}
    for model in catalog.models():
        if provider in model.providers:
            rows.setdefault(model.providers[provider].id, model)  # a `-latest` row has the same id as another row
    known = {*rows, *(alias for model in rows.values() for alias in model.providers[provider].aliases)}
    for one in listed:
        if one.id not in known and any(family in one.id.lower() for family in _FAMILIES):
            yield Difference(provider, one.id, "is listed, but not in the catalog")
    for name, model in rows.items():
        hosted = model.providers[provider]
        if name in by_id:
            yield from _limits(provider, by_id[name], model, hosted)
        elif hosted.withdrawn is None:
            yield Difference(provider, name, "is in the catalog, but not listed")


def _limits(provider: str, one: ListedModel, model: catalog.Model, hosted: catalog.HostedModel) -> Iterator[Difference]:
    window = hosted.context_window or model.context_window
    output = hosted.max_output_tokens or model.max_output_tokens
    for name, listed, known in (
        ("context window", one.context_window, window),
        ("longest output", one.max_output_tokens, output),
    ):
        if listed is not None and listed != known:
            yield Difference(provider, one.id, f"{name}: {listed:,} is listed, the catalog says {known:,}")
