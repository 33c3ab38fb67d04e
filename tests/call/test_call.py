"""The life of a request, step by step: no HTTP, no clock, no event loop."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from gemini_multi import (
    AllRoutesFailed,
    ChatRequest,
    Finished,
    GeminiMultiError,
    Message,
    Oxen,
    RateLimited,
    RequestTimeout,
    RetryPolicy,
    StreamInterrupted,
    TextDelta,
    Timeouts,
    ToolCall,
    ToolResult,
)
from gemini_multi._call.attempt_log import CallOptions
from gemini_multi._call.call import Call
from gemini_multi._transport.steps import ReadBody, ResponseHead, Send, TransportError
from gemini_multi.errors import ConnectionFailed
from gemini_multi.routing import routes
from tests.call.stage import ANSWER, BUSY, OK, Stage
from tests.end_to_end.providers import DONE, PROVIDERS, REQUEST, event


def test_waits_double_between_retries() -> None:
    """Full jitter: with the highest chance the limits themselves."""
    stage = Stage([[BUSY], [BUSY], [BUSY], [OK, ANSWER]]).play(max_retries=3)

    assert stage.waits == [0.5, 1.0, 2.0]
    assert isinstance(stage.events[-1], Finished)


def test_the_wait_and_the_duration_are_on_the_attempts() -> None:
    """The answer tells how long each attempt waited and took."""
    stage = Stage([[0.25, BUSY], [0.75, OK, ANSWER]]).play()
    finished = stage.events[-1]
    assert isinstance(finished, Finished)

    assert [(attempt.wait, attempt.duration) for attempt in finished.response.attempts] == [(0.0, 0.25), (0.5, 0.75)]


@pytest.mark.filterwarnings("ignore::gemini_multi.SettingIgnoredWarning")
def test_the_settings_that_a_request_left_out_are_on_its_attempt() -> None:
    """Also those that a provider refused in an attempt before."""
    refusal = b'{"error": {"message": "Unsupported parameter: \'temperature\'", "type": "invalid_request_error"}}'
    asked = replace(REQUEST, temperature=0.5, user="u-1")
    stage = Stage([[ResponseHead(400, {}), refusal], [OK, ANSWER]], request=asked).play()
    finished = stage.events[-1]
    assert isinstance(finished, Finished)

    assert [attempt.ignored for attempt in finished.response.attempts] == [("user",), ("temperature", "user")]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "70"}, 0.07), ({"retry-after": "0"}, None)],
)
def test_the_providers_own_wait_is_honored(headers: dict[str, str], wait: float | None) -> None:
    """Retry-After comes before our own backoff; no wait is no step."""
    stage = Stage([[ResponseHead(429, headers)], [OK, ANSWER]]).play()

    assert stage.waits == ([] if wait is None else [wait])


def test_googles_retry_info_is_honored() -> None:
    """It stands in the body."""
    body = b'{"error": {"code": 429, "details": [{"retryDelay": "1.5s"}]}}'

    assert Stage([[ResponseHead(429, {}), body], [OK, ANSWER]]).play().waits == [1.5]


def test_no_wait_passes_the_deadline() -> None:
    """A retry that could not begin in time is not waited for."""
    stage = Stage([[ResponseHead(429, {"retry-after": "50"})]])

    with pytest.raises(RateLimited):
        stage.play(deadline=30.0)

    assert stage.waits == []


def test_each_request_is_told_what_the_deadline_leaves() -> None:
    """It bounds every wait of the attempt, whose own timeouts stay as they are."""
    stage = Stage([[18.0, BUSY], [OK, ANSWER]]).play(deadline=20.0)

    assert stage.within == [20.0, 1.5]
    assert len({entry for entry in stage.log if isinstance(entry, Timeouts)}) == 1


def test_the_deadline_ends_a_slow_answer() -> None:
    """A provider that trickles on is left when the time is up."""
    with pytest.raises(RequestTimeout, match="deadline of 5"):
        Stage([[OK, ANSWER[:10], 6.0, ANSWER[10:]]]).play(deadline=5.0, max_retries=0)


def test_a_deadline_that_is_over_at_once_asks_nobody() -> None:
    """Time that passed before the first request counts too."""
    stage = Stage([])
    clock = iter([0.0, 1.0])
    with pytest.raises(RequestTimeout, match=r"deadline of 0\.5"):
        stage.play(deadline=0.5, clock=lambda: next(clock, 2.0))


def test_after_the_deadline_no_other_provider_is_asked() -> None:
    """The deadline is for the whole call."""
    stage = Stage([[31.0, BUSY]], PROVIDERS)

    with pytest.raises(GeminiMultiError):
        stage.play(deadline=30.0)


def test_keep_alive_comments_are_no_content() -> None:
    """A stream that only keeps its connection alive has stalled."""
    comments = [item for _ in range(10) for item in (5.0, b": PROCESSING\n\n")]

    with pytest.raises(RequestTimeout, match=r"no content for 25\.0 s"):
        Stage([[OK, *comments]]).play(stream=True, max_retries=0)


def test_content_resets_the_stall() -> None:
    """A slow stream with content goes on as long as it likes."""
    pieces = [item for _ in range(10) for item in (15.0, event("a"))]
    stage = Stage([[OK, *pieces, event(finish="stop"), DONE]]).play(stream=True)

    assert isinstance(stage.events[-1], Finished)
    assert stage.events[-1].response.text == "a" * 10


def test_a_stall_after_content_keeps_the_partial_answer() -> None:
    """And nothing is repeated."""
    with pytest.raises(StreamInterrupted) as caught:
        Stage([[OK, event("a"), 21.0, b": x\n\n"]]).play(stream=True)

    assert caught.value.partial.text == "a"
    assert isinstance(caught.value.__cause__, RequestTimeout)


def test_role_only_chunks_do_not_commit() -> None:
    """Until the first content a stream may fail freely."""
    fails = [OK, event(role="assistant"), event(""), TransportError(ConnectionFailed, "reset")]
    stage = Stage([fails, [OK, event("Hi"), event(finish="stop"), DONE]]).play(stream=True)

    assert stage.events[0] == TextDelta("Hi")


def test_what_follows_done_is_not_waited_for() -> None:
    """The last event is delivered before the rest of the connection is read, whose failure does not matter."""
    stage = Stage([[OK, event("Hi"), event(finish="stop") + DONE, TransportError(ConnectionFailed, "reset")]]).play(
        stream=True
    )

    assert isinstance(stage.events[-1], Finished)


def test_a_failed_connection_after_the_finish_reason_is_forgiven() -> None:
    """The answer is whole."""
    stage = Stage([[OK, event("Hi"), event(finish="stop"), TransportError(ConnectionFailed, "reset")]]).play(
        stream=True
    )

    assert isinstance(stage.events[-1], Finished)


def test_every_route_is_listed_when_all_fail() -> None:
    """The message has a line for each provider."""
    stage = Stage([[ResponseHead(401, {}), b"{}"] for _ in PROVIDERS], PROVIDERS)

    with pytest.raises(AllRoutesFailed, match=r"(?s)cloudflare refused.*aimlapi refused.*oxen refused"):
        stage.play()


def test_a_refused_signature_is_replaced_once() -> None:
    """The documented dummy takes its place, and the request is repeated without counting as a retry."""
    call = ToolCall("call_1", "f", {}, signature=None)
    messages = (Message.user("x"), Message.assistant(call), Message.tool(ToolResult("call_1", "f")))
    request = ChatRequest(model="gemini-3.8-flash", messages=messages)
    options = CallOptions(
        policy=RetryPolicy(max_retries=0),
        deadline=math.inf,
        clock=lambda: 0.0,
        chance=lambda: 0.0,
        today=lambda: date(2026, 11, 20),
    )
    flow = Call.over(routes(request, [Oxen("key")], stream=False), request, options, stream=False).run()
    opened = [next(flow), flow.send(ResponseHead(400, {}))]
    opened.append(flow.send(b'{"error": {"message": "Corrupted thought signature."}}'))
    while not isinstance(opened[-1], Send):
        opened.append(flow.send(b"" if isinstance(opened[-1], ReadBody) else None))

    assert b"skip_thought_signature_validator" in opened[-1].body
