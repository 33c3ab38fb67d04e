"""In which order healthy providers are asked, and what else a client does for its callers beside asking."""

from __future__ import annotations

import copy
import logging
import pickle
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gemini_multi import AIMLAPI, BudgetExceeded, ChatRequest, Client, Cloudflare, ConfigurationError, Message, Oxen
from gemini_multi.types import Attempt, Blob, FileReference
from tests.end_to_end.providers import REQUEST, FakeProviders, answer, event, raw, status


def asked(fakes: FakeProviders, client: Client, calls: int, request: ChatRequest = REQUEST) -> list[str]:
    for _ in range(calls):
        client.chat(request)
    return fakes.asked


def test_the_order_named_is_the_default() -> None:
    """Every call begins with the first."""
    fakes = FakeProviders()

    assert asked(fakes, fakes.client("aimlapi", "oxen"), 3) == ["aimlapi"] * 3


def test_round_robin_takes_turns() -> None:
    """Each call begins with the next provider, also those of the asynchronous twin."""
    fakes = FakeProviders()

    assert asked(fakes, fakes.client("aimlapi", "oxen", strategy="round_robin"), 4) == ["aimlapi", "oxen"] * 2


@pytest.mark.parametrize("order", [("cloudflare", "oxen"), ("oxen", "cloudflare")])
def test_cheapest_goes_by_list_prices(order: tuple[str, ...]) -> None:
    """A provider that was told to serve a dearer model comes last, wherever it was named."""
    providers = {"cloudflare": Cloudflare("a", "k", model="google/gemini-2.5-pro"), "oxen": Oxen("k")}
    fakes = FakeProviders()
    client = Client(
        [providers[name] for name in order],
        strategy="cheapest",
        http_client=httpx.Client(transport=httpx.MockTransport(fakes)),
    )

    assert asked(fakes, client, 2) == ["oxen"] * 2


def test_a_provider_without_a_known_price_is_asked_last() -> None:
    """Nobody knows what it costs."""
    fakes = FakeProviders()
    client = Client(
        [AIMLAPI("k", model="somebody/unheard-of"), Oxen("k")],
        strategy="cheapest",
        http_client=httpx.Client(transport=httpx.MockTransport(fakes)),
    )

    assert asked(fakes, client, 1) == ["oxen"]


def test_fastest_measures_each_provider_once_then_keeps_to_the_best() -> None:
    """The mean time to the first content of the latest answers counts."""
    fakes = FakeProviders()
    client = fakes.client("aimlapi", "oxen", strategy="fastest")
    first = asked(fakes, client, 2)
    routes = {route.provider.name: route for route in client.routes(REQUEST)}
    for name, seconds in (("aimlapi", 9.0), ("oxen", 0.001)):
        health = client._options.health.of(routes[name].key)
        health.answered(1e12, first_content=seconds, stream=False, repeats=0.0)

    assert first == ["aimlapi", "oxen"]
    assert asked(fakes, client, 2)[2:] == ["oxen"] * 2


def test_an_unknown_strategy_is_refused() -> None:
    """The message names the known ones."""
    with pytest.raises(ConfigurationError, match="ordered, round_robin, cheapest, fastest"):
        FakeProviders().client("oxen", strategy="best")


async def test_every_attempt_is_told() -> None:
    """In order, with what happened; the answer's own list is the same."""
    seen: list[Attempt] = []
    fakes = FakeProviders({"aimlapi": [status(503, {"error": {"message": "no", "code": "busy"}})]})
    client = fakes.client("aimlapi", "oxen", on_attempt=seen.append)
    response = client.chat(REQUEST)

    assert tuple(seen) == response.attempts
    assert [(one.provider, one.outcome, one.status, one.code, one.error) for one in seen] == [
        ("aimlapi", "failed", 503, "busy", "ServerError"),
        ("oxen", "answered", 200, None, ""),
    ]
    await client.for_async().chat(REQUEST)
    assert len(seen) > 2


def test_whoever_watches_cannot_end_a_call(caplog: pytest.LogCaptureFixture) -> None:
    """A failing hook is logged."""

    def fail(_: Attempt) -> None:
        raise RuntimeError("watching failed")

    with caplog.at_level(logging.WARNING, logger="gemini_multi"):
        assert FakeProviders().client("oxen", on_attempt=fail).chat(REQUEST).text == "Hi"
    assert "`on_attempt` failed" in caplog.text


def test_a_pickle_leaves_out_who_watches() -> None:
    """A hook need not pickle."""
    client = Client(Oxen("k"), on_attempt=lambda attempt: None)

    assert pickle.loads(pickle.dumps(client)).providers == client.providers


MAX = replace(REQUEST, max_tokens=1_000)
WORST = 1_000 * 0.4e-6
"""Of an answer of a thousand tokens, at list price."""


def test_a_request_sets_aside_its_worst_case() -> None:
    """While a stream is open, what it may cost is not spent by others; at its end the true cost counts."""
    fakes = FakeProviders({"oxen": [raw(event("Hi"), event(finish="stop"), b"data: [DONE]\n\n"), answer()]})
    client = fakes.client("oxen", max_cost_usd=WORST * 1.5)
    stream = client.stream(MAX)
    next(stream)
    with pytest.raises(BudgetExceeded, match="set aside for calls under way"):
        client.chat(MAX)
    stream.response()

    assert client.chat(MAX).text == "Hi"
    assert client.totals.calls == 2


@pytest.mark.parametrize("settings", [{"n": 4}, {"max_tokens": 4_000}, {"max_tokens": None}], ids=repr)
def test_a_request_that_may_cost_too_much_is_refused(settings: dict[str, Any]) -> None:
    """By its number of answers and their length; without `max_tokens` by the model's own limit."""
    fakes = FakeProviders()
    client = fakes.client("aimlapi", max_cost_usd=WORST * 2)

    with pytest.raises(BudgetExceeded) as caught:
        client.chat(replace(MAX, **settings))
    assert (fakes.asked, caught.value.attempts) == ([], ())
    assert client.chat(MAX).text == "Hi"


PROMPTS = [
    Message.user("x" * 1_000_000),
    Message.user("Look", Blob("A" * 8_000_000, "audio/wav")),
    Message.user("Look", FileReference("https://example.com/film.mp4", "video/mp4")),
]


@pytest.mark.parametrize("message", PROMPTS, ids=["text", "audio", "address"])
def test_the_prompt_is_part_of_the_worst_case(message: Message) -> None:
    """Long texts, media, and media of unknown size."""
    client = FakeProviders().client("cloudflare", max_cost_usd=0.02)

    with pytest.raises(BudgetExceeded):
        client.chat(replace(MAX, messages=(message,)))


def test_failures_give_back_what_they_set_aside() -> None:
    """Nothing was answered, so nothing was spent."""
    fakes = FakeProviders({"oxen": [status(503), status(503), status(503), answer()]})
    client = fakes.client("oxen", max_cost_usd=WORST * 1.5, max_retries=2)
    with pytest.raises(Exception, match="503"):
        client.chat(MAX)

    assert client.chat(MAX).text == "Hi"


def test_copies_spend_the_same_money() -> None:
    """A deep copy of a client is no new budget."""
    client = FakeProviders().client("oxen", max_cost_usd=1.0)
    copied = copy.deepcopy(client)
    client.chat(MAX)

    assert copied.totals == client.totals
    assert copied.totals.calls == 1


def test_a_successor_goes_on_with_the_same_money() -> None:
    """Other settings are no new budget either."""
    client = FakeProviders().client("oxen")
    client.chat(MAX)
    successor = FakeProviders().client("oxen", timeout=5.0)
    successor.inherit(client)

    assert successor.totals == client.totals


def test_a_stream_that_is_left_is_counted() -> None:
    """What it used is estimated: the provider did not come to say it."""
    fakes = FakeProviders({"oxen": [raw(event("Hi there"), event("and more"), event(finish="stop"))]})
    client = fakes.client("oxen")
    with client.stream(REQUEST) as stream:
        next(stream)

    assert (client.totals.calls, client.totals.abandoned_calls) == (0, 1)
    assert client.totals.cost_usd > 0
    assert client.totals.output_tokens > 0
