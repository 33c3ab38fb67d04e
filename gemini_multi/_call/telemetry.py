"""OpenTelemetry spans of calls, where `opentelemetry-api` is installed and records.

By the semantic conventions for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/).
Neither keys nor anything of the conversation is written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from gemini_multi._types.version import __version__
from gemini_multi.types import Attempt, ChatRequest, ChatResponse

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_SETTINGS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "stop": "gen_ai.request.stop_sequences",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
}


@cache
def _tracer() -> Tracer | None:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("gemini_multi", __version__)


def trace_of(request: ChatRequest) -> Trace | None:
    """Prepare the span of a call; `None` where nobody can record it."""
    tracer = _tracer()
    return None if tracer is None or not _is_recorded()() else Trace(tracer, request)


@cache
def _is_recorded() -> Callable[[], bool]:
    """Give what tells whether a provider was set: without one every span is thrown away."""
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    return lambda: not isinstance(get_tracer_provider(), ProxyTracerProvider)


class Trace:
    """The span of one call: begun with the call, ended once."""

    def __init__(self, tracer: Tracer, request: ChatRequest) -> None:
        self._tracer = tracer
        self._request = request
        self._span: Span | None = None
        self._is_ended = False

    def begin(self) -> None:
        """Open the span below the current one."""
        from opentelemetry.trace import SpanKind

        request = self._request
        attributes: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": request.model}
        for name, attribute in _SETTINGS.items():
            if value := getattr(request, name):
                attributes[attribute] = value
        if request.response_format is not None:
            attributes["gen_ai.output.type"] = "json"
        self._span = self._tracer.start_span(f"chat {request.model}", kind=SpanKind.CLIENT, attributes=attributes)

    def attempt(self, attempt: Attempt) -> None:
        """Add one attempt."""
        if self._span is None or not self._span.is_recording():
            return
        known: dict[str, Any] = {
            "gen_ai.provider.name": attempt.provider,
            "gen_ai.request.model": attempt.model,
            "gemini_multi.outcome": attempt.outcome,
            "http.response.status_code": attempt.status,
            "error.type": attempt.error or None,
            "gemini_multi.wait": attempt.wait,
            "gemini_multi.first_content": attempt.first_content,
            "gemini_multi.duration": attempt.duration,
        }
        self._span.add_event(
            "gemini_multi.attempt", {name: value for name, value in known.items() if value is not None}
        )

    def answered(self, response: ChatResponse) -> None:
        """Write down the answer, and end."""
        span = self._span
        if span is not None and span.is_recording():
            usage = response.usage
            known: dict[str, Any] = {
                "gen_ai.provider.name": response.provider,
                "gen_ai.response.model": response.model,
                "gen_ai.response.id": response.response_id,
                "gen_ai.response.finish_reasons": [one.finish_reason or "" for one in response.candidates],
                "gen_ai.usage.input_tokens": usage.input_tokens,
                "gen_ai.usage.output_tokens": usage.output_tokens,
                "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
                "gemini_multi.cost_usd": usage.cost_usd,
            }
            span.set_attributes(_stated(known))
        self.end()

    def failed(self, error: BaseException) -> None:
        """Write down the failure, and end."""
        span = self._span
        if span is not None and span.is_recording() and not self._is_ended:
            from opentelemetry.trace import Status, StatusCode

            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))  # a provider's message may quote the conversation
        self.end()

    def end(self) -> None:
        """End the span: also when the caller has left before the answer's end."""
        if self._span is not None and not self._is_ended:
            self._is_ended = True
            self._span.end()


def _stated(known: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None}
