"""Retry, failover and faults, through both clients, on a scripted transport."""

from __future__ import annotations

import copy
import gzip
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AllRoutesFailed,
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ChatEvent,
    ChatRequest,
    Client,
    ConfigurationError,
    ConnectionFailed,
    ContextOverflow,
    Finished,
    GeminiMultiError,
    InvalidResponse,
    Limits,
    Message,
    ModelNotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    RetryPolicy,
    ServerError,
    StreamInterrupted,
    TextDelta,
    ToolCall,
)
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, Reply, answer, event, failure, raw, status

Ask = Callable[[Client, ChatRequest], Any]


async def chat(client: Client, request: ChatRequest = REQUEST) -> Any:
    return client.chat(request)


async def achat(client: Client, request: ChatRequest = REQUEST) -> Any:
    return await client.for_async().chat(request)


async def stream(client: Client, request: ChatRequest = REQUEST) -> Any:
    return last(client.stream(request))


async def astream(client: Client, request: ChatRequest = REQUEST) -> Any:
    return last([item async for item in client.for_async().stream(request)])


def last(events: Iterator[ChatEvent] | list[ChatEvent]) -> Any:
    finished = list(events)[-1]
    assert isinstance(finished, Finished)
    return finished.response


WAYS = pytest.mark.parametrize("ask", [chat, achat, stream, astream])


@WAYS
async def test_an_answer_says_who_gave_it(ask: Ask) -> None:
    """Whole and streamed, blocking and not, the answer is the same and names its provider."""
    fakes = FakeProviders({"oxen": [raw(event("H"), event("i"), event(finish="stop"), DONE)]})
    response = await ask(fakes.client("oxen"), REQUEST)

    assert (response.text, response.provider, response.finish_reason) == ("Hi", "oxen", "stop")
    assert [attempt.outcome for attempt in response.attempts] == ["answered"]


@dataclass(frozen=True)
class Fault:
    name: str
    reply: Reply
    error: type[GeminiMultiError]
    requests: int


GZIP = gzip.compress(b'{"choices": [{"message": {"content": "' + bytes(range(97, 122)) * 100 + b'"}}]}')
FAULTS = [
    Fault("400", status(400), BadRequest, 1),
    Fault("401", status(401), AuthenticationFailed, 1),
    Fault("402", status(402), QuotaExhausted, 1),
    Fault("403", status(403), PermissionDenied, 1),
    Fault("404", status(404), ModelNotFound, 1),
    Fault("408", status(408), ServerError, 3),
    Fault("409", status(409), ServerError, 3),
    Fault("413", status(413), BadRequest, 1),
    Fault("422", status(422), BadRequest, 1),
    Fault("429", status(429), RateLimited, 3),
    Fault("500", status(500), ServerError, 3),
    Fault("501", status(501), ServerError, 1),
    Fault("503", status(503), ServerError, 3),
    Fault("529", status(529), ServerError, 3),
    Fault(
        "too long",
        status(400, {"error": {"message": "The input token count (9) exceeds the maximum"}}),
        ContextOverflow,
        1,
    ),
    Fault("redirect", raw(code=302, location="https://elsewhere.example/"), ServerError, 3),
    Fault("refused", failure(httpx.ConnectError("refused")), ConnectionFailed, 3),
    Fault("reset", failure(httpx.ReadError("reset")), ConnectionFailed, 3),
    Fault("timeout", failure(httpx.ReadTimeout("slow")), RequestTimeout, 3),
    Fault("truncated body", raw(b'{"choices"', httpx.RemoteProtocolError("closed")), ConnectionFailed, 3),
    Fault("empty body", raw(), InvalidResponse, 3),
    Fault("blank body", raw(b" \n"), InvalidResponse, 3),
    Fault("text", raw(b"upstream failed"), InvalidResponse, 3),
    Fault("broken JSON", raw(b'{"choices": [{"mess'), InvalidResponse, 3),
    Fault("HTML page", raw(b"<!doctype html><title>Oops</title>"), InvalidResponse, 3),
    Fault("HTML error page", raw(b"<html><title>502 Bad Gateway</title></html>", code=502), ServerError, 3),
    Fault("truncated gzip", raw(GZIP[:30], content_encoding="gzip"), InvalidResponse, 3),
    Fault("no gzip", raw(b"plain", content_encoding="gzip"), InvalidResponse, 3),
    Fault("choices empty", raw(b'{"choices": []}'), InvalidResponse, 3),
    Fault("choices null", raw(b'{"choices": null}'), InvalidResponse, 3),
    Fault("a number", raw(b"[1, 2]"), InvalidResponse, 3),
    Fault("error in 200", raw(b'{"error": {"message": "busy", "code": 429}}'), RateLimited, 3),
    Fault(
        "error list in 200",
        raw(b'[{"error": {"message": "bad", "code": 400, "status": "INVALID_ARGUMENT"}}]'),
        BadRequest,
        1,
    ),
    Fault("error first in stream", raw(b'data: {"error": {"message": "x", "code": 503}}\n\n'), ServerError, 3),
    Fault("closed before content", raw(event(role="assistant")), InvalidResponse, 3),
    Fault("reset before content", raw(event(role="assistant"), httpx.ReadError("reset")), ConnectionFailed, 3),
    Fault("50 MB line", raw(b"data: ", *[b"x" * 1_000_000] * 50), InvalidResponse, 3),
    Fault("deep JSON", raw(b'{"a":' * 100_000), InvalidResponse, 3),
    Fault("NUL and invalid UTF-8", raw(b"\0\xff\xfe"), InvalidResponse, 3),
]


@WAYS
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_ends_in_its_typed_error(fault: Fault, ask: Ask) -> None:
    """Each fault gives its own error, after as many requests as it is worth."""
    fakes = FakeProviders({"oxen": [fault.reply]})

    with pytest.raises(GeminiMultiError) as caught:
        await ask(fakes.client("oxen"), REQUEST)

    assert type(caught.value) is fault.error
    assert (len(fakes.requests), len(caught.value.attempts)) == (fault.requests, fault.requests)


@WAYS
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.requests == 3], ids=lambda fault: fault.name)
async def test_a_passing_fault_is_not_seen(fault: Fault, ask: Ask) -> None:
    """What may pass is tried again on the same provider, and the answer tells of it."""
    fakes = FakeProviders({"oxen": [fault.reply, fault.reply, answer()]})
    response = await ask(fakes.client("oxen"), REQUEST)

    assert response.text == "Hi"
    assert [attempt.outcome for attempt in response.attempts] == ["failed", "failed", "answered"]


@WAYS
@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS if fault.error not in (BadRequest, ContextOverflow)],
    ids=lambda fault: fault.name,
)
async def test_the_next_provider_answers(fault: Fault, ask: Ask) -> None:
    """A healthy provider is asked at once, whatever befell the one before."""
    fakes = FakeProviders({"aimlapi": [fault.reply]})
    response = await ask(fakes.client("aimlapi", "oxen"), REQUEST)

    assert response.provider == "oxen"
    assert fakes.asked == ["aimlapi", "oxen"]


@WAYS
async def test_when_every_provider_fails_they_are_asked_in_turns(ask: Ask) -> None:
    """No provider is asked again before the others were, and each at most `max_retries` times more."""
    fakes = FakeProviders({"aimlapi": [status(503)], "oxen": [status(503)]})

    with pytest.raises(AllRoutesFailed):
        await ask(fakes.client("aimlapi", "oxen", max_retries=2), REQUEST)

    assert fakes.asked == ["aimlapi", "oxen"] * 3


@WAYS
async def test_a_bad_request_is_not_carried_on(ask: Ask) -> None:
    """A request that one provider calls bad is not sent to the others."""
    fakes = FakeProviders({"aimlapi": [status(400)]})

    with pytest.raises(BadRequest):
        await ask(fakes.client("aimlapi", "oxen"), REQUEST)

    assert fakes.asked == ["aimlapi"]


@WAYS
async def test_all_failures_are_told(ask: Ask) -> None:
    """When no provider answers, the error holds the last failure of each, and every attempt."""
    fakes = FakeProviders({"aimlapi": [status(401)], "oxen": [status(503)]})

    with pytest.raises(AllRoutesFailed) as caught:
        await ask(fakes.client("aimlapi", "oxen"), REQUEST)

    assert [type(error) for error in caught.value.exceptions] == [AuthenticationFailed, ServerError]
    assert [(attempt.provider, attempt.status) for attempt in caught.value.attempts] == [
        ("aimlapi", 401),
        ("oxen", 503),
        ("oxen", 503),
        ("oxen", 503),
    ]


BREAKS = [
    ("cut", [], InvalidResponse),
    ("reset", [httpx.ReadError("reset")], ConnectionFailed),
    ("stalled", [httpx.ReadTimeout("slow")], RequestTimeout),
    ("error", [b'data: {"error": {"message": "busy", "code": 503}}\n\n'], ServerError),
    ("bad JSON", [b"data: {oops\n\n"], InvalidResponse),
    ("HTML", [b"data: <html>\n\n"], InvalidResponse),
    ("too long", [b"data: " + b"x" * 40_000_000], InvalidResponse),
]


@pytest.mark.parametrize("ask", [stream, astream])
@pytest.mark.parametrize(("name", "pieces", "cause"), BREAKS, ids=[name for name, *_ in BREAKS])
async def test_a_broken_stream_keeps_what_had_arrived(
    name: str, pieces: list[bytes | Exception], cause: type[GeminiMultiError], ask: Ask
) -> None:
    """After the first content nothing is repeated: the error holds the partial answer."""
    fakes = FakeProviders({"aimlapi": [raw(event("Hel"), event("lo"), *pieces)]})

    with pytest.raises(StreamInterrupted) as caught:
        await ask(fakes.client("aimlapi", "oxen"), REQUEST)

    assert (caught.value.partial.text, type(caught.value.__cause__)) == ("Hello", cause)
    assert fakes.asked == ["aimlapi"]


def test_content_in_the_same_packet_as_the_error_is_delivered() -> None:
    """What came before a failure reaches the caller before the failure."""
    fakes = FakeProviders({"oxen": [raw(event("Hello") + b'data: {"error": "x"}\n\n')]})
    seen: list[ChatEvent] = []

    with pytest.raises(StreamInterrupted):
        seen.extend(iter(fakes.client("oxen").stream(REQUEST)))

    with fakes.client("oxen").stream(REQUEST) as events:
        assert next(events) == TextDelta("Hello")


@pytest.mark.parametrize("ask", [chat, achat])
async def test_a_whole_answer_that_arrives_as_a_cut_stream_is_tried_again(ask: Ask) -> None:
    """Nothing was delivered yet, so even content does not commit a call for a whole answer."""
    fakes = FakeProviders({"oxen": [raw(event("Hel")), answer("Hello")]})
    response = await ask(fakes.client("oxen"), REQUEST)

    assert response.text == "Hello"


@WAYS
async def test_a_missing_done_is_forgiven_after_a_finish_reason(ask: Ask) -> None:
    """Some providers omit the sentinel; the finish reason says that the answer is whole."""
    fakes = FakeProviders({"oxen": [raw(event("Hi"), event(finish="stop"))]})

    assert (await ask(fakes.client("oxen"), REQUEST)).text == "Hi"


@WAYS
async def test_a_missing_finish_reason_is_forgiven_before_done(ask: Ask) -> None:
    """The sentinel says that the answer is whole."""
    fakes = FakeProviders({"oxen": [raw(event("Hi"), DONE)]})

    assert (await ask(fakes.client("oxen"), REQUEST)).text == "Hi"


@WAYS
async def test_an_empty_answer_is_tried_again_and_then_returned(ask: Ask) -> None:
    """A `stop` without content is worth a retry; the last one is an answer nevertheless."""
    fakes = FakeProviders({"oxen": [answer("")]})
    response = await ask(fakes.client("oxen", max_retries=1), REQUEST)

    assert (response.text, response.finish_reason, len(fakes.requests)) == ("", "stop", 2)


@WAYS
async def test_an_answer_that_stays_empty_moves_on(ask: Ask) -> None:
    """The next provider is asked; when that one fails, the empty answer is the answer."""
    for second, expected in ((answer("Hi"), "Hi"), (status(503), "")):
        fakes = FakeProviders({"aimlapi": [answer("")], "oxen": [second]})
        response = await ask(fakes.client("aimlapi", "oxen", max_retries=0), REQUEST)

        assert (response.text, len(fakes.requests), len(response.attempts)) == (expected, 2, 2)


@WAYS
async def test_an_answer_that_was_thrown_away_is_counted(ask: Ask) -> None:
    """It was paid for, on whichever provider."""
    fakes = FakeProviders({"aimlapi": [answer("")], "oxen": [answer(""), answer("Hi")]})
    client = fakes.client("aimlapi", "oxen", max_retries=1)
    await ask(client, REQUEST)

    assert (client.totals.calls, client.totals.total_tokens) == (4, 28)


@pytest.mark.parametrize("retries", [0, 1, 4])
@WAYS
async def test_max_retries_counts_extra_requests(retries: int, ask: Ask) -> None:
    """`max_retries=k` means k more requests on a route, never more."""
    fakes = FakeProviders({"oxen": [status(503)]})

    with pytest.raises(ServerError):
        await ask(fakes.client("oxen", max_retries=retries), REQUEST)

    assert len(fakes.requests) == retries + 1


@WAYS
async def test_a_long_retry_after_moves_on(ask: Ask) -> None:
    """A provider that wants a minute and more is left for the next one at once."""
    fakes = FakeProviders({"aimlapi": [status(429, **{"retry-after": "3600"})]})

    assert (await ask(fakes.client("aimlapi", "oxen"), REQUEST)).provider == "oxen"
    assert fakes.asked == ["aimlapi", "oxen"]


@WAYS
async def test_a_redirect_is_not_followed(ask: Ask) -> None:
    """The key stays with its provider."""
    fakes = FakeProviders({"oxen": [raw(code=307, location="https://hub.oxen.ai/elsewhere")]})

    with pytest.raises(ServerError, match="redirects elsewhere"):
        await ask(fakes.client("oxen", max_retries=0), REQUEST)

    assert len(fakes.requests) == 1


@pytest.mark.parametrize("ask", [stream, astream])
async def test_the_connection_is_let_go(ask: Ask) -> None:
    """Whatever happens, the response is closed."""
    fakes = FakeProviders({"oxen": [raw(event("Hi"), httpx.ReadError("reset"))]})

    with pytest.raises(StreamInterrupted):
        await ask(fakes.client("oxen"), REQUEST)

    assert [response.is_closed for response in fakes.responses] == [True]


def test_a_stream_tells_its_attempts_as_it_goes() -> None:
    """From the first event on the last of them is the one that answers, at the end as before it."""
    fakes = FakeProviders({"aimlapi": [status(500)], "oxen": [raw(event("H"), event("i"), event(finish="stop"), DONE)]})
    with fakes.client("aimlapi", "oxen", max_retries=0).stream(REQUEST) as events:
        told = [[(one.provider, one.outcome) for one in events.attempts] for _ in events]

    assert told == [[("aimlapi", "failed"), ("oxen", "answered")]] * 3


async def test_an_async_stream_tells_its_attempts_as_it_goes() -> None:
    """There are none before the first event."""
    fakes = FakeProviders({"oxen": [raw(event("H"), event("i"), event(finish="stop"), DONE)]})
    async with fakes.client("oxen").for_async().stream(REQUEST) as events:
        told = [len(events.attempts), *[len(events.attempts) async for _ in events]]

    assert told == [0, 1, 1, 1]


def test_leaving_a_stream_early_closes_it() -> None:
    """A `break` inside `with` lets go of the connection at once."""
    fakes = FakeProviders({"oxen": [raw(event("a"), event("b"))]})
    with fakes.client("oxen").stream(REQUEST) as events:
        assert next(events) == TextDelta("a")

    assert fakes.responses[0].is_closed


async def test_leaving_an_async_stream_early_closes_it() -> None:
    """The same with `async with`."""
    fakes = FakeProviders({"oxen": [raw(event("a"), event("b"))]})
    async with fakes.client("oxen").for_async().stream(REQUEST) as events:
        assert await anext(events) == TextDelta("a")

    assert fakes.responses[0].is_closed


def test_a_dropped_stream_is_closed() -> None:
    """A stream that is neither read to its end nor closed does not hold its connection."""
    fakes = FakeProviders({"oxen": [raw(event("a"), event("b"))]})
    events = fakes.client("oxen").stream(REQUEST)
    next(events)
    del events

    assert fakes.responses[0].is_closed


@pytest.mark.parametrize("split", range(1, 120, 7))
def test_a_byte_order_mark_and_white_space_before_json_are_read_over(split: int) -> None:
    """Gateways send white space as a keep-alive before the answer."""
    body = (
        b"\xef\xbb\xbf"
        b"\n         \n\n" + json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
    )
    fakes = FakeProviders({"oxen": [raw(body[:split], body[split:])]})

    assert fakes.client("oxen").chat(REQUEST).text == "Hi"


THOUGHT: dict[str, Any] = {"reasoning_content": "Hm"}


@WAYS
@pytest.mark.parametrize(
    ("said", "reason", "is_told"),
    [
        ({}, "length", True),
        (THOUGHT, "length", True),
        ({**THOUGHT, "content": "Hi"}, "length", False),
        ({"content": "Hi"}, "length", False),
        ({"content": "Hi"}, "stop", False),
    ],
)
async def test_a_limit_that_was_used_up_before_the_first_word_is_told(
    ask: Ask, said: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture, *, is_told: bool
) -> None:
    """Such an answer looks like an empty one; the log says where the tokens went and what to do."""
    usage = {"prompt_tokens": 5, "completion_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 58}}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": reason}
    fakes = FakeProviders({"oxen": [raw(json.dumps({"choices": [choice], "usage": usage}).encode())]})
    with caplog.at_level(logging.WARNING, "gemini_multi"):
        response = await ask(fakes.client("oxen"), REQUEST)

    assert (response.finish_reason, len(fakes.requests)) == (reason, 1)
    told = (
        "oxen ('gemini-2-5-flash-lite-preview-09-2025') came to its limit before it said anything: "
        "58 of 60 tokens were thoughts. "
        "Raise `max_tokens`, which thoughts count against, or lower `reasoning_effort`."
    )
    assert [record.getMessage() for record in caplog.records] == ([told] if is_told else [])


@WAYS
@pytest.mark.parametrize(("said", "is_told"), [({}, True), (THOUGHT, True), ({"refusal": "No."}, False)])
async def test_an_answer_that_was_stopped_before_the_first_word_is_told(
    ask: Ask, said: dict[str, Any], caplog: pytest.LogCaptureFixture, *, is_told: bool
) -> None:
    """It looks like an empty one, unless it says why."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": "content_filter"}
    fakes = FakeProviders({"oxen": [raw(json.dumps({"choices": [choice]}).encode())]})
    with caplog.at_level(logging.WARNING, "gemini_multi"):
        response = await ask(fakes.client("oxen"), REQUEST)

    assert (response.finish_reason, len(fakes.requests)) == ("content_filter", 1)
    told = (
        "oxen ('gemini-2-5-flash-lite-preview-09-2025') was stopped for its content before it said anything: "
        "'content_filter'."
    )
    assert [record.getMessage() for record in caplog.records] == ([told] if is_told else [])


def test_failovers_are_logged_without_keys_or_words(caplog: pytest.LogCaptureFixture) -> None:
    """Attempts are logged at debug, failovers at warning."""
    fakes = FakeProviders({"aimlapi": [status(401, {"message": "secret words"})]})
    with caplog.at_level(logging.DEBUG, "gemini_multi"):
        fakes.client("aimlapi", "oxen").chat(REQUEST)

    own = [record for record in caplog.records if record.name == "gemini_multi"]
    assert [record.levelname for record in own] == ["DEBUG", "WARNING", "DEBUG"]
    assert own[1].getMessage() == "aimlapi failed (AuthenticationFailed, status 401): sending to oxen next"
    assert not any(word in caplog.text for word in ("secret", "Hello", "aimlapi-key"))


@pytest.mark.parametrize(
    ("arguments", "requests"),
    [({"max_retries": 1}, 2), ({"retry_policy": RetryPolicy(max_retries=0)}, 1), ({}, 3)],
    ids=repr,
)
async def test_a_call_may_have_its_own_retries(arguments: dict[str, Any], requests: int) -> None:
    """What the call says goes before what the client says, for that call only."""
    fakes = FakeProviders({"oxen": [status(503)]})
    client = fakes.client("oxen", max_retries=2)
    with pytest.raises(ServerError):
        client.chat(REQUEST, **arguments)
    with pytest.raises(ServerError):
        client.stream(REQUEST, **arguments).response()
    with pytest.raises(ServerError):
        await client.for_async().chat(REQUEST, **arguments)
    with pytest.raises(ServerError):
        await client.for_async().stream(REQUEST, **arguments).response()

    assert len(fakes.requests) == 4 * requests


def test_limits_are_configurable() -> None:
    """A body above the limit is refused, whatever it holds."""
    fakes = FakeProviders({"oxen": [answer("x" * 2_000)]})

    with pytest.raises(InvalidResponse, match="larger than 1,000 bytes"):
        fakes.client("oxen", limits=Limits(body_bytes=1_000), max_retries=0).chat(REQUEST)


@WAYS
async def test_nothing_is_sent_that_may_pass_the_spending_limit(ask: Ask) -> None:
    """A call that could cost more than the limit ends before any request."""
    fakes = FakeProviders({"oxen": [answer()]})
    client = fakes.client("oxen", max_cost_usd=1e-9)

    with pytest.raises(BudgetExceeded, match="max_cost_usd"):
        await ask(client, REQUEST)

    assert (fakes.requests, client.totals.calls) == ([], 0)


BAD_REQUESTS = [
    (ChatRequest(model="", messages=REQUEST.messages), "Name a model"),
    (ChatRequest(model="gemini-2.5-flash-lite", messages=()), "at least one message"),
    (
        ChatRequest(
            model="gemini-2.5-flash-lite",
            messages=(Message.user("a"), Message.assistant(ToolCall("1", "f", {"x": object()}))),  # type: ignore[dict-item]
        ),
        "cannot be written as JSON",
    ),
]


@WAYS
@pytest.mark.parametrize(("request_", "message"), BAD_REQUESTS, ids=[message for _, message in BAD_REQUESTS])
async def test_a_request_that_cannot_be_sent_is_refused_before_any_io(
    request_: ChatRequest, message: str, ask: Ask
) -> None:
    """Bad input is an error that says what to do, and no request."""
    fakes = FakeProviders()

    with pytest.raises(ConfigurationError, match=message):
        await ask(fakes.client("oxen"), request_)

    assert fakes.requests == []


def test_a_client_is_picklable_and_copyable_after_use() -> None:
    """Copies keep the configuration and totals, not the connections."""
    client = FakeProviders().client("oxen")
    client.chat(REQUEST)

    for other in (pickle.loads(pickle.dumps(client)), copy.deepcopy(client)):
        assert other.providers == client.providers
        assert other.totals == client.totals


@pytest.mark.parametrize(
    ("code", "told", "requests"), [(400, "true", 3), (401, "true", 3), (503, "false", 1), (503, "maybe", 3)]
)
@WAYS
async def test_a_provider_says_whether_to_ask_it_again(ask: Ask, code: int, told: str, requests: int) -> None:
    """Its `x-should-retry` overrides the status."""
    fakes = FakeProviders({"oxen": [status(code, **{"x-should-retry": told})]})

    with pytest.raises(GeminiMultiError):
        await ask(fakes.client("oxen"), REQUEST)
    assert len(fakes.requests) == requests


@WAYS
async def test_a_provider_that_need_not_be_asked_again_is_left(ask: Ask) -> None:
    """The next one is asked."""
    fakes = FakeProviders({"aimlapi": [status(503, **{"x-should-retry": "false"})]})

    assert (await ask(fakes.client("aimlapi", "oxen"), REQUEST)).provider == "oxen"
    assert fakes.asked == ["aimlapi", "oxen"]


@WAYS
async def test_googles_words_say_how_long_to_wait(ask: Ask) -> None:
    """Unless a header or `RetryInfo` says it."""
    words = {"error": {"code": 429, "message": "Quota exceeded. Please retry in 34.5s."}}
    for headers, seconds in (({}, 34.5), ({"retry-after": "7"}, 7.0)):
        fakes = FakeProviders({"oxen": [status(429, words, **headers)]})
        with pytest.raises(RateLimited) as caught:
            await ask(fakes.client("oxen", max_retries=0), REQUEST)

        assert caught.value.retry_after == seconds
