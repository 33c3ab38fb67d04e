"""Reads the arguments of tool calls in messages, as the core reads those of answers."""

from __future__ import annotations

from gemini_multi._encoding.call_arguments import parsed
from gemini_multi.types import JsonObject


def read_arguments(text: str) -> JsonObject | None:
    """Read the JSON text of arguments; `None` when it holds no object."""
    arguments = parsed(text)
    return arguments if isinstance(arguments, dict) else None
