"""Spans of calls by the conventions for generative AI."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gemini_multi import ChatResponse, Client, Hedging, ResponseFormat, ServerError
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, answer, event, raw, status

ROOT = Path(__file__).parents[2]
EXPORTER = InMemorySpanExporter()
SETTINGS = replace(REQUEST, temperature=0.5, max_tokens=9, stop=("x",), response_format=ResponseFormat())


@pytest.fixture(scope="module", autouse=True)
def recording() -> Iterator[None]:
    """Record for these tests only: `set_tracer_provider` would be for good."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        yield


@pytest.fixture
def spans() -> Callable[[], list[ReadableSpan]]:
    EXPORTER.clear()
    return lambda: list(EXPORTER.get_finished_spans())


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
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.output.type": "json",
        "gen_ai.provider.name": "oxen",
        "gen_ai.response.model": "m",
        "gen_ai.response.id": "1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
        "gemini_multi.cost_usd": pytest.approx(1.9e-6),
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
    hosts = FakeProviders({"oxen": [raw(event("a"), event("b"), event(finish="stop"), DONE)]})
    with hosts.client("oxen").stream(REQUEST) as events:
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
