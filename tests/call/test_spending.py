"""What totals and limits see: every request that a provider may bill, once, whoever gets its answer."""

from __future__ import annotations

import math
import pickle
from typing import Any

import httpx
import pytest

from gemini_multi import Client, ConfigurationError, ConnectionFailed, GeminiMultiError, Oxen, StreamInterrupted, Totals
from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, Reply, answer, event, failure, raw, status

WHOLE = (event("Hello"), event(" you", "stop"), DONE)
KEY = "sk-0123456789abcdef"


async def totals_after(mode: str, reply: Reply, *, leave: bool = False, stream: bool = True) -> Totals:
    """Ask once, whatever comes of it."""
    client = FakeProviders({"oxen": [reply]}).client("oxen", max_retries=0)
    try:
        if mode == "blocking":
            _ask(client, leave=leave, stream=stream)
        else:
            await _ask_async(client, leave=leave, stream=stream)
    except GeminiMultiError:
        pass
    return client.totals


def _ask(client: Client, *, leave: bool, stream: bool) -> None:
    if not stream:
        client.chat(REQUEST)
        return
    with client.stream(REQUEST) as events:
        for _ in events:
            if leave:
                break


async def _ask_async(client: Client, *, leave: bool, stream: bool) -> None:
    if not stream:
        await client.for_async().chat(REQUEST)
        return
    async with client.for_async().stream(REQUEST) as events:
        async for _ in events:
            if leave:
                break


def counted(totals: Totals) -> tuple[int, int, bool]:
    return totals.calls, totals.abandoned_calls, totals.cost_usd > 0


both = pytest.mark.parametrize("mode", ["blocking", "async"])


@both
async def test_a_stream_that_is_left_counts_although_all_had_come(mode: str) -> None:
    """The provider has answered in full."""
    assert counted(await totals_after(mode, raw(b"".join(WHOLE)), leave=True)) == (1, 0, True)


@both
async def test_a_stream_that_is_left_in_the_middle_counts_by_an_estimate(mode: str) -> None:
    """What it would have cost to its end is not known."""
    assert counted(await totals_after(mode, raw(*WHOLE), leave=True)) == (0, 1, True)


@both
async def test_a_stream_that_broke_counts_by_an_estimate(mode: str) -> None:
    """The provider billed what it had sent."""
    broken = raw(event("Hello"), httpx.ReadError("reset"))

    assert counted(await totals_after(mode, broken)) == (1, 0, True)


@both
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.ReadError("reset")])
async def test_a_request_that_failed_after_it_was_sent_counts_by_an_estimate(
    mode: str, error: Exception, stream: bool
) -> None:
    """The provider may have worked on it."""
    assert counted(await totals_after(mode, failure(error), stream=stream)) == (0, 1, True)


@both
@pytest.mark.parametrize(
    "reply",
    [
        failure(httpx.ConnectError("refused")),
        failure(httpx.ConnectTimeout("slow")),
        failure(httpx.PoolTimeout("full")),
        status(429),
        status(500),
    ],
)
async def test_a_request_that_no_provider_worked_on_costs_nothing(mode: str, reply: Reply) -> None:
    """It was never sent, or it was refused."""
    assert await totals_after(mode, reply) == Totals()


@both
async def test_a_whole_answer_counts_once(mode: str) -> None:
    """Whole and streamed, read to the end."""
    assert counted(await totals_after(mode, answer(), stream=False)) == (1, 0, True)
    assert counted(await totals_after(mode, raw(*WHOLE))) == (1, 0, True)


@both
async def test_an_empty_answer_that_is_asked_for_again_counts_too(mode: str) -> None:
    """Both were paid for, and the second is the answer."""
    fake = FakeProviders({"oxen": [answer(""), answer()]})
    client = fake.client("oxen")
    response = client.chat(REQUEST) if mode == "blocking" else await client.for_async().chat(REQUEST)

    assert response.text == "Hi"
    assert (client.totals.calls, client.totals.total_tokens) == (2, 14)


@pytest.mark.parametrize("limit", [math.nan, -1.0])
@pytest.mark.parametrize("make", [Client, ChatGeminiMulti, GeminiMulti])
def test_a_limit_that_is_no_amount_is_refused(make: Any, limit: float) -> None:
    """`nan` would be no limit at all."""
    settings: dict[str, Any] = {} if make is Client else {"model": "gemini-2.5-flash"}
    ask = {Client: lambda made: made, ChatGeminiMulti: lambda made: made.invoke("x")}.get(
        make, lambda m: m.complete("x")
    )

    with pytest.raises(ConfigurationError, match="`max_cost_usd`"):
        ask(make(providers=[Oxen("key")], max_cost_usd=limit, **settings))


ECHOES = [
    status(400, {"error": {"message": f"bad header: Bearer {KEY}", "code": KEY, "details": [{"seen": [KEY]}]}}),
    status(401, {"message": f"no such key: {KEY}"}),
    raw(f"<html>Bearer {KEY}</html>".encode()),
    raw(b'data: {"error": {"message": "bad key ' + KEY.encode() + b'", "code": 500}}\n\n'),
]


@both
@pytest.mark.parametrize("reply", ECHOES)
async def test_a_key_that_a_provider_echoes_is_nowhere_in_the_error(mode: str, reply: Reply) -> None:
    """Neither in its text, nor in what it keeps, its attempts or its pickle."""
    fake = FakeProviders({"oxen": [reply]})
    client = Client(
        [Oxen(KEY)],
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(fake)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(fake)),
    )
    with pytest.raises(GeminiMultiError) as caught:
        client.chat(REQUEST) if mode == "blocking" else await client.for_async().chat(REQUEST)

    shown = f"{caught.value} {caught.value!r} {vars(caught.value)!r}"
    assert KEY not in shown
    assert "**********" in shown
    assert KEY.encode() not in pickle.dumps(caught.value)
    assert not isinstance(caught.value, (ConnectionFailed, StreamInterrupted))
