"""Answers become LangChain messages and chunks: content, calls, usage, metadata, content blocks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from gemini_multi import (
    Attempt,
    Blob,
    Candidate,
    ChatEvent,
    ChatResponse,
    Citation,
    Finished,
    Opaque,
    Part,
    PartReady,
    Signature,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    Usage,
)
from langchain_gemini_multi._results import combined, to_result, usage_metadata
from langchain_gemini_multi._streams import ChunkBuilder
from langchain_gemini_multi.chat_models import ChatGeminiMulti  # noqa: F401  # registers the block translator

USED = Usage(input_tokens=3, output_tokens=2, total_tokens=5)
SIGNATURE = Signature("c2ln", carrier="thoughtSignature", issuer="oxen")


def response(*parts: Part, **fields: Any) -> ChatResponse:
    candidate = Candidate(parts=parts, finish_reason="stop", raw_finish_reason="STOP", **fields)
    return ChatResponse(
        candidates=(candidate,), usage=USED, provider="oxen", model="gemini-x", dialect="chat_completions"
    )


def message(*parts: Part, blocks: bool = False, **fields: Any) -> AIMessage:
    made = to_result(response(*parts, **fields), blocks=blocks).generations[0].message
    assert isinstance(made, AIMessage)
    return made


def chunks(*events: ChatEvent, blocks: bool = False, usage: bool = True) -> list[AIMessageChunk]:
    builder = ChunkBuilder(blocks=blocks, usage=usage)
    made = [chunk.message for event in events if (chunk := builder.feed(event))]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in made)
    return made  # type: ignore[return-value]


def merged(*events: ChatEvent, blocks: bool = False) -> AIMessageChunk:
    first, *rest = chunks(*events, blocks=blocks)
    return first.__add__(rest) if rest else first  # type: ignore[return-value]


THOUGHT = {"type": "reasoning", "reasoning": "t"}
CONTENTS: dict[str, tuple[tuple[Part, ...], Any]] = {
    "nothing": ((), ""),
    "text": ((Text("a"), Text("b")), "ab"),
    "text and a call": ((Text("a"), ToolCall("c", "f")), "a"),
    "thought": ((Thought("t"), Text("a")), [THOUGHT, {"type": "text", "text": "a"}]),
    "image": ((Blob("aGk=", "image/png"),), [{"type": "image", "base64": "aGk=", "mime_type": "image/png"}]),
    "speech": ((Blob("aGk=", "audio/wav"),), [{"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}]),
    "document": ((Blob("aGk=", "text/csv"),), [{"type": "file", "base64": "aGk=", "mime_type": "text/csv"}]),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_content_is_text_unless_there_is_more(name: str) -> None:
    """Content is a plain string for text alone, whatever the model; else standard blocks."""
    parts, content = CONTENTS[name]
    assert message(*parts).content == content


def test_broken_arguments_make_an_invalid_call() -> None:
    """Arguments that are not JSON are shown as what they are and never executed."""
    made = message(ToolCall("c", "f", invalid_arguments='{"a": '))
    assert (made.tool_calls, made.invalid_tool_calls[0]["args"]) == ([], '{"a": ')


@pytest.mark.parametrize("raw", ['{"a": 1', '{"a": "b', '{"a": [1, 2', "{'a': 1}", '{"a": "b\\', "[1", "no"])
@pytest.mark.parametrize("pieces", [True, False], ids=["in pieces", "whole"])
def test_broken_arguments_stay_broken_in_a_stream(raw: str, pieces: bool) -> None:
    """LangChain completes unfinished JSON in chunks; a call that was cut off must not be executed all the same."""
    delta = [ToolCallDelta(0, "c", "f", raw)] if pieces else []
    ready = ToolCallReady(ToolCall("c", "f", invalid_arguments=raw))
    made = merged(*delta, ready, Finished(response()))
    assert (made.tool_calls, made.invalid_tool_calls[0]["name"]) == ([], "f")


def test_arguments_in_pieces_become_the_call() -> None:
    """Pieces of arguments are merged by the call's position; the whole call that follows adds nothing twice."""
    events = [
        ToolCallDelta(0, "c0", "f", '{"a":'),
        ToolCallDelta(1, "c1", "g", "{}"),
        ToolCallDelta(0, "c0", "f", "1}"),
        ToolCallReady(ToolCall("c0", "f", {"a": 1}), 0),
        ToolCallReady(ToolCall("c1", "g", {}), 1),
    ]
    calls = [(call["id"], call["name"], call["args"]) for call in merged(*events, Finished(response())).tool_calls]
    assert calls == [("c0", "f", {"a": 1}), ("c1", "g", {})]


STREAM = (
    ThoughtDelta("t1"),
    ThoughtDelta("t2"),
    TextDelta("a"),
    TextDelta("b"),
    TextDelta("", SIGNATURE),
    ToolCallReady(ToolCall("c0", "f", {"x": 1}, signature=SIGNATURE), 0),
    ToolCallReady(ToolCall("c1", "g", {}), 1),
    Finished(
        response(
            Thought("t1t2"),
            Text("ab", signature=SIGNATURE),
            ToolCall("c0", "f", {"x": 1}, signature=SIGNATURE),
            ToolCall("c1", "g", {}),
        )
    ),
)


@pytest.mark.parametrize("blocks", [False, True])
def test_each_kind_of_block_is_merged_with_its_own_kind(blocks: bool) -> None:
    """Thoughts, text and parallel calls stay apart, in order."""
    found = [(block["type"], block.get("id")) for block in merged(*STREAM, blocks=blocks).content_blocks]
    assert found == [("reasoning", None), ("text", None), ("tool_call", "c0"), ("tool_call", "c1")]


def test_signatures_show_as_extras() -> None:
    """Google's signatures are where LangChain documents them."""
    extras = [block.get("extras") for block in merged(*STREAM, blocks=True).content_blocks]
    assert extras == [None, {"signature": "c2ln"}, {"signature": "c2ln"}, None]


@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "in pieces"])
def test_streamed_call_shows_its_signature_where_blocks_are_stored(pieces: bool) -> None:
    """Also when the signature comes after the arguments."""
    call = ToolCall("c1", "f", {"a": 1}, signature=SIGNATURE)
    deltas = [ToolCallDelta(0, "c1", "f", '{"a": 1}')] if pieces else []
    parts = chunks(*deltas, ToolCallReady(call, position=0), Finished(response(call)), blocks=True)
    shown = [block for chunk in parts for block in chunk.content_blocks if block["type"] == "tool_call_chunk"]

    assert [block["extras"] for block in shown if "extras" in block] == [{"signature": "c2ln"}]


def test_plain_text_streams_as_strings() -> None:
    """A stream of text alone has string chunks and ends with an empty one."""
    made = chunks(TextDelta("a"), TextDelta("b"), Finished(response(Text("ab"))))
    assert [(chunk.content, chunk.chunk_position) for chunk in made] == [("a", None), ("b", None), ("", "last")]


@pytest.mark.parametrize("key", ["model_name", "provider", "finish_reason", "raw_finish_reason", "dialect"])
def test_scalar_is_in_one_chunk(key: str) -> None:
    """Merging concatenates strings, so each stands in exactly one chunk."""
    assert [key in chunk.response_metadata for chunk in chunks(*STREAM)].count(True) == 1


def test_usage_is_in_one_chunk() -> None:
    """Merging adds usage up, so it is told once, at the end."""
    told = [chunk.usage_metadata is not None for chunk in chunks(*STREAM)]
    assert told == [False] * (len(told) - 1) + [True]


def test_usage_can_be_left_out_of_a_stream() -> None:
    """`stream_usage=False` leaves it out."""
    assert all(chunk.usage_metadata is None for chunk in chunks(*STREAM, usage=False))


def test_empty_answer_streams_one_chunk() -> None:
    """A stream without content still has the chunk that LangChain demands."""
    (only,) = chunks(Finished(response()))
    assert (only.content, only.chunk_position) == ("", "last")


def test_other_candidates_of_a_stream_are_kept() -> None:
    """A stream shows the first candidate; the others are told at its end."""
    two = ChatResponse(candidates=(Candidate(parts=(Text("a"),)), Candidate(parts=(Text("b"),), finish_reason="stop")))
    last = chunks(TextDelta("a"), TextDelta("b", None, 1), Finished(two))[-1]
    assert last.response_metadata["alternatives"] == [
        {"content": [{"type": "text", "text": "b"}], "finish_reason": "stop", "normalized_finish_reason": "stop"}
    ]


def test_all_candidates_are_generations() -> None:
    """`n` answers are `n` generations; the usage of the call is told once."""
    two = ChatResponse(candidates=(Candidate(parts=(Text("a"),)), Candidate(parts=(Text("b"),))), usage=USED)
    generations = to_result(two, blocks=False).generations
    assert [(one.text, one.message.usage_metadata is not None) for one in generations] == [("a", True), ("b", False)]  # type: ignore[attr-defined]


USAGES: dict[str, tuple[Usage, dict[str, Any]]] = {
    "plain": (
        Usage(input_tokens=3, output_tokens=2, total_tokens=5),
        {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    ),
    "details": (
        Usage(
            input_tokens=9,
            output_tokens=8,
            total_tokens=17,
            cached_tokens=4,
            reasoning_tokens=6,
            cache_creation_tokens=1,
        ),
        {
            "input_tokens": 9,
            "output_tokens": 8,
            "total_tokens": 17,
            "input_token_details": {"cache_read": 4, "cache_creation": 1},
            "output_token_details": {"reasoning": 6},
        },
    ),
    "cached audio": (
        Usage(input_tokens=9, output_tokens=0, total_tokens=9, cached_tokens=7, input_by_modality={"audio": 5}),
        {
            "input_tokens": 9,
            "output_tokens": 0,
            "total_tokens": 9,
            "input_token_details": {"cache_read": 7, "audio": 2},
        },
    ),
}


@pytest.mark.parametrize("name", USAGES)
def test_usage_details_are_parts_of_the_totals(name: str) -> None:
    """The details never add up to more than what they are details of."""
    usage, expected = USAGES[name]
    assert usage_metadata(usage) == expected


UNCOUNTED: dict[str, tuple[Usage, Any]] = {
    "nothing is known": (Usage(), None),
    "only the output is known": (Usage(output_tokens=9, total_tokens=9), {"completion_tokens": 9}),
}


@pytest.mark.parametrize("name", UNCOUNTED)
@pytest.mark.parametrize("way", ["whole", "stream"])
def test_unknown_count_is_no_zero(name: str, way: str) -> None:
    """No prompt has no tokens: then there is no `usage_metadata` to add up, and what is known is in the metadata."""
    usage, told = UNCOUNTED[name]
    answer = ChatResponse(candidates=(Candidate(parts=(Text("a"),), finish_reason="stop"),), usage=usage, model="m")
    if way == "whole":
        result = to_result(answer, blocks=False)
        made, known = result.generations[0].message, result.llm_output or {}
    else:
        made = merged(TextDelta("a"), Finished(answer))
        known = made.response_metadata
    assert (made.usage_metadata, known.get("token_usage")) == (None, told)  # type: ignore[attr-defined]


def test_metadata_tells_all_that_is_known() -> None:
    """Nothing the provider said is lost, and what it did not say is left out."""
    told = ChatResponse(
        candidates=(Candidate(finish_reason="stop", raw_finish_reason="STOP", safety_ratings=({"blocked": False},)),),
        usage=Usage(cost_usd=0.5, cost_source="host"),
        provider="oxen",
        model="gemini-x",
        response_id="r",
        attempts=(Attempt(provider="oxen", model="x", outcome="answered", status=200, ignored=("seed",)),),
    )
    found = to_result(told, blocks=False).generations[0].message.response_metadata
    attempt = {"provider": "oxen", "model": "x", "outcome": "answered", "status": 200, "code": None, "message": ""}
    times = {"wait": 0.0, "first_content": None, "duration": 0.0}
    assert found == {
        "model_name": "gemini-x",
        "model_provider": "gemini_multi",
        "provider": "oxen",
        "finish_reason": "stop",
        "normalized_finish_reason": "stop",
        "raw_finish_reason": "STOP",
        "response_id": "r",
        "cost_usd": 0.5,
        "cost_source": "host",
        "attempts": [{**attempt, **times, "error": "", "request_id": None, "ignored": ["seed"]}],
        "safety_ratings": [{"blocked": False}],
    }


def test_metadata_is_plain_json() -> None:
    """Checkpoints and traces can write it."""
    made = message(Text("a"), grounding={"webSearchQueries": ["q"]}, citations=(Citation(start=0, end=1, uri="u"),))
    assert json.loads(json.dumps(made.response_metadata)) == made.response_metadata


CITED = (Citation(start=0, end=2, uri="https://a", title="A"),)


@pytest.mark.parametrize("blocks", [False, True])
def test_citations_become_annotations(blocks: bool) -> None:
    """Sources stand at the text that they are for, in whole answers and in merged streams."""
    expected = [{"type": "citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}]
    whole = message(Text("ab"), blocks=blocks, citations=CITED)
    stream = merged(TextDelta("ab"), Finished(response(Text("ab"), citations=CITED)), blocks=blocks)
    assert [one.content_blocks[0].get("annotations") for one in (whole, stream)] == [expected, expected]


def test_sources_of_text_before_a_block_are_in_its_block() -> None:
    """Text that arrived as a plain string, before anything else did, is annotated like text in blocks."""
    search = Opaque({"toolCall": {"id": "s"}})
    cited = (*CITED, Citation(start=2, end=4, uri="https://b"))
    whole = response(Text("ab"), search, Text("cd"), citations=cited)
    stream = merged(TextDelta("ab"), PartReady(search), TextDelta("cd"), Finished(whole))
    shown = [block for block in stream.content_blocks if block["type"] == "text"]
    assert [(block["text"], [one["start_index"] for one in block["annotations"]]) for block in shown] == [  # type: ignore[typeddict-item]
        ("ab", [0]),
        ("cd", [0]),
    ]


REASONS: dict[str, tuple[dict[str, Any], Any]] = {
    "end": ({"finish_reason": "stop"}, "stop"),
    "limit": ({"finish_reason": "length"}, "length"),
    "call": ({"finish_reason": "tool_calls"}, "tool_call"),
    "filter": ({"finish_reason": "content_filter"}, "content_filter"),
    "refusal": ({"finish_reason": "stop", "refusal": "I will not"}, "refusal"),
    "error": ({"finish_reason": "error"}, "error"),
    "unknown word": ({"finish_reason": "other"}, "other"),
    "none told": ({"finish_reason": None}, None),
}


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("way", ["whole", "stream"])
def test_finish_reason_is_told_in_langchains_word_too(name: str, way: str) -> None:
    """LangChain's `normalized_finish_reason` stands beside ours, once in a stream."""
    fields, word = REASONS[name]
    answer = ChatResponse(candidates=(Candidate(parts=(Text("a"),), **fields),), model="m")
    made: Any = to_result(answer, blocks=False).generations[0].message
    if way == "stream":
        made = merged(TextDelta("a"), Finished(answer))
    told = made.response_metadata
    assert (told.get("normalized_finish_reason"), told.get("finish_reason")) == (word, fields["finish_reason"])


def test_counts_are_told_in_openais_form_with_their_details() -> None:
    """Tracers that read `token_usage` learn of thoughts and cached input, and batches add all of it up."""
    usage = Usage(input_tokens=3, output_tokens=5, total_tokens=8, reasoning_tokens=4, cached_tokens=2)
    told = to_result(ChatResponse(candidates=(Candidate(),), usage=usage, model="m"), blocks=False).llm_output
    plain = to_result(response(Text("a")), blocks=False).llm_output
    counts = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    details = {"prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 4}}
    assert told == {"token_usage": {**counts, **details}, "model_name": "m"}
    both = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    twice = {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 8}}
    assert combined([told, None, plain, told])["token_usage"] == {**both, **twice}
