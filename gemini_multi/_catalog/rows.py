"""All rows of the catalog, newest generation first. The older models have a file of their own.

Gemini 3: a thinking level, required signatures, no penalties. Since 3.6 Flash: no sampling, no prefill.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from gemini_multi._catalog import older
from gemini_multi._catalog.model import Modality, Model, Price, Thinking
from gemini_multi._catalog.providers import EFFORTS, aimlapi, cloudflare, oxen

_LIFE_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_OXEN_NEWER: Final = date(2026, 9, 26)
_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})
_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
_LEVELS: Final = ("minimal", "low", "medium", "high")
_LEVELS_FROM_LOW: Final = ("low", "medium", "high")
_TEXT_AND_IMAGES: Final[frozenset[Modality]] = frozenset({"text", "image"})

_model: Final = partial(
    Model, refuses=_PENALTIES, source="https://ai.google.dev/gemini-api/docs/pricing", checked=date(2026, 10, 15)
)
_newest_model: Final = partial(
    _model,
    thinking=Thinking(control="level", levels=_LEVELS_FROM_LOW, default="medium"),
    refuses=_PENALTIES | _SAMPLING,
    allows_prefill=False,
)

_INTRODUCTORY: Final = Price(input=0.75, output=3.75, cached=0.075)
_FLASH_PRICES: Final = (_INTRODUCTORY, Price(input=1.5, output=7.5, cached=0.15, since=date(2027, 1, 1)))
_PRO_PRICES: Final = (
    Price(input=2, output=12, cached=0.2),
    Price(input=4, output=18, cached=0.4, above_tokens=200_000),
)

_GEMINI_3: Final = (
    _newest_model(
        name="gemini-3.8-flash",
        generation=3.8,
        providers={
            "cloudflare": cloudflare("gemini-3.8-flash", (_INTRODUCTORY,), long=True, zero_data_retention=False),
            "aimlapi": aimlapi("gemini-3-8-flash", "C", efforts=("none", *EFFORTS), checked=date(2026, 10, 1)),
            "oxen": oxen(
                "gemini-3-8-flash",
                context_window=1_000_000,
                prices=(Price(input=0.75, output=3.75),),
                checked=_OXEN_NEWER,
            ),
        },
        prices=_FLASH_PRICES,
    ),
    _newest_model(
        name="gemini-3.7-flash",
        generation=3.7,
        providers={
            "cloudflare": cloudflare("gemini-3.7-flash", (_INTRODUCTORY,), long=True),
            "aimlapi": aimlapi(
                "gemini-3-7-flash",
                "C",
                prices=(Price(input=0.975, output=4.875, cached=0.0975),),
                efforts=(*EFFORTS, "max"),
            ),
            "oxen": oxen("gemini-3-7-flash", context_window=1_000_000, checked=_OXEN_NEWER),
        },
        prices=_FLASH_PRICES,
        vertex_retired=date(2027, 1, 28),
    ),
    _newest_model(
        name="gemini-3.6-flash",
        generation=3.6,
        providers={
            "cloudflare": cloudflare(
                "gemini-3.6-flash", (Price(input=1.5, output=7.5, cached=0.15, cache_creation=1.5),), long=True
            ),
            "aimlapi": aimlapi(
                "gemini-3-6-flash",
                "C",
                prices=(Price(input=1.95, output=9.75, cached=0.195),),
                efforts=("minimal", *EFFORTS, "max"),
            ),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="medium"),
        prices=_FLASH_PRICES,
        vertex_retired=date(2026, 11, 19),
    ),
    _model(
        name="gemini-3.5-flash",
        generation=3.5,
        providers={
            "cloudflare": cloudflare("gemini-3.5-flash", (Price(input=1.5, output=9, cached=0.15),), long=True),
            "aimlapi": aimlapi("gemini-3-5-flash", "B", context_window=1_000_000, efforts=EFFORTS),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="medium"),
        prices=(Price(input=1.5, output=9, cached=0.15, audio_input=1.5),),
        vertex_retired=date(2027, 5, 19),
    ),
    _newest_model(
        name="gemini-3.5-flash-lite",
        generation=3.5,
        providers={
            "cloudflare": cloudflare(
                "gemini-3.5-flash-lite", (Price(input=0.3, output=2.5, cached=0.03, cache_creation=0.03),), long=True
            ),
            "aimlapi": aimlapi(
                "gemini-3-5-flash-lite",
                "C",
                aliases=("google/gemini-3.5-flash-lite",),
                efforts=EFFORTS,
                takes_media=True,
            ),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="minimal"),
        prices=(Price(input=0.3, output=2.5, cached=0.03),),
        vertex_retired=date(2027, 7, 21),
    ),
    _model(
        name="gemini-3.1-pro-preview",
        aliases=("gemini-3.1-pro",),
        generation=3.1,
        providers={
            "cloudflare": cloudflare("gemini-3.1-pro", _PRO_PRICES),
            "aimlapi": aimlapi(
                "gemini-3-1-pro-preview",
                "A",
                context_window=1_000_000,
                takes_upstream=True,
                prices=(Price(input=2.6, output=15.6, cached=0.65),),
            ),
            "oxen": oxen("gemini-3-1-pro-preview"),
        },
        thinking=Thinking(control="level", levels=_LEVELS_FROM_LOW, default="high"),
        prices=_PRO_PRICES,
    ),
    _model(
        name="gemini-3.1-pro-preview-customtools",
        aliases=("gemini-3.1-pro-customtools",),
        generation=3.1,
        providers={"aimlapi": aimlapi("gemini-3.1-pro-preview-customtools", "D", efforts=EFFORTS)},
        thinking=Thinking(control="level", levels=_LEVELS_FROM_LOW, default="high"),
        prices=_PRO_PRICES,
    ),
    _model(
        name="gemini-3.1-flash-lite",
        generation=3.1,
        providers={
            "cloudflare": cloudflare(
                "gemini-3.1-flash-lite", (Price(input=0.25, output=1.5, cached=0.03),), short=True
            ),
            "aimlapi": aimlapi("gemini-3-1-flash-lite", "B", context_window=1_050_000, efforts=EFFORTS),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="minimal"),
        prices=(Price(input=0.25, output=1.5, cached=0.025, audio_input=0.5),),
        retired=date(2027, 5, 7),
        vertex_retired=date(2027, 5, 7),
    ),
    _model(
        name="gemini-3.1-flash-lite-preview",
        generation=3.1,
        providers={
            "aimlapi": aimlapi(
                "gemini-3-1-flash-lite-preview",
                "A",
                prices=(Price(input=0.34385, output=2.0631, cached=0.034385),),
                efforts=EFFORTS,
            ),
            "oxen": oxen("gemini-3-1-flash-lite-preview", withdrawn=date(2026, 7, 1)),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="minimal"),
        prices=(Price(input=0.25, output=1.5, cached=0.025, audio_input=0.5),),
        retired=date(2026, 5, 25),
        successor="gemini-3.1-flash-lite",
        source=_LIFE_SOURCE,
    ),
    _model(
        name="gemini-3-flash-preview",
        aliases=("gemini-3-flash", "gemini-3.0-flash"),
        generation=3.0,
        providers={
            "cloudflare": cloudflare(
                "gemini-3-flash", (Price(input=0.5, output=3, cached=0.05),), short=True, zero_data_retention=True
            ),
            "aimlapi": aimlapi("gemini-3-flash-preview", "A", context_window=1_000_000),
            "oxen": oxen("gemini-3-flash-preview", context_window=1_000_000),
        },
        thinking=Thinking(control="level", levels=_LEVELS, default="high"),
        prices=(Price(input=0.5, output=3, cached=0.05, audio_input=1, audio_cached=0.1),),
        successor="gemini-3.6-flash",
    ),
    _model(
        name="gemini-3-pro-preview",
        aliases=("gemini-3-pro", "gemini-3.0-pro"),
        generation=3.0,
        # AIMLAPI states no day. On this day its pages listed the model as no longer callable.
        providers={
            "aimlapi": aimlapi("gemini-3-pro-preview", "A", context_window=200_000, withdrawn=date(2026, 8, 21))
        },
        thinking=Thinking(control="level", levels=("low", "high"), default="high"),
        retired=date(2026, 3, 9),
        successor="gemini-3.1-pro-preview",
        source=_LIFE_SOURCE,
    ),
    # Generated images have another token price, which `Price` has no field for. No price is better than a wrong price.
    _model(
        name="gemini-3-pro-image",
        aliases=("gemini-3-pro-image-preview",),
        generation=3.0,
        providers={"aimlapi": aimlapi("gemini-3-pro-image", "D", context_window=65_536, efforts=EFFORTS)},
        context_window=65_536,
        max_output_tokens=32_768,
        thinking=Thinking(control="none", default="dynamic"),
        tools_with_json=False,
        tools_with_built_in=False,
        inputs=_TEXT_AND_IMAGES,
        outputs=_TEXT_AND_IMAGES,
        source="https://ai.google.dev/gemini-api/docs/image-generation",
    ),
    _model(
        name="gemini-3.1-flash-image",
        aliases=("gemini-3.1-flash-image-preview",),
        generation=3.1,
        providers={"aimlapi": aimlapi("gemini-3.1-flash-image", "D", context_window=131_072, efforts=EFFORTS)},
        context_window=131_072,
        max_output_tokens=32_768,
        thinking=Thinking(control="level", levels=("minimal", "high"), default="minimal"),
        tools_with_json=False,
        tools_with_built_in=False,
        inputs=_TEXT_AND_IMAGES,
        outputs=_TEXT_AND_IMAGES,
        source="https://ai.google.dev/gemini-api/docs/image-generation",
    ),
)

_GEMINI_4_ARGON: Final = _newest_model(
    name="gemini-4-argon",
    generation=4.0,
    prices=(Price(input=2, output=10, cached=0.1), Price(input=4, output=20, cached=0.2, since=date(2026, 12, 1))),
)

_GEMINI_4_CARBON: Final = replace(
    _GEMINI_4_ARGON, name="gemini-4-carbon", prices=(), source="https://ai.google.dev/gemini-api/docs/models"
)

_BY_NAME: Final = {row.name: row for row in _GEMINI_3}
_FLASH: Final = _BY_NAME["gemini-3.8-flash"]
_PRO: Final = _BY_NAME["gemini-3.1-pro-preview"]

# AIMLAPI serves the `-latest` names as separate models: their schema and price differ from those of their models.
_LATEST: Final = (
    replace(
        _FLASH,
        name="gemini-flash-latest",
        aliases=(),
        providers={
            **_FLASH.providers,
            "aimlapi": aimlapi(
                "gemini-flash-latest",
                "D",
                prices=(Price(input=2.0631, output=12.3786, cached=0.20631),),
                efforts=EFFORTS,
            ),
        },
    ),
    replace(
        _PRO,
        name="gemini-pro-latest",
        aliases=(),
        providers={**_PRO.providers, "aimlapi": aimlapi("gemini-pro-latest", "D", efforts=EFFORTS)},
    ),
    replace(_BY_NAME["gemini-3.5-flash-lite"], name="gemini-flash-lite-latest", aliases=()),
)

ROWS: Final[tuple[Model, ...]] = (
    _GEMINI_4_ARGON,
    _GEMINI_4_CARBON,
    *_GEMINI_3,
    *older.GEMINI_2,
    *_LATEST,
    *older.GEMMA,
)
