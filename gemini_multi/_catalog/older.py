"""Gemini 2 and Gemma: no built-in tools together with functions, and optional signatures.

Gemini 2.5 has a thinking budget. Gemma's version numbers are not Gemini generations: Gemma behaves like Gemini before
thinking and signatures. Google serves it free of charge, but the providers charge for it, so no price is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Final

from gemini_multi._catalog.model import HostedModel, Modality, Model, Price, Thinking
from gemini_multi._catalog.providers import EFFORTS, aimlapi, cloudflare, oxen

_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/pricing"
_LIFE_SOURCE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_VERTEX_RETIRED: Final = date(2026, 10, 20)
_WITHDRAWN_AT_OXEN: Final = date(2026, 7, 1)
_TEXT_AND_IMAGES: Final[frozenset[Modality]] = frozenset({"text", "image"})

_model: Final = partial(
    Model,
    needs_signatures=False,
    tools_with_json=False,
    tools_with_built_in=False,
    media_in_tool_results=False,
    source=_SOURCE,
    checked=date(2026, 10, 15),
)
_NO_THINKING: Final = Thinking(control="none", default="off")


def _gemma(name: str, context_window: int, providers: Mapping[str, HostedModel], *inputs: Modality) -> Model:
    return _model(
        name=name,
        generation=2.0,
        providers=providers,
        context_window=context_window,
        max_output_tokens=min(context_window, 32_768),
        thinking=_NO_THINKING,
        inputs=frozenset({"text", *inputs}),
        source="https://ai.google.dev/gemma/docs",
    )


GEMINI_2: Final = (
    _model(
        name="gemini-2.5-pro",
        aliases=("gemini-2.5-pro-preview",),
        generation=2.5,
        providers={
            "cloudflare": cloudflare("gemini-2.5-pro", (Price(input=1.25, output=10, cached=0.125),)),
            "aimlapi": aimlapi("gemini-2.5-pro", "A", context_window=1_000_000, takes_upstream=True),
            "oxen": oxen("gemini-2-5-pro", context_window=1_000_000),
        },
        thinking=Thinking(control="budget", minimum_budget=128, maximum_budget=32_768),
        prices=(
            Price(input=1.25, output=10, cached=0.125),
            Price(input=2.5, output=15, cached=0.25, above_tokens=200_000),
        ),
        retired=date(2026, 12, 1),
        vertex_retired=_VERTEX_RETIRED,
        successor="gemini-3.8-flash",
    ),
    _model(
        name="gemini-2.5-flash",
        aliases=("gemini-2.5-flash-preview",),
        generation=2.5,
        providers={
            "cloudflare": cloudflare("gemini-2.5-flash", (Price(input=0.3, output=2.5, cached=0.03),), short=True),
            "aimlapi": aimlapi("gemini-2.5-flash", "A", context_window=1_000_000, takes_upstream=True),
            "oxen": oxen("gemini-2-5-flash"),
        },
        thinking=Thinking(control="budget", minimum_budget=1, maximum_budget=24_576, can_disable=True),
        prices=(Price(input=0.3, output=2.5, cached=0.03, audio_input=1, audio_cached=0.1),),
        retired=date(2026, 12, 1),
        vertex_retired=_VERTEX_RETIRED,
        successor="gemini-3.5-flash-lite",
    ),
    _model(
        name="gemini-2.5-flash-lite",
        aliases=("gemini-2.5-flash-lite-preview",),
        generation=2.5,
        providers={
            "cloudflare": cloudflare("gemini-2.5-flash-lite", short=True),
            "aimlapi": aimlapi(
                "gemini-2.5-flash-lite-preview",
                "A",
                aliases=("google/gemini-2.5-flash-lite", "google/gemini-2.5-flash-lite-preview-06-17"),
                context_window=1_000_000,
                prices=(Price(input=0.0975, output=0.39, cached=0.0975),),
                efforts=EFFORTS,
            ),
            "oxen": oxen(
                "gemini-2-5-flash-lite-preview-09-2025", context_window=1_000_000, withdrawn=_WITHDRAWN_AT_OXEN
            ),
        },
        thinking=Thinking(control="budget", minimum_budget=512, maximum_budget=24_576, can_disable=True, default="off"),
        prices=(Price(input=0.1, output=0.4, cached=0.01, audio_input=0.3, audio_cached=0.03),),
        vertex_retired=_VERTEX_RETIRED,
    ),
    _model(
        name="gemini-2.5-flash-image",
        generation=2.5,
        thinking=_NO_THINKING,
        inputs=_TEXT_AND_IMAGES,
        outputs=_TEXT_AND_IMAGES,
        retired=date(2026, 10, 2),
        source=_LIFE_SOURCE,
    ),
    _model(
        name="gemini-2.0-flash",
        generation=2.0,
        providers={"oxen": oxen("gemini-2-0-flash-001", withdrawn=_WITHDRAWN_AT_OXEN)},
        max_output_tokens=8_192,
        thinking=_NO_THINKING,
        retired=date(2026, 6, 1),
        source=_LIFE_SOURCE,
    ),
    _model(
        name="gemini-2.0-flash-lite",
        generation=2.0,
        max_output_tokens=8_192,
        thinking=_NO_THINKING,
        retired=date(2026, 6, 1),
        source=_LIFE_SOURCE,
    ),
)

GEMMA: Final = (
    _gemma(
        "gemma-4-31b-it",
        262_144,
        {
            "aimlapi": aimlapi("gemma-4-31b-it", None, context_window=262_000),
            "oxen": oxen("gemma-4-31b-it", context_window=256_000),
        },
        "image",
        "video",
    ),
    _gemma(
        "gemma-4-26b-a4b-it",
        262_144,
        {"aimlapi": aimlapi("gemma-4-26b-a4b-it-maas", None, page="gemma-4-26b-a4b-it")},
        "image",
        "video",
    ),
    _gemma(
        "gemma-3-27b-it",
        128_000,
        {"aimlapi": aimlapi("gemma-3-27b-it", None), "oxen": oxen("gemma-3-27b-it", withdrawn=date(2026, 7, 1))},
        "image",
    ),
    _gemma("gemma-3-12b-it", 128_000, {"aimlapi": aimlapi("gemma-3-12b-it", None, page="gemma-3")}, "image"),
    _gemma("gemma-3-4b-it", 128_000, {"aimlapi": aimlapi("gemma-3-4b-it", None, page="gemma-3")}, "image"),
    _gemma("gemma-3n-e4b-it", 8_192, {"aimlapi": aimlapi("gemma-3n-e4b-it", None)}, "image"),
    _gemma("gemma-2-27b-it", 8_192, {"aimlapi": aimlapi("gemma-2-27b-it", None)}),
)
