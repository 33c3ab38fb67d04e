"""Parses and writes JSON.

Documents are parsed as leniently as the arguments of tool calls: raw control characters in strings are kept.
"""

from __future__ import annotations

from typing import Final

import pydantic_core

from gemini_multi._encoding.call_arguments import escaped
from gemini_multi._encoding.long_text import ChunkedBody, split
from gemini_multi._encoding.surrogates import SurrogateJoiner, repaired
from gemini_multi.errors import ConfigurationError, InvalidResponse
from gemini_multi.types import JsonObject, JsonValue

LARGE: Final = 1024 * 1024
"""Bytes up to which an answer needs little memory with any content."""
MOST_VALUES: Final = 5_000_000
"""The maximum number of values in an answer. A value has a few bytes, but needs many times that in memory. Twenty log
probabilities for each of 65,536 tokens are fewer values."""


def values_in(data: bytes | bytearray) -> int:
    """Estimate the number of JSON values in some bytes, by the characters that separate values."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def read(data: bytes, surrogates: SurrogateJoiner | None = None) -> JsonValue:
    """Parse a JSON document. Invalid UTF-8 and lone surrogates are replaced, as the event stream standard requires.

    A document that ends in half a character is held in `surrogates` until the next one: the result is then `None`.

    Raises:
        InvalidResponse: The document is not JSON, or is nested too deep.
    """
    try:
        # Texts rarely repeat: a lookup in the cache costs more than a new text.
        return pydantic_core.from_json(data, cache_strings="keys")  # type: ignore[no-any-return]  # it returns Any
    except ValueError:
        pass
    text = data.decode("utf-8-sig", "replace")
    if surrogates is not None and surrogates.hold(text):
        return None
    if len(text) < LARGE:
        text = escaped(text)
    try:
        return pydantic_core.from_json(repaired(text))  # type: ignore[no-any-return]  # it returns Any
    except ValueError as error:
        raise InvalidResponse(f"The answer is not JSON ({error}).", raw=text) from None


def write(body: JsonObject) -> bytes | ChunkedBody:
    """Write a request's body, in pieces if it contains long texts."""
    return split(written(body))


def written(value: JsonObject | JsonValue, name: str = "The request") -> bytes:
    """Write a value of a request. JSON has no numbers for "not a number" and infinity: null is written.

    Raises:
        ConfigurationError: The value cannot be written as JSON.
    """
    try:
        return pydantic_core.to_json(value, inf_nan_mode="null")
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{name} cannot be written as JSON: {error}. Pass arguments, results and schemas made of JSON values."
        ) from error
