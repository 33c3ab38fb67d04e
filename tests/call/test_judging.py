"""Answers that hold nothing usable: asked for once more, then the next provider, whatever they say of their end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_multi import ChatResponse, Client, Finished, TextDelta, ThoughtDelta
from tests.end_to_end.providers import DONE, REQUEST, FakeProviders, Reply, answer, raw, status


def chat(message: Any, finish: str | None = "stop") -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def native(*parts: Any, finish: str | None = "STOP") -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return {"candidates": [{**content, **({"finishReason": finish} if finish else {})}]}


CALL = {"id": "x", "type": "function", "function": {"arguments": "{}"}}
UNNAMED = {**CALL, "function": {"name": "", "arguments": "{}"}}
THOUGHT = {"text": "Hm.", "thought": True}
SIGNED = {"text": "", "thoughtSignature": "YQ=="}
WORTHLESS = {
    "calls without a call": chat({"content": None}, "tool_calls"),
    "an empty list of calls": chat({"content": "", "tool_calls": []}, "tool_calls"),
    "a call without a name": chat({"content": None, "tool_calls": [CALL]}, "tool_calls"),
    "a call with an empty name": chat({"content": None, "tool_calls": [UNNAMED]}, "tool_calls"),
    "the older word": chat({"content": None}, "function_call"),
    "an unknown word": chat({"content": None}, "end_turn"),
    "a failure": chat({"content": None}, "error"),
    "no reason": chat({"content": None}, None),
    "thoughts only": chat({"content": None, "reasoning_content": "Hm."}),
    "thoughts and calls without a call": chat({"content": None, "reasoning": "Hm."}, "tool_calls"),
    "Google's OTHER": native(finish="OTHER"),
    "Google's LANGUAGE": native(finish="LANGUAGE"),
    "an unknown word of Google": native(finish="A_WORD_OF_TOMORROW"),
    "no reason of Google": native(finish=None),
    "an empty part": native({"text": ""}),
    "Google's thoughts only": native(THOUGHT),
    "Google's thoughts and a signature": native(THOUGHT, SIGNED, finish="OTHER"),
    "a call that must not be run": native({"functionCall": {"name": "f"}}, finish="UNEXPECTED_TOOL_CALL"),
    "a call of Google without a name": native({"functionCall": {"args": {}}}),
}
WHOLE_ONLY = ("no reason", "no reason of Google")
"""A stream that ends without a reason was cut, which is another failure."""


def reply(document: dict[str, Any], *, stream: bool) -> Reply:
    written = json.dumps(document).encode()
    return raw(b"data: " + written + b"\n\n" + DONE) if stream else raw(written)


async def ask(client: Client, *, stream: bool, is_async: bool) -> ChatResponse:
    if is_async:
        ours = client.for_async()
        return await (ours.stream(REQUEST).response() if stream else ours.chat(REQUEST))
    return client.stream(REQUEST).response() if stream else client.chat(REQUEST)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("name", "stream"),
    [(name, stream) for name in WORTHLESS for stream in (False, True) if not (stream and name in WHOLE_ONLY)],
)
async def test_an_answer_without_use_is_asked_for_once_more_and_then_elsewhere(
    name: str, stream: bool, is_async: bool
) -> None:
    """What counts is what the answer holds."""
    fakes = FakeProviders({"aimlapi": [reply(WORTHLESS[name], stream=stream)], "oxen": [answer("Hi")]})
    response = await ask(fakes.client("aimlapi", "oxen"), stream=stream, is_async=is_async)

    assert (response.text, fakes.asked) == ("Hi", ["aimlapi", "aimlapi", "oxen"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["thoughts only", "Google's OTHER", "calls without a call"])
async def test_the_last_answer_without_use_is_returned(name: str, stream: bool) -> None:
    """Nobody has a better one: it was paid for, and says why it stopped."""
    fakes = FakeProviders({"aimlapi": [reply(WORTHLESS[name], stream=stream)], "oxen": [status(503)]})
    response = await ask(fakes.client("aimlapi", "oxen", max_retries=0), stream=stream, is_async=False)

    assert (response.text, response.provider, fakes.asked) == ("", "aimlapi", ["aimlapi", "oxen"])


async def test_thoughts_of_a_stream_do_not_end_the_search() -> None:
    """They were given out as they came; the answer follows from another attempt."""
    first = b"".join(
        b"data: " + json.dumps(document).encode() + b"\n\n"
        for document in (native(THOUGHT, finish=None), native(SIGNED))
    )
    fakes = FakeProviders({"oxen": [raw(first), answer("Hi")]})
    events = list(fakes.client("oxen").stream(REQUEST))

    assert events[0] == ThoughtDelta("Hm.")
    assert [type(event) for event in events[1:]] == [TextDelta, Finished]  # no signature of the first attempt
    assert (events[-1].response.text, len(fakes.requests)) == ("Hi", 2)  # type: ignore[union-attr]


async def test_a_signature_before_the_first_word_comes_with_it() -> None:
    """It is held back only as long as nothing is said."""
    documents = (native(SIGNED, finish=None), native(THOUGHT, finish=None), native({"text": "Hi"}))
    fakes = FakeProviders({"oxen": [raw(*(b"data: " + json.dumps(each).encode() + b"\n\n" for each in documents))]})
    *events, end = list(fakes.client("oxen").stream(REQUEST))

    assert [(type(event), getattr(event, "text", "")) for event in events] == [
        (ThoughtDelta, "Hm."),
        (TextDelta, ""),
        (TextDelta, "Hi"),
    ]
    assert isinstance(end, Finished)


USEFUL = {
    "text": chat({"content": "Hi"}, "end_turn"),
    "a refusal": chat({"content": None, "refusal": "No."}, "other"),
    "the length": chat({"content": None}, "length"),
    "a filter": chat({"content": None}, "content_filter"),
    "Google's filter": native(finish="SAFETY"),
    "Google's length after thoughts": native(THOUGHT, finish="MAX_TOKENS"),
    "a picture": native({"inlineData": {"mimeType": "image/png", "data": "YQ=="}}, finish="OTHER"),
    "a call beside a nameless one": native(
        {"functionCall": {"args": {}}}, {"functionCall": {"name": "f"}}, finish="STOP"
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", USEFUL)
async def test_an_answer_of_use_or_with_an_explanation_is_returned(name: str, stream: bool) -> None:
    """Another try would end in the same way, or would throw something away."""
    fakes = FakeProviders({"oxen": [reply(USEFUL[name], stream=stream)]})
    await ask(fakes.client("oxen"), stream=stream, is_async=False)

    assert len(fakes.requests) == 1
