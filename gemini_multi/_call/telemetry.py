"""OpenTelemetry spans of calls, if `opentelemetry-api` is installed and a tracer provider records.

Each model call has one model-call span. Below a span that already is a model call, the span of this package is a plain
client span. If the context suppresses instrumentation, there is no span. The span follows the semantic conventions for
generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). It holds no keys and no part of the
conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from gemini_multi._types.version import __version__
from gemini_multi.types import Attempt, ChatRequest, ChatResponse

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

_SETTINGS: Final = ("temperature", "top_p", "top_k", "max_tokens", "seed", "presence_penalty", "frequency_penalty")
_ATTRIBUTES: Final = dict(zip(_SETTINGS, _SETTINGS, strict=True)) | {"stop": "stop_sequences", "n": "choice.count"}
"""The settings of a request, and their names in the attributes `gen_ai.request.…`."""
_SUPPRESSED: Final = "suppress_instrumentation"
_MODEL_CALLS: Final = (
    ("gen_ai.operation.name", ("chat", "generate_content", "text_completion")),
    ("openinference.span.kind", ("llm",)),
    ("langfuse.observation.type", ("generation",)),
    ("mlflow.spanType", ("chat_model", "llm")),
    ("langsmith.span.kind", ("llm",)),
    ("llm.request.type", ("chat", "completion")),
)
"""Attributes of spans, and the values with which OpenTelemetry's conventions, OpenInference, Langfuse, MLflow,
LangSmith and OpenLLMetry mark a span as a model call."""


@cache
def _tracer() -> Tracer | None:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("gemini_multi", __version__)


def trace_of(request: ChatRequest, *, stream: bool = False) -> Trace | None:
    """Prepare the span of a call, or return `None` if no tracer provider records it or its context suppresses it."""
    tracer = _tracer()
    if tracer is None:
        return None
    from opentelemetry import trace

    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None  # no tracer provider was set
    from opentelemetry import context

    here = context.get_current()
    # `opentelemetry.instrumentation.utils.suppress_instrumentation` and OpenInference's `suppress_tracing` set them.
    keys = (getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", _SUPPRESSED), _SUPPRESSED)
    if any(context.get_value(key, here) for key in keys):
        return None
    return Trace(tracer, request, here, stream=stream, is_nested=_is_model_call(trace.get_current_span(here)))


def _is_model_call(span: Span) -> bool:
    """Whether a span already is a model call, by the attributes of the libraries that make such spans."""
    found: Mapping[str, object] = getattr(span, "attributes", None) or {}
    return any(str(found.get(name, "")).strip('"').lower() in kinds for name, kinds in _MODEL_CALLS)


class Trace:
    """The span of one call. It starts with the call and ends once.

    Its parent is the current span when the call is made: a stream may be read in another context.
    """

    def __init__(
        self, tracer: Tracer, request: ChatRequest, context: Context, *, stream: bool, is_nested: bool
    ) -> None:
        self._tracer = tracer
        self._request = request
        self._context = context
        self._stream = stream
        self._is_nested = is_nested
        """Whether a span above is the model call. This span is then a plain client span without tokens."""
        self._span: Span | None = None

    def begin(self) -> None:
        """Start the span."""
        from opentelemetry.trace import SpanKind

        model = self._request.model
        name = "gemini_multi call" if self._is_nested else f"chat {model}"
        known = {"gemini_multi.request.model": model} if self._is_nested else _request_attributes(self._request)
        self._span = self._tracer.start_span(name, self._context, SpanKind.CLIENT, known)

    def attempt(self, attempt: Attempt) -> None:
        """Add an event for one attempt."""
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
        if (span := self._recording()) is not None:
            span.add_event("gemini_multi.attempt", _without_none(known))

    def answered(self, response: ChatResponse) -> None:
        """Record the answer and end the span."""
        if (span := self._recording()) is not None:
            if self._is_nested:
                known = {"gemini_multi.provider": response.provider, "gemini_multi.response.model": response.model}
            else:
                known = _response_attributes(response, stream=self._stream)
            span.set_attributes(_without_none(known))
        self.end()

    def failed(self, error: BaseException) -> None:
        """Record the failure and end the span."""
        if (span := self._recording()) is not None:
            from opentelemetry.trace import Status, StatusCode

            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))  # a provider's message may quote the conversation
        self.end()

    def end(self) -> None:
        """End the span, also if the caller leaves before the end of the answer."""
        if (span := self._recording()) is not None:
            span.end()

    def _recording(self) -> Span | None:
        """Return the span from its start to its end, if it is recorded."""
        return self._span if self._span is not None and self._span.is_recording() else None


def _request_attributes(request: ChatRequest) -> dict[str, Any]:
    known = {f"gen_ai.request.{attribute}": getattr(request, name) for name, attribute in _ATTRIBUTES.items()}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": request.model,
        **{attribute: value for attribute, value in known.items() if value not in (None, ())},
        **({} if request.response_format is None else {"gen_ai.output.type": "json"}),
    }


def _response_attributes(response: ChatResponse, *, stream: bool) -> dict[str, Any]:
    usage = response.usage
    answering = response.attempts[-1] if stream and response.attempts else None
    return {
        "gen_ai.provider.name": response.provider,
        "gen_ai.response.model": response.model,
        "gen_ai.response.id": response.response_id,
        "gen_ai.response.finish_reasons": [one.finish_reason or "" for one in response.candidates],
        "gen_ai.response.time_to_first_chunk": answering and answering.first_content,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_creation_tokens or None,
        "gen_ai.usage.cost": usage.cost_usd,
        "gemini_multi.cost_usd": usage.cost_usd,
    }


def _without_none(known: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None}
