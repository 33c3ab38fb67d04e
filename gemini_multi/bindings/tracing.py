"""Whether a framework's own handlers tell a model call to OpenTelemetry already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["makes_spans"]

_MAKERS: Final = frozenset({"langfuse", "mlflow", "openinference", "opentelemetry", "traceloop"})
"""Packages whose handlers make a span of each model call, with its tokens. Not all of them make it the current one, so
that the context alone does not tell."""


def makes_spans(handlers: Iterable[object]) -> bool:
    """Tell whether one of a framework's handlers makes a span of each model call."""
    return any(type(handler).__module__.partition(".")[0] in _MAKERS for handler in handlers)
