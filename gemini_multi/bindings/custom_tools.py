"""OpenAI's custom tools, which take free text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_multi.errors import ConfigurationError

__all__ = ["refuse_custom"]


def refuse_custom(tool: Mapping[str, Any]) -> None:
    """Refuse a custom tool: as a function it would lose its argument.

    Raises:
        ConfigurationError: The tool is one.
    """
    if tool.get("type") == "custom":
        raise ConfigurationError(
            f"{dict(tool)!r} cannot be used as a tool: Gemini calls functions with JSON arguments only, no custom "
            "tools. Declare a function with one string parameter."
        )
