"""How the chat completions dialect reads streams, in the shapes that providers are known to give."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.types import (
    Blob,
    ChatEvent,
    ChatRequest,
    ChatResponse,
    JsonValue,
    Message,
    Signature,
    SignatureCarrier,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
)


def decoder(model: str = "gemini-3-flash-preview", **settings: object):
    request = ChatRequest(model=model, messages=(Message.user("Hi"),), **settings)
    target = Target("aimlapi", find(model), "asked", ChatTraits(), issuer="here")
    return CHAT_COMPLETIONS.decoder(request, target)


def chunk(delta: JsonValue, finish_reason: str | None = None, **more: JsonValue) -> JsonValue:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}


def stream(deltas: Iterable[JsonValue], finish_reason: str = "stop") -> list[JsonValue]:
    return [*map(chunk, deltas), chunk({}, finish_reason)]


def play(chunks: Sequence[JsonValue], **settings: object) -> tuple[list[ChatEvent], ChatResponse]:
    reader = decoder(**settings)
    events = [event for document in copy.deepcopy(list(chunks)) for event in reader.feed(document)]
    events += reader.close()
    return events, reader.response()


def piece(
    name: str | None = None, arguments: JsonValue = None, call_id: str | None = None, index: int | None = None, **more
) -> JsonValue:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    item: dict[str, JsonValue] = {"function": function, **more}
    item |= {key: value for key, value in (("id", call_id), ("index", index)) if value is not None}
    return {"tool_calls": [item]}


def google(signature: str) -> JsonValue:
    return {"google": {"thought_signature": signature}}


def signed(signature: str, carrier: SignatureCarrier = "extra_content") -> Signature:
    return Signature(google(signature), carrier=carrier, issuer="here")


def characters(text: str) -> list[JsonValue]:
    return [piece(None, character, None, 0) for character in text]


F1, G2 = ("f", {"a": 1}), ("g", {"b": 2})

CALLS = {
    "openai": ([piece("f", "", "1", 0), piece(None, '{"a"', None, 0), piece(None, ":1}", None, 0)], [F1]),
    "openai_parallel": (
        [
            piece("f", "", "1", 0),
            piece(None, '{"a":1}', None, 0),
            piece("g", "", "2", 1),
            piece(None, '{"b":2}', None, 1),
        ],
        [F1, G2],
    ),
    "openai_interleaved": (
        [
            piece("f", '{"a"', "1", 0),
            piece("g", '{"b"', "2", 1),
            piece(None, ":1}", None, 0),
            piece(None, ":2}", None, 1),
        ],
        [F1, G2],
    ),
    "google_without_index": ([piece("f", '{"a":1}', "1"), piece("g", '{"b":2}', "2")], [F1, G2]),
    "google_without_index_split": ([piece("f", '{"a"', "1"), piece(None, ":1}"), piece("g", '{"b":2}', "2")], [F1, G2]),
    "all_at_index_0": ([piece("f", '{"a":1}', "1", 0), piece("g", '{"b":2}', "2", 0)], [F1, G2]),
    "all_at_index_0_split": (
        [
            piece("f", '{"a"', "1", 0),
            piece(None, ":1}", None, 0),
            piece("g", '{"b"', "2", 0),
            piece(None, ":2}", None, 0),
        ],
        [F1, G2],
    ),
    "all_at_index_0_without_ids": ([piece("f", '{"a":1}', "", 0), piece("g", '{"b":2}', "", 0)], [F1, G2]),
    "same_function_at_index_0_without_ids": (
        [piece("f", '{"a":1}', None, 0), piece("f", '{"a":2}', None, 0)],
        [F1, ("f", {"a": 2})],
    ),
    "neither_ids_nor_indexes": ([piece("f", '{"a":1}'), piece("g", '{"b"'), piece(None, ":2}")], [F1, G2]),
    "same_function_without_ids_and_indexes": ([piece("f", '{"a":1}'), piece("f", '{"a":2}')], [F1, ("f", {"a": 2})]),
    "id_repeated_on_every_fragment": (
        [piece("f", '{"a"', "1"), piece(None, ":1}", "1"), piece("g", '{"b":2}', "2")],
        [F1, G2],
    ),
    "id_and_name_repeated_on_every_fragment": (
        [piece("f", "", "1", 0), piece("f", '{"a"', "1", 0), piece("f", ":1}", "1", 0)],
        [F1],
    ),
    "name_repeated_on_every_fragment": ([piece("f", "", None, 0), piece("f", '{"a":1}', None, 0)], [F1]),
    "name_repeated_without_id_and_index": ([piece("f", '{"a"'), piece("f", ":1}")], [F1]),
    "whole_call_repeated": ([piece("f", '{"a":1}', "1", 0), piece("f", '{"a":1}', "1", 0)], [F1]),
    "two_whole_calls_under_one_id": ([piece("f", '{"a":1}', "1", 0), piece("g", '{"b":2}', "1", 0)], [F1, G2]),
    "equal_calls_of_two_functions_under_one_id": (
        [piece("f", '{"a":1}', "1", 0), piece("g", '{"a":1}', "1", 1)],
        [F1, ("g", {"a": 1})],
    ),
    "null_under_one_id": ([piece("f", '{"a":1}', "1", 0), piece("f", "null", "1", 1)], [F1, ("f", {})]),
    "glued": ([piece("f", '{"a":1}', "1", 0), piece(None, '{"a":2}', None, 0)], [F1, ("f", {"a": 2})]),
    "glued_in_one_piece": ([piece("f", '{"a":1}{"a"', "1", 0), piece(None, ":2}", None, 0)], [F1, ("f", {"a": 2})]),
    "glued_three_times": (
        [piece("f", '{"a":1} {"a":2},{"a"', "1"), piece(None, ":3}")],
        [F1, ("f", {"a": 2}), ("f", {"a": 3})],
    ),
    "glued_by_id": (
        [piece("f", '{"a":1}', "1"), piece(None, '{"a":2', "1"), piece(None, "}", "1")],
        [F1, ("f", {"a": 2})],
    ),
    "glued_with_an_empty_name": (
        [piece("f", "", "1", 0), piece("", '{"a":1}', None, 0), piece("", '{"a":2}', None, 0)],
        [F1, ("f", {"a": 2})],
    ),
    "glued_then_another": (
        [piece("f", '{"a":1}{"a":2}', "1", 0), piece("g", '{"b":2}', "2", 1)],
        [F1, ("f", {"a": 2}), G2],
    ),
    "objects_glued": ([piece("f", {"a": 1}, "1", 0), piece(None, {"a": 2}, None, 0)], [F1, ("f", {"a": 2})]),
    "one_id_for_two_indexes": (
        [
            piece("f", "", "1", 0),
            piece("f", "", "1", 1),
            piece(None, '{"a":1}', "1", 0),
            piece(None, '{"a":2}', "1", 1),
        ],
        [F1, ("f", {"a": 2})],
    ),
    "the_name_as_the_id": ([piece("f", '{"a":1}', "f", 0), piece("f", '{"a":2}', "f", 1)], [F1, ("f", {"a": 2})]),
    "the_name_as_the_id_in_pieces": (
        [piece("f", "", "f"), piece(None, '{"a":1}', "f"), piece("f", "", "f"), piece(None, '{"a":2}', "f")],
        [F1, ("f", {"a": 2})],
    ),
    "repeated_in_another_writing": ([piece("f", '{"a":1}', "1", 0), piece("f", '{ "a": 1 }', "1", 0)], [F1]),
    "repeated_without_arguments": ([piece("f", '{"a":1}', "1", 0), piece("f", "", "1", 0)], [F1]),
    "repeated_at_another_index": ([piece("f", '{"a":1}', "1", 0), piece("f", '{"a":1}', "1", 1)], [F1]),
    "control_characters": ([piece("f", '{"a":"x\n', "1", 0), piece(None, 'y"}', None, 0)], [("f", {"a": "x\ny"})]),
    "id_comes_late": ([piece("f", "", None, 0), piece(None, '{"a":1}', "1", 0)], [F1]),
    "name_comes_late": ([piece(None, '{"a"', "1", 0), piece("f", ":1}", "1", 0)], [F1]),
    "null_index": (
        [{"tool_calls": [{"index": None, "id": "1", "function": {"name": "f", "arguments": '{"a":1}'}}]}],
        [F1],
    ),
    "arguments_as_object": ([piece("f", {"a": 1}, "1", 0)], [F1]),
    "object_after_fragments": ([piece("f", '{"a"', "1", 0), piece(None, {"a": 1}, "1", 0)], [F1]),
    "no_arguments": ([piece("f", "", "1", 0)], [("f", {})]),
    "silent_piece": ([piece("", "", None, 0), piece("f", '{"a":1}', "1", 0), piece("", "", None, 0)], [F1]),
    "glued_in_single_characters": ([piece("f", "", "1", 0), *characters('{"a":1}, {"a":2},')], [F1, ("f", {"a": 2})]),
    "all_so_far_in_every_piece": (
        [piece("f", text, "1", 0) for text in ('{"a', '{"a":1', '{"a":1,"b":"{', '{"a":1,"b":"{"}')],
        [("f", {"a": 1, "b": "{"})],
    ),
    "equal_pieces_of_nested_objects": (
        [piece("f", '{"a":', "1", 0), piece(None, '{"a":', None, 0), piece(None, "1}}", None, 0)],
        [("f", {"a": {"a": 1}})],
    ),
    "an_id_for_every_piece": (
        [
            piece("f", "", "1", 0),
            piece(None, '{"a"', "2", 0),
            piece(None, ":1}", "3", 0),
            piece("g", '{"b":2}', "4", 0),
        ],
        [F1, G2],
    ),
    "an_id_for_every_piece_and_the_name": ([piece("f", '{"a"', "1", 0), piece("f", ":1}", "2", 0)], [F1]),
    "flat": ([{"tool_calls": [{"index": 0, "id": "1", "name": "f", "arguments": '{"a":1}'}]}], [F1]),
    "flat_in_pieces": (
        [
            {"tool_calls": [{"index": 0, "id": "1", "name": "f", "arguments": '{"a"'}]},
            {"tool_calls": [{"index": 0, "arguments": ":1}"}]},
        ],
        [F1],
    ),
    "arguments_under_other_names": (
        [
            {"tool_calls": [{"id": "1", "name": "f", "args": {"a": 1}}]},
            {"tool_calls": [{"id": "2", "function": {"name": "g", "parameters": {"b": 2}}}]},
            {"tool_calls": [{"id": "3", "function": {"name": "g", "arguments": None, "input": {"b": 3}}}]},
        ],
        [F1, G2, ("g", {"b": 3})],
    ),
    "several_in_one_chunk": (
        [{"tool_calls": [piece("f", '{"a":1}', "1")["tool_calls"][0], piece("g", '{"b":2}', "2")["tool_calls"][0]]}],
        [F1, G2],
    ),
    "legacy": ([{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": '{"a":1}'}}], [F1]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_told_apart(name: str) -> None:
    """However a provider numbers and names its fragments, each call is whole, once, in the provider's order."""
    deltas, expected = CALLS[name]
    events, response = play(stream(deltas))
    assert [(call.name, call.arguments) for call in response.tool_calls] == expected
    assert [event.call for event in events if isinstance(event, ToolCallReady)] == list(response.tool_calls)
    assert len({call.id for call in response.tool_calls}) == len(expected)
    assert response.finish_reason == "tool_calls"


@pytest.mark.parametrize("name", CALLS)
def test_fragments_add_up(name: str) -> None:
    """The pieces of a call carry its position and id, and come before the whole call."""
    events, _ = play(stream(CALLS[name][0]))
    for ready in (event for event in events if isinstance(event, ToolCallReady)):
        before = events[: events.index(ready)]
        pieces = [event for event in before if isinstance(event, ToolCallDelta) and event.position == ready.position]
        assert pieces
        assert {(event.id, event.name) for event in pieces} == {(ready.call.id, ready.call.name)}


WANTED = Tool(
    "f",
    "",
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "string"}}},
)
ARGUMENTS = {
    "as they are": ('{"a": 1, "b": "x"}', '{"a":1,"b":"x"}'),
    "a number as text": ('{"a":"1","b":"x"}', '{"a":1,"b":"x"}'),
    "a whole number as a float": ('{"a":1.0}', '{"a":1}'),
    "null": ("null", ""),
    "white space": (" \n", ""),
    "JSON in JSON": ('"{\\"a\\":1}"', '{"a":1}'),
    "a raw line break": ('{"b":"x\ny"}', '{"b":"x\\ny"}'),
    "null for what may be left out": ('{"a":1,"c":null}', '{"a":1}'),
    "no object": ("[1]", "[1]"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_in_one_piece_are_shown_as_the_call_has_them(name: str) -> None:
    """Whoever adds up the pieces gets what the whole call holds."""
    arguments, shown = ARGUMENTS[name]
    events, response = play(stream([piece("f", "", "1", 0), piece(None, arguments, None, 0)]), tools=(WANTED,))

    assert "".join(event.arguments for event in events if isinstance(event, ToolCallDelta)) == shown
    call = response.tool_calls[0]
    assert call.invalid_arguments == "[1]" if name == "no object" else call.arguments == json.loads(shown or "{}")


@pytest.mark.parametrize("size", [1, 2, 5])
def test_arguments_in_several_pieces_end_with_what_repair_changed(size: int) -> None:
    """Of a member that is written twice, readers use the last value."""
    text = '{"a":"1","b":"x"}'
    pieces = [piece(None, text[start : start + size], None, 0) for start in range(0, len(text), size)]
    events, response = play(stream([piece("f", "", "1", 0), *pieces]), tools=(WANTED,))
    shown = "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))

    assert shown == '{"a":"1","b":"x","a":1}'
    assert response.tool_calls[0].arguments == json.loads(shown)


def message(content: JsonValue = None, **more: JsonValue) -> JsonValue:
    return {"role": "assistant", "content": content, **more}


def item(name: str, arguments: str, call_id: str = "1") -> JsonValue:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


HELLO = ({"content": "Hel"}, {"content": "lo"})
AGAIN: dict[str, tuple[Sequence[JsonValue], JsonValue, tuple[object, ...]]] = {
    "text": (HELLO, message("Hello"), (Text("Hello"),)),
    "text and its end": (HELLO, message("Hello!"), (Text("Hello!"),)),
    "text in parts": (HELLO, message([{"type": "text", "text": "Hello"}]), (Text("Hello"),)),
    "nothing": (HELLO, message(None), (Text("Hello"),)),
    "thoughts": (
        ({"reasoning_content": "Hm."}, *HELLO),
        message("Hello", reasoning_content="Hm."),
        (Thought("Hm."), Text("Hello")),
    ),
    "tagged thoughts": (
        ({"content": "<thought>Hm.</thought>Hello"},),
        message("<thought>Hm.</thought>Hello"),
        (Thought("Hm."), Text("Hello")),
    ),
    "a refusal": (({"refusal": "No."}, *HELLO), message("Hello", refusal="No."), (Text("Hello"),)),
    "calls": (
        (piece("f", '{"a"', "1", 0), piece(None, ":1}", None, 0)),
        message(tool_calls=[item("f", '{"a": 1}')]),
        (ToolCall("1", "f", {"a": 1}),),
    ),
    "glued calls": (
        (piece("f", '{"a":1}{"a":2}', "1", 0),),
        message(tool_calls=[item("f", '{"a":1}{"a":2}')]),
        (ToolCall("1", "f", {"a": 1}), ToolCall("", "f", {"a": 2}, synthetic_id=True)),
    ),
    "a further call": (
        (piece("f", '{"a":1}', "1", 0),),
        message(tool_calls=[item("f", '{"a":1}'), item("g", "{}", "2")]),
        (ToolCall("1", "f", {"a": 1}), ToolCall("2", "g")),
    ),
    "the whole answer, after a role": (({"role": "assistant", "content": ""},), message("Hello"), (Text("Hello"),)),
}


@pytest.mark.parametrize("delta", [{"delta": {}}, {}, {"delta": None}, {"delta": {"role": "assistant"}}])
@pytest.mark.parametrize("name", AGAIN)
def test_a_message_after_its_deltas_says_nothing_twice(name: str, delta: dict[str, JsonValue]) -> None:
    """Some gateways end a stream with the whole message; only what the deltas left out is new."""
    deltas, whole, parts = AGAIN[name]
    end = {"choices": [{"index": 0, "message": whole, "finish_reason": "stop", **delta}]}
    events, response = play([*map(chunk, deltas), end])
    found = tuple(
        replace(part, id="") if isinstance(part, ToolCall) and part.synthetic_id else part for part in response.parts
    )

    assert found == parts
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == response.text
    assert [event.call for event in events if isinstance(event, ToolCallReady)] == list(response.tool_calls)
    assert response.candidate.refusal == ("No." if name == "a refusal" else None)


def test_a_message_that_contradicts_its_deltas_is_kept_beside_them() -> None:
    """What was said stays as it was said."""
    end = {"choices": [{"index": 0, "message": message("Bye"), "finish_reason": "stop"}]}
    _, response = play([*map(chunk, HELLO), end])

    assert (response.text, response.candidate.metadata) == ("Hello", {"message": {"text": "Bye"}})


def test_a_call_that_is_whole_does_not_wait_for_the_end() -> None:
    """When the next call begins, the one before is given; the end gives the last."""
    first = piece("f", '{"a":1}', "1", 0, extra_content=google("S"))
    reader = decoder()
    assert [type(event) for event in reader.feed(chunk(first))] == [ToolCallDelta]
    assert [type(event) for event in reader.feed(chunk(piece("g", "{}", "2", 1)))] == [ToolCallReady, ToolCallDelta]
    assert [type(event) for event in reader.feed(chunk({}, "stop"))] == [ToolCallReady]
    assert reader.close() == []


def test_unsigned_first_call_waits_for_its_signature() -> None:
    """The signature may come in a delta of its own, after the calls."""
    deltas = [piece("f", "{}", "1", 0), piece("g", "{}", "2", 1), {"extra_content": google("S")}]
    events, response = play(stream(deltas))
    first = signed("S", "message.extra_content")
    assert [call.signature for call in response.tool_calls] == [first, None]
    assert [event.call.signature for event in events if isinstance(event, ToolCallReady)] == [first, None]


def test_a_finish_reason_in_every_chunk_ends_nothing_early() -> None:
    """One proxy says `stop` all the time."""
    deltas = [piece("f", "", "1", 0), piece(None, '{"a"', None, 0), piece(None, ":1}", None, 0)]
    _, response = play([chunk(delta, "stop") for delta in deltas])
    assert response.tool_calls == (ToolCall("1", "f", {"a": 1}),)


def test_arguments_after_a_whole_call_do_not_change_it() -> None:
    """A call that was given stays as it was given; what comes too late is noted."""
    late = piece(None, "[]", "1")
    deltas = [piece("f", "{}", "1", extra_content=google("S")), piece("g", "{}", "2"), late, late]
    events, response = play(stream(deltas))
    assert [call.arguments for call in response.tool_calls] == [{}, {}]
    assert response.candidate.metadata == {"tool_calls": {"1": {"late_arguments": "[][]"}}}
    assert not any(isinstance(event, ToolCallDelta) and event.arguments == "[]" for event in events)


def test_broken_arguments_are_kept_as_text() -> None:
    """Arguments that never become an object are given at the end, as they came."""
    events, response = play(stream([piece("f", '{"a":', "1", 0)]))
    assert response.tool_calls == (ToolCall("1", "f", invalid_arguments='{"a":'),)
    assert isinstance(events[-1], ToolCallReady)


def test_only_one_call_is_kept_when_one_was_wanted() -> None:
    """The further calls are noted, whole, and make no events."""
    deltas = [piece("f", "{}", "1", 0), piece("g", '{"b"', "2", 1), piece(None, ":2}", None, 1)]
    events, response = play(stream(deltas), parallel_tool_calls=False)
    assert [call.name for call in response.tool_calls] == ["f"]
    assert response.candidate.metadata == {"dropped_tool_calls": [{"id": "2", "name": "g", "arguments": '{"b":2}'}]}
    assert not any(isinstance(event, ToolCallDelta) and event.name == "g" for event in events)


def test_a_detail_for_a_call_that_is_signed_already_is_kept() -> None:
    """As a signature of the message."""
    detail = {"type": "reasoning.encrypted", "data": "D", "id": "1"}
    deltas = [{"reasoning_details": [detail]}, piece("f", "{}", "1", 0, extra_content=google("S"))]
    _, response = play(stream(deltas))

    assert response.tool_calls == (ToolCall("1", "f", signature=signed("S")),)
    assert response.parts[-1] == Text("", signature=Signature([detail], carrier="reasoning_details", issuer="here"))


SIGNATURES = {
    "on_the_call": [piece("f", "{}", "1", extra_content=google("S"))],
    "on_a_later_fragment": [piece("f", "", "1", 0), piece(None, "{}", None, 0, extra_content=google("S"))],
    "on_a_silent_fragment": [piece("f", "{}", "1", 0), {"tool_calls": [{"index": 0, "extra_content": google("S")}]}],
    "before_the_call": [{"tool_calls": [{"index": 0, "extra_content": google("S")}]}, piece("f", "{}", "1", 0)],
    "on_a_delta_of_its_own": [piece("f", "{}", "1", 0), {"content": None, "extra_content": google("S")}],
    "repeated": [
        piece("f", "{}", "1", 0, extra_content=google("S")),
        {"extra_content": google("S")},
        piece(None, None, "1", 0, extra_content=google("S")),
    ],
}


@pytest.mark.parametrize("deltas", SIGNATURES.values(), ids=SIGNATURES)
def test_signatures_find_their_call(deltas: list[JsonValue]) -> None:
    """A signature may stand on any delta."""
    _, response = play(stream(deltas))
    assert [call.signature and call.signature.thought_signature() for call in response.tool_calls][:1] == ["S"]


def test_signature_after_the_finish_reason_still_signs_the_call() -> None:
    """The answer at the end has what the event could not know."""
    events, response = play([*stream([piece("f", "{}", "1", 0)]), chunk({"extra_content": google("S")})])
    assert response.tool_calls[0].signature == signed("S", "message.extra_content")
    assert sum(isinstance(event, ToolCallReady) for event in events) == 1


def test_signed_tail_closes_the_text() -> None:
    """The last delta of an answer has no content, only the signature."""
    events, response = play(
        stream([{"content": "a"}, {"content": "b"}, {"content": None, "extra_content": google("S")}])
    )
    assert response.parts == (Text("ab", signature=signed("S")),)
    assert events == [TextDelta("a"), TextDelta("b"), TextDelta("", signed("S"))]


def details(data: str, call_id: str | None = None) -> dict[str, JsonValue]:
    named = {} if call_id is None else {"id": call_id}
    return {"type": "reasoning.encrypted", "data": data, "format": "google-gemini-v1", "index": 0, **named}


OPENROUTER = [
    {"content": "", "role": "assistant", "reasoning": None, "reasoning_details": [details("S", "tool_add")]},
    {"content": None, "role": "assistant", **piece("add", "", "tool_add", 0)},
    {"content": None, "role": "assistant", **piece(None, '{"a":2,"b":3}', None, 0)},
    {"content": None, "role": "assistant", **piece("multiply", "", "tool_multiply", 1)},
    {"content": None, "role": "assistant", **piece(None, '{"a":2,"b":3}', None, 1)},
]


def test_openrouter_stream_with_two_calls() -> None:
    """The signature comes before its call, and the reason comes twice, the second time with the usage."""
    end = {"content": "", "role": "assistant", "reasoning": None}
    usage = {"prompt_tokens": 157, "completion_tokens": 32, "total_tokens": 189, "cost": 0.00008725}
    _, response = play([*map(chunk, OPENROUTER), chunk(end, "tool_calls"), chunk(end, "tool_calls", usage=usage)])
    signature = Signature([details("S", "tool_add")], carrier="reasoning_details", issuer="here")
    arguments = {"a": 2, "b": 3}
    assert response.parts == (
        ToolCall("tool_add", "add", arguments, signature=signature),
        ToolCall("tool_multiply", "multiply", arguments),
    )
    assert (response.usage.total_tokens, response.usage.cost_usd) == (189, 0.00008725)


def test_detail_without_id_signs_the_first_call_or_the_text() -> None:
    """A detail that names nothing belongs to the answer as a whole."""
    signature = Signature([details("S")], carrier="reasoning_details", issuer="here")
    deltas = [piece("f", "{}", "1", 0), piece("g", "{}", "2", 1), {"reasoning_details": [details("S")]}]
    assert [call.signature for call in play(stream(deltas))[1].tool_calls] == [signature, None]
    deltas = [{"content": "", "reasoning_details": [details("S")]}, {"content": "a"}]
    assert play(stream(deltas))[1].parts == (Text("a", signature=signature),)


def test_detail_that_names_a_call_that_never_comes_signs_the_text() -> None:
    """Other upstreams give details ids of their own."""
    _, response = play(stream([{"reasoning_details": [details("S", "rs_1")]}, {"content": "a"}]))
    signature = Signature([details("S", "rs_1")], carrier="reasoning_details", issuer="here")
    assert response.parts == (Text("a", signature=signature),)


CALL = piece("f", "{}", "1", 0)["tool_calls"][0]
WHOLE_MESSAGES = {
    "text": ("Hello, wörld!", (Text("Hello, wörld!"),)),
    "thought": ("<thought>hm</thought>Hi", (Thought("hm"), Text("Hi"))),
    "mention": ("A <thought> tag", (Text("A <thought> tag"),)),
    "almost": ("<though> not", (Text("<though> not"),)),
    "angle": ("<", (Text("<"),)),
    "open_only": ("<thought>hm</thou", (Thought("hm</thou"),)),
    "inner_angle": ("<thought>a<b</thought>c<thought>d", (Thought("a<b"), Text("c<thought>d"))),
    "empty_thought": ("<thought></thought>Hi", (Text("Hi"),)),
}


@pytest.mark.parametrize("name", WHOLE_MESSAGES)
def test_content_means_the_same_wherever_it_is_cut(name: str) -> None:
    """Every way to cut the content in two or three gives the parts of the whole."""
    content, parts = WHOLE_MESSAGES[name]
    cuts = itertools.combinations_with_replacement(range(len(content) + 1), 2)
    for first, second in cuts:
        pieces = (content[:first], content[first:second], content[second:])
        events, response = play(stream({"content": text} for text in pieces))
        assert response.parts == parts
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == response.text


@pytest.mark.parametrize("name", WHOLE_MESSAGES)
def test_whole_answer_equals_stream(name: str) -> None:
    """A whole answer is a stream of one document."""
    content, parts = WHOLE_MESSAGES[name]
    message = {"role": "assistant", "content": content, "tool_calls": [CALL]}
    whole = play([{"choices": [{"message": message, "finish_reason": "tool_calls"}]}])[1]
    letters = play(stream([*({"content": letter} for letter in content), {"tool_calls": [CALL]}], "tool_calls"))[1]
    assert whole.candidates == letters.candidates
    assert whole.parts == (*parts, ToolCall("1", "f"))


def test_call_ends_a_thought_without_a_closing_tag() -> None:
    """What follows the call is text again."""
    _, response = play(stream([{"content": "<thought>hm"}, {"tool_calls": [CALL]}, {"content": "Hi"}]))
    assert response.parts == (Thought("hm"), ToolCall("1", "f"), Text("Hi"))


def test_flag_announces_a_second_thought() -> None:
    """Between texts a tag counts only where the provider flags the delta."""
    flag = {"google": {"thought": True}}
    deltas = [{"content": "a"}, {"content": "<thought>hm", "extra_content": flag}, {"content": "</thought>b"}]
    assert play(stream(deltas))[1].parts == (Text("a"), Thought("hm"), Text("b"))


def test_signature_inside_a_thought_does_not_end_it() -> None:
    """It waits for the end and signs the answer."""
    deltas = [{"content": "<thought>a", "extra_content": google("S")}, {"content": "b</thought>c"}]
    assert play(stream(deltas))[1].parts == (Thought("ab"), Text("c", signature=signed("S")))


THOUGHTS = {
    "one_field": [{"reasoning_content": "ab"}, {"reasoning_content": "cd"}],
    "two_fields": [{"reasoning": "ab", "reasoning_content": "ab"}, {"reasoning": "cd", "reasoning_content": "cd"}],
    "details": [
        {"reasoning": "ab", "reasoning_details": [{"type": "reasoning.text", "text": "ab"}]},
        {"reasoning": "cd", "reasoning_details": [{"type": "reasoning.text", "text": "cd"}]},
    ],
    "field_renamed": [{"reasoning": "ab"}, {"reasoning_content": "cd"}],
}


@pytest.mark.parametrize("deltas", THOUGHTS.values(), ids=THOUGHTS)
def test_thoughts_are_said_once(deltas: list[JsonValue]) -> None:
    """Fields that repeat one thought do not double it, and fields that go on with it lose nothing."""
    events, response = play(stream([*deltas, {"content": "Hi"}]))
    assert response.parts == (Thought("abcd"), Text("Hi"))
    assert "".join(event.text for event in events if isinstance(event, ThoughtDelta)) == "abcd"


CHUNKS_WITHOUT_CONTENT = (
    {"choices": []},
    {"choices": None},
    {"id": "x", "usage": None},
    chunk({"role": "assistant"}),
    chunk({"role": "assistant", "content": ""}),
    chunk({"role": "assistant", "content": None, "tool_calls": None, "reasoning": None}),
    chunk({}),
    {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
    {"choices": [{"index": 0}]},
)


@pytest.mark.parametrize("document", CHUNKS_WITHOUT_CONTENT)
def test_chunks_without_content_are_nothing_yet(document: JsonValue) -> None:
    """They make no event."""
    reader = decoder()
    assert reader.feed(document) == []
    assert not reader.is_complete


def test_a_cut_stream_is_not_complete() -> None:
    """Without a reason to stop the answer is cut; what came is there."""
    reader = decoder()
    reader.feed(chunk({"content": "Hel"}))
    assert not reader.is_complete
    assert reader.response().text == "Hel"
    reader.feed(chunk({}, "stop"))
    assert reader.is_complete


def test_a_stream_of_several_candidates_is_complete_when_all_are() -> None:
    """Each candidate says why it stopped."""
    reader = decoder(n=2)
    reader.feed({"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}]})
    reader.feed({"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]})
    assert not reader.is_complete
    reader.feed(chunk({}, "length"))
    assert reader.is_complete
    reasons = [(candidate.text, candidate.finish_reason) for candidate in reader.response().candidates]
    assert reasons == [("a", "length"), ("b", "stop")]


def test_stop_becomes_tool_calls_when_a_call_was_seen_anywhere() -> None:
    """Google's streams say `stop` in a chunk of their own."""
    _, response = play([chunk({"tool_calls": [CALL]}), chunk({"content": ""}), chunk({"content": ""}, "STOP")])
    assert (response.finish_reason, response.candidate.raw_finish_reason) == ("tool_calls", "STOP")


def test_facts_of_a_stream_add_up() -> None:
    """Log probabilities, refusals and audio come in pieces; metadata is said anew."""
    first = {"choices": [{"delta": {"refusal": "N", "audio": {"id": "a", "data": "QQ==", "transcript": "x"}}}]}
    second = {"choices": [{"delta": {"refusal": "o", "audio": {"data": "Qg==", "transcript": "y"}}}]}
    for number, document in enumerate((first, second)):
        document["choices"][0]["logprobs"] = {"content": [{"token": str(number)}], "refusal": None}
        document["x"] = {"a": number, "b": None} if number else {"b": 1}
    _, response = play([first, second, chunk({}, "stop", meta={"usage": {"usd_spent": 0.5}})])
    candidate = response.candidate
    assert candidate.refusal == "No"
    assert [token["token"] for token in candidate.logprobs["content"]] == ["0", "1"]
    assert candidate.parts == (Text("xy"), Blob("QUI=", "audio/wav"))
    assert candidate.metadata == {"audio": {"id": "a"}}
    assert response.provider_metadata == {"x": {"a": 1, "b": 1}, "meta": {"usage": {"usd_spent": 0.5}}}
    assert response.usage.cost_usd == 0.5


def test_whole_message_in_the_last_chunk_is_read() -> None:
    """A provider may answer a stream with one whole message, or leave the delta empty beside it."""
    document = {"choices": [{"delta": {}, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert play([document])[1].parts == (Text("Hi"),)
