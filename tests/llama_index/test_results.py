"""The core's answers and events become LlamaIndex's responses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatResponse,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    LogProb,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from gemini_multi import (
    Attempt,
    Blob,
    Candidate,
    ChatEvent,
    Citation,
    CodeResult,
    ExecutableCode,
    FileReference,
    Finished,
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
from gemini_multi import ChatResponse as Answer
from llama_index_gemini_multi._results import Snapshots, to_result
from llama_index_gemini_multi.base import to_completion

USAGE = Usage(input_tokens=9, output_tokens=64, total_tokens=73, reasoning_tokens=60, cached_tokens=4, cost_usd=0.5)
ATTEMPT = Attempt(provider="oxen", model="gemini", outcome="answered", status=200)
CALL = ToolCall("c1", "add", {"a": 1})
OTHER_CALL = ToolCall("c2", "add", {"a": 2})


def answer(*parts: Any, **facts: Any) -> Answer:
    candidate = Candidate(parts=parts, finish_reason="stop", raw_finish_reason="STOP", **facts)
    return Answer(candidates=(candidate,), usage=USAGE, provider="oxen", model="gemini", attempts=(ATTEMPT,))


def chunks(*events: ChatEvent, **options: Any) -> list[ChatResponse]:
    snapshots = Snapshots(**options)
    return [chunk for event in events if (chunk := snapshots.feed(event)) is not None]


SIGNATURE = Signature("c2ln", carrier="thoughtSignature", issuer="oxen")


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        ((Text("4", signature=SIGNATURE),), ["text", "thinking"]),
        ((Text("4"), Text("", signature=SIGNATURE)), ["text", "thinking"]),
        ((Thought("Hm"), Text("4", signature=SIGNATURE)), ["thinking", "text"]),
        ((Text("I add."), ToolCall("c1", "add", signature=SIGNATURE)), ["text", "thinking", "tool_call"]),
    ],
)
def test_what_only_carries_signatures_stands_behind_the_text(parts: tuple[Part, ...], kinds: list[str]) -> None:
    """The first block of a plain answer is its text."""
    assert [block.block_type for block in to_result(answer(*parts)).message.blocks] == kinds


def test_answer_becomes_blocks_in_order() -> None:
    """Thoughts, text and calls each have their block; all text is in one."""
    parts = (Thought("Hm"), Text("a"), Text("b"), ToolCall("c1", "add", {"a": 1}, synthetic_id=True))
    blocks = to_result(answer(*parts)).message.blocks
    kinds = [type(block) for block in blocks]
    assert kinds == [ThinkingBlock, TextBlock, ToolCallBlock]
    assert blocks[1:] == [
        TextBlock(text="ab"),
        ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1}),
    ]
    assert (blocks[0].content, blocks[0].num_tokens) == ("Hm", 60)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Blob("iVBORw0KGgo=", "image/png"), ImageBlock(image=b"iVBORw0KGgo=", image_mimetype="image/png")),
        (Blob("UklGRg==", "audio/wav"), AudioBlock(audio=b"UklGRg==", format="wav")),
        (Blob("AAAA", "video/mp4"), VideoBlock(video=b"AAAA", video_mimetype="video/mp4")),
        (Blob("AAAA", "application/pdf"), DocumentBlock(data=b"AAAA", document_mimetype="application/pdf")),
        (
            FileReference("https://a.example/x.png"),
            ImageBlock(url="https://a.example/x.png", image_mimetype="image/png"),
        ),
    ],
)
def test_generated_media_becomes_a_block(part: Blob | FileReference, expected: object) -> None:
    """A picture, sound, video or document in the answer is not lost."""
    assert to_result(answer(part)).message.blocks == [expected]


def test_citation_becomes_a_block() -> None:
    """A source of the answer stands beside its text, with the stretch that it supports."""
    cited = Citation(start=0, end=2, uri="https://a.example", title="A")
    block = to_result(answer(Text("Hi there"), citations=(cited,))).message.blocks[1]
    place = {"start": 0, "end": 2}
    assert block == CitationBlock(
        cited_content="Hi", source="https://a.example", title="A", additional_location_info=place
    )


def test_facts_name_the_provider_and_count_thoughts() -> None:
    """Who answered, why it stopped, what it cost, and tokens by the names that MLflow reads."""
    facts = to_result(answer(Text("Hi"))).additional_kwargs
    told_attempts = facts.pop("attempts")
    assert [attempt["provider"] for attempt in told_attempts] == ["oxen"]
    assert facts == {
        "provider": "oxen",
        "model_name": "gemini",
        "finish_reason": "stop",
        "cost_usd": 0.5,
        "prompt_tokens": 9,
        "completion_tokens": 64,
        "total_tokens": 73,
        "thoughts_tokens": 60,
        "cached_tokens": 4,
        "cached_content_tokens": 4,
    }


def test_raw_is_json_with_usage_in_openai_form() -> None:
    """The token counter and tracers read it; nothing in it is bytes or an object."""
    raw = to_result(answer(Text("Hi"), grounding={"webSearchQueries": ["q"]})).raw
    assert json.loads(json.dumps(raw)) == raw
    assert (raw["usage"]["prompt_tokens"], raw["usage"]["completion_tokens"]) == (9, 64)
    assert raw["grounding_metadata"] == {"webSearchQueries": ["q"]}


def test_code_that_the_provider_ran_is_in_raw() -> None:
    """The code and what it gave, in order, in whole answers, streams and completions alike."""
    parts = (Text("I calculate."), ExecutableCode("print(5)"), CodeResult("5", "OUTCOME_OK"), Text("Done."))
    told = [
        {"executable_code": {"language": "PYTHON", "code": "print(5)"}},
        {"code_execution_result": {"outcome": "OUTCOME_OK", "output": "5"}},
    ]
    whole, streamed = to_result(answer(*parts)), chunks(Finished(answer(*parts)))[-1]
    for response in (whole, streamed, to_completion(whole)):
        assert isinstance(response.raw, dict)
        assert response.raw["code_execution"] == told
    assert "code_execution" not in str(to_result(answer(Text("Hi"))).raw)


def test_further_candidates_are_in_raw() -> None:
    """A message has room for one answer; the others are not lost."""
    both = Answer(candidates=(Candidate(parts=(Text("a"),)), Candidate(parts=(Text("b"),), finish_reason="stop")))
    assert [each["text"] for each in to_result(both).raw["candidates"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("?", None),
        ({"content": []}, None),
        ({"content": [{"token": "a", "logprob": -1, "bytes": [97]}]}, [[LogProb(token="a", logprob=-1, bytes=[97])]]),
        (
            {
                "content": [
                    {"token": "a", "logprob": -1, "top_logprobs": [{"token": "b", "logprob": -2, "bytes": None}]}
                ]
            },
            [[LogProb(token="b", logprob=-2)]],
        ),
    ],
)
def test_logprobs(given: Any, expected: list[list[LogProb]] | None) -> None:
    """Each token has its alternatives, or itself; what is unreadable stays in `raw` only."""
    assert to_result(answer(Text("a"), logprobs=given)).logprobs == expected


def test_call_beside_nothing_is_a_call_only() -> None:
    """An empty text block, and calls in `additional_kwargs`, would be sent as further calls by other integrations."""
    message = to_result(answer(Text(""), CALL)).message
    assert (
        [block.block_type for block in message.blocks if block.block_type != "thinking"],
        message.additional_kwargs,
    ) == (
        ["tool_call"],
        {},
    )


def test_refusal_is_the_text_when_there_is_none() -> None:
    """A refusal is told to the user."""
    assert to_result(answer(refusal="No.")).message.content == "No."


def test_snapshots_grow_and_are_independent() -> None:
    """Kept chunks do not change when later ones arrive, nor when one of them is changed."""
    made = chunks(TextDelta("a"), TextDelta("b"), TextDelta("c"), Finished(answer(Text("abc"))))
    made[1].message.blocks[0].text = "changed"
    assert [chunk.message.content for chunk in made] == ["a", "changed", "abc", "abc"]
    assert [chunk.delta for chunk in made] == ["a", "b", "c", ""]


def test_thoughts_are_not_in_delta() -> None:
    """Agents read thoughts from `thinking_delta`; users must not see them as the answer."""
    made = chunks(ThoughtDelta("H"), ThoughtDelta("m"), TextDelta("Hi"), Finished(answer(Thought("Hm"), Text("Hi"))))
    assert [chunk.delta for chunk in made] == ["", "", "Hi", ""]
    assert [chunk.additional_kwargs.get("thinking_delta") for chunk in made] == ["H", "m", None, None]
    assert [chunk.message.blocks[0].content for chunk in made] == ["H", "Hm", "Hm", "Hm"]


def test_text_around_a_thought_is_one_text() -> None:
    """The content of the last chunk is what the deltas add up to, without line breaks of LlamaIndex's making."""
    parts = (Text("Hello "), Thought("Hm"), Text("world"))
    made = chunks(TextDelta("Hello "), ThoughtDelta("Hm"), TextDelta("world"), Finished(answer(*parts)))
    assert "".join(chunk.delta or "" for chunk in made) == made[-1].message.content == "Hello world"


def test_last_chunk_is_the_whole_answer() -> None:
    """Agents keep the last chunk: it equals the answer in one piece, with an empty delta."""
    whole = answer(Text("Hi"), CALL)
    last = chunks(TextDelta("Hi"), ToolCallReady(CALL), Finished(whole))[-1]
    assert last == to_result(whole, delta="")


def test_calls_appear_when_whole() -> None:
    """A call is in the message once its arguments are; the pieces are told beside it."""
    made = chunks(ToolCallDelta(0, "c1", "add", '{"a":'), ToolCallReady(CALL), ToolCallReady(OTHER_CALL, 1))
    assert [len(chunk.message.blocks) for chunk in made] == [0, 1, 2]
    piece = {"position": 0, "id": "c1", "name": "add", "arguments": '{"a":'}
    assert made[0].additional_kwargs == {"tool_call_delta": piece}


def test_calls_are_told_to_programs_but_not_in_the_last_chunk() -> None:
    """Where LlamaIndex's programs look for them; what agents keep would be sent twice by other integrations."""
    unreadable = ToolCall("c2", "add", invalid_arguments="{oops")
    made = chunks(ToolCallReady(CALL), ToolCallReady(unreadable, 1), Finished(answer(CALL, unreadable)))
    told = [chunk.message.additional_kwargs.get("tool_calls", []) for chunk in made]
    assert told[1] == [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "add", "arguments": "{oops"}},
    ]
    assert [len(calls) for calls in told] == [1, 2, 0]


def test_first_call_only_leaves_further_calls_out() -> None:
    """Where parallel calls are not allowed, a second one is neither streamed nor in the answer."""
    events = (ToolCallReady(CALL), ToolCallDelta(1, "c2", "add", "{"), ToolCallReady(OTHER_CALL, 1))
    made = chunks(*events, Finished(answer(CALL, OTHER_CALL)), first_call_only=True)
    ids = [[block.tool_call_id for block in chunk.message.blocks if isinstance(block, ToolCallBlock)] for chunk in made]
    assert ids == [["c1"], ["c1"]]


def test_snapshot_does_not_share_arguments() -> None:
    """Changing a call's arguments in one chunk does not change them in another."""
    made = chunks(ToolCallReady(CALL), ToolCallReady(OTHER_CALL, 1))
    made[0].message.blocks[0].tool_kwargs["a"] = 99
    assert made[1].message.blocks[0].tool_kwargs == {"a": 1}


@pytest.mark.parametrize(
    "event",
    [TextDelta("", None), ThoughtDelta(""), TextDelta("x", candidate=1), ToolCallReady(CALL, 0, 1)],
)
def test_event_without_news_makes_no_chunk(event: ChatEvent) -> None:
    """Signatures alone and further candidates are told with the whole answer."""
    assert chunks(event) == []


def test_media_is_in_the_stream() -> None:
    """A generated picture appears as soon as it is there."""
    made = chunks(PartReady(Blob("iVBORw0KGgo=", "image/png")))
    assert made[0].message.blocks == [ImageBlock(image=b"iVBORw0KGgo=", image_mimetype="image/png")]


def test_completion_tells_the_same() -> None:
    """A completion is the chat answer's text with the same facts; without text it is empty, not `None`."""
    response = to_result(answer(CALL))
    completion = to_completion(response)
    assert (completion.text, completion.raw, completion.additional_kwargs) == (
        "",
        response.raw,
        response.additional_kwargs,
    )


@pytest.mark.parametrize("part", [FileReference("no address"), FileReference(""), Blob("\u00e9===", "image/png")])
def test_an_image_that_is_none_spoils_no_answer(part: FileReference | Blob) -> None:
    """Providers put anything into the address; the text is there all the same."""
    last = chunks(TextDelta("Hi"), PartReady(part), Finished(answer(Text("Hi"), part)))[-1]

    assert last.message.content == "Hi"


def test_a_crowd_of_calls_is_whole_at_the_end() -> None:
    """Chunks show the first of them only, since each chunk holds all that was before."""
    calls = [ToolCall(f"c{number}", "add") for number in range(200)]
    events = [ToolCallReady(call, position) for position, call in enumerate(calls)]
    shown = chunks(*events, TextDelta("Hi"), Finished(answer(Text("Hi"), *calls)))

    counts = [sum(isinstance(block, ToolCallBlock) for block in chunk.message.blocks) for chunk in shown]
    assert counts == [*range(1, 65), 64, 200]
