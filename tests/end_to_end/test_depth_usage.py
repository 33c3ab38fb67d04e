"""Tokens and money of every answer, whole and streamed, and their running totals."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AIMLAPI,
    BudgetExceeded,
    ChatRequest,
    ChatResponse,
    Client,
    Cloudflare,
    Message,
    Oxen,
    StreamInterrupted,
    Totals,
    Usage,
)
from tests.end_to_end.endpoints import (
    ENDPOINTS,
    EndpointCase,
    Wire,
    answered,
    chat_answer,
    events,
    native_answer,
    streamed,
)

NATIVE_USAGE = {
    "promptTokenCount": 257,
    "cachedContentTokenCount": 100,
    "toolUsePromptTokenCount": 1732,
    "thoughtsTokenCount": 773,
    "candidatesTokenCount": 170,
    "totalTokenCount": 2932,
}
NATIVE_READ = {"input_tokens": 1989, "output_tokens": 943, "total_tokens": 2932}
NATIVE_READ |= {"cached_tokens": 100, "reasoning_tokens": 773, "tool_use_tokens": 1732}


@dataclass(frozen=True)
class Case:
    name: str
    endpoint: str
    usage: dict[str, Any]
    expected: dict[str, int]


def counts(prompt: int, completion: int, total: int, thoughts: int | None = None, cached: int = 0) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    if thoughts is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": thoughts}
    return usage | ({"prompt_tokens_details": {"cached_tokens": cached}} if cached else {})


def read(given: int, output: int, reasoning: int = 0, cached: int = 0) -> dict[str, int]:
    told = {"input_tokens": given, "output_tokens": output, "total_tokens": given + output}
    return told | {"reasoning_tokens": reasoning, "cached_tokens": cached, "tool_use_tokens": 0}


CASES = [
    Case("natively, all kinds", "run", NATIVE_USAGE, NATIVE_READ),
    Case("natively, through the gateway", "studio", NATIVE_USAGE, NATIVE_READ),
    Case(
        "a gateway that counts thoughts among the candidates' tokens",
        "run",
        {"promptTokenCount": 10, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 40},
        read(10, 30, 20),
    ),
    Case("thoughts outside of the completion, told", "chat", counts(6, 3, 66, 57), read(6, 60, 57)),
    Case("thoughts outside of the completion, not told", "oxen", counts(9, 16, 627), read(9, 618, 602)),
    Case("Vertex AI through AIMLAPI", "B", counts(9, 572, 1532, 951), read(9, 1523, 951)),
    Case("thoughts inside of the completion", "A", counts(6, 3360, 3366, 1399), read(6, 3360, 1399)),
    Case("no prompt counted", "A", counts(0, 9, 9), read(0, 9)),
    Case("cached tokens are a part of the prompt", "D", counts(500, 5, 505, cached=400), read(500, 5, cached=400)),
    Case("thoughts that the total forgets", "oxen", counts(61, 10, 71, 96), read(61, 106, 96)),
]


def told(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in NATIVE_READ}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tokens_add_up_whole_and_streamed(case: Case) -> None:
    """Input and output make the total, thoughts are output, whichever way the provider counts."""
    endpoint = ENDPOINTS[case.endpoint]
    if endpoint.is_native:
        whole = native_answer(usageMetadata=case.usage)
        early = {"candidates": [{"content": {"parts": [{"text": "H"}]}}], "usageMetadata": {"promptTokenCount": 1}}
        late: tuple[Any, ...] = (whole,)
    else:
        whole = chat_answer(usage=case.usage)
        early = {"choices": [{"delta": {"content": "H"}}], "usage": None}
        late = ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": case.usage})

    assert told(answered(endpoint, whole).usage) == case.expected
    assert told(streamed(endpoint, early, *late).usage) == case.expected


# Money: the provider's own figure, else the catalog's.


@dataclass(frozen=True)
class Bill:
    name: str
    endpoint: str
    extra: dict[str, Any]
    headers: dict[str, str]
    cost: float


def billed(**usage: float) -> dict[str, Any]:
    return {"meta": {"usage": usage}}


UPSTREAM_COST = {"usage": {**counts(3, 4, 7), "cost": 0.25}}
BILLS = [
    Bill("in dollars", "B", billed(credits_used=11892, usd_spent=0.005946), {}, 0.005946),
    Bill("in credits alone", "A", billed(credits_used=3814), {}, 0.001907),
    Bill("in a header", "C", {}, {"x-aimlapi-usd-spent": "0.01"}, 0.01),
    Bill("in a header, in credits", "C", {}, {"x-aimlapi-credits-used": "20000"}, 0.01),
    Bill("by the provider before its upstream, in a header", "A", UPSTREAM_COST, {"x-aimlapi-usd-spent": "0.5"}, 0.5),
    Bill("by the provider before its upstream", "A", {**UPSTREAM_COST, **billed(usd_spent=0.5)}, {}, 0.5),
    Bill("by the upstream", "A", UPSTREAM_COST, {}, 0.25),
    Bill("by a gateway", "oxen", UPSTREAM_COST, {}, 0.25),
    Bill("as nothing", "A", billed(usd_spent=0), {}, 0.0),
]


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.name)
def test_the_providers_own_figure_comes_first(bill: Bill) -> None:
    """Whatever the catalog says, what the provider billed is the cost, and is marked so."""
    usage = answered(ENDPOINTS[bill.endpoint], chat_answer(**bill.extra), headers=bill.headers).usage

    assert (usage.cost_usd, usage.cost_source) == (pytest.approx(bill.cost), "host")


@pytest.mark.parametrize("bill", [bill for bill in BILLS if not bill.headers], ids=lambda bill: bill.name)
def test_the_providers_own_figure_comes_in_the_last_chunk_of_a_stream(bill: Bill) -> None:
    """There are no headers with costs in streams."""
    chunk = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    usage = streamed(ENDPOINTS[bill.endpoint], chunk, {"choices": [], "usage": counts(3, 4, 7), **bill.extra}).usage

    assert (usage.cost_usd, usage.cost_source) == (pytest.approx(bill.cost), "host")


@pytest.mark.parametrize("figure", ["nan", "inf", "-1", "free", ""])
def test_a_figure_that_is_none_is_not_believed(figure: str) -> None:
    """The catalog's price stands in: totals must not be poisoned."""
    usage = answered(ENDPOINTS["C"], chat_answer(), headers={"x-aimlapi-usd-spent": figure}).usage

    assert (usage.cost_usd, usage.cost_source) == (pytest.approx(3 * 0.975e-6 + 4 * 4.875e-6), "catalog")


M = 1_000_000


def on(day: date, client: Client) -> Client:
    """Let a client believe in a day."""
    client._options = replace(client._options, today=lambda: day)
    return client


def at(endpoint: str, model: str, day: date, **usage: int) -> float | None:
    """Ask on a day, and return what the catalog makes of it."""
    metadata = {"promptTokenCount": 0, "candidatesTokenCount": 0, **usage}
    request = ChatRequest(model=model, messages=(Message.user("Hi"),))
    response = on(day, Wire(native_answer(usageMetadata=metadata)).client(ENDPOINTS[endpoint].provider)).chat(request)
    assert response.usage.cost_source == (None if response.usage.cost_usd is None else "catalog")
    return response.usage.cost_usd


NOW, LATER = date(2026, 11, 20), date(2027, 1, 1)
PRICES = [
    ("short prompt", "gemini-2.5-flash", NOW, {"promptTokenCount": M, "candidatesTokenCount": M}, 0.3 + 2.5),
    ("thoughts are output", "gemini-2.5-flash", NOW, {"promptTokenCount": M, "thoughtsTokenCount": M}, 0.3 + 2.5),
    ("cached", "gemini-2.5-flash", NOW, {"promptTokenCount": M, "cachedContentTokenCount": M}, 0.03),
    ("lower tier", "gemini-3.1-pro-preview", NOW, {"promptTokenCount": 200_000}, 0.4),
    ("upper tier", "gemini-3.1-pro-preview", NOW, {"promptTokenCount": 200_001}, 200_001 * 4e-6),
    ("before a rise", "gemini-4-argon", date(2026, 11, 30), {"promptTokenCount": M}, 2.0),
    ("after a rise", "gemini-4-argon", date(2026, 12, 1), {"promptTokenCount": M}, 4.0),
    ("nothing counted", "gemini-2.5-flash", NOW, {"candidatesTokenCount": M}, None),
    ("no price known", "gemini-4-carbon", NOW, {"promptTokenCount": M}, None),
]


@pytest.mark.parametrize(("name", "model", "day", "usage", "cost"), PRICES, ids=[price[0] for price in PRICES])
def test_the_catalog_prices_what_the_provider_does_not(
    name: str, model: str, day: date, usage: dict[str, int], cost: float | None
) -> None:
    """Tiers, cached tokens, thoughts and dated prices count; what cannot be known is not guessed."""
    assert at("run", model, day, **usage) == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("stream", [False, True])
def test_the_model_that_answered_is_priced(stream: bool) -> None:
    """Google will answer 2.5 Pro with 3.8 Flash: then that is what is paid."""
    usage = {"promptTokenCount": M, "candidatesTokenCount": M, "totalTokenCount": 2 * M}
    answer = native_answer(usageMetadata=usage, modelVersion="gemini-3.8-flash")
    request = ChatRequest(model="gemini-2.5-pro", messages=(Message.user("Hi"),))
    ours = on(NOW, Wire(events(answer) if stream else answer).client(ENDPOINTS["studio"].provider))
    response = ours.stream(request).response() if stream else ours.chat(request)

    assert (response.model, response.usage.cost_usd) == ("gemini-3.8-flash", pytest.approx(0.75 + 3.75))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_answer_has_a_cost(name: str) -> None:
    """At every endpoint, whole and streamed."""
    endpoint = ENDPOINTS[name]
    chunk = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": counts(3, 4, 7)}
    whole = answered(endpoint, native_answer() if endpoint.is_native else chat_answer())
    pieces = streamed(endpoint, native_answer() if endpoint.is_native else chunk)

    assert whole.usage.cost_usd is not None
    assert whole.usage.cost_usd == pieces.usage.cost_usd > 0


# Totals.


def priced(cost: float) -> dict[str, Any]:
    return chat_answer(usage={**counts(3, 4, 7, cached=2), "cost": cost})


REQUEST = ENDPOINTS["oxen"].request()


def totals(calls: int, cost: float) -> Totals:
    return Totals(
        calls=calls,
        input_tokens=3 * calls,
        output_tokens=4 * calls,
        total_tokens=7 * calls,
        cached_tokens=2 * calls,
        cost_usd=pytest.approx(cost),
    )


async def test_totals_are_shared_by_both_clients() -> None:
    """Whole answers and streams, blocking and with `await`."""
    ours = Wire(priced(0.25)).client(Oxen("key"))
    ours.chat(REQUEST)
    ours.stream(REQUEST).response()
    await ours.for_async().chat(REQUEST)
    await ours.for_async().stream(REQUEST).response()

    assert ours.totals == ours.for_async().totals == totals(4, 1.0)


def test_totals_of_many_threads_lose_nothing() -> None:
    """Eight threads, four hundred answers."""
    ours = Wire(priced(0.25)).client(Oxen("key"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ours.chat(REQUEST), range(400)))

    assert ours.totals == totals(400, 100.0)


async def test_totals_of_many_tasks_lose_nothing() -> None:
    """A hundred answers at once."""
    ours = Wire(priced(0.25)).client(Oxen("key"))
    await asyncio.gather(*(ours.for_async().chat(REQUEST) for _ in range(100)))

    assert ours.totals == totals(100, 25.0)


def broken_stream(endpoint: EndpointCase) -> bytes:
    early: dict[str, Any] = {"candidates": [{"content": {"parts": [{"text": "H"}]}}]}
    early["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    return events(early if endpoint.is_native else {"choices": [{"delta": {"content": "H"}}], "usage": counts(3, 4, 7)})


@pytest.mark.parametrize("name", ["studio", "chat", "A", "oxen"])
async def test_an_interrupted_stream_is_counted(name: str) -> None:
    """What the provider had counted until then was used, and has its price; the async client agrees."""
    endpoint = ENDPOINTS[name]
    ours = Wire(broken_stream(endpoint)).client(endpoint.provider)
    with pytest.raises(StreamInterrupted) as interrupted:
        ours.stream(endpoint.request()).response()
    with pytest.raises(StreamInterrupted):
        await ours.for_async().stream(endpoint.request()).response()
    usage = interrupted.value.partial.usage

    assert (usage.total_tokens, usage.cost_source) == (7, "catalog")
    assert (ours.totals.calls, ours.totals.total_tokens) == (2, 14)
    assert ours.totals.cost_usd == pytest.approx(2 * (usage.cost_usd or 0)) != 0


def test_failures_are_not_counted() -> None:
    """A refused request used nothing."""
    refusal = httpx.Response(400, json={"error": {"message": "no"}})
    ours = Wire(refusal).client(Oxen("key"))
    with pytest.raises(Exception, match="no"):
        ours.chat(REQUEST)

    assert ours.totals == Totals()


def test_answers_without_a_price_are_counted_apart() -> None:
    """The sum says how many answers it leaves out."""
    ours = Wire(chat_answer(usage=None)).client(Oxen("key"))
    ours.chat(replace(REQUEST, model="gemini-nobody-knows"))

    assert (ours.totals.calls, ours.totals.unpriced_calls, ours.totals.cost_usd) == (1, 1, 0.0)


def test_answers_without_figures_are_counted_by_an_estimate() -> None:
    """A limit has to see them."""
    ours = Wire(chat_answer(usage=None)).client(Oxen("key"))
    response = ours.chat(REQUEST)

    assert response.usage == Usage()
    assert (ours.totals.calls, ours.totals.unpriced_calls) == (1, 0)
    assert ours.totals.cost_usd > 0


def test_a_spending_limit_counts_what_providers_bill() -> None:
    """The call that would begin above it is refused before anything is sent; a pickle remembers."""
    wire = Wire(priced(0.25))
    ours = wire.client(Oxen("key"), max_cost_usd=0.5)
    ours.chat(REQUEST)
    ours.stream(REQUEST).response()
    for spent in (ours, pickle.loads(pickle.dumps(ours))):
        with pytest.raises(BudgetExceeded, match=r"0\.5 USD"):
            spent.chat(REQUEST)

    assert len(wire.requests) == 2


def test_the_answers_own_headers_are_kept() -> None:
    """What AIMLAPI and Cloudflare say of a call in headers is in the metadata, with the id for their support."""
    aimlapi = {"x-inference-id": "i", "x-aimlapi-model": "m", "x-aimlapi-provider": "p"}
    cloudflare = {"cf-aig-log-id": "l", "cf-aig-cache-status": "HIT", "cf-ray": "r"}
    first: ChatResponse = answered(ENDPOINTS["C"], chat_answer(), headers=aimlapi)
    second: ChatResponse = answered(ENDPOINTS["run"], native_answer(), headers=cloudflare)

    assert (first.request_id, second.request_id) == ("i", "l")
    assert first.provider_metadata["x-aimlapi-provider"] == "p"
    assert second.provider_metadata.items() >= cloudflare.items()


def test_providers_share_one_sum() -> None:
    """Whoever answered, the client's totals are one sum."""
    replies: list[Any] = [native_answer(), priced(0.25), chat_answer(**billed(usd_spent=0.5))]
    ours: Client = Wire(*replies).client([Cloudflare("account", "token"), Oxen("key"), AIMLAPI("key")])
    for provider in ("cloudflare", "oxen", "aimlapi"):
        ours.chat(ENDPOINTS["run"].request(), providers=provider)

    assert (ours.totals.calls, ours.totals.total_tokens) == (3, 21)
    assert ours.totals.cost_usd == pytest.approx(0.75, abs=1e-4)
