"""Settings of a call over the settings of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["layered"]

_THINKING: Final = frozenset({"reasoning_effort", "thinking_budget", "thinking_level"})
"""Names of one control, of which a request may have only one."""


def layered(own: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Put the settings of a call over those of a model: any name of a control replaces all names of it."""
    if _THINKING.isdisjoint(call):
        return {**own, **call}
    return {**{name: value for name, value in own.items() if name not in _THINKING}, **call}
