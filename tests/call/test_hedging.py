"""A second provider is asked when the first is slow; whoever begins first gives the answer, and the other is let go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AllRoutesFailed,
    AuthenticationFailed,
    ChatResponse,
    Client,
    ConfigurationError,
    Finished,
    Hedging,
)
from tests.end_to_end.providers import AT_ONCE, DONE, HOSTS, PROVIDERS, REQUEST, Reply, answer, event, raw, status

AT_ZERO = Hedging(after=0.0, share=1.0)
NEVER = Hedging(after=60.0, share=1.0)


@dataclass
class Slow:
    """Providers of which some wait at a gate before they answer."""

    waiting: set[str]
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    """Set when a provider waits."""
    opener: str = ""
    """The provider after whose answer nobody waits any more."""
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    responses: list[httpx.Response] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def blocking(self, request: httpx.Request) -> httpx.Response:
        provider = self.enter(request)
        if provider in self.waiting:
            self.begun.set()
            assert self.gate.wait(20)
        elif self.waiting:
            assert self.begun.wait(20)  # threads may begin in any order
        if provider == self.opener:
            threading.Timer(0.05, self.gate.set).start()
        return self.reply(provider)

    async def asynchronous(self, request: httpx.Request) -> httpx.Response:
        provider = self.enter(request)
        if provider in self.waiting:
            try:
                await self.opened.wait()
            except asyncio.CancelledError:
                self.cancelled.append(provider)
                raise
        if provider == self.opener:
            asyncio.get_running_loop().call_later(0.05, self.opened.set)
        return self.reply(provider)

    def enter(self, request: httpx.Request) -> str:
        provider = HOSTS[request.url.host]
        self.asked.append(provider)
        return provider

    def reply(self, provider: str) -> httpx.Response:
        response = self.replies.get(provider, answer())()
        self.responses.append(response)
        return response

    def client(self, *names: str, hedging: Any = AT_ZERO, **settings: Any) -> Client:
        return Client(
            [provider for provider in PROVIDERS if provider.name in (names or ("aimlapi", "oxen"))],
            hedging=hedging,
            http_client=httpx.Client(transport=httpx.MockTransport(self.blocking)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.asynchronous)),
            **{"retry_policy": AT_ONCE, **settings},
        )

    def open(self) -> None:
        """Let everybody through, and wait for the threads of lost races."""
        self.gate.set()
        self.opened.set()
        for thread in threading.enumerate():
            if thread.name == "gemini-multi-hedge":
                thread.join(20)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "gemini-multi-hedge"]


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


async def chat(client: Client) -> ChatResponse:
    return client.chat(REQUEST)


async def achat(client: Client) -> ChatResponse:
    return await client.for_async().chat(REQUEST)


async def stream(client: Client) -> ChatResponse:
    return client.stream(REQUEST).response()


async def astream(client: Client) -> ChatResponse:
    return await client.for_async().stream(REQUEST).response()


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream, astream])


@WAYS
async def test_the_second_provider_answers_for_a_slow_one(ask: Any) -> None:
    """The answer tells of both, and what the loser may have used is counted."""
    slow = Slow({"aimlapi"})
    client = slow.client()
    response = await ask(client)
    slow.open()

    assert (response.provider, sorted(slow.asked)) == ("oxen", ["aimlapi", "oxen"])
    assert sorted((one.provider, one.outcome) for one in response.attempts) == [
        ("aimlapi", "cancelled"),
        ("oxen", "answered"),
    ]
    assert (client.totals.calls, client.totals.abandoned_calls) == (1, 1)
    assert client.totals.cost_usd > (response.usage.cost_usd or 0.0)


@WAYS
async def test_a_provider_that_is_fast_enough_is_asked_alone(ask: Any) -> None:
    """Nothing is asked twice as long as the first begins in time."""
    slow = Slow(set())
    client = slow.client(hedging=NEVER)
    response = await ask(client)

    assert (response.provider, slow.asked, client.totals.abandoned_calls) == ("aimlapi", ["aimlapi"], 0)


@WAYS
async def test_the_first_provider_may_still_win(ask: Any) -> None:
    """Being late is no failure."""
    slow = Slow({"oxen"})
    response = await ask(slow.client(hedging=Hedging(after=0.0, share=1.0)))
    slow.open()

    assert response.provider == "aimlapi"


@WAYS
async def test_when_the_rival_fails_the_first_is_waited_for(ask: Any) -> None:
    """A hedge that goes wrong does no harm."""
    slow = Slow({"aimlapi"}, {"oxen": status(401)}, opener="oxen")
    response = await ask(slow.client())
    slow.open()

    assert (response.provider, sorted(slow.asked)) == ("aimlapi", ["aimlapi", "oxen"])
    assert [one.outcome for one in response.attempts] == ["failed", "answered"]


@WAYS
async def test_when_both_fail_the_error_tells_of_both(ask: Any) -> None:
    """No other provider is left."""
    slow = Slow(set(), {"aimlapi": status(401), "oxen": status(402)})
    with pytest.raises((AllRoutesFailed, AuthenticationFailed)) as caught:
        await ask(slow.client())
    slow.open()

    assert {one.status for one in caught.value.attempts} == {401, 402}


@pytest.mark.parametrize("ask", [stream, astream])
async def test_a_stream_goes_on_with_the_winner(ask: Any) -> None:
    """Its later pieces come from the provider that began."""
    slow = Slow({"aimlapi"}, {"oxen": raw(event("H"), event("i"), event(finish="stop"), DONE)})
    response = await ask(slow.client())
    slow.open()

    assert (response.text, response.provider) == ("Hi", "oxen")
    assert all(one.is_closed for one in slow.responses)


@WAYS
async def test_hedges_are_a_share_of_the_calls(ask: Any) -> None:
    """With one in twenty allowed, the calls after a hedged one wait for their provider."""
    slow = Slow({"aimlapi"})
    client = slow.client(hedging=Hedging(after=0.0, share=0.05))
    await ask(client)
    slow.open()
    for _ in range(18):
        await ask(client)

    assert slow.asked.count("oxen") == 1
    for _ in range(2):
        await ask(client)
    assert slow.asked.count("oxen") <= 2


@WAYS
async def test_by_default_the_slowest_twentieth_is_hedged(ask: Any) -> None:
    """Once it is known how long the provider takes."""
    slow = Slow(set())
    client = slow.client(hedging=True)
    for _ in range(20):
        await ask(client)
    assert set(slow.asked) == {"aimlapi"}
    slow.waiting.add("aimlapi")
    response = await ask(client)
    slow.open()

    assert response.provider == "oxen"


@WAYS
async def test_a_resting_provider_is_no_rival(ask: Any) -> None:
    """Only a healthy one is asked beside the first."""
    slow = Slow(set(), {"oxen": status(402)})
    client = slow.client()
    with pytest.raises(Exception, match="oxen"):
        client.chat(REQUEST, providers="oxen")
    response = await ask(client)
    slow.open()

    assert (response.provider, slow.asked) == ("aimlapi", ["oxen", "aimlapi"])


@WAYS
async def test_with_one_provider_nothing_is_hedged(ask: Any) -> None:
    """There is nobody else."""
    slow = Slow(set())

    assert (await ask(slow.client("oxen"))).provider == "oxen"
    assert slow.asked == ["oxen"]


@pytest.mark.parametrize("ask", [achat, astream])
async def test_cancelling_a_race_cancels_both(ask: Any) -> None:
    """Neither provider is waited for any longer."""
    slow = Slow({"aimlapi", "oxen"})
    client = slow.client()
    task = asyncio.ensure_future(ask(client))
    while len(slow.asked) < 2:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(slow.cancelled) == ["aimlapi", "oxen"]
    assert client.totals.abandoned_calls == 2


async def test_a_stream_that_lost_after_its_answer_is_counted() -> None:
    """An answer in one piece that came second was paid for in full."""
    slow = Slow(set())
    client = slow.client()
    async for item in client.for_async().stream(REQUEST):
        last = item
    assert isinstance(last, Finished)

    assert client.totals.calls + client.totals.abandoned_calls == len(slow.asked)


@pytest.mark.parametrize(
    ("given", "says"),
    [({"after": -1.0}, "after"), ({"share": 0.0}, "share"), ({"share": 1.5}, "share")],
    ids=repr,
)
def test_a_senseless_hedging_is_refused(given: dict[str, float], says: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigurationError, match=says):
        Hedging(**given)


@pytest.mark.parametrize(
    ("given", "expected"), [(None, None), (False, None), (True, Hedging()), (2.5, Hedging(after=2.5)), (NEVER, NEVER)]
)
def test_hedging_is_taken_in_short_forms(given: Any, expected: Hedging | None) -> None:
    """Seconds, yes or no, or in full."""
    assert Hedging.of(given) == expected
