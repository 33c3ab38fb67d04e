"""Gemma models that AIMLAPI or Oxen serve with chat completions.

Gemma's version numbers are not Gemini generations: Gemma behaves like Gemini before thinking and signatures. Google
serves it free of charge, but the providers charge for it, so no price is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from gemini_multi._catalog.gemini_2 import older_model
from gemini_multi._catalog.model import HostedModel, Modality, Model, Thinking
from gemini_multi._catalog.providers import aimlapi, oxen


def _gemma(name: str, context_window: int, providers: Mapping[str, HostedModel], *inputs: Modality) -> Model:
    return older_model(
        name=name,
        generation=2.0,
        providers=providers,
        context_window=context_window,
        max_output_tokens=min(context_window, 32_768),
        thinking=Thinking(control="none", default="off"),
        inputs=frozenset({"text", *inputs}),
        source="https://ai.google.dev/gemma/docs",
    )


ROWS: Final = (
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
        {
            "aimlapi": aimlapi("gemma-3-27b-it", None),
            "oxen": oxen("gemma-3-27b-it", withdrawn=date(2026, 7, 1)),
        },
        "image",
    ),
    _gemma("gemma-3-12b-it", 128_000, {"aimlapi": aimlapi("gemma-3-12b-it", None, page="gemma-3")}, "image"),
    _gemma("gemma-3-4b-it", 128_000, {"aimlapi": aimlapi("gemma-3-4b-it", None, page="gemma-3")}, "image"),
    _gemma("gemma-3n-e4b-it", 8_192, {"aimlapi": aimlapi("gemma-3n-e4b-it", None)}, "image"),
    _gemma("gemma-2-27b-it", 8_192, {"aimlapi": aimlapi("gemma-2-27b-it", None)}),
)
