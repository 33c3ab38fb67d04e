"""The caller's own conditions: an answer that is not wanted leads to the next provider."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gemini_multi import (
    AuthenticationFailed,
    ChatResponse,
    Client,
    Cloudflare,
    ConfigurationError,
    FailoverOn,
    Hedging,
    Oxen,
    PromptBlocked,
    ResponseFormat,
    StreamInterrupted,
    TextDelta,
    Tool,
    ToolChoice,
)
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, Reply, answer, event, raw, status

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}
JSON = replace(REQUEST, response_format=ResponseFormat(SCHEMA))
FORCED = replace(REQUEST, tools=(Tool("f", parameters=SCHEMA),), tool_choice=ToolChoice("required"))


async def chat(client: Client, request: Any = REQUEST, **arguments: Any) -> ChatResponse:
    return client.chat(request, **arguments)


async def achat(client: Client, request: Any = REQUEST, **arguments: Any) -> ChatResponse:
    return await client.for_async().chat(request, **arguments)


async def stream(client: Client, request: Any = REQUEST, **arguments: Any) -> ChatResponse:
    return client.stream(request, **arguments).response()


async def astream(client: Client, request: Any = REQUEST, **arguments: Any) -> ChatResponse:
    return await client.for_async().stream(request, **arguments).response()


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream, astream])


def ended(text: str | None, reason: str, **message: Any) -> Reply:
    """Answer in one piece, as every endpoint may."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": reason}
    return answer(choices=[choice])


def called(arguments: Any) -> Reply:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps(arguments)}}
    return ended(None, "tool_calls", tool_calls=[call])


def is_short(response: ChatResponse) -> bool:
    return len(response.text) < 3


UNWANTED: dict[str, tuple[Any, Any, Reply]] = {
    "refusal in words": ("refusal", REQUEST, ended(None, "stop", refusal="I will not")),
    "refusal by a filter": ("refusal", REQUEST, ended("Well", "content_filter")),
    "filter": ("content_filter", REQUEST, ended("Well", "content_filter")),
    "filter before the first word": ("content_filter", REQUEST, ended(None, "content_filter")),
    "length": ("length", REQUEST, ended("Once upon", "length")),
    "no JSON": ("invalid_output", JSON, ended("I am 3", "stop")),
    "JSON of another shape": ("invalid_output", JSON, ended('{"age": -1}', "stop")),
    "a call of another shape": ("invalid_output", FORCED, called({"age": -1})),
    "no call": ("invalid_output", FORCED, ended("Well", "stop")),
    "one of several": (["length", "refusal"], REQUEST, ended("Well", "content_filter")),
    "a function": (is_short, REQUEST, ended("Hm", "stop")),
}
WANTED: dict[str, tuple[Any, Any, Reply]] = {
    "another reason": ("refusal", REQUEST, ended("Once upon", "length")),
    "a refusal is no filter": ("content_filter", REQUEST, ended(None, "stop", refusal="I will not")),
    "JSON that fits": ("invalid_output", JSON, ended('{"age": 3}', "stop")),
    "JSON in a fence": ("invalid_output", JSON, ended('```json\n{"age": 3}\n```', "stop")),
    "a call instead of JSON": ("invalid_output", replace(JSON, tools=FORCED.tools), called({"age": -1})),
    "a call that fits": ("invalid_output", FORCED, called({"age": 3})),
    "text without a format": ("invalid_output", REQUEST, ended("Hm", "stop")),
    "a function": (is_short, REQUEST, ended("Hello", "stop")),
    "no condition": ((), REQUEST, ended("Once upon", "length")),
}
GOOD = {"FORCED": called({"age": 3}), "OTHER": ended('{"age": 3}', "stop")}


@WAYS
@pytest.mark.parametrize("name", UNWANTED)
async def test_the_next_provider_is_asked(name: str, ask: Any) -> None:
    """The unwanted answer is an attempt, and is paid for; no provider is asked twice for it."""
    condition, request, reply = UNWANTED[name]
    good = GOOD["FORCED" if request is FORCED else "OTHER"]
    fake = FakeProviders({"aimlapi": [reply], "oxen": [good]})
    client = fake.client("aimlapi", "oxen", failover_on=condition)
    found = await ask(client, request)

    assert (fake.asked, found.provider) == (["aimlapi", "oxen"], "oxen")
    assert [(one.outcome, one.error) for one in found.attempts] == [("failed", "UnwantedAnswer"), ("answered", "")]
    assert "failover_on" in found.attempts[0].message
    assert (client.totals.calls, client.totals.total_tokens) == (2, 14)
    assert client.totals.cost_usd == pytest.approx(2 * (found.usage.cost_usd or 0), rel=0.9)


@WAYS
@pytest.mark.parametrize("name", WANTED)
async def test_a_wanted_answer_is_returned(name: str, ask: Any) -> None:
    """Nobody else is asked."""
    condition, request, reply = WANTED[name]
    fake = FakeProviders({"aimlapi": [reply]})
    await ask(fake.client("aimlapi", "oxen", failover_on=condition), request)

    assert fake.asked == ["aimlapi"]


@WAYS
async def test_a_call_has_its_own_conditions(ask: Any) -> None:
    """They replace the client's; `()` is none."""
    fake = FakeProviders({"aimlapi": [ended("Once upon", "length")]})
    client = fake.client("aimlapi", "oxen", failover_on="length")
    await ask(client, failover_on=())
    await ask(fake.client("aimlapi", "oxen"), failover_on="length")

    assert fake.asked == ["aimlapi", "aimlapi", "oxen"]


@WAYS
@pytest.mark.parametrize("others", [[status(401)], [ended(None, "content_filter")]])
async def test_when_nobody_does_better_there_is_an_answer(others: list[Reply], ask: Any) -> None:
    """The last one, as it is; all are paid for."""
    fake = FakeProviders({"aimlapi": [ended("Once", "content_filter")], "oxen": others})
    client = fake.client("aimlapi", "oxen", failover_on="refusal")
    found = await ask(client)

    assert found.finish_reason == "content_filter"
    assert [one.outcome for one in found.attempts] == ["failed", "failed"]
    assert client.totals.total_tokens == (7 if others[0]().status_code == 401 else 14)


BLOCKED = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}).encode()


@WAYS
@pytest.mark.parametrize(("condition", "asked"), [("refusal", 2), ("content_filter", 2), ("length", 1), ((), 1)])
async def test_a_blocked_prompt_is_a_refusal(condition: Any, asked: int, ask: Any) -> None:
    """Another provider may filter less; when all block it, the error says so."""
    fake = FakeProviders({"cloudflare": [raw(BLOCKED)]})
    providers = [Cloudflare("account", "key", api="run"), Cloudflare("other", "key", api="run")]
    with pytest.raises(PromptBlocked) as raised:
        await ask(fake.client("oxen"), providers=providers, failover_on=condition)

    assert len(fake.asked) == len(raised.value.attempts) == asked


CUT = raw(event("Once "), event("upon"), event(finish="length"), DONE)
WHOLE = raw(event("A whole "), event("answer"), event(finish="stop"), DONE)


@pytest.mark.parametrize("ask", [stream, astream])
async def test_a_stream_that_has_begun_goes_on(ask: Any) -> None:
    """What was delivered cannot be taken back."""
    fake = FakeProviders({"aimlapi": [CUT], "oxen": [WHOLE]})
    found = await ask(fake.client("aimlapi", "oxen", failover_on="length"))

    assert (found.text, found.finish_reason, fake.asked) == ("Once upon", "length", ["aimlapi"])


@pytest.mark.parametrize("ask", [stream, astream])
async def test_a_stream_of_thoughts_is_judged(ask: Any) -> None:
    """They are no answer, though they were delivered."""
    thought = raw(event(reasoning_content="Hm"), event(finish="content_filter"), DONE)
    fake = FakeProviders({"aimlapi": [thought], "oxen": [WHOLE]})
    found = await ask(fake.client("aimlapi", "oxen", failover_on="refusal"))

    assert (found.text, fake.asked) == ("A whole answer", ["aimlapi", "oxen"])


@pytest.mark.parametrize("ask", [stream, astream])
async def test_a_buffered_stream_is_judged_as_a_whole(ask: Any) -> None:
    """Nothing of the unwanted answer is seen, and all of the wanted one."""
    fake = FakeProviders({"aimlapi": [CUT], "oxen": [WHOLE]})
    found = await ask(fake.client("aimlapi", "oxen", failover_on=FailoverOn("length", buffer=True)))

    assert (found.text, fake.asked) == ("A whole answer", ["aimlapi", "oxen"])


def test_a_buffered_stream_delivers_its_events_in_order() -> None:
    """Those of the answer that was taken, also when it is the last unwanted one."""
    fake = FakeProviders({"aimlapi": [CUT], "oxen": [WHOLE]})
    buffered = FailoverOn("length", buffer=True)
    texts = {
        names: [
            event.text
            for event in fake.client(*names, failover_on=buffered).stream(REQUEST)
            if isinstance(event, TextDelta)
        ]
        for names in (("aimlapi", "oxen"), ("aimlapi",))
    }

    assert texts == {("aimlapi", "oxen"): ["A whole ", "answer"], ("aimlapi",): ["Once ", "upon"]}


@pytest.mark.parametrize("buffer", [False, True])
def test_a_buffered_stream_that_breaks_is_repeated(buffer: bool) -> None:
    """Nothing was delivered, so that the next provider may answer."""
    fake = FakeProviders({"aimlapi": [raw(event("Once "))], "oxen": [WHOLE]})
    client = fake.client("aimlapi", "oxen", failover_on=FailoverOn("length", buffer=buffer), max_retries=0)
    if not buffer:
        with pytest.raises(StreamInterrupted):
            client.stream(REQUEST).response()
    else:
        assert client.stream(REQUEST).response().text == "A whole answer"


@WAYS
async def test_a_provider_may_ask_another_model(ask: Any) -> None:
    """Each provider's own `model` counts, so that a stronger one answers what the first could not."""
    fake = FakeProviders({"oxen": [ended("Once upon", "length"), ended("Done", "stop")]})
    providers = [Oxen("key"), Oxen("key", model="gemini-3.8-flash")]
    settings = replace(REQUEST, model="gemini-2.5-flash", reasoning_effort="none")
    found = await ask(fake.client("oxen"), settings, providers=providers, failover_on="length")
    bodies = [json.loads(request.content) for _, request in fake.requests]

    assert [body["model"] for body in bodies] == ["gemini-2-5-flash", "gemini-3.8-flash"]
    assert bodies[0]["reasoning_effort"] != bodies[1]["reasoning_effort"]
    assert found.text == "Done"


@WAYS
async def test_a_functions_own_error_ends_the_call(ask: Any) -> None:
    """It is the caller's, so the caller sees it as it is."""

    def broken(_: ChatResponse) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask(FakeProviders().client("oxen", failover_on=broken))


@WAYS
async def test_the_budget_ends_the_search_with_the_answer_that_is_there(ask: Any) -> None:
    """What was paid for is not thrown away."""
    used = {"prompt_tokens": 3, "completion_tokens": 1_000_000, "total_tokens": 1_000_003}
    reply = answer("Once upon", usage=used)
    fake = FakeProviders({"aimlapi": [reply]})
    client = fake.client("aimlapi", "oxen", failover_on=lambda _: True, max_cost_usd=0.1)
    found = await ask(client, replace(REQUEST, max_tokens=9))

    assert (found.text, fake.asked) == ("Once upon", ["aimlapi"])
    assert client.totals.calls == 1


@WAYS
async def test_calls_with_conditions_are_not_hedged(ask: Any) -> None:
    """Who is asked next is decided by the answer."""
    fake = FakeProviders()
    hedging = Hedging(after=0.0, share=1.0)
    await ask(fake.client("aimlapi", "oxen", hedging=hedging, failover_on="length"))

    assert fake.asked == ["aimlapi"]


@pytest.mark.parametrize("given", ["lenght", ["length", 3], FailoverOn])
def test_an_unknown_condition_is_refused(given: Any) -> None:
    """When the client is made, with the names that there are."""
    make: Callable[[], object] = lambda: FakeProviders().client("oxen", failover_on=given)  # noqa: E731
    if given is FailoverOn:
        make = lambda: FailoverOn("lenght")  # type: ignore[arg-type]  # noqa: E731
    with pytest.raises(ConfigurationError, match="invalid_output"):
        make()


def test_an_error_is_raised_when_there_is_no_answer() -> None:
    """Conditions change nothing for failures."""
    fake = FakeProviders({"oxen": [status(401)]})
    with pytest.raises(AuthenticationFailed):
        fake.client("oxen", failover_on="length").chat(REQUEST)
