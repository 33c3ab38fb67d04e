"""Which routes rest, who probes them, and what repeats may cost: on a clock of our own."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from gemini_multi import (
    AllRoutesFailed,
    ContextOverflow,
    GeminiMultiError,
    Oxen,
    RateLimited,
    RetryPolicy,
    ServerError,
)
from gemini_multi._routing.health import Health
from gemini_multi._transport.steps import ResponseHead, TransportError
from gemini_multi.errors import ConnectionFailed
from tests.call.stage import ANSWER, BUSY, OK, Stage
from tests.end_to_end.providers import PROVIDERS, REQUEST, event

A, B, C = (provider.name for provider in PROVIDERS)
NATIVE = b'{"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}'
FINE: list[Any] = [OK, NATIVE]


def stage(*scenes: list[Any], providers: int = 2, **earlier: Any) -> Stage:
    """Set a stage for the first providers; the first answers natively, which every provider may."""
    return Stage([list(scene) for scene in scenes], PROVIDERS[:providers], **earlier)


def after(now: float, other: Stage, *scenes: list[Any], providers: int = 2) -> Stage:
    """Play the next call on what the one before has taught."""
    return stage(*scenes, providers=providers, now=now, health=other.health).play(chance=0.0)


def open_first() -> Stage:
    """Let the first provider fail five times in a row, in calls that the second answers."""
    health = Health()
    for _ in range(5):
        last = stage([BUSY], FINE, health=health).play()
    return last


def test_a_healthy_provider_is_asked_without_a_wait() -> None:
    """Nobody waits for a provider that failed while another one is free."""
    played = stage([BUSY], FINE).play()

    assert (played.asked, played.waits) == ([A, B], [])


def test_providers_are_asked_again_only_after_the_others() -> None:
    """And each at most as often as `max_retries` allows, with waits between the rounds."""
    played = stage(*[[BUSY]] * 6)
    with pytest.raises(AllRoutesFailed):
        played.play(max_retries=2)

    assert played.asked == [A, B] * 3
    assert played.waits == [0.5, 1.0]


def test_the_wait_runs_while_others_are_asked() -> None:
    """Time spent at the next provider counts towards the wait for the first."""
    played = stage([BUSY], [0.3, BUSY], FINE).play(max_retries=1)

    assert (played.asked, played.waits) == ([A, B, A], [pytest.approx(0.2)])


def test_after_failures_in_a_row_a_provider_rests() -> None:
    """The next call begins with the other one."""
    assert after(1.0, open_first(), FINE).asked == [B]


def test_a_failure_for_every_answer_is_no_reason_to_rest() -> None:
    """Only more than half of the requests is most of them."""
    health = Health()
    for scenes in ([FINE], [[BUSY], FINE]) * 9:
        played = stage(*scenes, health=health).play()

    assert after(1.0, played, FINE).asked == [A]


def test_a_provider_that_mostly_fails_rests() -> None:
    """Also when an answer comes now and then."""
    health = Health()
    for scenes in ([[BUSY], FINE],) * 3 + ([FINE],) + ([[BUSY], FINE],) * 2:
        played = stage(*scenes, health=health).play()

    assert after(1.0, played, FINE).asked == [B]


def test_failures_long_ago_do_not_count() -> None:
    """Most of the last minute, not of all time."""
    health = Health()
    for now in (0.0, 100.0, 200.0, 300.0):
        played = stage([BUSY], FINE, health=health, now=now).play()
        stage(FINE, health=health, now=now).play()

    assert after(400.0, played, FINE).asked == [A]


def test_one_request_probes_a_rested_provider() -> None:
    """While the probe is out, others go elsewhere; its answer lets everybody back."""
    first = open_first()
    route = first.health.of((PROVIDERS[0], "gemini-2.5-flash-lite"))

    assert [route.claim(4.9), route.claim(5.0), route.claim(5.0)] == [False, True, False]
    route.answered(5.1, first_content=0.1, stream=False, repeats=0.0)
    assert [route.claim(5.2), route.claim(5.2)] == [True, True]


def test_a_probe_that_fails_doubles_the_rest() -> None:
    """Five seconds, ten, twenty; an answer begins anew."""
    first = open_first()
    probed = after(5.0, first, [BUSY], FINE)

    assert probed.asked == [A, B]
    assert after(14.9, probed, FINE).asked == [B]
    answered = after(15.0, probed, FINE)
    assert answered.asked == [A]
    assert after(15.1, answered, [BUSY], FINE).asked == [A, B]
    assert after(15.2, answered, FINE).asked == [A]


def test_a_rest_does_not_outgrow_its_limit() -> None:
    """However often the probe fails."""
    route = open_first().health.of((PROVIDERS[0], "gemini-2.5-flash-lite"))
    now = 5.0
    rests = []
    for _ in range(9):
        assert route.claim(now)
        route.failed(ServerError("x"), now, RetryPolicy(), began=now)
        rests.append(route.opens_at - now)
        now = route.opens_at

    assert rests == [10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_one_burst_of_failures_is_one_rest() -> None:
    """Requests that were under way when the rest began say nothing new: the rest neither grows nor starts anew."""
    health = Health().of("route")
    for _ in range(30):
        health.failed(ServerError("x"), 1.0, RetryPolicy(), began=0.5)
    first = health.opens_at
    health.failed(ServerError("x"), 2.0, RetryPolicy(), began=0.9)

    assert health.opens_at == first
    assert health.claim(first)
    health.failed(ServerError("x"), first, RetryPolicy(), began=first)
    assert health.opens_at == first + 2 * (first - 1.0)


def test_a_probe_that_is_left_lets_others_probe() -> None:
    """A caller who goes away has learned nothing."""
    route = open_first().health.of((PROVIDERS[0], "gemini-2.5-flash-lite"))
    assert route.claim(5.0)
    route.release()

    assert route.claim(5.0)


RESTS = [
    (ResponseHead(429, {"retry-after": "30"}), 30.0),
    (ResponseHead(429, {}), 5.0),
    (ResponseHead(429, {"retry-after": "3600"}), 3600.0),
    (ResponseHead(429, {"retry-after": "9999999999"}), 86_400.0),
    (ResponseHead(401, {}), 60.0),
    (ResponseHead(402, {}), 60.0),
    (ResponseHead(403, {}), 60.0),
    (ResponseHead(404, {}), 60.0),
    (ResponseHead(402, {"retry-after": "90"}), 90.0),
]


@pytest.mark.parametrize(("head", "rest"), RESTS, ids=[f"{head.status} {rest}" for head, rest in RESTS])
def test_a_refusal_that_a_wait_may_mend_makes_the_route_rest(head: ResponseHead, rest: float) -> None:
    """As long as the provider says, else as long as the policy does; then it is asked first again."""
    first = stage([head], FINE).play()

    assert first.asked == [A, B]
    assert after(rest - 0.1, first, FINE).asked == [B]
    assert after(rest, first, FINE).asked == [A]


@pytest.mark.parametrize("body", [b'{"error": {"message": "bad"}}'])
def test_a_bad_request_says_nothing_of_the_providers_health(body: bytes) -> None:
    """Nor does a prompt that is too long: the provider works."""
    health = Health()
    for _ in range(9):
        played = stage([ResponseHead(400, {}), body], health=health)
        with pytest.raises(GeminiMultiError):
            played.play()

    assert after(0.0, played, FINE).asked == [A]


def test_when_all_rest_the_one_whose_rest_ends_first_is_asked() -> None:
    """At once: a call is never refused for its routes' health."""
    first = stage([ResponseHead(429, {"retry-after": "50"})], [ResponseHead(429, {"retry-after": "20"})])
    with pytest.raises(AllRoutesFailed):
        first.play(max_retries=0)
    second = after(1.0, first, FINE)

    assert (second.asked, second.waits) == ([B], [])


def test_a_lone_route_is_asked_although_it_rests() -> None:
    """There is nobody else."""
    first = Stage([[ResponseHead(429, {"retry-after": "50"})]])
    with pytest.raises(RateLimited):
        first.play(max_retries=0)
    second = Stage([[OK, ANSWER]], health=first.health, now=1.0).play()

    assert (second.asked, second.waits) == (["oxen"], [])


def test_health_is_kept_per_model_and_key() -> None:
    """A key without credit says nothing of another one."""
    health = Health()
    keys = [(type(PROVIDERS[2])(key), "m") for key in ("one", "two")] + [(PROVIDERS[2], "n")]

    assert len({id(health.of(key)) for key in keys}) == 3
    assert health.of(keys[0]) is health.of((type(PROVIDERS[2])("one"), "m"))


def test_pickles_of_the_health_begin_anew() -> None:
    """What was learned belongs to the process."""
    health = Health()

    assert pickle.loads(pickle.dumps(health)) is not health


def test_a_stream_that_breaks_counts_against_its_provider() -> None:
    """Also after content was delivered."""
    health = Health()
    broken = [OK, event("Hi"), TransportError(ConnectionFailed, "reset")]
    for _ in range(3):
        played = Stage([list(broken)], PROVIDERS[2:], health=health)
        with pytest.raises(GeminiMultiError):
            played.play(stream=True)

    route = health.of((PROVIDERS[2], "gemini-2.5-flash-lite"))
    assert sum(failed for _, failed in route._recent) == 3


def test_repeats_are_paid_from_a_budget() -> None:
    """With nothing left, a provider is not asked again; an answer at the first try gives a little back."""
    health = Health()
    asked = []
    for _ in range(4):
        played = Stage([[BUSY]] * 3, health=health)
        with pytest.raises(ServerError):
            played.play(max_retries=2, budget=60.0)
        asked.append(len(played.asked))

    assert asked == [3, 3, 1, 1]


def test_an_answer_after_repeats_gives_back_what_they_took() -> None:
    """A provider that recovers is not held back."""
    health = Health()
    asked = []
    for _ in range(6):
        played = Stage([[BUSY], [BUSY], [OK, ANSWER]], health=health).play(max_retries=2, budget=30.0)
        asked.append(len(played.asked))

    assert asked == [3] * 6


@pytest.mark.parametrize(("head", "repeats"), [(BUSY, 3), (ResponseHead(429, {"retry-after": "0"}), 9)])
def test_repeats_after_a_rate_limit_are_cheaper(head: ResponseHead, repeats: int) -> None:
    """Fourteen tokens after a failure, five after a limit."""
    played = Stage([[head]] * 30)
    with pytest.raises(GeminiMultiError):
        played.play(max_retries=20, budget=45.0, chance=0.0)

    assert len(played.asked) == 1 + repeats


def test_without_a_budget_only_the_retries_count() -> None:
    """`budget=None` sets no limit."""
    played = Stage([[BUSY]] * 100)
    with pytest.raises(ServerError):
        played.play(max_retries=99, budget=None, chance=0.0)

    assert len(played.asked) == 100


TOO_LONG = [ResponseHead(400, {}), b'{"error": {"message": "The input token count (9) exceeds the maximum"}}']


def test_a_prompt_that_is_too_long_stops_where_no_window_is_larger() -> None:
    """The next provider would say the same."""
    played = stage(list(TOO_LONG), FINE)
    with pytest.raises(ContextOverflow):
        played.play()

    assert played.asked == [A]


def test_a_prompt_that_is_too_long_moves_to_a_larger_window() -> None:
    """AIMLAPI states a fifth of the window that the model has elsewhere."""
    request = replace(REQUEST, model="gemini-3-pro-preview")
    small, large = PROVIDERS[1], Oxen("key", model="google/gemini-3.1-pro-preview")
    played = Stage([list(TOO_LONG), [OK, ANSWER]], (small, large), request=request).play()

    assert played.asked == ["aimlapi", "oxen"]


def test_an_exhausted_call_tells_every_attempt() -> None:
    """Provider, model, status, wait and duration, in the order of the requests."""
    played = stage([0.25, BUSY], [ResponseHead(401, {})], [BUSY])
    with pytest.raises(AllRoutesFailed) as caught:
        played.play(max_retries=1)

    told = caught.value.message.partition("Attempts:\n")[2].splitlines()
    assert told == [
        "- cloudflare 'google/gemini-2.5-flash-lite': ServerError 503, 0.25 s",
        "- aimlapi 'google/gemini-2.5-flash-lite-preview': AuthenticationFailed 401, 0.00 s",
        "- cloudflare 'google/gemini-2.5-flash-lite' after a wait of 0.50 s: ServerError 503, 0.00 s",
    ]
