"""By which names messages of this package keep what LangChain has no field for."""

from __future__ import annotations

from typing import Final

from gemini_multi.types import JsonObject

PROVIDER: Final = "gemini_multi"
"""What messages of this package name as their `model_provider`."""

OPAQUE: Final = "gemini_part"
"""The `type` inside a non-standard block that holds a part only the provider understands."""


def opaque_block(data: JsonObject) -> dict[str, object]:
    """Make the block that stands for a part only the provider understands."""
    return {"type": "non_standard", "value": {"type": OPAQUE, "part": dict(data)}}
