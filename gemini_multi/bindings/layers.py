"""Combines the settings of a call with the settings of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["layered"]

_THINKING: Final = frozenset({"reasoning_effort", "thinking_budget", "thinking_level"})
"""The names of one setting; a request may have only one of them."""


def layered(own: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Override a model's settings with a call's: any thinking setting of the call replaces all those of the model."""
    if _THINKING.isdisjoint(call):
        return {**own, **call}
    return {**{name: value for name, value in own.items() if name not in _THINKING}, **call}
