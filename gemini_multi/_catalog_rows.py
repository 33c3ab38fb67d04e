"""All rows of the catalog, newest generation first; Gemini 4, the moving `-latest` names and Gemma are written here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from gemini_multi import _catalog_rows_2, _catalog_rows_3
from gemini_multi._catalog_hosts import EFFORTS, aimlapi, oxen
from gemini_multi._catalog_rows_3 import (
    CHECKED,
    GEMINI_3_1_PRO,
    GEMINI_3_5_FLASH_LITE,
    GEMINI_3_8_FLASH,
    NEWEST_THINKING,
    REFUSED_BY_NEWEST,
    SOURCE,
)
from gemini_multi.catalog import Modality, Model, Price, Thinking

_GEMINI_4_ARGON: Final = Model(
    name="gemini-4-argon",
    generation=4.0,
    thinking=NEWEST_THINKING,
    refuses=REFUSED_BY_NEWEST,
    allows_prefill=False,
    prices=(
        Price(input=2, output=10, cached=0.1),
        Price(input=4, output=20, cached=0.2, since=date(2026, 12, 1)),
    ),
    source=SOURCE,
    checked=CHECKED,
)

_GEMINI_4_CARBON: Final = replace(
    _GEMINI_4_ARGON, name="gemini-4-carbon", prices=(), source="https://ai.google.dev/gemini-api/docs/models"
)

# AIMLAPI serves the moving names as models of their own, with another schema and price than what they stand for.
_LATEST: Final = (
    replace(
        GEMINI_3_8_FLASH,
        name="gemini-flash-latest",
        aliases=(),
        hosts={
            **GEMINI_3_8_FLASH.hosts,
            "aimlapi": aimlapi(
                "gemini-flash-latest",
                "D",
                prices=(Price(input=2.0631, output=12.3786, cached=0.20631),),
                efforts=EFFORTS,
            ),
        },
    ),
    replace(
        GEMINI_3_1_PRO,
        name="gemini-pro-latest",
        aliases=(),
        hosts={**GEMINI_3_1_PRO.hosts, "aimlapi": aimlapi("gemini-pro-latest", "D", efforts=EFFORTS)},
    ),
    replace(GEMINI_3_5_FLASH_LITE, name="gemini-flash-lite-latest", aliases=()),
)

_GEMMA_INPUTS: Final[frozenset[Modality]] = frozenset({"text", "image"})

# Gemma's own version numbers are not Gemini generations: it behaves like what came before thinking and signatures.
_GEMMA_4: Final = Model(
    name="gemma-4-31b-it",
    generation=2.0,
    hosts={"oxen": oxen("gemma-4-31b-it", context_window=256_000)},
    context_window=262_144,
    max_output_tokens=32_768,
    thinking=Thinking(control="none"),
    needs_signatures=False,
    tools_with_json=False,
    tools_with_built_in=False,
    media_in_tool_results=False,
    inputs=_GEMMA_INPUTS,
    prices=(Price(input=0, output=0),),
    source=SOURCE,
    checked=CHECKED,
)

ROWS: Final[tuple[Model, ...]] = (
    _GEMINI_4_ARGON,
    _GEMINI_4_CARBON,
    *_catalog_rows_3.ROWS,
    *_catalog_rows_2.ROWS,
    *_LATEST,
    _GEMMA_4,
)
