"""Reads `usageMetadata`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gemini_multi._encoding.json_values import objects, text_at
from gemini_multi.types import JsonValue, Usage

_DIGITS: Final = 15
"""The most digits of a count. A larger number is not a count, and could not be multiplied by a price."""


def usage(metadata: Mapping[str, JsonValue]) -> Usage:
    """Read the counts by Google's identity: total = prompt + candidates + tool use + thoughts.

    Cached tokens are a part of the prompt.
    """
    prompt = whole(metadata.get("promptTokenCount"))
    candidates = whole(metadata.get("candidatesTokenCount"))
    thoughts = whole(metadata.get("thoughtsTokenCount"))
    tool_use = whole(metadata.get("toolUsePromptTokenCount"))
    total = whole(metadata.get("totalTokenCount"))
    # Some gateways include thoughts in the candidates' tokens. Then the total is the sum without the thoughts.
    output = candidates if thoughts and total and prompt + candidates + tool_use == total else candidates + thoughts
    return Usage(
        input_tokens=prompt + tool_use,
        output_tokens=output,
        total_tokens=total or prompt + tool_use + output,
        cached_tokens=whole(metadata.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        tool_use_tokens=tool_use,
        input_by_modality=_by_modality(metadata, "promptTokensDetails", "toolUsePromptTokensDetails"),
        output_by_modality=_by_modality(metadata, "candidatesTokensDetails"),
    )


def whole(value: JsonValue) -> int:
    """Read a count, which may be missing, a float or text. A negative or absurdly large count is treated as missing."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < _DIGITS else 0
    if isinstance(value, float):
        value = int(value) if value.is_integer() else 0
    return int(value) if isinstance(value, int) and 0 <= value < 10**_DIGITS else 0


def _by_modality(metadata: Mapping[str, JsonValue], *fields: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in (detail for field in fields for detail in objects(metadata.get(field))):
        if (modality := text_at(detail, "modality")) is not None:
            counts[modality.lower()] = counts.get(modality.lower(), 0) + whole(detail.get("tokenCount"))
    return counts
