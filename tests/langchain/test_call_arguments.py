"""What a call takes beside its request: conditions for failover, spans, headers, entries for a gateway's log."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, load
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import LangChainTracer

from gemini_multi import ChatResponse, ConfigurationError, FailoverOn
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


def chat(providers: Any = "oxen", **options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": "gemini-2.5-flash", "providers": providers, "max_retries": 0, **options})


async def invoke(model: Any, **how: Any) -> Any:
    return model.invoke("hi", **how)


async def ainvoke(model: Any, **how: Any) -> Any:
    return await model.ainvoke("hi", **how)


async def stream(model: Any, **how: Any) -> Any:
    first, *rest = model.stream("hi", **how)
    return reduce(add, rest, first)


async def astream(model: Any, **how: Any) -> Any:
    first, *rest = [chunk async for chunk in model.astream("hi", **how)]
    return reduce(add, rest, first)


async def typed(model: Any, **how: Any) -> Any:
    return model.stream_events("hi", version="v3", **how).output


async def streamed_inside(model: Any, **how: Any) -> Any:
    """Stream where a chain asks for a whole answer, as LangGraph does to show tokens."""
    chain = RunnableLambda(lambda _: model.bind(**{k: v for k, v in how.items() if k != "config"}).invoke("hi"))
    return [chunk async for chunk in chain.astream_events("hi", how.get("config"), version="v2")]


WAYS = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream, typed])


@WAYS
@pytest.mark.parametrize("where", ["model", "call"])
async def test_the_next_provider_is_asked_on_a_condition(sandbox: Sandbox, ask: Any, where: str) -> None:
    """The metadata names who answered, and the attempts tell of the other."""
    sandbox.script("aimlapi", [Answer("", finish_reason="content_filter")])
    condition = {"failover_on": ["refusal", "length"]}
    model = chat(["aimlapi", "oxen"], **condition if where == "model" else {})
    found = await ask(model, **condition if where == "call" else {})

    assert found.response_metadata["provider"] == "oxen"
    assert [one["error"] for one in found.response_metadata["attempts"]] == ["UnwantedAnswer", ""]


@WAYS
async def test_a_function_judges_the_answer(sandbox: Sandbox, ask: Any) -> None:
    """A stream is held back for it when that is asked for."""
    sandbox.script("aimlapi", [Answer("I do not know")])

    def is_vague(response: ChatResponse) -> bool:
        return "do not know" in response.text

    found = await ask(chat(["aimlapi", "oxen"], failover_on=FailoverOn(is_vague, buffer=True)))

    assert found.response_metadata["provider"] == "oxen"
    assert "do not know" not in found.text


@pytest.mark.parametrize("given", ["length", ["length", "refusal"], FailoverOn("length", buffer=True)])
def test_conditions_are_kept_when_a_model_is_written(given: Any) -> None:
    """By their names."""
    model = chat(api_key="key", failover_on=given)
    made = load(
        dumpd(model),
        allowed_objects=[ChatGeminiMulti],
        valid_namespaces=["langchain_gemini_multi"],
        secrets_map={"OXEN_API_KEY": "key"},
    )

    assert FailoverOn.of(made.failover_on) == FailoverOn.of(given)


def test_an_unknown_condition_is_refused_by_the_model() -> None:
    """At once."""
    with pytest.raises(ConfigurationError, match="invalid_output"):
        chat(api_key="key", failover_on="lenght")


@WAYS
async def test_headers_and_gateway_entries_go_with_one_call(sandbox: Sandbox, ask: Any) -> None:
    """Nothing of them is in the body."""
    model = chat("cloudflare")
    given = {"headers": {"x-team": "blue"}, "gateway_metadata": {"n": 1}, "gateway_event_id": "e"}
    await ask(model, **given)
    await ask(model)
    first, second = (request.headers for request in sandbox.requests)

    assert (first["x-team"], json.loads(first["cf-aig-metadata"]), first["cf-aig-event-id"]) == ("blue", {"n": 1}, "e")
    assert not {"x-team", "cf-aig-metadata", "cf-aig-event-id"} & {*second}


@WAYS
async def test_a_gateway_is_told_of_the_run_on_request(sandbox: Sandbox, ask: Any) -> None:
    """Of its tags and the entries of its metadata that are named; what is not text or a number is written as JSON."""
    names = ["tags", "thread", "users", "missing"]
    model = chat("cloudflare", gateway_metadata_from=names, tags=["own"])
    config = {"tags": ["a"], "metadata": {"thread": 7, "users": ["b"], "secret": "s"}}
    await ask(model, config=config, gateway_metadata={"n": 1})
    told = json.loads(sandbox.requests[-1].headers["cf-aig-metadata"])

    assert set(told.pop("tags").split(", ")) == {"a", "own"}
    assert told == {"thread": 7, "users": '["b"]', "n": 1}


class Ids(BaseCallbackHandler):
    """Collects the ids of runs."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def on_chat_model_start(self, *_: Any, run_id: UUID, **__: Any) -> None:
        self.found.append(str(run_id))


@WAYS
@pytest.mark.parametrize("given", [None, UUID(int=7)])
async def test_a_gateway_is_told_of_the_id_of_the_run(sandbox: Sandbox, ask: Any, given: UUID | None) -> None:
    """It is the id that handlers get, whether the caller chose it or LangChain."""
    ids = Ids()
    config = {"callbacks": [ids], **({"run_id": given} if given else {})}
    await ask(chat("cloudflare", gateway_metadata_from=["run_id"]), config=config)

    assert [json.loads(sandbox.requests[-1].headers["cf-aig-metadata"])] == [{"run_id": one} for one in ids.found]
    assert given is None or ids.found == [str(given)]


async def test_a_gateway_is_told_of_the_chain_around_a_stream(sandbox: Sandbox) -> None:
    """LangChain does not tell a stream of its run; its chain's configuration is known."""
    model = chat("cloudflare", gateway_metadata_from=["thread"])
    await streamed_inside(model, config={"metadata": {"thread": 7}})

    assert json.loads(sandbox.requests[-1].headers["cf-aig-metadata"]) == {"thread": 7}


@WAYS
async def test_all_headers_of_the_response_come_on_request(sandbox: Sandbox, ask: Any) -> None:
    """Beside what the provider says."""
    found = await ask(chat(include_response_headers=True))

    assert "content-type" in found.response_metadata["provider_metadata"]["headers"]


def handler(package: str) -> BaseCallbackHandler:
    return type("Handler", (BaseCallbackHandler,), {"__module__": f"{package}.tracer"})()


@pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream, typed, streamed_inside])
@pytest.mark.parametrize("package", ["langfuse", "openinference", "mlflow", "opentelemetry", "somebody"])
async def test_a_call_is_one_observation_beside_a_tracer(sandbox: Sandbox, ask: Any, package: str, spans: Any) -> None:
    """A handler that makes a span of the call has its tokens already; others do not matter."""
    await ask(chat(), config={"callbacks": [handler(package)]})

    assert len(spans()) == (package == "somebody")


@WAYS
@pytest.mark.parametrize("exporter", [None, object()])
async def test_a_call_is_one_observation_beside_langsmith(
    sandbox: Sandbox, ask: Any, exporter: object, spans: Any
) -> None:
    """Its tracer makes spans only where its client has an exporter of OpenTelemetry."""
    tracer = LangChainTracer(
        client=cast("Any", SimpleNamespace(otel_exporter=exporter, create_run=Mock(), update_run=Mock()))
    )
    await ask(chat(), config={"callbacks": [tracer]})

    assert len(spans()) == (exporter is None)


@WAYS
async def test_an_argument_wants_the_span_all_the_same(sandbox: Sandbox, ask: Any, spans: Any) -> None:
    """For who sends both to different places."""
    config = {"callbacks": [handler("mlflow")]}
    await ask(chat(), config=config, tracing=True)
    await ask(chat(tracing=True), config=config)
    await ask(chat(tracing=False))

    assert len(spans()) == 2


@pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])
async def test_the_text_model_takes_the_same(sandbox: Sandbox, ask: Any, spans: Any) -> None:
    """Conditions, headers, entries and spans."""
    sandbox.script("aimlapi", [Answer("", finish_reason="length")])
    model = GeminiMultiLLM(
        model="gemini-2.5-flash", providers=["aimlapi", "cloudflare"], failover_on="length", max_retries=0
    )
    config = {"callbacks": [handler("langfuse")], "metadata": {"thread": 7}}
    await ask(model, config=config, headers={"x-team": "blue"}, gateway_metadata_from=["thread"])
    last = sandbox.requests[-1]

    assert (last.provider, last.headers["x-team"]) == ("cloudflare", "blue")
    assert (json.loads(last.headers["cf-aig-metadata"]), spans()) == ({"thread": 7}, [])
