"""Constructors for the providers' entries in the catalog's rows: names, documentation and limits."""

from __future__ import annotations

from datetime import date
from typing import Final

from gemini_multi._catalog.model import HostedModel, Modality, Price

EFFORTS: Final = ("low", "medium", "high")

_CLOUDFLARE_PAGES: Final = "https://developers.cloudflare.com/ai/models/google/"
_AIMLAPI_PAGES: Final = "https://docs.aimlapi.com/api-references/text-models-llm/google/"
_OXEN_PAGES: Final = "https://docs.oxen.ai/inference-api/reference/models/"

_CLOUDFLARE_CHECKED: Final = date(2026, 10, 5)
_AIMLAPI_CHECKED: Final = date(2026, 8, 21)
_OXEN_CHECKED: Final = date(2026, 8, 8)

_ALL: Final[frozenset[Modality]] = frozenset({"text", "image", "audio", "video", "document"})
_IMAGES: Final[frozenset[Modality]] = frozenset({"text", "image"})
_SCHEMA_INPUTS: Final[dict[str, frozenset[Modality]]] = {
    "A": _IMAGES,
    "B": _ALL,
    "C": _IMAGES,
    "D": frozenset({"text", "image", "document"}),
}


def cloudflare(
    name: str,
    prices: tuple[Price, ...] = (),
    *,
    long: bool = False,
    short: bool = False,
    zero_data_retention: bool | None = None,
) -> HostedModel:
    """Make Cloudflare's entry.

    Args:
        name: The id without `google/`.
        prices: Cloudflare's own prices.
        long: Whether Cloudflare states Google's context window instead of 1,000,000 tokens.
        short: Whether Cloudflare states 8,192 output tokens instead of 65,536.
        zero_data_retention: Whether the model's page offers zero data retention.
    """
    return HostedModel(
        f"google/{name}",
        context_window=None if long else 1_000_000,
        max_output_tokens=8_192 if short else None,
        prices=prices,
        zero_data_retention=zero_data_retention,
        source=f"{_CLOUDFLARE_PAGES}{name}/",
        checked=_CLOUDFLARE_CHECKED,
    )


def aimlapi(
    name: str,
    schema: str | None,
    *,
    page: str | None = None,
    context_window: int | None = None,
    prices: tuple[Price, ...] = (),
    efforts: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    takes_media: bool = False,
    takes_upstream: bool = False,
    withdrawn: date | None = None,
    checked: date = _AIMLAPI_CHECKED,
) -> HostedModel:
    """Make AIMLAPI's entry.

    Args:
        name: The id without `google/`.
        schema: The family of the model's request schema; `None` for Gemma, whose schema has no tools.
        page: The name of the documentation page, if it differs from the id.
        takes_media: Whether audio, video and files are accepted although the family has none.
        takes_upstream: Whether the model accepts `provider`. Only some models of the family do.
        aliases: Further ids that the provider documents or returns.
        context_window: The provider's own number.
        prices: The provider's own prices.
        efforts: The accepted values of `reasoning_effort`.
        withdrawn: The day from which the provider does not serve the model.
        checked: The day on which the provider's pages were read.
    """
    return HostedModel(
        f"google/{name}",
        aliases=aliases,
        context_window=context_window,
        prices=prices,
        schema=schema,
        reasoning_efforts=efforts,
        takes_upstream=takes_upstream or schema in ("C", "D"),
        inputs=_ALL if takes_media else _SCHEMA_INPUTS.get(schema or "", _IMAGES),
        withdrawn=withdrawn,
        source=f"{_AIMLAPI_PAGES}{page or name}",
        checked=checked,
    )


def oxen(
    name: str,
    *,
    context_window: int | None = None,
    prices: tuple[Price, ...] = (),
    withdrawn: date | None = None,
    checked: date = _OXEN_CHECKED,
) -> HostedModel:
    """Make Oxen's entry."""
    return HostedModel(
        name,
        context_window=context_window,
        prices=prices,
        withdrawn=withdrawn,
        source=f"{_OXEN_PAGES}{name}",
        checked=checked,
    )
