"""Detects a framework's handlers that already report model calls to OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MAKERS: Final = frozenset({"langfuse", "mlflow", "openinference", "opentelemetry", "traceloop"})
"""Packages whose handlers make a span for each model call, with its tokens. Some of them do not make it the current
span, so the context alone does not show it."""


def makes_spans(handlers: Iterable[object]) -> bool:
    """Whether one of a framework's handlers makes a span for each model call."""
    return any(
        type(handler).__module__.partition(".")[0] in _MAKERS
        # LangSmith's handler, if its client writes runs as OpenTelemetry spans
        or getattr(getattr(handler, "client", None), "otel_exporter", None) is not None
        for handler in handlers
    )
