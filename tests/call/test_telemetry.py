"""Spans of calls by the conventions for generative AI."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import httpx
import pytest
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode

from gemini_multi import ChatResponse, Client, Cloudflare, Hedging, ResponseFormat, ServerError
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, answer, event, raw, status

ROOT = Path(__file__).parents[2]
SETTINGS = replace(REQUEST, temperature=0.0, max_tokens=9, stop=("x",), response_format=ResponseFormat())


async def chat(client: Client) -> ChatResponse:
    return client.chat(SETTINGS)


async def achat(client: Client) -> ChatResponse:
    return await client.for_async().chat(SETTINGS)


async def stream(client: Client) -> ChatResponse:
    return client.stream(SETTINGS).response()


async def astream(client: Client) -> ChatResponse:
    return await client.for_async().stream(SETTINGS).response()


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream, astream])


@WAYS
async def test_a_call_is_one_span(ask: Any, spans: Any) -> None:
    """With what was asked, who answered and what it used; each attempt is an event."""
    await ask(FakeProviders({"aimlapi": [status(503)]}).client("aimlapi", "oxen"))
    [span] = spans()

    assert (span.name, span.kind) == ("chat gemini-2.5-flash-lite", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gemini-2.5-flash-lite",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.output.type": "json",
        "gen_ai.provider.name": "oxen",
        "gen_ai.response.model": "m",
        "gen_ai.response.id": "1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cost": pytest.approx(1.9e-6),
        "gemini_multi.cost_usd": pytest.approx(1.9e-6),
        **({"gen_ai.response.time_to_first_chunk": ANY} if ask in (stream, astream) else {}),
    }
    told = [(one.attributes["gen_ai.provider.name"], one.attributes["gemini_multi.outcome"]) for one in span.events]
    assert told == [("aimlapi", "failed"), ("oxen", "answered")]
    assert span.events[0].attributes["error.type"] == "ServerError"


@WAYS
async def test_a_failed_call_says_so(ask: Any, spans: Any) -> None:
    """By the error's class; its words may quote the conversation."""
    with pytest.raises(ServerError):
        await ask(FakeProviders({"oxen": [status(503, {"message": "secret words"})]}).client("oxen", max_retries=0))
    [span] = spans()

    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "ServerError")
    assert "secret words" not in span.to_json()


def test_a_span_stands_below_the_current_one(spans: Any) -> None:
    """A chain's trace stays one tree."""
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        FakeProviders().client("oxen").chat(REQUEST)
    inner, _ = spans()

    assert inner.parent.span_id == outer.get_span_context().span_id


def test_a_stream_that_is_left_ends_its_span(spans: Any) -> None:
    """Once, without an error."""
    fakes = FakeProviders({"oxen": [raw(event("a"), event("b"), event(finish="stop"), DONE)]})
    with fakes.client("oxen").stream(REQUEST) as events:
        next(events)
    [span] = spans()

    assert span.status.status_code == StatusCode.UNSET
    assert [one.attributes["gemini_multi.outcome"] for one in span.events] == ["cancelled"]


def test_a_stream_that_is_never_read_has_no_span(spans: Any) -> None:
    """Nothing was asked."""
    FakeProviders().client("oxen").stream(REQUEST).close()

    assert spans() == []


@WAYS
async def test_a_hedged_call_is_one_span(ask: Any, spans: Any) -> None:
    """Whoever wins."""
    await ask(FakeProviders().client("aimlapi", "oxen", hedging=Hedging(after=0.0, share=1.0)))

    assert len(spans()) == 1


def test_thoughts_and_cached_tokens_are_told(spans: Any) -> None:
    """By the names of the conventions."""
    details = {"completion_tokens_details": {"reasoning_tokens": 3}, "prompt_tokens_details": {"cached_tokens": 2}}
    used = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, **details}
    FakeProviders({"oxen": [answer(usage=used)]}).client("oxen").chat(REQUEST)
    [span] = spans()

    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 3
    assert span.attributes["gen_ai.usage.cache_read.input_tokens"] == 2


SUPPRESSED = {"plain": "suppress_instrumentation", "OpenTelemetry's": context._SUPPRESS_INSTRUMENTATION_KEY}


@WAYS
@pytest.mark.parametrize("key", SUPPRESSED)
async def test_a_context_can_suppress_the_span(ask: Any, key: str, spans: Any) -> None:
    """As instrumentors do below the spans that they make themselves."""
    token = context.attach(context.set_value(SUPPRESSED[key], True))
    try:
        await ask(FakeProviders().client("oxen"))
    finally:
        context.detach(token)

    assert spans() == []


@WAYS
@pytest.mark.parametrize("setting", [{}, {"tracing": True}])
async def test_the_environment_switches_spans_off(
    ask: Any, setting: dict[str, Any], monkeypatch: pytest.MonkeyPatch, spans: Any
) -> None:
    """An argument goes before it."""
    monkeypatch.setenv("GEMINI_MULTI_TRACING", "0")
    await ask(FakeProviders().client("oxen", **setting))

    assert len(spans()) == bool(setting)


@pytest.mark.parametrize(("setting", "given", "count"), [(False, None, 0), (False, True, 1), (None, False, 0)])
def test_an_argument_switches_spans_off(setting: Any, given: Any, count: int, spans: Any) -> None:
    """The call's goes before the client's."""
    client = FakeProviders().client("oxen", tracing=setting)
    client.chat(REQUEST, tracing=given)
    client.stream(REQUEST, tracing=given).response()

    assert len(spans()) == 2 * count


MODEL_CALLS = {
    "OpenTelemetry": {"gen_ai.operation.name": "chat"},
    "OpenInference": {"openinference.span.kind": "LLM"},
    "Langfuse": {"langfuse.observation.type": "generation"},
    "MLflow": {"mlflow.spanType": '"CHAT_MODEL"'},
    "LangSmith": {"langsmith.span.kind": "llm"},
}


@WAYS
@pytest.mark.parametrize("maker", MODEL_CALLS)
async def test_below_the_span_of_a_model_call_the_span_is_plain(ask: Any, maker: str, spans: Any) -> None:
    """One model call is one observation with its tokens; ours below it tells the attempts only."""
    tracer = trace.get_tracer("test")
    with tracer.start_as_current_span("outer", attributes=MODEL_CALLS[maker]) as outer:
        await ask(FakeProviders({"aimlapi": [status(503)]}).client("aimlapi", "oxen"))
    inner, _ = spans()

    assert inner.parent.span_id == outer.get_span_context().span_id
    assert (inner.name, inner.kind) == ("gemini_multi call", SpanKind.CLIENT)
    assert dict(inner.attributes) == {
        "gemini_multi.request.model": "gemini-2.5-flash-lite",
        "gemini_multi.provider": "oxen",
        "gemini_multi.response.model": "m",
    }
    assert [one.attributes["gemini_multi.outcome"] for one in inner.events] == ["failed", "answered"]


def test_a_stream_belongs_where_it_was_asked_for(spans: Any) -> None:
    """It may be read when the span around it has ended."""
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        stream = FakeProviders().client("oxen").stream(REQUEST)
    stream.response()
    inner = spans()[-1]

    assert inner.parent.span_id == outer.get_span_context().span_id


def test_counting_tokens_is_no_model_call(spans: Any) -> None:
    """Nothing is generated, so that no tokens are told."""
    studio = Cloudflare("account", "key", api="google_ai_studio")
    client = Client(
        [studio],
        http_client=httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"totalTokens": 3}))),
    )

    assert (client.count_tokens(REQUEST).total_tokens, spans()) == (3, [])


def test_neither_keys_nor_words_are_written(spans: Any) -> None:
    """A span may be stored anywhere."""
    FakeProviders({"oxen": [answer("answered words")]}).client("oxen").chat(REQUEST)
    [span] = spans()

    assert not any(word in span.to_json() for word in ("oxen-key", "Hello", "answered words"))


def test_without_opentelemetry_calls_are_made_without_spans() -> None:
    """The package is optional."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from gemini_multi import Client, Oxen\n"
        "from gemini_multi._call.telemetry import trace_of\n"
        "from tests.end_to_end.providers import REQUEST, FakeProviders\n"
        "assert trace_of(REQUEST) is None\n"
        "assert FakeProviders().client('oxen').chat(REQUEST).text == 'Hi'\n"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
