"""The bytes of streams, each provider in its own manner."""

from __future__ import annotations

import json

import pytest

from gemini_multi.sandbox.reply import cut

GIVEN = {"contents": [{"role": "user", "parts": [{"text": "Hello 你好"}]}]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]
CALLING = {"stream": True, "tools": TOOLS, "messages": [{"role": "user", "content": "Use f and g."}]}


def chunks(text: str) -> list[dict[str, object]]:
    """The documents of a stream, without the last word."""
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def test_pieces_end_inside_characters_and_line_ends():
    """Events are cut where a careless reader breaks."""
    events = ("data: “a”\r\n\r\n".encode(), b"data: b\r\n\r\n")
    pieces = list(cut(events))
    assert b"".join(pieces) == b"".join(events)
    assert pieces == [b"data: \xe2", b"\x80\x9ca\xe2\x80\x9d\r\n\r", b"\ndata:", b" b\r\n\r", b"\n"]


def test_a_native_stream_has_crlf_and_no_last_word(asking):
    """As Google sends it; the counts so far are in every document."""
    told = asking.native("gemini-3-flash-preview", GIVEN, "streamGenerateContent", "?alt=sse")
    documents = chunks(told.text)
    assert told.content.endswith(b"\r\n\r\n")
    assert b"[DONE]" not in told.content
    assert documents[-1]["candidates"][0]["finishReason"] == "STOP"
    assert list(documents[-1]["candidates"][0]["content"]["parts"][0]) == ["text", "thoughtSignature"]
    assert documents[-1]["candidates"][0]["content"]["parts"][0]["text"] == ""


def test_without_alt_sse_a_native_stream_is_an_array(asking):
    """The documents are the members of one JSON array."""
    told = asking.native("gemini-2.5-flash", GIVEN, "streamGenerateContent")
    text = "".join(part["text"] for one in told.json() for part in one["candidates"][0]["content"]["parts"])
    assert "“Hello 你好”" in text


def test_without_alt_sse_an_error_is_an_array_of_one(asking):
    """As Google's array endpoints send it."""
    told = asking.native("gemini-2.5-flash", {}, "streamGenerateContent").json()
    assert told[0]["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_a_chat_stream_ends_with_the_last_word(asking, provider):
    """`[DONE]` comes last."""
    told = asking.chat(provider, {"stream": True})
    assert told.headers["content-type"].startswith("text/event-stream")
    assert told.content.endswith(b"data: [DONE]\n\n")


def test_aimlapi_sends_comments_and_the_cost(asking):
    """Comment lines stand between events; the last chunk has `meta.usage`."""
    told = asking.chat("aimlapi", {"stream": True})
    assert told.text.count(": OPENROUTER PROCESSING\n\n") == 2
    assert chunks(told.text)[-1]["meta"]["usage"]["credits_used"] >= 0
    assert "x-aimlapi-credits-used" not in told.headers


def test_cloudflare_streams_calls_as_googles_endpoint(asking):
    """Each call comes whole in its own chunk without `index`; only the first is signed; the reason is `stop`."""
    documents = chunks(asking.chat("cloudflare", {**CALLING, "model": "google/gemini-3-flash"}).text)
    calls = [call for one in documents for call in one["choices"][0]["delta"].get("tool_calls", [])]
    assert [sorted(call) for call in calls] == [["extra_content", "function", "id", "type"], ["function", "id", "type"]]
    assert documents[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_call_ends_the_thoughts_without_a_closing_tag(asking):
    """As Google's endpoint does it; the flag marks each piece of a thought."""
    thinking = {"google": {"thinking_config": {"thinking_level": "low", "include_thoughts": True}}}
    body = {**CALLING, "model": "google/gemini-3-flash", "extra_body": thinking}
    deltas = [one["choices"][0]["delta"] for one in chunks(asking.chat("cloudflare", body).text)]
    flagged = [delta["content"] for delta in deltas if delta.get("extra_content", {}).get("google", {}).get("thought")]
    assert "".join(flagged).startswith("<thought>**Sandbox thoughts**")
    assert "</thought>" not in "".join(delta.get("content") or "" for delta in deltas)


def test_aimlapi_streams_calls_as_openrouter(asking):
    """Calls come in pieces by `index`; the counts come with a choice that repeats the reason."""
    body = {**CALLING, "model": "google/gemini-3-7-flash", "stream_options": {"include_usage": True}}
    documents = chunks(asking.chat("aimlapi", body).text)
    calls = [call for one in documents for call in one["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 1, 1]
    assert [one["choices"][0]["finish_reason"] for one in documents[-2:]] == ["tool_calls", "tool_calls"]
    assert ["usage" in one for one in documents[-2:]] == [False, True]


def test_oxen_streams_calls_as_openai(asking):
    """The counts come in a last chunk without choices."""
    documents = chunks(asking.chat("oxen", {**CALLING, "stream_options": {"include_usage": True}}).text)
    assert documents[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert documents[-1]["choices"] == []
    assert documents[-1]["usage"]["total_tokens"] > 0


def test_run_streams_messages(asking):
    """`stream` inside `input` makes the run endpoint stream the chat dialect."""
    given = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
    told = asking.run(given)
    assert "cf-aig-run-id" in told.headers
    assert told.content.endswith(b"data: [DONE]\n\n")


def test_run_wraps_a_chat_answer(asking):
    """Without `stream`, the chat answer is wrapped like a native one."""
    told = asking.run({"messages": [{"role": "user", "content": "Hello"}]}).json()
    assert told["success"] is True
    assert told["result"]["choices"][0]["finish_reason"] == "stop"
