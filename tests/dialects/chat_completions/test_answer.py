"""How the chat completions dialect reads whole answers, in the shapes that providers are known to give."""

from __future__ import annotations

import copy

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.errors import PromptBlocked
from gemini_multi.types import (
    Blob,
    ChatRequest,
    ChatResponse,
    Citation,
    FileReference,
    JsonValue,
    Message,
    Opaque,
    PartReady,
    Signature,
    Text,
    TextDelta,
    Thought,
    Tool,
    ToolCall,
    ToolCallReady,
    Usage,
)


def decoder(model: str = "gemini-3-flash-preview", **settings: object):
    request = ChatRequest(model=model, messages=(Message.user("Hi"),), **settings)
    traits = ChatTraits(credits_per_usd=2_000_000)
    return CHAT_COMPLETIONS.decoder(request, Target("aimlapi", find(model), "asked", traits, issuer="here"))


def read(body: JsonValue, **settings: object) -> ChatResponse:
    reader = decoder(**settings)
    reader.feed(copy.deepcopy(body))
    reader.close()
    return reader.response()


def answer(message: JsonValue, finish_reason: str | None = "stop", **choice: JsonValue) -> JsonValue:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}]}


def call(name: str, arguments: JsonValue = "{}", call_id: str = "c1", **more: JsonValue) -> JsonValue:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def google(signature: str, namespace: str = "google") -> JsonValue:
    return {namespace: {"thought_signature": signature}}


AIMLAPI_OLDER = {
    "id": "gen-1752482994-9LhqM48PhAmhiRTtl2ys",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "Hello there!", "reasoning_content": None, "refusal": None},
        }
    ],
    "created": 1752482994,
    "model": "google/gemini-2.5-flash-lite-preview-06-17",
    "usage": {"prompt_tokens": 0, "completion_tokens": 9, "total_tokens": 9},
}
VERTEX_PASSTHROUGH = {
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "logprobs": None,
            "message": {"content": "To an AI, …", "extra_content": google("AY89"), "role": "assistant"},
        }
    ],
    "created": 1779270449,
    "id": "MYMNatuyCJuUq8YPmp2j0Q0",
    "model": "google/gemini-3.5-flash",
    "object": "chat.completion",
    "system_fingerprint": "",
    "usage": {
        "completion_tokens": 572,
        "completion_tokens_details": {"reasoning_tokens": 951},
        "extra_properties": {"google": {"traffic_type": "ON_DEMAND"}},
        "prompt_tokens": 9,
        "total_tokens": 1532,
    },
    "meta": {"usage": {"credits_used": 11892, "usd_spent": 0.005946}},
}
ENCRYPTED = {"format": "google-gemini-v1", "index": 0, "type": "reasoning.encrypted", "data": "EjQKMgFy"}
OPENROUTER_PASSTHROUGH = {
    "id": "gen-1766063158-RRytcJXYoleIKM3qUEs7",
    "provider": "Google AI Studio",
    "model": "google/gemini-3-flash-preview",
    "object": "chat.completion",
    "created": 1766063158,
    "choices": [
        {
            "logprobs": None,
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "…",
                "refusal": None,
                "reasoning": None,
                "reasoning_details": [ENCRYPTED],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 572,
        "total_tokens": 582,
        "cost": 0.001721,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
    },
    "meta": {"usage": {"credits_used": 3814}},
}
OXEN_CALL = {
    "choices": [
        {
            "finish_reason": "tool_calls",
            "message": {
                "content": None,
                "role": "assistant",
                "tool_calls": [call("get_weather", '{"location":"San Francisco"}', "call_GRNw", index=0)],
            },
        }
    ]
}
CLOUDFLARE = {
    "id": "chatcmpl-130c",
    "object": "chat.completion",
    "created": 1780697607,
    "model": "google/gemini-3.8-flash",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "The capital …", "reasoning_content": "Paris?"},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 11,
        "completion_tokens": 41,
        "total_tokens": 52,
        "prompt_tokens_details": {"cached_tokens": 10},
    },
    "gatewayMetadata": {"keySource": "Unified"},
}


def test_aimlapi_normalized_answer() -> None:
    """The older shape has no prompt tokens and names a dated model."""
    response = read(AIMLAPI_OLDER)
    assert response.parts == (Text("Hello there!"),)
    assert response.finish_reason == "stop"
    assert response.usage == Usage(output_tokens=9, total_tokens=9)
    assert (response.model, response.response_id) == (AIMLAPI_OLDER["model"], AIMLAPI_OLDER["id"])


def test_vertex_answer_through_aimlapi() -> None:
    """Thoughts are outside of the completion's tokens, the signature is the message's, the cost is AIMLAPI's."""
    response = read(VERTEX_PASSTHROUGH)
    signature = Signature(google("AY89"), carrier="extra_content", issuer="here")
    assert response.parts == (Text("To an AI, …", signature=signature),)
    assert response.usage == Usage(
        input_tokens=9,
        output_tokens=1523,
        total_tokens=1532,
        reasoning_tokens=951,
        cost_usd=0.005946,
        cost_source="host",
    )
    assert response.provider_metadata["usage"]["extra_properties"] == {"google": {"traffic_type": "ON_DEMAND"}}
    assert response.provider_metadata["meta"] == VERTEX_PASSTHROUGH["meta"]


def test_openrouter_answer_through_aimlapi() -> None:
    """The signature is an encrypted detail, the provider's own bill wins over its upstream's cost."""
    response = read(OPENROUTER_PASSTHROUGH)
    signature = Signature([ENCRYPTED], carrier="reasoning_details", issuer="here")
    assert response.parts == (Text("…", signature=signature),)
    assert response.usage.cost_usd == pytest.approx(0.001907)
    assert response.candidate.metadata == {"native_finish_reason": "STOP"}
    assert response.provider_metadata["provider"] == "Google AI Studio"


def test_oxen_tool_call() -> None:
    """There may be no id, model or usage, and the call may be numbered."""
    response = read(OXEN_CALL)
    assert response.parts == (ToolCall("call_GRNw", "get_weather", {"location": "San Francisco"}),)
    assert (response.finish_reason, response.model, response.usage) == ("tool_calls", "asked", Usage())


def test_cloudflare_answer() -> None:
    """The gateway's own field is kept, the thought is one."""
    response = read(CLOUDFLARE)
    assert response.parts == (Thought("Paris?"), Text("The capital …"))
    assert response.provider_metadata["gatewayMetadata"] == {"keySource": "Unified"}
    assert response.usage.cached_tokens == 10


def test_google_call_without_id_and_content() -> None:
    """An empty id is replaced, the message's signature is the call's, the hidden thoughts are the difference."""
    message = {
        "role": "assistant",
        "extra_content": {"google": {"thought": True, "thought_signature": "S"}},
        "thought_signature": "S",
        "tool_calls": [call("get_current_time", "{}", "")],
    }
    body = {**answer(message), "usage": {"completion_tokens": 12, "prompt_tokens": 35, "total_tokens": 109}}
    response = read(body, model="gemini-2.5-pro")
    (found,) = response.tool_calls
    assert found.id
    assert found.synthetic_id
    assert found.signature == Signature(message["extra_content"], carrier="message.extra_content", issuer="here")
    assert response.finish_reason == "tool_calls"
    assert (response.usage.output_tokens, response.usage.reasoning_tokens) == (74, 62)


def test_thought_flag_on_an_answer_without_tags_is_only_a_hint() -> None:
    """Google flags the answer itself in a tool loop's last turn."""
    extra = {"google": {"thought": True, "thought_signature": "S"}}
    response = read(answer({"content": "It is noon.", "extra_content": extra}))
    assert response.text == "It is noon."
    assert response.thoughts == ""


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

MESSAGES = (
    ({"role": "model", "content": "a"}, (Text("a"),)),
    ({"role": "assistant"}, ()),
    ({"role": "assistant", "content": None, "tool_calls": None, "function_call": None}, ()),
    ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, (Text("ab"),)),
    ({"content": ["a", None, {"type": "output_text", "text": "b"}]}, (Text("ab"),)),
    ({"content": {"type": "text", "text": "a"}}, (Text("a"),)),
    ({"content": 5}, (Text("5"),)),
    (
        {"content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]},
        (Blob("eA==", "application/octet-stream"),),
    ),
    *(
        ({"images": [{"image_url": {"url": f"data:{kind};base64,{PNG}"}}]}, (Blob(PNG, "image/png"),))
        for kind in ("image/png", "image/*", "image", "")
    ),
    ({"images": [{"image_url": {"url": "DATA:image/svg+xml,%3Csvg/%3E"}}]}, (Blob("PHN2Zy8+", "image/svg+xml"),)),
    ({"images": [{"image_url": {"url": "data:image/png"}}]}, (FileReference("data:image/png"),)),
    ({"content": [{"type": "future", "x": 1}]}, (Opaque({"type": "future", "x": 1}),)),
    (
        {"content": "a", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]},
        (Text("a"), Blob("QUJD", "image/png")),
    ),
    ({"content": None, "images": [{"image_url": "https://x.org/a.png"}]}, (FileReference("https://x.org/a.png"),)),
    ({"images": [{"unknown": 1}]}, (Opaque({"unknown": 1}),)),
    (
        {"content": [{"type": "text", "text": "a", "extra_content": {"google": {"thought_signature": "S"}}}]},
        (
            Text(
                "a", signature=Signature({"google": {"thought_signature": "S"}}, carrier="extra_content", issuer="here")
            ),
        ),
    ),
    (
        {"content": None, "audio": {"id": "a1", "data": "QUJD", "transcript": "said", "expires_at": 1}},
        (Text("said"), Blob("QUJD", "audio/wav")),
    ),
    ({"content": "<thought>t</thought>a"}, (Thought("t"), Text("a"))),
    ({"content": "<thought>t"}, (Thought("t"),)),
    ({"content": "The tag <thought> opens."}, (Text("The tag <thought> opens."),)),
    ({"content": "a", "reasoning": "t", "reasoning_content": "t"}, (Thought("t"), Text("a"))),
    (
        {"content": "a", "reasoning": "t", "reasoning_details": [{"type": "reasoning.text", "text": "t"}]},
        (Thought("t"), Text("a")),
    ),
    (
        {"content": "a", "reasoning_details": [{"type": "reasoning.summary", "summary": "t"}]},
        (Thought("t"), Text("a")),
    ),
    ({"content": "a", "reasoning": "one", "reasoning_content": "two"}, (Thought("onetwo"), Text("a"))),
)


@pytest.mark.parametrize(("message", "parts"), MESSAGES)
def test_messages_are_read_whatever_their_types(message: JsonValue, parts: tuple[object, ...]) -> None:
    """Content may be missing, null, a list or worse; thoughts are told apart and said once."""
    assert read(answer(message)).parts == parts


CALLS = (
    (call("f", {"a": 1}), ToolCall("c1", "f", {"a": 1})),
    (call("f", ""), ToolCall("c1", "f")),
    (call("f", None), ToolCall("c1", "f")),
    (call("f", "null"), ToolCall("c1", "f")),
    (call("f", '"{\\"a\\": 1}"'), ToolCall("c1", "f", {"a": 1})),
    (call("f", '{"a":'), ToolCall("c1", "f", invalid_arguments='{"a":')),
    (call("f", '{"a":1} and'), ToolCall("c1", "f", invalid_arguments='{"a":1} and')),
    (call("f", '{"a":"b\n\tc"}'), ToolCall("c1", "f", {"a": "b\n\tc"})),
    (call("f", '{\n "a": "\x01\\\\" }'), ToolCall("c1", "f", {"a": "\x01\\"})),
    (call("f", '{"a": "\\ud83d"}'), ToolCall("c1", "f", {"a": "\ufffd"})),
    (call("f", '{"a": NaN}'), ToolCall("c1", "f", invalid_arguments='{"a": NaN}')),
    (call("f", '{"a": -Infinity}'), ToolCall("c1", "f", invalid_arguments='{"a": -Infinity}')),
    (call("f", '{"a": 1e999}'), ToolCall("c1", "f", invalid_arguments='{"a": 1e999}')),
    (call("f", "{'a': 1}"), ToolCall("c1", "f", invalid_arguments="{'a': 1}")),
    (call("f", "a=1"), ToolCall("c1", "f", invalid_arguments="a=1")),
    (call("f", [1]), ToolCall("c1", "f", invalid_arguments="[1]")),
    (call("default_api:my_tool", '{"n": 3.0}'), ToolCall("c1", "my tool", {"n": 3})),
    (
        call("f", extra_content=google("S", "vertex")),
        ToolCall("c1", "f", signature=Signature(google("S", "vertex"), carrier="extra_content", issuer="here")),
    ),
    (
        call("f", thought_signature="S"),
        ToolCall("c1", "f", signature=Signature("S", carrier="thought_signature", issuer="here")),
    ),
    (
        {"id": "c1", "function": {"name": "f", "arguments": "{}", "thought_signature": "S"}},
        ToolCall("c1", "f", signature=Signature("S", carrier="thought_signature", issuer="here")),
    ),
)


@pytest.mark.parametrize(("item", "expected"), CALLS)
def test_calls_are_read_whatever_their_types(item: JsonValue, expected: ToolCall) -> None:
    """Arguments may be text, an object or broken; names come back as declared, values as the schema wants them."""
    tools = (Tool("my tool", "", {"type": "object", "properties": {"n": {"type": "integer"}}}), Tool("f"))
    assert read(answer({"content": None, "tool_calls": [item]}), tools=tools).tool_calls == (expected,)


SEVERAL: dict[str, tuple[list[JsonValue], list[tuple[str, JsonValue]]]] = {
    "glued": ([call("f", '{"a":1}{"a":2}')], [("f", {"a": 1}), ("f", {"a": 2})]),
    "glued with white space and commas": (
        [call("f", ' {"a":"}{"},\n{"a":{"b":[]}} '), call("g", "{}", "c2")],
        [("f", {"a": "}{"}), ("f", {"a": {"b": []}}), ("g", {})],
    ),
    "glued, the last cut off": ([call("f", '{"a":1}{"a":')], [("f", {"a": 1}), ("f", '{"a":')]),
    "flat": (
        [{"id": "c1", "name": "f", "arguments": '{"a":1}'}, {"id": "c2", "name": "g", "args": {"b": 2}}],
        [("f", {"a": 1}), ("g", {"b": 2})],
    ),
    "arguments as `parameters`": ([{"id": "c1", "function": {"name": "f", "parameters": {"a": 1}}}], [("f", {"a": 1})]),
    "one id for both": ([call("f", '{"a":1}'), call("f", '{"a":2}')], [("f", {"a": 1}), ("f", {"a": 2})]),
    "said again": ([call("f", '{"a":1}'), call("f", '{ "a": 1 }')], [("f", {"a": 1})]),
    "the same without ids": ([call("f", '{"a":1}', ""), call("f", '{"a":1}', "")], [("f", {"a": 1}), ("f", {"a": 1})]),
    "the name as the id": (
        [call("f", '{"a":1}', "f"), call("f", '{"a":2}', "f")],
        [("f", {"a": 1}), ("f", {"a": 2})],
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_each_call_of_a_whole_answer_is_a_call_with_an_id_of_its_own(name: str) -> None:
    """However a gateway writes them; what it says twice is one call."""
    items, expected = SEVERAL[name]
    calls = read(answer({"content": None, "tool_calls": items})).tool_calls

    assert [(found.name, found.invalid_arguments or found.arguments) for found in calls] == expected
    assert len({found.id for found in calls} - {"", "f"}) == len(expected)


def test_objects_without_end_are_few_calls() -> None:
    """A text of a million objects is read in linear time, and makes a bounded number of calls."""
    response = read(answer({"content": None, "tool_calls": [call("f", "{}" * 1_000_000)]}))

    assert len(response.tool_calls) < 1_000
    assert "late_arguments" in str(response.candidate.metadata)[:10_000]


def test_calls_of_a_whole_answer_are_never_merged() -> None:
    """Two calls under one id and index stay two, with ids of their own."""
    calls = [call("f", '{"a":1}', index=0), call("g", '{"b":2}', index=0)]
    first, second = read(answer({"tool_calls": calls})).tool_calls
    assert (first.id, first.name, first.arguments) == ("c1", "f", {"a": 1})
    assert (second.name, second.arguments) == ("g", {"b": 2})
    assert second.id != "c1"


def test_legacy_function_call_is_a_call() -> None:
    """The older field holds one call without an id."""
    response = read(answer({"content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}, "function_call"))
    (found,) = response.tool_calls
    assert (found.name, found.arguments, found.synthetic_id) == ("f", {"a": 1}, True)
    assert response.finish_reason == "tool_calls"


def test_details_are_tied_to_the_call_that_they_name() -> None:
    """An encrypted detail signs the call with its id; only the first of parallel calls has one."""
    detail = {**ENCRYPTED, "id": "c2"}
    message = {"reasoning_details": [detail], "tool_calls": [call("f"), call("g", "{}", "c2")]}
    first, second = read(answer(message, "tool_calls")).tool_calls
    assert first.signature is None
    assert second.signature == Signature([detail], carrier="reasoning_details", issuer="here")


def test_only_one_call_is_kept_when_one_was_wanted() -> None:
    """Providers ignore `parallel_tool_calls`; the calls left out are noted."""
    message = {"tool_calls": [call("f"), call("g", '{"a":1}', "c2")]}
    response = read(answer(message, "tool_calls"), parallel_tool_calls=False)
    assert [found.name for found in response.tool_calls] == ["f"]
    dropped = [{"id": "c2", "name": "g", "arguments": '{"a":1}'}]
    assert response.candidate.metadata["dropped_tool_calls"] == dropped


REASONS = (
    ("stop", "stop"),
    ("length", "length"),
    ("MAX_TOKENS", "length"),
    ("content_filter", "content_filter"),
    ("SAFETY", "content_filter"),
    ("content_filter: PROHIBITED_CONTENT", "content_filter"),
    ("function_call_filter: MALFORMED_FUNCTION_CALL", "error"),
    ("function_call_filter: UNEXPECTED_TOOL_CALL", "error"),
    ("MALFORMED_FUNCTION_CALL", "error"),
    ("error", "error"),
    ("brand_new", "other"),
)


@pytest.mark.parametrize(("raw", "normalized"), REASONS)
def test_finish_reasons_are_normalized_and_kept(raw: str, normalized: str) -> None:
    """OpenAI's words, Google's and their mixtures are understood."""
    response = read(answer({"content": "a"}, raw))
    assert (response.finish_reason, response.candidate.raw_finish_reason) == (normalized, raw)


def test_a_gateways_stop_does_not_hide_a_malformed_call() -> None:
    """Google's own word wins when it names a failure."""
    candidate = read(answer({"content": ""}, native_finish_reason="MALFORMED_FUNCTION_CALL")).candidate
    assert (candidate.finish_reason, candidate.raw_finish_reason) == ("error", "MALFORMED_FUNCTION_CALL")
    assert candidate.metadata == {"native_finish_reason": "MALFORMED_FUNCTION_CALL", "finish_reason": "stop"}


def test_calls_that_must_not_be_run_are_kept_apart() -> None:
    """A call that the provider itself calls unexpected is noted, not offered."""
    message = {"tool_calls": [call("list_files")]}
    response = read(answer(message, "function_call_filter: UNEXPECTED_TOOL_CALL"))
    assert response.tool_calls == ()
    assert response.finish_reason == "error"
    assert response.candidate.metadata["dropped_tool_calls"][0]["name"] == "list_files"


def test_blocked_prompt_is_an_error_that_keeps_the_answer() -> None:
    """Google answers 200 with a choice that has no message."""
    body = {
        "choices": [{"finish_reason": "content_filter: PROHIBITED_CONTENT", "index": 0}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
    }
    reader = decoder()
    assert reader.feed(body) == []
    assert reader.is_complete
    with pytest.raises(PromptBlocked, match="PROHIBITED_CONTENT") as caught:
        reader.close()
    assert caught.value.response is not None
    assert caught.value.response.usage.input_tokens == 9


def test_refusal_is_kept() -> None:
    """A refusal stands beside the parts, wherever the provider puts it."""
    for message in ({"content": None, "refusal": "No."}, {"content": [{"type": "refusal", "refusal": "No."}]}):
        candidate = read(answer(message)).candidate
        assert (candidate.refusal, candidate.parts) == ("No.", ())


def test_citations_and_other_annotations_are_kept() -> None:
    """Citations of addresses, nested or flat, are citations; other annotations are metadata."""
    nested = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 3}}
    flat = {"type": "url_citation", "url": "v"}
    other = {"type": "file", "file": {"hash": "h"}}
    candidate = read(answer({"content": "abc", "annotations": [nested, flat, nested, other]})).candidate
    assert candidate.citations == (
        Citation(start=0, end=3, uri="u", title="t", source=nested),
        Citation(uri="v", source=flat),
    )
    assert candidate.metadata == {"annotations": [other]}


def test_everything_else_that_the_provider_said_is_kept() -> None:
    """Unknown keys of the answer, the choice, the message and the calls have a place."""
    message = {
        "content": "a",
        "provider_metadata": {"p": 1},
        "extra_content": {"google": {"future": 1}},
        "refusal": {"odd": True},
        "tool_calls": [call("f", note="n")],
    }
    choice_logprobs = {"content": [{"token": "a", "logprob": -1.0, "top_logprobs": []}]}
    response = read(
        {
            **answer(message, logprobs=choice_logprobs, score=2),
            "system_fingerprint": "fp",
            "service_tier": "flex",
            "brand": {"new": [1]},
            "created": 5,
        }
    )
    assert response.provider_metadata == {
        "system_fingerprint": "fp",
        "service_tier": "flex",
        "brand": {"new": [1]},
        "created": 5,
    }
    assert response.candidate.logprobs == choice_logprobs
    assert response.candidate.metadata == {
        "score": 2,
        "refusal": {"odd": True},
        "provider_metadata": {"p": 1},
        "extra_content": {"google": {"future": 1}},
        "tool_calls": {"c1": {"note": "n"}},
    }


def test_candidates_stay_apart() -> None:
    """Choices are told apart by index, or by order when they have none."""
    numbered = {"choices": [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]}
    ordered = {"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}
    for body in (numbered, ordered):
        assert [candidate.text for candidate in read(body).candidates] == ["a", "b"]


def test_events_of_a_whole_answer() -> None:
    """A whole answer gives one event per part, no fragments."""
    image = {"image_url": {"url": "data:image/png;base64,QUJD"}}
    events = decoder().feed(answer({"content": "a", "images": [image], "tool_calls": [call("f")]}))
    assert events == [
        TextDelta("a"),
        PartReady(Blob("QUJD", "image/png")),
        ToolCallReady(ToolCall("c1", "f")),
    ]


def test_refusals_of_other_shapes_are_no_answer() -> None:
    """A body without choices completes nothing and is kept."""
    reader = decoder()
    assert reader.feed({"error": {"message": "no"}, "choices": []}) == []
    assert not reader.is_complete
    assert reader.response().provider_metadata == {"error": {"message": "no"}}


WRONG = (None, True, 5, -1.5, "x", [], [None, 5, "x", []], {}, {"a": None}, [{"index": "x", "id": 5, "function": 7}])
PLACES = (
    *("role", "content", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call"),
    *("extra_content", "thought_signature", "refusal", "annotations", "images", "audio", "unknown"),
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["message", "delta"])
def test_wrong_types_never_raise(place: str, kind: str) -> None:
    """A provider may write anything anywhere: what cannot be read is not an error."""
    for value in WRONG:
        reader = decoder()
        reader.feed({"choices": [{kind: {place: value}, "finish_reason": value, "logprobs": value, "index": value}]})
        reader.feed({"choices": value, "usage": value, "id": value, "model": value, "meta": value, "created": value})
        reader.close()
        assert reader.response().provider_metadata.get("created") == value
