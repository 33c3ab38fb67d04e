"""All rows of the catalog, newest generation first. This module also holds Gemini 4 and the `-latest` names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from gemini_multi._catalog import gemini_2, gemini_3, gemma
from gemini_multi._catalog.model import Model, Price
from gemini_multi._catalog.providers import EFFORTS, aimlapi

_GEMINI_4_ARGON: Final = gemini_3.newest_model(
    name="gemini-4-argon",
    generation=4.0,
    prices=(
        Price(input=2, output=10, cached=0.1),
        Price(input=4, output=20, cached=0.2, since=date(2026, 12, 1)),
    ),
)

_GEMINI_4_CARBON: Final = replace(
    _GEMINI_4_ARGON, name="gemini-4-carbon", prices=(), source="https://ai.google.dev/gemini-api/docs/models"
)

_BY_NAME: Final = {row.name: row for row in gemini_3.ROWS}
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
    *gemini_3.ROWS,
    *gemini_2.ROWS,
    *_LATEST,
    *gemma.ROWS,
)
