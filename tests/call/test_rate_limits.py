"""What calls do when a provider has no room: on a scripted clock, and through both clients."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gemini_multi import (
    BudgetExceeded,
    ChatResponse,
    Client,
    ConfigurationError,
    GeminiMultiError,
    RateLimit,
    RateLimited,
    RateLimits,
    SharedStorage,
    StorageUnavailable,
)
from gemini_multi._call.permits import Permits
from gemini_multi._routing.ledger import Ledger
from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit
from gemini_multi._storage.memory import MemoryStorage
from gemini_multi.types import ChatRequest
from tests.end_to_end.providers import PROVIDERS, REQUEST, FakeProviders, answer, event, failure, raw, status
from tests.redis_server import RedisServer
from tests.redis_server import redis_server as redis_server

from .stage import ANSWER, BUSY, OK, Stage


def stage(scenes: list[list[Any]], limits: Any, **settings: Any) -> Stage:
    """A stage whose clock is the limits' clock too."""
    made = Stage(scenes, providers=PROVIDERS[1:], **settings)
    made.permits = Permits(
        MemoryStorage(lambda: made.now), limits if isinstance(limits, RateLimits) else RateLimits(limits)
    )
    return made


GOOD = [OK, ANSWER]
ONE = RateLimit(requests_per_minute=1)


def test_a_full_provider_is_passed_over() -> None:
    """The next one that has room answers, without a wait; the passed one was not asked."""
    calls = stage([GOOD, GOOD], {"aimlapi": ONE})
    calls.play()
    calls.play()

    assert (calls.asked, calls.waits) == (["aimlapi", "oxen"], [])
    assert len(calls.answer.response.attempts) == 1


def test_a_call_waits_when_no_provider_has_room() -> None:
    """For the one that has some first."""
    calls = stage([GOOD, GOOD, GOOD], {"*": ONE})
    for pause in (10.0, 20.0, 0.0):
        calls.play(chance=0.0)
        calls.now += pause

    assert calls.asked == ["aimlapi", "oxen", "aimlapi"]
    assert calls.waits == [pytest.approx(30.0, abs=0.01)]
    assert calls.answer.response.attempts[0].wait == pytest.approx(30.0, abs=0.01)


def test_a_call_may_keep_to_its_order() -> None:
    """And wait for the first, though the second has room."""
    calls = stage([GOOD, GOOD], RateLimits({"aimlapi": ONE}, when_full="wait"))
    calls.play()
    calls.play(chance=0.0)

    assert calls.asked == ["aimlapi", "aimlapi"]
    assert calls.waits == [pytest.approx(60.0, abs=0.01)]


def test_waits_are_spread() -> None:
    """So that not all who wait try at the same moment."""
    calls = stage([GOOD, GOOD, GOOD], {"*": ONE})
    for _ in range(3):
        calls.play(chance=1.0)

    assert calls.waits == [pytest.approx(66.0, abs=0.01)]


@pytest.mark.parametrize("when_full", ["next", "wait"])
def test_nobody_waits_beyond_the_deadline(when_full: Any) -> None:
    """The error says for how long there is no room, and that it is worth another try then."""
    calls = stage([GOOD, GOOD], RateLimits({"*": ONE}, when_full=when_full))
    calls.play()
    calls.play(deadline=30.0)
    with pytest.raises(Exception, match="no room within the rate limits") as caught:
        calls.play(deadline=30.0)

    assert calls.waits == []
    assert caught.value.is_retryable  # type: ignore[attr-defined]


def test_one_provider_without_room_is_rate_limited() -> None:
    """Not a group of one."""
    calls = stage([GOOD], {"*": ONE})
    calls.providers = PROVIDERS[2:]
    calls.play()
    with pytest.raises(RateLimited) as caught:
        calls.play(deadline=30.0)

    assert caught.value.retry_after == pytest.approx(60.0, abs=0.01)
    assert caught.value.provider == "oxen"


def test_repeats_count_too() -> None:
    """Each of them is a request: with room for two, the third goes elsewhere."""
    calls = stage([[BUSY], [BUSY], GOOD, GOOD, GOOD], {"aimlapi": RateLimit(requests_per_minute=2)})
    calls.providers = PROVIDERS[1:2]
    with pytest.raises(Exception, match="aimlapi"):
        calls.play(deadline=30.0, max_retries=5, initial_wait=0.0)

    assert calls.asked == ["aimlapi", "aimlapi"]


def test_a_refusal_halves_the_rate() -> None:
    """For a minute."""
    refused = replace(OK, status=429)
    calls = stage([[refused], GOOD, GOOD, GOOD], {"aimlapi": RateLimit(requests_per_minute=4)})
    calls.play()
    calls.now += 20
    calls.play()
    calls.play()

    assert calls.asked == ["aimlapi", "oxen", "aimlapi", "oxen"]


def test_a_model_has_limits_of_its_own() -> None:
    """Beside those of its provider."""
    calls = stage([GOOD] * 3, {"aimlapi/gemini-2.5-flash-lite": ONE, "aimlapi": RateLimit(requests_per_minute=9)})
    calls.play()
    calls.play()
    calls.request = replace(REQUEST, model="gemini-2.5-pro")
    calls.play()

    assert calls.asked == ["aimlapi", "oxen", "aimlapi"]


def test_tokens_that_were_not_used_are_given_back() -> None:
    """The answer says what was used; a failed request used nothing."""
    calls = stage([GOOD, [BUSY], GOOD], {"aimlapi": RateLimit(tokens_per_minute=1500)})
    usage = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"total_tokens": 7, '
    usage += b'"prompt_tokens": 3, "completion_tokens": 4}}'
    calls.scenes = [[OK, usage], [OK, usage], [OK, usage]]
    for _ in range(3):
        calls.play()

    assert calls.asked == ["aimlapi"] * 3


# Through the clients.


def test_a_request_that_the_budget_refuses_uses_no_tokens() -> None:
    """The attempt before it used some; they count once."""
    settled: list[Outcome] = []

    class Recording(MemoryStorage):
        def settle(self, permit: Permit, outcome: Outcome) -> None:
            settled.append(outcome)
            super().settle(permit, outcome)

    empty = b'{"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": 90000, "total_tokens": 90000}}'
    made = stage([[OK, empty]], {})
    made.request = replace(made.request, max_tokens=1)
    made.permits, made.ledger = Permits(Recording(lambda: 0.0), RateLimits()), Ledger(0.001)

    with pytest.raises(BudgetExceeded):
        made.play()

    assert settled == [Outcome(tokens=90_000, cost_usd=made.ledger.totals.cost_usd), Outcome(tokens=0)]


async def chat(client: Client, request: ChatRequest = REQUEST) -> ChatResponse:
    return client.chat(request)


async def achat(client: Client, request: ChatRequest = REQUEST) -> ChatResponse:
    return await client.for_async().chat(request)


async def stream(client: Client, request: ChatRequest = REQUEST) -> ChatResponse:
    return client.stream(request).response()


async def astream(client: Client, request: ChatRequest = REQUEST) -> ChatResponse:
    return await client.for_async().stream(request).response()


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream, astream])
Ask = Callable[[Client], Any]


@WAYS
@pytest.mark.parametrize("place", ["memory", "redis"])
async def test_limits_hold_for_a_client_and_its_copies(ask: Ask, place: str, request: pytest.FixtureRequest) -> None:
    """Blocking or not, and for what was copied or pickled, where a server counts."""
    providers = FakeProviders()
    url = request.getfixturevalue("redis_server").url if place == "redis" else None
    client = providers.client("aimlapi", "oxen", rate_limits={"aimlapi": {"requests_per_minute": 2}}, storage=url)
    await ask(client)
    await ask(copy.deepcopy(client))
    await ask(client)

    assert providers.asked == ["aimlapi", "aimlapi", "oxen"]
    pickle.loads(pickle.dumps(client))


@WAYS
@pytest.mark.parametrize(
    "script",
    [
        [answer()],
        [status(500), answer()],
        [failure(httpx.ReadError("reset")), answer()],
        [raw(event("Hi"), httpx.ReadError("reset")), answer()],
    ],
)
async def test_a_place_is_free_again_however_a_call_ends(ask: Ask, script: list[Any]) -> None:
    """Answered, refused, cut off: the next call finds room."""
    providers = FakeProviders({"oxen": script})
    client = providers.client("oxen", rate_limits={"oxen": {"concurrency": 1}}, deadline=5.0)
    for _ in range(3):
        with contextlib.suppress(GeminiMultiError):
            await ask(client)

    assert len(providers.asked) >= 3


async def test_a_stream_that_is_left_frees_its_place() -> None:
    """At once."""
    providers = FakeProviders({"oxen": [raw(event("Hi"), event("there"))]})
    client = providers.client("oxen", rate_limits={"oxen": {"concurrency": 1}}, deadline=5.0)
    for _ in range(2):
        with client.stream(REQUEST) as events:
            next(events)
    async with client.for_async().stream(REQUEST) as answers:
        await anext(answers)

    assert providers.asked == ["oxen"] * 3


@WAYS
async def test_a_budget_is_shared_by_clients(ask: Ask, redis_server: RedisServer) -> None:
    """What one has spent is gone for the other, and what was not needed is not."""
    providers = FakeProviders({"oxen": [answer(usage={"prompt_tokens": 10, "completion_tokens": 10, "cost": 0.4})]})
    settings = {"storage": SharedStorage(redis_server.url, budget="run"), "max_cost_usd": 1.0}
    clients = [providers.client("oxen", **settings) for _ in range(2)]
    await ask(clients[0])
    await ask(clients[1])
    with pytest.raises(BudgetExceeded, match=r"0\.8\d* USD were spent") as caught:
        await ask(providers.client("oxen", storage=settings["storage"], max_cost_usd=0.8))

    assert caught.value.spent_usd == pytest.approx(0.8)
    assert clients[0].totals.cost_usd == pytest.approx(0.4)


@WAYS
async def test_a_request_that_may_be_billed_is_spent(ask: Ask, redis_server: RedisServer) -> None:
    """As the client's own totals count it: here one that timed out."""
    providers = FakeProviders({"oxen": [failure(httpx.ReadTimeout("slow"))]})
    client = providers.client("oxen", storage=redis_server.url, max_cost_usd=1.0, max_retries=0)
    with contextlib.suppress(GeminiMultiError):
        await ask(client)

    assert client.totals.cost_usd > 0
    assert client._options.permits is not None
    assert client._options.permits.storage.spent_usd() == pytest.approx(client.totals.cost_usd, abs=1e-9)


@WAYS
async def test_no_call_is_sent_without_the_storage(ask: Ask, redis_server: RedisServer) -> None:
    """It may be the last one of the budget."""
    providers = FakeProviders()
    client = providers.client("oxen", rate_limits={"oxen": {"concurrency": 1}}, storage=redis_server.url)
    redis_server.kill()

    with pytest.raises(StorageUnavailable, match="gives no answer"):
        await ask(client)
    assert providers.asked == []


class Failing:
    """A storage that is lost while a call is under way."""

    is_local = False

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        return Permit(demand)

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        raise StorageUnavailable("gone")

    def spent_usd(self) -> float:
        return 0.0


@WAYS
async def test_an_answer_is_not_lost_with_the_storage(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """It was paid for. A warning tells that it was not counted."""
    client = FakeProviders().client("oxen", rate_limits={"oxen": {"concurrency": 1}})
    client._options = replace(client._options, permits=Permits(Failing(), RateLimits()))

    assert (await ask(client)).text == "Hi"
    assert "was not counted" in caplog.text


class Slow(Failing):
    """A storage that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.gate, self.settled = threading.Event(), threading.Event(), threading.Event()

    def reserve(self, demand: Demand) -> Permit | NoRoom | NoMoney:
        self.asked.set()
        assert self.gate.wait(20)
        return Permit(demand)

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        self.settled.set()


async def test_a_permit_that_comes_too_late_is_given_back() -> None:
    """The call was cancelled while the storage was asked."""
    providers, storage = FakeProviders(), Slow()
    client = providers.client("oxen", rate_limits={"oxen": {"concurrency": 1}}).for_async()
    client._options = replace(client._options, permits=Permits(storage, RateLimits()))
    call = asyncio.create_task(client.chat(REQUEST))
    await asyncio.to_thread(storage.asked.wait, 20)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    storage.gate.set()

    assert await asyncio.to_thread(storage.settled.wait, 20)
    assert providers.asked == []


def test_a_left_stream_is_settled_beside_the_call(redis_server: RedisServer) -> None:
    """Closing a stream waits for no server."""
    providers = FakeProviders({"oxen": [raw(event("Hi"), event("there"))]})
    client = providers.client("oxen", rate_limits={"oxen": {"concurrency": 1}}, storage=redis_server.url, deadline=5.0)
    with client.stream(REQUEST) as events:
        next(events)
    for thread in threading.enumerate():
        if thread.name == "gemini-multi-settlement":
            thread.join()
    with client.stream(REQUEST) as events:
        next(events)

    assert providers.asked == ["oxen"] * 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"oxen": {"requests_per_minute": 0}}, "above 0"),
        ({"oxen": {"requests_per_minute": 1.5}}, "whole number"),
        ({"oxen": {"requests": 1}}, "a mapping of concurrency, requests_per_minute, tokens_per_minute"),
        ({"oxen": 5}, "must be a `RateLimit`"),
    ],
)
def test_limits_that_make_no_sense_are_refused(given: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FakeProviders().client("oxen", rate_limits=given)


def test_limits_say_what_a_call_does() -> None:
    with pytest.raises(ConfigurationError, match="'next' or 'wait'"):
        RateLimits(when_full="fail")  # type: ignore[arg-type]


def test_a_place_in_storage_does_not_hold_the_key(redis_server: RedisServer) -> None:
    """Only what tells it from other keys."""
    client = FakeProviders().client("oxen", rate_limits={"oxen": {"requests_per_minute": 9}}, storage=redis_server.url)
    client.chat(REQUEST)
    keys = client._options.permits.storage._server.keys("*")  # type: ignore[union-attr]

    assert len(keys) == 1
    assert b"oxen-key" not in keys[0]
