"""All rows of the catalog, newest generation first.

Gemini 3: a thinking level, required signatures, no penalties. Since 3.6 Flash: no sampling, no prefill.
Gemini 2 and Gemma: no built-in tools together with functions, and optional signatures. Gemini 2.5 has a thinking
budget. Gemma's version numbers are not Gemini generations: Gemma behaves like Gemini before thinking and signatures.
Google serves Gemma free of charge, but the providers charge for it, so no price is given.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from gemini_multi._catalog.model import Modality, Model, Price, Thinking
from gemini_multi._catalog.providers import TEXT_AND_IMAGES, entries

_PRICES_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/pricing"
_LIFE_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_CHECKED: Final = date(2026, 10, 15)

_levels: Final = partial(Thinking, control="level", levels=("minimal", "low", "medium", "high"))
_levels_from_low: Final = partial(Thinking, control="level", levels=("low", "medium", "high"))
_budget: Final = partial(Thinking, control="budget")
_NO_THINKING: Final = Thinking(control="none", default="off")

_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})
_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
_gemini_3: Final = partial(Model, refuses=_PENALTIES, source=_PRICES_SOURCE, checked=_CHECKED)
_newest: Final = partial(
    _gemini_3, thinking=_levels_from_low(default="medium"), refuses=_PENALTIES | _SAMPLING, allows_prefill=False
)
_image_model: Final = partial(
    _gemini_3,
    max_output_tokens=32_768,
    tools_with_json=False,
    tools_with_built_in=False,
    inputs=TEXT_AND_IMAGES,
    outputs=TEXT_AND_IMAGES,
    source="https://ai.google.dev/gemini-api/docs/image-generation",
)
"""Generated images have another token price, which `Price` has no field for. No price is better than a wrong price."""
_older: Final = partial(
    Model,
    needs_signatures=False,
    tools_with_json=False,
    tools_with_built_in=False,
    media_in_tool_results=False,
    source=_PRICES_SOURCE,
    checked=_CHECKED,
)
_gemini_2_5: Final = partial(_older, generation=2.5, vertex_retired=date(2026, 10, 20))


def _gemma(name: str, context_window: int, *inputs: Modality) -> Model:
    return _older(
        name=name,
        generation=2.0,
        providers=entries(name),
        context_window=context_window,
        max_output_tokens=min(context_window, 32_768),
        thinking=_NO_THINKING,
        inputs=frozenset({"text", *inputs}),
        source="https://ai.google.dev/gemma/docs",
    )


_FLASH_PRICES: Final = (Price(0.75, 3.75, 0.075), Price(1.5, 7.5, 0.15, since=date(2027, 1, 1)))
_PRO_PRICES: Final = (Price(2, 12, 0.2), Price(4, 18, 0.4, above_tokens=200_000))

_GEMINI: Final = (
    _newest(
        name="gemini-4-argon", generation=4.0, prices=(Price(2, 10, 0.1), Price(4, 20, 0.2, since=date(2026, 12, 1)))
    ),
    _newest(name="gemini-4-carbon", generation=4.0, source="https://ai.google.dev/gemini-api/docs/models"),
    _newest(name="gemini-3.8-flash", generation=3.8, prices=_FLASH_PRICES),
    _newest(name="gemini-3.7-flash", generation=3.7, prices=_FLASH_PRICES, vertex_retired=date(2027, 1, 28)),
    _newest(
        name="gemini-3.6-flash",
        generation=3.6,
        thinking=_levels(default="medium"),
        prices=_FLASH_PRICES,
        vertex_retired=date(2026, 11, 19),
    ),
    _gemini_3(
        name="gemini-3.5-flash",
        generation=3.5,
        thinking=_levels(default="medium"),
        prices=(Price(1.5, 9, 0.15, audio_input=1.5),),
        vertex_retired=date(2027, 5, 19),
    ),
    _newest(
        name="gemini-3.5-flash-lite",
        generation=3.5,
        thinking=_levels(default="minimal"),
        prices=(Price(0.3, 2.5, 0.03),),
        vertex_retired=date(2027, 7, 21),
    ),
    _gemini_3(
        name="gemini-3.1-pro-preview",
        aliases=("gemini-3.1-pro",),
        generation=3.1,
        thinking=_levels_from_low(default="high"),
        prices=_PRO_PRICES,
    ),
    _gemini_3(
        name="gemini-3.1-pro-preview-customtools",
        aliases=("gemini-3.1-pro-customtools",),
        generation=3.1,
        thinking=_levels_from_low(default="high"),
        prices=_PRO_PRICES,
    ),
    _gemini_3(
        name="gemini-3.1-flash-lite",
        generation=3.1,
        thinking=_levels(default="minimal"),
        prices=(Price(0.25, 1.5, 0.025, audio_input=0.5),),
        retired=date(2027, 5, 7),
        vertex_retired=date(2027, 5, 7),
    ),
    _gemini_3(
        name="gemini-3.1-flash-lite-preview",
        generation=3.1,
        thinking=_levels(default="minimal"),
        prices=(Price(0.25, 1.5, 0.025, audio_input=0.5),),
        retired=date(2026, 5, 25),
        successor="gemini-3.1-flash-lite",
        source=_LIFE_SOURCE,
    ),
    _gemini_3(
        name="gemini-3-flash-preview",
        aliases=("gemini-3-flash", "gemini-3.0-flash"),
        generation=3.0,
        thinking=_levels(default="high"),
        prices=(Price(0.5, 3, 0.05, audio_input=1, audio_cached=0.1),),
        successor="gemini-3.6-flash",
    ),
    _gemini_3(
        name="gemini-3-pro-preview",
        aliases=("gemini-3-pro", "gemini-3.0-pro"),
        generation=3.0,
        thinking=Thinking(control="level", levels=("low", "high"), default="high"),
        retired=date(2026, 3, 9),
        successor="gemini-3.1-pro-preview",
        source=_LIFE_SOURCE,
    ),
    _image_model(
        name="gemini-3-pro-image",
        aliases=("gemini-3-pro-image-preview",),
        generation=3.0,
        context_window=65_536,
        thinking=Thinking(control="none", default="dynamic"),
    ),
    _image_model(
        name="gemini-3.1-flash-image",
        aliases=("gemini-3.1-flash-image-preview",),
        generation=3.1,
        context_window=131_072,
        thinking=Thinking(control="level", levels=("minimal", "high"), default="minimal"),
    ),
    _gemini_2_5(
        name="gemini-2.5-pro",
        aliases=("gemini-2.5-pro-preview",),
        thinking=_budget(minimum_budget=128, maximum_budget=32_768),
        prices=(Price(1.25, 10, 0.125), Price(2.5, 15, 0.25, above_tokens=200_000)),
        retired=date(2026, 12, 1),
        successor="gemini-3.8-flash",
    ),
    _gemini_2_5(
        name="gemini-2.5-flash",
        aliases=("gemini-2.5-flash-preview",),
        thinking=_budget(minimum_budget=1, maximum_budget=24_576, can_disable=True),
        prices=(Price(0.3, 2.5, 0.03, audio_input=1, audio_cached=0.1),),
        retired=date(2026, 12, 1),
        successor="gemini-3.5-flash-lite",
    ),
    _gemini_2_5(
        name="gemini-2.5-flash-lite",
        aliases=("gemini-2.5-flash-lite-preview",),
        thinking=_budget(minimum_budget=512, maximum_budget=24_576, can_disable=True, default="off"),
        prices=(Price(0.1, 0.4, 0.01, audio_input=0.3, audio_cached=0.03),),
    ),
    _gemini_2_5(
        name="gemini-2.5-flash-image",
        thinking=_NO_THINKING,
        inputs=TEXT_AND_IMAGES,
        outputs=TEXT_AND_IMAGES,
        retired=date(2026, 10, 2),
        vertex_retired=None,
        source=_LIFE_SOURCE,
    ),
    *(
        _older(
            name=name,
            generation=2.0,
            max_output_tokens=8_192,
            thinking=_NO_THINKING,
            retired=date(2026, 6, 1),
            source=_LIFE_SOURCE,
        )
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

_BY_NAME: Final = {row.name: replace(row, providers=entries(row.name)) for row in _GEMINI}
_LATEST: Final = tuple(
    replace(model, name=name, aliases=(), providers={**model.providers, **entries(name)})
    for name, model in (
        ("gemini-flash-latest", _BY_NAME["gemini-3.8-flash"]),
        ("gemini-pro-latest", _BY_NAME["gemini-3.1-pro-preview"]),
        ("gemini-flash-lite-latest", _BY_NAME["gemini-3.5-flash-lite"]),
    )
)

ROWS: Final[tuple[Model, ...]] = (*_BY_NAME.values(), *_LATEST, *_GEMMA)
