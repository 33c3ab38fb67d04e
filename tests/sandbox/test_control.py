"""Scripts, raw replies and the record of requests."""

from __future__ import annotations

import json

import pytest

from gemini_multi.sandbox import Answer, Recorded

GIVEN = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}


def test_scripted_answers_come_in_order_and_in_the_requests_dialect(sandbox, asking):
    """The same script is told natively and in chat."""
    sandbox.script("cloudflare", [Answer("One"), Answer(tool_calls=[("f", {"a": 1})])])
    native = asking.run(GIVEN).json()["result"]["candidates"][0]["content"]["parts"]
    chat = asking.chat("cloudflare", TOOLS).json()["choices"][0]["message"]["tool_calls"][0]["function"]
    assert native == [{"text": "One"}]
    assert (chat["name"], json.loads(chat["arguments"])) == ("f", {"a": 1})
    assert "you said" in asking.run(GIVEN).json()["result"]["candidates"][0]["content"]["parts"][0]["text"]


def test_a_script_for_everyone_comes_after_the_providers_own(sandbox, asking):
    """The provider's own script is served first."""
    sandbox.script(None, [Answer("for whoever is first")])
    sandbox.script("oxen", [Answer("for Oxen")])
    told = [asking.chat("oxen", {}).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert told == ["for Oxen", "for whoever is first"]


def test_a_scripted_answer_can_be_streamed(sandbox, asking):
    """A script does not care for the form."""
    sandbox.script("oxen", [Answer("One two three", thoughts="Hm")])
    lines = [line[6:] for line in asking.chat("oxen", {"stream": True}).text.splitlines() if line.startswith("data: {")]
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines]
    assert "".join(delta.get("content") or "" for delta in deltas) == "One two three"
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Hm"


@pytest.mark.parametrize(
    ("reason", "native", "chat"), [("content_filter", "SAFETY", "content_filter"), ("RECITATION",) * 3]
)
def test_a_finish_reason_can_be_scripted(sandbox, asking, reason, native, chat):
    """Known reasons are translated, others are told as they are."""
    sandbox.script("cloudflare", [Answer("x", finish_reason=reason)] * 2)
    assert asking.run(GIVEN).json()["result"]["candidates"][0]["finishReason"] == native
    assert asking.chat("cloudflare", {}).json()["choices"][0]["finish_reason"] == chat


def test_a_blocked_prompt_can_be_scripted(sandbox, asking):
    """Natively there is feedback on the prompt and no candidate."""
    sandbox.script("cloudflare", [Answer(block_reason="PROHIBITED_CONTENT")])
    told = asking.run(GIVEN).json()["result"]
    assert told["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in told


def test_a_raw_reply_is_sent_byte_for_byte(sandbox, asking):
    """Status, headers and body are exactly as given."""
    sandbox.reply_raw("oxen", status=207, headers={"Content-Type": "text/plain", "X-Odd": "1"}, body=b"\xff\x00")
    answer = asking.chat("oxen", {})
    assert (answer.status_code, answer.content) == (207, b"\xff\x00")
    assert (answer.headers["content-type"], answer.headers["x-odd"]) == ("text/plain", "1")


def test_requests_are_recorded_in_order(sandbox, asking):
    """Body, path and lower-case headers are kept, failed requests too."""
    sandbox.fail("oxen", status=500)
    asking.chat("oxen", {"stream": True})
    asking.run(GIVEN)
    first, second = sandbox.requests
    assert isinstance(first, Recorded)
    assert (first.provider, first.method, first.path, first.stream) == (
        "oxen",
        "POST",
        "/oxen/api/ai/chat/completions",
        True,
    )
    assert first.body == {
        "model": "gemini-2-5-flash",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    assert second.headers["authorization"] == f"Bearer {asking.keys['cloudflare']}"
    assert (second.body, second.stream) == ({"model": "google/gemini-2.5-flash", "input": GIVEN}, False)
    assert sandbox.requests_to("cloudflare") == [second]


def test_a_native_stream_is_recorded_as_one(sandbox, asking):
    """The method in the path says that it is a stream."""
    asking.native("gemini-2.5-flash", GIVEN, "streamGenerateContent", "?alt=sse")
    assert sandbox.requests[0].stream is True


def test_a_body_that_is_no_json_is_recorded_as_text(sandbox, asking):
    """Nothing that came is lost."""
    asking.client.post(f"{asking.bases['oxen']}/chat/completions", content=b"{oops")
    assert sandbox.requests[0].body == "{oops"


def test_clear_forgets_everything(sandbox, asking):
    """Requests, failures and scripts are gone."""
    sandbox.fail("oxen", status=500)
    sandbox.script("oxen", [Answer("x")])
    asking.run(GIVEN)
    sandbox.clear()
    assert sandbox.requests == []
    assert "you said" in asking.chat("oxen", {}).json()["choices"][0]["message"]["content"]
