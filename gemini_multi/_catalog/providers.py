"""The providers' entries for the models: a table for each provider, by the name of the catalog's row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, TypedDict, Unpack

from gemini_multi._catalog.model import HostedModel, Modality, Price

TEXT_AND_IMAGES: Final[frozenset[Modality]] = frozenset({"text", "image"})
_ALL: Final[frozenset[Modality]] = frozenset({"text", "image", "audio", "video", "document"})
_EFFORTS: Final = ("low", "medium", "high")
_OXEN_WITHDRAWN: Final = date(2026, 7, 1)


class _Known(TypedDict, total=False):
    """Fields of `HostedModel`."""

    aliases: tuple[str, ...]
    context_window: int | None
    max_output_tokens: int
    inputs: frozenset[Modality]
    takes_upstream: bool
    zero_data_retention: bool
    withdrawn: date
    checked: date


def _cloudflare(name: str, *prices: Price, **known: Unpack[_Known]) -> HostedModel:
    """Make an entry. For some models Cloudflare states Google's context window, or only 8,192 output tokens."""
    known = {"context_window": 1_000_000, "checked": date(2026, 10, 5), **known}
    source = f"https://developers.cloudflare.com/ai/models/google/{name}/"
    return HostedModel(f"google/{name}", prices=prices, source=source, **known)


_CLOUDFLARE: Final = {
    "gemini-3.8-flash": _cloudflare(
        "gemini-3.8-flash", Price(0.75, 3.75, 0.075), context_window=None, zero_data_retention=False
    ),
    "gemini-3.7-flash": _cloudflare("gemini-3.7-flash", Price(0.75, 3.75, 0.075), context_window=None),
    "gemini-3.6-flash": _cloudflare("gemini-3.6-flash", Price(1.5, 7.5, 0.15, cache_creation=1.5), context_window=None),
    "gemini-3.5-flash": _cloudflare("gemini-3.5-flash", Price(1.5, 9, 0.15), context_window=None),
    "gemini-3.5-flash-lite": _cloudflare(
        "gemini-3.5-flash-lite", Price(0.3, 2.5, 0.03, cache_creation=0.03), context_window=None
    ),
    "gemini-3.1-pro-preview": _cloudflare("gemini-3.1-pro", Price(2, 12, 0.2), Price(4, 18, 0.4, above_tokens=200_000)),
    "gemini-3.1-flash-lite": _cloudflare("gemini-3.1-flash-lite", Price(0.25, 1.5, 0.03), max_output_tokens=8_192),
    "gemini-3-flash-preview": _cloudflare(
        "gemini-3-flash", Price(0.5, 3, 0.05), max_output_tokens=8_192, zero_data_retention=True
    ),
    "gemini-2.5-pro": _cloudflare("gemini-2.5-pro", Price(1.25, 10, 0.125)),
    "gemini-2.5-flash": _cloudflare("gemini-2.5-flash", Price(0.3, 2.5, 0.03), max_output_tokens=8_192),
    "gemini-2.5-flash-lite": _cloudflare("gemini-2.5-flash-lite", max_output_tokens=8_192),
}


def _aimlapi(
    name: str,
    schema: str | None,
    *prices: Price,
    page: str = "",
    efforts: tuple[str, ...] = (),
    **known: Unpack[_Known],
) -> HostedModel:
    """Make an entry.

    `schema` is the family of the model's request schema (`None` for Gemma, whose schema has no tools), `page` the name
    of the documentation page if it is not the id. `inputs` are the media that the model accepts though the family has
    none, `takes_upstream` is for the models of the families A and B that accept `provider`.
    """
    family: _Known = {"inputs": _SCHEMA_INPUTS.get(schema, TEXT_AND_IMAGES), "takes_upstream": schema in ("C", "D")}
    known = {"checked": date(2026, 8, 21), **family, **known}
    source = f"https://docs.aimlapi.com/api-references/text-models-llm/google/{page or name}"
    return HostedModel(
        f"google/{name}", prices=prices, schema=schema, reasoning_efforts=efforts, source=source, **known
    )


_SCHEMA_INPUTS: Final[Mapping[str | None, frozenset[Modality]]] = {
    "B": _ALL,
    "D": frozenset({"text", "image", "document"}),
}
_AIMLAPI: Final = {
    "gemini-3.8-flash": _aimlapi("gemini-3-8-flash", "C", efforts=("none", *_EFFORTS), checked=date(2026, 10, 1)),
    "gemini-3.7-flash": _aimlapi("gemini-3-7-flash", "C", Price(0.975, 4.875, 0.0975), efforts=(*_EFFORTS, "max")),
    "gemini-3.6-flash": _aimlapi(
        "gemini-3-6-flash", "C", Price(1.95, 9.75, 0.195), efforts=("minimal", *_EFFORTS, "max")
    ),
    "gemini-3.5-flash": _aimlapi("gemini-3-5-flash", "B", context_window=1_000_000, efforts=_EFFORTS),
    "gemini-3.5-flash-lite": _aimlapi(
        "gemini-3-5-flash-lite", "C", aliases=("google/gemini-3.5-flash-lite",), efforts=_EFFORTS, inputs=_ALL
    ),
    "gemini-3.1-pro-preview": _aimlapi(
        "gemini-3-1-pro-preview", "A", Price(2.6, 15.6, 0.65), context_window=1_000_000, takes_upstream=True
    ),
    "gemini-3.1-pro-preview-customtools": _aimlapi("gemini-3.1-pro-preview-customtools", "D", efforts=_EFFORTS),
    "gemini-3.1-flash-lite": _aimlapi("gemini-3-1-flash-lite", "B", context_window=1_050_000, efforts=_EFFORTS),
    "gemini-3.1-flash-lite-preview": _aimlapi(
        "gemini-3-1-flash-lite-preview", "A", Price(0.34385, 2.0631, 0.034385), efforts=_EFFORTS
    ),
    "gemini-3-flash-preview": _aimlapi("gemini-3-flash-preview", "A", context_window=1_000_000),
    # AIMLAPI states no day. On this day its pages listed the model as no longer callable.
    "gemini-3-pro-preview": _aimlapi("gemini-3-pro-preview", "A", context_window=200_000, withdrawn=date(2026, 8, 21)),
    "gemini-3-pro-image": _aimlapi("gemini-3-pro-image", "D", context_window=65_536, efforts=_EFFORTS),
    "gemini-3.1-flash-image": _aimlapi("gemini-3.1-flash-image", "D", context_window=131_072, efforts=_EFFORTS),
    "gemini-2.5-pro": _aimlapi("gemini-2.5-pro", "A", context_window=1_000_000, takes_upstream=True),
    "gemini-2.5-flash": _aimlapi("gemini-2.5-flash", "A", context_window=1_000_000, takes_upstream=True),
    "gemini-2.5-flash-lite": _aimlapi(
        "gemini-2.5-flash-lite-preview",
        "A",
        Price(0.0975, 0.39, 0.0975),
        aliases=("google/gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite-preview-06-17"),
        context_window=1_000_000,
        efforts=_EFFORTS,
    ),
    # The `-latest` names are separate models here: their schema and price differ from those of their models.
    "gemini-flash-latest": _aimlapi("gemini-flash-latest", "D", Price(2.0631, 12.3786, 0.20631), efforts=_EFFORTS),
    "gemini-pro-latest": _aimlapi("gemini-pro-latest", "D", efforts=_EFFORTS),
    "gemma-4-31b-it": _aimlapi("gemma-4-31b-it", None, context_window=262_000),
    "gemma-4-26b-a4b-it": _aimlapi("gemma-4-26b-a4b-it-maas", None, page="gemma-4-26b-a4b-it"),
    "gemma-3-27b-it": _aimlapi("gemma-3-27b-it", None),
    "gemma-3-12b-it": _aimlapi("gemma-3-12b-it", None, page="gemma-3"),
    "gemma-3-4b-it": _aimlapi("gemma-3-4b-it", None, page="gemma-3"),
    "gemma-3n-e4b-it": _aimlapi("gemma-3n-e4b-it", None),
    "gemma-2-27b-it": _aimlapi("gemma-2-27b-it", None),
}


def _oxen(name: str, *prices: Price, **known: Unpack[_Known]) -> HostedModel:
    known = {"checked": date(2026, 8, 8), **known}
    source = f"https://docs.oxen.ai/inference-api/reference/models/{name}"
    return HostedModel(name, prices=prices, source=source, **known)


_OXEN: Final = {
    "gemini-3.8-flash": _oxen(
        "gemini-3-8-flash", Price(0.75, 3.75), context_window=1_000_000, checked=date(2026, 9, 26)
    ),
    "gemini-3.7-flash": _oxen("gemini-3-7-flash", context_window=1_000_000, checked=date(2026, 9, 26)),
    "gemini-3.1-pro-preview": _oxen("gemini-3-1-pro-preview"),
    "gemini-3.1-flash-lite-preview": _oxen("gemini-3-1-flash-lite-preview", withdrawn=_OXEN_WITHDRAWN),
    "gemini-3-flash-preview": _oxen("gemini-3-flash-preview", context_window=1_000_000),
    "gemini-2.5-pro": _oxen("gemini-2-5-pro", context_window=1_000_000),
    "gemini-2.5-flash": _oxen("gemini-2-5-flash"),
    "gemini-2.5-flash-lite": _oxen(
        "gemini-2-5-flash-lite-preview-09-2025", context_window=1_000_000, withdrawn=_OXEN_WITHDRAWN
    ),
    "gemini-2.0-flash": _oxen("gemini-2-0-flash-001", withdrawn=_OXEN_WITHDRAWN),
    "gemma-4-31b-it": _oxen("gemma-4-31b-it", context_window=256_000),
    "gemma-3-27b-it": _oxen("gemma-3-27b-it", withdrawn=_OXEN_WITHDRAWN),
}

_TABLES: Final = {"cloudflare": _CLOUDFLARE, "aimlapi": _AIMLAPI, "oxen": _OXEN}


def entries(model: str) -> dict[str, HostedModel]:
    """Return a model's entries by the names of the providers."""
    return {provider: table[model] for provider, table in _TABLES.items() if model in table}
