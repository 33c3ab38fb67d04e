"""All rows of the catalog, newest generation first.

Gemini 3: a thinking level, required signatures, no penalties. Since 3.6 Flash: no sampling, no prefill.
Gemini 2 and Gemma: no built-in tools together with functions, and optional signatures. Gemini 2.5 has a thinking
budget. Gemma's version numbers are not Gemini generations: Gemma behaves like Gemini before thinking and signatures.
Google serves Gemma free of charge, but the providers charge for it, so no price is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from gemini_multi._catalog.model import Modality, Model, Price, Thinking
from gemini_multi._catalog.providers import TEXT_AND_IMAGES, entries

_LIFE_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_VERTEX_RETIRES_2_5: Final = date(2026, 10, 20)
_LIVES: Final[Mapping[str, tuple[date | None, date | None, str | None]]] = {
    "gemini-3.7-flash": (None, date(2027, 1, 28), None),
    "gemini-3.6-flash": (None, date(2026, 11, 19), None),
    "gemini-3.5-flash": (None, date(2027, 5, 19), None),
    "gemini-3.5-flash-lite": (None, date(2027, 7, 21), None),
    "gemini-3.1-flash-lite": (date(2027, 5, 7), date(2027, 5, 7), None),
    "gemini-3.1-flash-lite-preview": (date(2026, 5, 25), None, "gemini-3.1-flash-lite"),
    "gemini-3-flash-preview": (None, None, "gemini-3.6-flash"),
    "gemini-3-pro-preview": (date(2026, 3, 9), None, "gemini-3.1-pro-preview"),
    "gemini-2.5-pro": (date(2026, 12, 1), _VERTEX_RETIRES_2_5, "gemini-3.8-flash"),
    "gemini-2.5-flash": (date(2026, 12, 1), _VERTEX_RETIRES_2_5, "gemini-3.5-flash-lite"),
    "gemini-2.5-flash-lite": (None, _VERTEX_RETIRES_2_5, None),
    "gemini-2.5-flash-image": (date(2026, 10, 2), None, None),
    "gemini-2.0-flash": (date(2026, 6, 1), None, None),
    "gemini-2.0-flash-lite": (date(2026, 6, 1), None, None),
}
"""The days from which the Gemini API and Vertex AI do not serve a model, and its successor, by `_LIFE_SOURCE`."""
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "gemini-3.1-pro-preview": ("gemini-3.1-pro",),
    "gemini-3.1-pro-preview-customtools": ("gemini-3.1-pro-customtools",),
    "gemini-3-flash-preview": ("gemini-3-flash", "gemini-3.0-flash"),
    "gemini-3-pro-preview": ("gemini-3-pro", "gemini-3.0-pro"),
    "gemini-3-pro-image": ("gemini-3-pro-image-preview",),
    "gemini-3.1-flash-image": ("gemini-3.1-flash-image-preview",),
    "gemini-2.5-pro": ("gemini-2.5-pro-preview",),
    "gemini-2.5-flash": ("gemini-2.5-flash-preview",),
    "gemini-2.5-flash-lite": ("gemini-2.5-flash-lite-preview",),
}

_levels: Final = partial(Thinking, control="level", levels=("minimal", "low", "medium", "high"))
_MINIMAL: Final = _levels(default="minimal")
_MEDIUM: Final = _levels(default="medium")
_HIGH: Final = _levels(default="high")
_HIGH_FROM_LOW: Final = Thinking(control="level", levels=("low", "medium", "high"), default="high")
_MEDIUM_FROM_LOW: Final = replace(_HIGH_FROM_LOW, default="medium")
_NO_THINKING: Final = Thinking(control="none", default="off")

_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})
_model: Final = partial(Model, source="https://ai.google.dev/gemini-api/docs/pricing", checked=date(2026, 10, 15))
_gemini_3: Final = partial(_model, refuses=_PENALTIES)
_newest: Final = partial(
    _model,
    thinking=_MEDIUM_FROM_LOW,
    refuses=_PENALTIES | {"temperature", "top_p", "top_k"},
    allows_prefill=False,
)
# Generated images have another token price, which `Price` has no field for. No price is better than a wrong price.
_image_model: Final = partial(
    _gemini_3,
    max_output_tokens=32_768,
    tools_with_json=False,
    tools_with_built_in=False,
    inputs=TEXT_AND_IMAGES,
    outputs=TEXT_AND_IMAGES,
    source="https://ai.google.dev/gemini-api/docs/image-generation",
)
_older: Final = partial(
    _model, needs_signatures=False, tools_with_json=False, tools_with_built_in=False, media_in_tool_results=False
)


def _gemma(name: str, context_window: int, *inputs: Modality) -> Model:
    return _older(
        name=name,
        generation=2.0,
        context_window=context_window,
        max_output_tokens=min(context_window, 32_768),
        thinking=_NO_THINKING,
        inputs=frozenset({"text", *inputs}),
        source="https://ai.google.dev/gemma/docs",
    )


_FLASH_PRICES: Final = (Price(0.75, 3.75, 0.075), Price(1.5, 7.5, 0.15, since=date(2027, 1, 1)))
_PRO_PRICES: Final = (Price(2, 12, 0.2), Price(4, 18, 0.4, above_tokens=200_000))
_ARGON_PRICES: Final = (Price(2, 10, 0.1), Price(4, 20, 0.2, since=date(2026, 12, 1)))
_LITE_PRICES: Final = (Price(0.25, 1.5, 0.025, audio_input=0.5),)

_GEMINI: Final = (
    _newest(name="gemini-4-argon", generation=4.0, prices=_ARGON_PRICES),
    _newest(name="gemini-4-carbon", generation=4.0, source="https://ai.google.dev/gemini-api/docs/models"),
    _newest(name="gemini-3.8-flash", generation=3.8, prices=_FLASH_PRICES),
    _newest(name="gemini-3.7-flash", generation=3.7, prices=_FLASH_PRICES),
    _newest(name="gemini-3.6-flash", generation=3.6, thinking=_MEDIUM, prices=_FLASH_PRICES),
    _gemini_3(
        name="gemini-3.5-flash", generation=3.5, thinking=_MEDIUM, prices=(Price(1.5, 9, 0.15, audio_input=1.5),)
    ),
    _newest(name="gemini-3.5-flash-lite", generation=3.5, thinking=_MINIMAL, prices=(Price(0.3, 2.5, 0.03),)),
    _gemini_3(name="gemini-3.1-pro-preview", generation=3.1, thinking=_HIGH_FROM_LOW, prices=_PRO_PRICES),
    _gemini_3(name="gemini-3.1-pro-preview-customtools", generation=3.1, thinking=_HIGH_FROM_LOW, prices=_PRO_PRICES),
    _gemini_3(name="gemini-3.1-flash-lite", generation=3.1, thinking=_MINIMAL, prices=_LITE_PRICES),
    _gemini_3(
        name="gemini-3.1-flash-lite-preview",
        generation=3.1,
        thinking=_MINIMAL,
        prices=_LITE_PRICES,
        source=_LIFE_SOURCE,
    ),
    _gemini_3(
        name="gemini-3-flash-preview",
        generation=3.0,
        thinking=_HIGH,
        prices=(Price(0.5, 3, 0.05, audio_input=1, audio_cached=0.1),),
    ),
    _gemini_3(
        name="gemini-3-pro-preview",
        generation=3.0,
        thinking=Thinking(control="level", levels=("low", "high"), default="high"),
        source=_LIFE_SOURCE,
    ),
    _image_model(name="gemini-3-pro-image", generation=3.0, context_window=65_536, thinking=Thinking(control="none")),
    _image_model(
        name="gemini-3.1-flash-image",
        generation=3.1,
        context_window=131_072,
        thinking=Thinking(control="level", levels=("minimal", "high"), default="minimal"),
    ),
    _older(
        name="gemini-2.5-pro",
        generation=2.5,
        thinking=Thinking(control="budget", minimum_budget=128, maximum_budget=32_768),
        prices=(Price(1.25, 10, 0.125), Price(2.5, 15, 0.25, above_tokens=200_000)),
    ),
    _older(
        name="gemini-2.5-flash",
        generation=2.5,
        thinking=Thinking(control="budget", minimum_budget=1, maximum_budget=24_576, can_disable=True),
        prices=(Price(0.3, 2.5, 0.03, audio_input=1, audio_cached=0.1),),
    ),
    _older(
        name="gemini-2.5-flash-lite",
        generation=2.5,
        thinking=Thinking(control="budget", minimum_budget=512, maximum_budget=24_576, can_disable=True, default="off"),
        prices=(Price(0.1, 0.4, 0.01, audio_input=0.3, audio_cached=0.03),),
    ),
    _older(
        name="gemini-2.5-flash-image",
        generation=2.5,
        thinking=_NO_THINKING,
        inputs=TEXT_AND_IMAGES,
        outputs=TEXT_AND_IMAGES,
        source=_LIFE_SOURCE,
    ),
    *(
        _older(name=name, generation=2.0, max_output_tokens=8_192, thinking=_NO_THINKING, source=_LIFE_SOURCE)
        for name in ("gemini-2.0-flash", "gemini-2.0-flash-lite")
    ),
)
_GEMMA: Final = (
    _gemma("gemma-4-31b-it", 262_144, "image", "video"),
    _gemma("gemma-4-26b-a4b-it", 262_144, "image", "video"),
    _gemma("gemma-3-27b-it", 128_000, "image"),
    _gemma("gemma-3-12b-it", 128_000, "image"),
    _gemma("gemma-3-4b-it", 128_000, "image"),
    _gemma("gemma-3n-e4b-it", 8_192, "image"),
    _gemma("gemma-2-27b-it", 8_192),
)


def _completed(row: Model) -> Model:
    retired, vertex_retired, successor = _LIVES.get(row.name, (None, None, None))
    row = replace(row, aliases=_ALIASES.get(row.name, ()), providers=entries(row.name))
    return replace(row, retired=retired, vertex_retired=vertex_retired, successor=successor)


_BY_NAME: Final = {row.name: _completed(row) for row in _GEMINI}
_LATEST: Final = tuple(
    replace(model, name=name, aliases=(), providers={**model.providers, **entries(name)})
    for name, model in (
        ("gemini-flash-latest", _BY_NAME["gemini-3.8-flash"]),
        ("gemini-pro-latest", _BY_NAME["gemini-3.1-pro-preview"]),
        ("gemini-flash-lite-latest", _BY_NAME["gemini-3.5-flash-lite"]),
    )
)
ROWS: Final[tuple[Model, ...]] = (*_BY_NAME.values(), *_LATEST, *map(_completed, _GEMMA))
