"""Constructors for the providers' entries in the catalog's rows: names, documentation and limits."""

from __future__ import annotations

from datetime import date
from typing import Final, TypedDict, Unpack

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


class _Known(TypedDict, total=False):
    """Fields of `HostedModel`."""

    aliases: tuple[str, ...]
    context_window: int | None
    prices: tuple[Price, ...]
    withdrawn: date | None


def cloudflare(
    name: str,
    prices: tuple[Price, ...] = (),
    *,
    long: bool = False,
    short: bool = False,
    zero_data_retention: bool | None = None,
) -> HostedModel:
    """Make Cloudflare's entry; its ids begin with `google/`.

    `long` is for models for which Cloudflare states Google's context window instead of 1,000,000 tokens, `short` for
    those for which it states 8,192 output tokens instead of 65,536.
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
    page: str = "",
    efforts: tuple[str, ...] = (),
    takes_media: bool = False,
    takes_upstream: bool = False,
    checked: date = _AIMLAPI_CHECKED,
    **known: Unpack[_Known],
) -> HostedModel:
    """Make AIMLAPI's entry; its ids begin with `google/`.

    `schema` is the family of the model's request schema (`None` for Gemma, whose schema has no tools), `page` the name
    of the documentation page if it is not the id. `takes_media` is for models that accept audio, video and files though
    the family has none, `takes_upstream` for those of the families A and B that accept `provider`.
    """
    return HostedModel(
        f"google/{name}",
        schema=schema,
        reasoning_efforts=efforts,
        takes_upstream=takes_upstream or schema in ("C", "D"),
        inputs=_ALL if takes_media else _SCHEMA_INPUTS.get(schema or "", _IMAGES),
        source=f"{_AIMLAPI_PAGES}{page or name}",
        checked=checked,
        **known,
    )


def oxen(name: str, *, checked: date = _OXEN_CHECKED, **known: Unpack[_Known]) -> HostedModel:
    return HostedModel(name, source=f"{_OXEN_PAGES}{name}", checked=checked, **known)
