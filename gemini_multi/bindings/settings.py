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
    """Read `{category: threshold}` or a list of settings. Members of Google's enums are also accepted.

    Raises:
        ConfigurationError: The value has another form.
    """
    if is_mapping(given) and "category" not in given:
        return tuple(SafetySetting(_word(category), _word(threshold)) for category, threshold in given.items())
    if is_mapping(given) or is_many(given):
        return tuple(_safety_setting(item) for item in ([given] if is_mapping(given) else given))
    raise ConfigurationError(f"`safety_settings` must be a mapping of category to threshold, not {brief(given)}.")


def _safety_setting(item: object) -> SafetySetting:
    if isinstance(item, SafetySetting):
        return item
    if not is_mapping(item) or not {"category", "threshold"} <= item.keys():
        raise ConfigurationError(
            f"A safety setting needs `category` and `threshold`; {brief(item)} does not have both."
        )
    method = item.get("method")
    return SafetySetting(
        _word(item["category"]), _word(item["threshold"]), method=None if method is None else _word(method)
    )


def _word(value: object) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def effort(value: object) -> str:
    """Read a reasoning effort."""
    return _word(value).lower()


def modalities(value: object) -> tuple[str, ...]:
    """Read the modalities of the answer."""
    items = [value] if isinstance(value, (str, Enum)) else items_of(value)
    return tuple(_word(item).lower() for item in items)


def stops(value: object) -> tuple[str, ...]:
    """Read one or several stop sequences.

    Raises:
        ConfigurationError: The value is neither a text nor a list of texts.
    """
    if isinstance(value, str):
        return (value,)
    texts = items_of(value)
    if is_many(value) and all(isinstance(text, str) for text in texts):
        return tuple(texts)
    raise ConfigurationError(f"`stop` must be text or a list of texts, not {brief(value)}.")


READERS: Final[dict[str, Callable[[object], object]]] = {
    "stop": stops,
    "reasoning_effort": effort,
    "safety_settings": safety_settings,
    "modalities": modalities,
}


def plain_settings(given: Mapping[str, object]) -> dict[str, Any]:
    """Write the settings that have several forms as plain JSON, for stored models."""
    read = {name: READERS[name](value) for name, value in given.items() if name in READERS and value is not None}
    return {name: _plain(value) for name, value in read.items()}


def _plain(value: Any) -> object:  # noqa: ANN401  # what the readers give
    if isinstance(value, str):
        return value
    return [
        {name: kept for name, kept in asdict(item).items() if kept is not None}
        if isinstance(item, SafetySetting)
        else item
        for item in value
    ]
