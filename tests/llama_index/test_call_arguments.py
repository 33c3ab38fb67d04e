"""What a call takes beside its request: conditions for failover, spans, headers, entries for a gateway's log."""

from __future__ import annotations

import json
from typing import Any

import llama_index.core.instrumentation as instrument
import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.span_handlers import NullSpanHandler

from gemini_multi import ChatResponse, ConfigurationError, FailoverOn
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

HI = [ChatMessage(content="Hi")]


def model(providers: Any = "oxen", **options: Any) -> GeminiMulti:
    return GeminiMulti(**{"model": "gemini-2.5-flash", "providers": providers, "max_retries": 0, **options})


async def chat(llm: GeminiMulti, **how: Any) -> Any:
    return llm.chat(HI, **how)


async def achat(llm: GeminiMulti, **how: Any) -> Any:
    return await llm.achat(HI, **how)


async def stream_chat(llm: GeminiMulti, **how: Any) -> Any:
    return list(llm.stream_chat(HI, **how))[-1]


async def astream_chat(llm: GeminiMulti, **how: Any) -> Any:
    return [chunk async for chunk in await llm.astream_chat(HI, **how)][-1]


async def complete(llm: GeminiMulti, **how: Any) -> Any:
    return llm.complete("Hi", **how)


async def stream_complete(llm: GeminiMulti, **how: Any) -> Any:
    return list(llm.stream_complete("Hi", **how))[-1]


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream_chat, astream_chat, complete, stream_complete])


@WAYS
@pytest.mark.parametrize("where", ["model", "call"])
async def test_the_next_provider_is_asked_on_a_condition(sandbox: Sandbox, ask: Any, where: str) -> None:
    """The metadata names who answered, and the attempts tell of the other."""
    sandbox.script("aimlapi", [Answer("", finish_reason="content_filter")])
    condition = {"failover_on": ["refusal", "length"]}
    llm = model(["aimlapi", "oxen"], **condition if where == "model" else {})
    found = await ask(llm, **condition if where == "call" else {})

    assert found.additional_kwargs["provider"] == "oxen"
    assert [one["error"] for one in found.additional_kwargs["attempts"]] == ["UnwantedAnswer", ""]


@WAYS
async def test_a_function_judges_the_answer(sandbox: Sandbox, ask: Any) -> None:
    """A stream is held back for it when that is asked for."""
    sandbox.script("aimlapi", [Answer("I do not know")])

    def is_vague(response: ChatResponse) -> bool:
        return "do not know" in response.text

    found = await ask(model(["aimlapi", "oxen"], failover_on=FailoverOn(is_vague, buffer=True)))

    assert found.additional_kwargs["provider"] == "oxen"


@pytest.mark.parametrize("given", ["length", ["length", "refusal"], FailoverOn("length", buffer=True)])
def test_conditions_are_kept_when_a_model_is_written(sandbox: Sandbox, given: Any) -> None:
    """By their names."""
    llm = model(failover_on=given)

    assert FailoverOn.of(GeminiMulti.from_json(llm.to_json()).failover_on) == FailoverOn.of(given)


def test_functions_are_left_out_when_a_model_is_written(sandbox: Sandbox) -> None:
    """They are no JSON."""
    llm = model(failover_on=[len, "length"])

    assert json.loads(llm.to_json())["failover_on"] == {"conditions": ["length"], "buffer": False}


def test_an_unknown_condition_is_refused(sandbox: Sandbox) -> None:
    """By the model at once, and by the call."""
    with pytest.raises(ConfigurationError, match="invalid_output"):
        model(failover_on="lenght")
    with pytest.raises(ConfigurationError, match="invalid_output"):
        model().complete("Hi", failover_on="lenght")


@WAYS
async def test_headers_and_gateway_entries_go_with_one_call(sandbox: Sandbox, ask: Any) -> None:
    """Nothing of them is in the body."""
    llm = model("cloudflare")
    entries = {"n": 1, "on": True}
    await ask(llm, headers={"x-team": "blue"}, gateway_metadata=entries, gateway_event_id="e")
    await ask(llm)
    first, second = (request.headers for request in sandbox.requests)

    assert (first["x-team"], json.loads(first["cf-aig-metadata"]), first["cf-aig-event-id"]) == ("blue", entries, "e")
    assert not {"x-team", "cf-aig-metadata", "cf-aig-event-id"} & {*second}


@WAYS
@pytest.mark.parametrize("where", ["model", "call"])
async def test_all_headers_of_the_response_come_on_request(sandbox: Sandbox, ask: Any, where: str) -> None:
    """Beside what the provider says."""
    wants = {"include_response_headers": True}
    found = await ask(model(**wants if where == "model" else {}), **wants if where == "call" else {})

    assert "content-type" in found.raw["provider_metadata"]["headers"]


@WAYS
@pytest.mark.parametrize("package", ["openinference", "mlflow", "somebody"])
async def test_a_call_is_one_observation_beside_a_tracer(
    sandbox: Sandbox, ask: Any, package: str, spans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that makes a span of the call has its tokens already; others do not matter."""
    kind = type("Handler", (NullSpanHandler,), {"__module__": f"{package}.tracer"})
    root = instrument.get_dispatcher()
    monkeypatch.setattr(root, "span_handlers", [*root.span_handlers, kind()])
    await ask(model())
    await ask(model(tracing=True))
    await ask(model(), tracing=True)
    await ask(model(), tracing=False)

    assert len(spans()) == 2 + (package == "somebody")
