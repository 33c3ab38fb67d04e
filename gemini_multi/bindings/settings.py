"""Converts generation settings from the forms that users write (members of Google's enums, mappings, lists)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any, Final

from gemini_multi.bindings.values import brief, is_many, is_mapping, items_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import SafetySetting


def safety_settings(given: object) -> tuple[SafetySetting, ...]:
    """Read `{category: threshold}` or a list of settings. Members of Google's enums are also accepted."""
    if is_mapping(given) and "category" not in given:
        return tuple(SafetySetting(_word(category), _word(threshold)) for category, threshold in given.items())
    if is_mapping(given) or is_many(given):
        return tuple(map(_safety_setting, [given] if is_mapping(given) else given))
    raise ConfigurationError(f"`safety_settings` must be a mapping of category to threshold, not {brief(given)}.")


def _safety_setting(item: object) -> SafetySetting:
    if isinstance(item, SafetySetting):
        return item
    if not is_mapping(item) or not {"category", "threshold"} <= item.keys():
        raise ConfigurationError(
            f"A safety setting needs `category` and `threshold`; {brief(item)} does not have both."
        )
    method = None if item.get("method") is None else _word(item["method"])
    return SafetySetting(_word(item["category"]), _word(item["threshold"]), method=method)


def _word(value: object) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def modalities(value: object) -> tuple[str, ...]:
    """Read the modalities of the answer."""
    items = [value] if isinstance(value, (str, Enum)) else items_of(value)
    return tuple(_word(item).lower() for item in items)


def stops(value: object) -> tuple[str, ...]:
    """Read one or several stop sequences."""
    if isinstance(value, str):
        return (value,)
    texts = tuple(items_of(value))
    if is_many(value) and all(isinstance(text, str) for text in texts):
        return texts
    raise ConfigurationError(f"`stop` must be text or a list of texts, not {brief(value)}.")


READERS: Final[dict[str, Callable[[object], object]]] = {
    "stop": stops,
    "reasoning_effort": lambda value: _word(value).lower(),
    "safety_settings": safety_settings,
    "modalities": modalities,
}


def plain_settings(given: Mapping[str, object]) -> dict[str, Any]:
    """Write the settings that have several forms as plain JSON, for stored models."""
    return {
        name: _plain(READERS[name](value)) for name, value in given.items() if name in READERS and value is not None
    }


def _plain(value: object) -> object:
    if isinstance(value, SafetySetting):
        return {name: kept for name, kept in asdict(value).items() if kept is not None}
    return list(map(_plain, value)) if is_many(value) else value
