"""Planned failures, as a client sees them on the wire."""

from __future__ import annotations

import json

import httpx
import pytest

from gemini_multi.sandbox.faults import FAULTS

PROVIDERS = ["cloudflare", "aimlapi", "oxen"]
STATUSES = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504]
BROKEN = ["reset", "reset_after_headers", "cut", "truncated_body"]
STREAM = {"stream": True}


def envelope(provider: str, error: dict[str, object]) -> bool:
    """Whether an error has one of the provider's documented forms."""
    if provider == "cloudflare":
        return error["success"] is False and bool(error.get("error") or error.get("errors"))
    return "message" in error if provider == "aimlapi" else "type" in error["error"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_comes_with_the_providers_own_body(sandbox, asking, provider, status):
    """The next requests fail, and the one after them does not."""
    sandbox.fail(provider, status=status, times=2, retry_after=0.01)
    failed = [asking.chat(provider, {}) for _ in range(2)]
    assert [answer.status_code for answer in failed] == [status, status]
    assert all(envelope(provider, answer.json()) for answer in failed)
    assert failed[0].headers["retry-after"] == "0.01"
    assert asking.chat(provider, {}).status_code == 200


def test_a_code_picks_the_meaning_of_a_status(sandbox, asking):
    """Cloudflare's code says which 429 it is."""
    sandbox.fail("cloudflare", status=429, code=2045)
    error = asking.chat("cloudflare", {}).json()
    assert (error["internalCode"], error["httpCode"]) == (2045, 429)


def test_a_body_can_be_given(sandbox, asking):
    """A given body replaces the provider's own."""
    sandbox.fail("oxen", status=418, body="teapot")
    answer = asking.chat("oxen", {})
    assert (answer.status_code, answer.text) == (418, "teapot")


def test_google_tells_the_delay_in_the_body(sandbox, asking):
    """AI Studio's 429 has a `RetryInfo`."""
    sandbox.fail("cloudflare", status=429, retry_after=0.5)
    error = asking.native("gemini-2.5-flash", {}).json()["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["details"][0]["retryDelay"] == "0.5s"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("body", [{}, STREAM], ids=["unary", "stream"])
def test_a_broken_connection_is_a_transport_error(sandbox, asking, provider, fault, body):
    """A connection that breaks is noticed, and the next request is served."""
    sandbox.fail(provider, fault=fault)
    with pytest.raises(httpx.TransportError):
        asking.chat(provider, body)
    assert asking.chat(provider, body).status_code == 200


@pytest.mark.parametrize("body", [{}, STREAM], ids=["unary", "stream"])
def test_a_truncated_archive_holds_half_an_answer(sandbox, asking, body):
    """Httpx does not notice that a compressed body is incomplete; what comes out of it is half an answer."""
    whole = asking.chat("oxen", body)
    sandbox.fail("oxen", fault="truncated_gzip")
    half = asking.chat("oxen", body)
    assert half.headers["content-encoding"] == "gzip"
    assert 0 < len(half.content) < len(whole.content)


def test_a_cut_stream_gives_so_many_events_first(sandbox, asking):
    """`after` says how many events still go out."""
    sandbox.fail("oxen", fault="cut", after=3)
    lines: list[str] = []
    url, headers = f"{asking.bases['oxen']}/chat/completions", {"authorization": f"Bearer {asking.keys['oxen']}"}
    body = {"model": "gemini-2-5-flash", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with (
        asking.client.stream("POST", url, headers=headers, json=body) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        lines.extend(line for line in answer.iter_lines() if line)
    assert [line[:6] for line in lines] == ["data: "] * 3


@pytest.mark.parametrize("body", [{}, STREAM], ids=["unary", "stream"])
def test_a_stall_lasts_until_the_client_gives_up(sandbox, asking, body):
    """A stalled answer never ends, and does not hold up the sandbox's own end."""
    sandbox.fail("aimlapi", fault="stall")
    asking.client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        asking.chat("aimlapi", body)


def events(answer: httpx.Response) -> list[str]:
    """The data of each event."""
    return [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_faults_in_whole_answers(sandbox, asking, provider):
    """Each fault spoils a whole answer in its own way, with status 200."""
    seen = {}
    for fault in ("html", "empty", "error_in_200", "choices_null", "choices_empty", "not_json"):
        sandbox.fail(provider, fault=fault)
        seen[fault] = asking.chat(provider, {})
    assert {answer.status_code for answer in seen.values()} == {200}
    assert seen["html"].text.startswith("<!DOCTYPE html>")
    assert seen["empty"].content == b""
    assert envelope(provider, seen["error_in_200"].json())
    assert [seen[fault].json()["choices"] for fault in ("choices_null", "choices_empty")] == [None, []]
    assert seen["not_json"].text.startswith("upstream connect error")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_faults_in_streams(sandbox, asking, provider):
    """Each fault spoils a stream in its own way."""
    seen = {}
    for fault in ("error_in_stream", "no_done", "clean_end", "choices_null", "not_json"):
        sandbox.fail(provider, fault=fault, after=2)
        seen[fault] = events(asking.chat(provider, STREAM))
    assert envelope(provider, json.loads(seen["error_in_stream"][2]))
    assert "[DONE]" not in seen["no_done"]
    assert json.loads(seen["no_done"][-1])["choices"][0]["finish_reason"] == "stop"
    assert len(seen["clean_end"]) == 2
    assert json.loads(seen["choices_null"][2])["choices"] is None
    assert seen["choices_null"][-1] == "[DONE]"
    assert "is no JSON" in seen["not_json"][2]


def test_a_fault_can_have_a_status(sandbox, asking):
    """A page of HTML with status 502, as proxies send it."""
    sandbox.fail("cloudflare", fault="html", status=502)
    answer = asking.run({"contents": [{"parts": [{"text": "Hello"}]}]})
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_failures_happen_in_order(sandbox, asking):
    """What is planned first happens first."""
    sandbox.fail("oxen", status=500)
    sandbox.fail("oxen", status=429)
    assert [asking.chat("oxen", {}).status_code for _ in range(3)] == [500, 429, 200]


def test_wrong_plans_are_refused(sandbox):
    """A typing error in a plan is told at once."""
    with pytest.raises(ValueError, match="Unknown fault 'cutt'"):
        sandbox.fail("oxen", fault="cutt")
    with pytest.raises(ValueError, match="Unknown provider 'oxygen'"):
        sandbox.fail("oxygen", status=500)
    with pytest.raises(ValueError, match="needs a status or a fault"):
        sandbox.fail("oxen")
    assert set(BROKEN) < set(FAULTS)
