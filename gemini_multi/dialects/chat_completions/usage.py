"""Reads token counts and costs of chat completions. Providers disagree on what the counts include.

Google excludes thoughts from `completion_tokens`, gateways include them; `total_tokens` shows which. Some streams
repeat the counts, so the last value of each field counts and nothing is added up.
"""

from __future__ import annotations

import math
from typing import Final

from gemini_multi.types import JsonObject, JsonValue, Usage

_PROMPT: Final = ("prompt_tokens", "input_tokens")
_COMPLETION: Final = ("completion_tokens", "output_tokens")
_CACHED: Final = ("cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens", "cache_read_tokens")
_CREATED: Final = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_REASONING: Final = ("reasoning_tokens", "thoughts_tokens")
_ABSURD: Final = 1e15
"""The limit of a count. No real count is as large, and a larger number could not be multiplied by a price."""
_MODALITIES: Final = {f"{modality}_tokens": modality for modality in ("text", "image", "audio", "video", "document")}


def update(known: dict[str, JsonValue], changes: JsonObject) -> None:
    """Update `known` with the values of a later document; `null` changes nothing and objects are merged.

    This function made every object in `known`, so it may change them in place.
    """
    for key, value in changes.items():
        if isinstance(value, dict):
            present = known.get(key)
            known[key] = merged = present if isinstance(present, dict) else dict[str, JsonValue]()
            update(merged, value)
        elif value is not None or key not in known:
            known[key] = value


def read(usage: JsonObject, bill: JsonValue, credits_per_usd: float | None) -> Usage:
    """Read a provider's counts and cost. Its own bill (`meta.usage`) takes precedence over the cost of its upstream."""
    prompt_details, completion_details = _details(usage, _PROMPT), _details(usage, _COMPLETION)
    given, output, total, reasoning = _balanced(usage, completion_details)
    cost = _cost(usage, bill, credits_per_usd)
    return Usage(
        input_tokens=given,
        output_tokens=output,
        total_tokens=total,
        cached_tokens=_first(_CACHED, prompt_details, usage),
        cache_creation_tokens=_first(_CREATED, prompt_details, usage),
        reasoning_tokens=reasoning,
        input_by_modality=_modalities(prompt_details),
        output_by_modality=_modalities(completion_details),
        cost_usd=cost,
        cost_source=None if cost is None else "host",
    )


def _balanced(usage: JsonObject, completion_details: JsonObject) -> tuple[int, int, int, int]:
    """Return input, output with thoughts, total and thoughts, such that input and output add up to the total."""
    prompt, completion = _first(_PROMPT, usage), _first(_COMPLETION, usage)
    total = _count(usage.get("total_tokens"))
    reasoning = _first(_REASONING, completion_details, usage)
    output = completion + (reasoning if reasoning > completion else 0)
    if not prompt and total:
        # Every prompt has tokens: a zero means a missing count. The input is the total without thoughts and text.
        return max(total - output, 0), output, max(total, output), reasoning
    excess = total - prompt - completion
    if excess > 0:
        return prompt, completion + excess, total, reasoning or excess
    return prompt, output, prompt + output, reasoning


def _cost(usage: JsonObject, bill: JsonValue, credits_per_usd: float | None) -> float | None:
    if isinstance(bill, dict):
        if (cost := _number(bill.get("usd_spent"))) is not None:
            return cost
        if credits_per_usd and (spent := _number(bill.get("credits_used"))) is not None:
            return spent / credits_per_usd
    return _number(usage["cost"]) if "cost" in usage else None


def _details(usage: JsonObject, names: tuple[str, ...]) -> JsonObject:
    for name in names:
        if isinstance(found := usage.get(f"{name}_details"), dict):
            return found
    return {}


def _modalities(details: JsonObject) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in details:
        if (modality := _MODALITIES.get(name)) is not None and (count := _count(details[name])):
            counts[modality] = counts.get(modality, 0) + count
    return counts


def _first(names: tuple[str, ...], *records: JsonObject) -> int:
    """Return the first count that is not zero under one of the names."""
    for record in records:
        for name in names:
            if name in record and (count := _count(record[name])):
                return count
    return 0


def _count(value: JsonValue) -> int:
    if type(value) is int and 0 <= value < _ABSURD:  # nearly all providers write a count so
        return value
    number = _number(value)
    return 0 if number is None or number >= _ABSURD else int(number)


def _number(value: JsonValue) -> float | None:
    """Read a number that may be written as text; `None` for a negative or infinite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
