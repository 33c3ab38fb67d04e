"""Streams of `generateContent`: increments, signatures, calls that arrive in pieces, counts that grow."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Decoder, Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.errors import GeminiMultiError, PromptBlocked
from gemini_multi.types import (
    ChatRequest,
    Message,
    PartReady,
    Signature,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    Tool,
    ToolCall,
    ToolCallReady,
    Usage,
)

ORDER = Tool("order", "", {"type": "object", "properties": {"count": {"type": "integer"}}})


def decoder(**settings: object) -> Decoder:
    request = ChatRequest(model="m", messages=(Message.user("Hello"),), tools=(ORDER,), **settings)
    model = find("gemini-3-flash-preview")
    target = Target("cloudflare", model, "google/gemini-3-flash", GenerateContentTraits(), issuer="cloudflare")
    return GENERATE_CONTENT.decoder(request, target)


def chunk(*parts: object, **facts: object) -> dict[str, object]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **facts}], "responseId": "answer"}


def signed(text: str) -> Signature:
    return Signature(text, carrier="thoughtSignature", issuer="cloudflare")


def test_text_arrives_in_increments_and_a_signed_tail_closes_it() -> None:
    """Gemini 3 signs the text with an empty last part; the signature joins the text that it belongs to."""
    reader = decoder()
    events = [reader.feed(chunk({"text": text})) for text in ("Hel", "lo")]
    events.append(reader.feed(chunk({"text": "", "thoughtSignature": "cw=="}, finishReason="STOP")))
    assert events == [[TextDelta("Hel")], [TextDelta("lo")], [TextDelta("", signed("cw=="))]]
    assert reader.response().parts == (Text("Hello", signature=signed("cw==")),)


def test_a_signature_on_the_first_text_stays_there() -> None:
    """Gemini 2.5 signs the first text after its thoughts; nothing is merged across that boundary."""
    reader = decoder()
    for part in (
        {"text": "hm", "thought": True},
        {"text": " so", "thought": True},
        {"text": "Hel", "thoughtSignature": "cw=="},
        {"text": "lo"},
    ):
        reader.feed(chunk(part))
    assert reader.response().parts == (Thought("hm so"), Text("Hel", signature=signed("cw==")), Text("lo"))


def test_thoughts_and_text_may_share_a_chunk() -> None:
    """The events follow the order of the parts."""
    events = decoder().feed(chunk({"text": "hm", "thought": True}, {"text": "Hi"}, {"new": 1}))
    assert [type(event) for event in events] == [ThoughtDelta, TextDelta, PartReady]


def test_calls_wait_for_the_reason_to_stop() -> None:
    """A call is given when it is known that it may be run; Gemini says STOP then, which becomes `tool_calls`."""
    reader = decoder()
    call = {"functionCall": {"name": "order", "args": {"count": 2.0}, "id": "1"}, "thoughtSignature": "cw=="}
    assert reader.feed(chunk(call)) == []
    expected = ToolCall("1", "order", {"count": 2}, signature=signed("cw=="))
    assert reader.feed(chunk({"text": ""}, finishReason="STOP")) == [ToolCallReady(expected)]
    assert reader.response().finish_reason == "tool_calls"
    assert reader.close() == []


@pytest.mark.parametrize("reason", ["UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_FUNCTION_CALL"])
def test_an_unwanted_call_is_never_given(reason: str) -> None:
    """The reason may come a chunk later than the call that must not be run."""
    reader = decoder()
    events = reader.feed(chunk({"functionCall": {"name": "order", "id": "1"}}))
    events += reader.feed({"candidates": [{"finishReason": reason}]})
    candidate = reader.response().candidate
    assert (events, candidate.tool_calls, candidate.finish_reason) == ([], (), "error")
    assert candidate.metadata == {"dropped_tool_calls": [{"id": "1", "name": "order", "args": {}}]}


def test_a_call_keeps_its_place_among_the_parts() -> None:
    """Text after a call is given first, and still stands after it in the answer."""
    reader = decoder()
    reader.feed(chunk({"functionCall": {"name": "order", "id": "1"}}, {"text": "Done"}))
    reader.feed(chunk(finishReason="STOP"))
    assert reader.response().parts == (ToolCall("1", "order"), Text("Done"))


def test_calls_of_a_cut_stream_are_given_at_its_end() -> None:
    """What had arrived is part of the partial answer."""
    reader = decoder()
    reader.feed(chunk({"functionCall": {"name": "order", "id": "1"}}))
    assert reader.close() == [ToolCallReady(ToolCall("1", "order"))]
    assert not reader.is_complete


def fragment(**fields: object) -> dict[str, object]:
    return chunk({"functionCall": fields})


def piece(path: str, going_on: bool = False, **value: object) -> dict[str, object]:
    return {"jsonPath": path, **value, **({"willContinue": True} if going_on else {})}


STREAMED = [
    chunk({"functionCall": {"name": "order", "willContinue": True}, "thoughtSignature": "cw=="}),
    fragment(willContinue=True),
    fragment(partialArgs=[piece("$.items[0].name", True, stringValue="ap")], willContinue=True),
    fragment(partialArgs=[piece("$.items[0].name", True, stringValue="ple")], willContinue=True),
    fragment(partialArgs=[piece("$.items[0].name", stringValue="")], willContinue=True),
    fragment(partialArgs=[piece("$.items[1]['a b']", nullValue="NULL_VALUE"), piece("$.on", boolValue=True)]),
]
ARGUMENTS = {"items": [{"name": "apple"}, {"a b": None}], "on": True}


@pytest.mark.parametrize(
    "rest",
    [
        [],
        [fragment()],
        [fragment(name="order", willContinue=True), fragment(partialArgs=[piece("$.count", numberValue=2.0)])],
    ],
    ids=["missing terminal", "terminal", "another call"],
)
def test_streamed_arguments_become_whole_calls(rest: list[dict[str, object]]) -> None:
    """Vertex AI streams arguments by path; text is joined, and a missing end mark does no harm."""
    reader = decoder()
    for document in [*STREAMED, *rest, chunk({"text": ""}, finishReason="STOP")]:
        reader.feed(document)
    first, *others = reader.response().tool_calls
    assert (first.arguments, first.signature) == (ARGUMENTS, signed("cw=="))
    assert [call.arguments for call in others] == ([{"count": 2}] if len(rest) == 2 else [])


@pytest.mark.parametrize(
    "path", ["$.a[1]", "$.a[0].b[7].c", "$.a.b" + ".c" * 200], ids=["a gap", "a gap inside", "too deep"]
)
def test_streamed_arguments_that_do_not_fit_are_unreadable(path: str) -> None:
    """The call is not run, and what came is kept."""
    reader = decoder()
    for document in (fragment(name="order", partialArgs=[piece(path, stringValue="x")]), chunk(finishReason="STOP")):
        reader.feed(document)
    (call,) = reader.response().tool_calls
    assert (call.arguments, call.invalid_arguments) == ({}, json.dumps([[path, "x"]], separators=(",", ":")))


def test_a_call_without_arguments_streams_its_name_alone() -> None:
    """No `args` means none, and the stray end mark after it is no call."""
    reader = decoder()
    for document in (fragment(name="order"), fragment(), chunk(finishReason="STOP")):
        reader.feed(document)
    assert [call.arguments for call in reader.response().tool_calls] == [{}]


def test_usage_keeps_the_last_word_on_each_field() -> None:
    """Counts are cumulative, some chunks leave some out, and none are summed."""
    reader = decoder()
    for metadata in (
        {"promptTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 8},
        {"trafficType": "ON_DEMAND", "promptTokenCount": None},
        {"promptTokenCount": 5, "candidatesTokenCount": 4, "totalTokenCount": 12},
    ):
        reader.feed({"usageMetadata": metadata})
    expected = Usage(input_tokens=5, output_tokens=7, total_tokens=12, reasoning_tokens=3)
    assert reader.response().usage == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"candidates": []},
        {"candidates": None},
        {"usageMetadata": {"trafficType": "ON_DEMAND"}},
        {"modelVersion": "m"},
    ],
)
def test_chunks_without_content_give_nothing(document: dict[str, object]) -> None:
    """Such chunks are legal."""
    reader = decoder()
    assert reader.feed(document) == []
    assert not reader.is_complete


def test_facts_of_a_candidate_grow_over_the_chunks() -> None:
    """Empty repetitions do not erase what was said, and citations are collected."""
    reader = decoder()
    cited = [{"startIndex": 0, "endIndex": 2, "uri": "a"}, {"startIndex": 2, "endIndex": 4, "uri": "b"}]
    reader.feed(chunk({"text": "Hi"}, citationMetadata={"citations": cited[:1]}, groundingMetadata={"a": [1]}))
    reader.feed(chunk({"text": "Ho"}, citationMetadata={"citations": cited}, groundingMetadata={"a": [], "b": 2}))
    reader.feed(chunk(finishReason="STOP", groundingMetadata={}, safetyRatings=[]))
    candidate = reader.response().candidate
    assert candidate.grounding == {"a": [1], "b": 2}
    assert [(citation.uri, citation.text) for citation in candidate.citations] == [("a", "Hi"), ("b", "Ho")]


A, B, C = ({"web": {"uri": name}} for name in "abc")


def support(text: str, *indices: int) -> dict[str, object]:
    return {"segment": {"text": text}, "groundingChunkIndices": list(indices)}


ONE, TWO = support("Hi", 0), support("Ho", 0)
GROUNDED: dict[str, list[dict[str, object]]] = {
    "what is new": [
        {"groundingChunks": [A], "groundingSupports": [ONE], "webSearchQueries": ["x"]},
        {"groundingChunks": [B, A], "groundingSupports": [TWO, support("Hi", 1)], "webSearchQueries": ["y"]},
    ],
    "everything anew": [
        {"groundingChunks": [A], "groundingSupports": [ONE], "webSearchQueries": ["x"]},
        {},
        {"groundingChunks": [A, B], "groundingSupports": [ONE, support("Ho", 1)], "webSearchQueries": ["x", "y"]},
    ],
    "supports later": [
        {"groundingChunks": [A, B], "webSearchQueries": ["x", "y"]},
        {"groundingSupports": [ONE]},
        {"groundingSupports": [support("Ho", 1)]},
    ],
    "supports that count among all": [
        {"groundingChunks": [A], "groundingSupports": [ONE], "webSearchQueries": ["x", "y"]},
        {"groundingChunks": [B], "groundingSupports": [support("Ho", 1)]},
    ],
}


@pytest.mark.parametrize("name", GROUNDED)
def test_the_grounding_of_chunks_adds_up(name: str) -> None:
    """Sources, supports and queries, each once; every support points to its source."""
    reader = decoder()
    for text, metadata in zip(("Hi", "Ho", ""), [*GROUNDED[name], {}], strict=False):
        reader.feed(chunk({"text": text}, groundingMetadata=metadata))
    reader.feed(chunk(finishReason="STOP"))
    candidate = reader.response().candidate

    assert candidate.grounding == {
        "groundingChunks": [A, B],
        "groundingSupports": [ONE, support("Ho", 1)],
        "webSearchQueries": ["x", "y"],
    }
    assert [(citation.uri, citation.text) for citation in candidate.citations] == [("a", "Hi"), ("b", "Ho")]


def test_one_chunk_of_grounding_stays_as_it_was_said() -> None:
    """Also where it repeats itself."""
    metadata = {"groundingChunks": [A, A, C], "groundingSupports": [ONE, support("Hi", 1)]}
    reader = decoder()
    reader.feed(chunk({"text": "Hi"}, groundingMetadata=metadata, finishReason="STOP"))

    assert reader.response().candidate.grounding == metadata


def test_a_block_in_mid_stream_keeps_the_text_so_far() -> None:
    """The error carries the partial answer."""
    reader = decoder()
    reader.feed(chunk({"text": "Hi"}))
    with pytest.raises(PromptBlocked) as caught:
        reader.feed({"promptFeedback": {"blockReason": "SAFETY"}})
    assert caught.value.response is not None
    assert caught.value.response.text == "Hi"


def called(name: str | None = None, args: object = None, **more: object) -> dict[str, object]:
    given = {"name": name, "args": args, **more}
    return {"functionCall": {key: value for key, value in given.items() if value is not None}}


CALLS: dict[str, tuple[list[dict[str, object]], list[tuple[str, object]]]] = {
    "glued text": ([called("f", '{"a":1}{"a":2}', id="1")], [("f", {"a": 1}), ("f", {"a": 2})]),
    "control characters": ([called("f", '{"a":"x\ny"}')], [("f", {"a": "x\ny"})]),
    "not a number": ([called("f", {"a": float("nan")})], [("f", '{"a":NaN}')]),
    "infinity in a text": ([called("f", '{"a":Infinity}')], [("f", '{"a":Infinity}')]),
    "said again": ([called("f", {"a": 1}, id="1"), called("f", {"a": 1}, id="1")], [("f", {"a": 1})]),
    "one id for two": (
        [called("f", {"a": 1}, id="1"), called("f", {"a": 2}, id="1")],
        [("f", {"a": 1}), ("f", {"a": 2})],
    ),
    "the name as the id": (
        [called("f", {"a": 1}, id="f"), called("f", {"a": 1}, id="f")],
        [("f", {"a": 1}), ("f", {"a": 1})],
    ),
    "a nameless later part": ([called("f", willContinue=True), called(args={"a": 1})], [("f", {"a": 1})]),
    "a nameless further call": ([called("f", {"a": 1}), called(args={"a": 2})], [("f", {"a": 1}), ("f", {"a": 2})]),
    "arguments under OpenAI's name": (
        [called("f", arguments={"a": 1}), called("f", arguments='{"a":2}')],
        [("f", {"a": 1}), ("f", {"a": 2})],
    ),
    "a nameless end": ([called("f", {"a": 1}, willContinue=True), called()], [("f", {"a": 1})]),
}


@pytest.mark.parametrize("is_one_chunk", [True, False])
@pytest.mark.parametrize("name", CALLS)
def test_each_call_is_a_call_with_an_id_of_its_own(name: str, is_one_chunk: bool) -> None:
    """However a gateway writes them; what it says twice is one call, and nothing unreadable is guessed."""
    parts, expected = CALLS[name]
    reader = decoder()
    for some in [parts] if is_one_chunk else [[part] for part in parts]:
        reader.feed(chunk(*some))
    events = reader.feed(chunk(finishReason="STOP"))
    calls = reader.response().candidate.tool_calls

    assert [(call.name, call.invalid_arguments or call.arguments) for call in calls] == expected
    assert [event.call for event in events if isinstance(event, ToolCallReady)] == list(calls)
    assert len({call.id for call in calls} - {"", "f"}) == len(expected)


def test_a_call_without_any_name_is_noted() -> None:
    """It cannot be run, and is not lost."""
    reader = decoder()
    reader.feed(chunk(called(args={"a": 1}), finishReason="STOP"))
    candidate = reader.response().candidate

    assert candidate.tool_calls == ()
    assert "'args': {'a': 1}" in str(candidate.metadata["dropped_tool_calls"])


JUNK = [None, 0, 1.5, "", "x", True, [], {}, [None], ["x"], {"a": None}, -1, 10**30]
FULL = {
    **chunk(
        {"functionCall": {"name": "order", "args": {"count": "3"}, "id": "1"}, "thoughtSignature": "cw=="},
        {"functionCall": {"name": "order", "willContinue": True}},
        {"functionCall": {"partialArgs": [piece("$.a[1].b", True, stringValue="x")], "willContinue": True}},
        {"text": "Hi"},
        {"text": "hm", "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"executableCode": {"code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        index=0,
        finishReason="STOP",
        safetyRatings=[{"category": "A"}],
        citationMetadata={"citations": [{"startIndex": 1, "endIndex": 2, "uri": "u"}]},
        groundingMetadata={
            "groundingChunks": [{"web": {"uri": "u"}}],
            "groundingSupports": [{"segment": {"endIndex": 2, "text": "Hi"}, "groundingChunkIndices": [0]}],
        },
        logprobsResult={"chosenCandidates": [{"token": "a"}], "topCandidates": [{"candidates": [{"token": "a"}]}]},
    ),
    "promptFeedback": {"safetyRatings": [{"category": "A"}]},
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
}


def paths(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from paths(inner, (*path, key))


@pytest.mark.parametrize("path", [path for path in paths(FULL) if path], ids=lambda path: json.dumps(path))
def test_wrong_types_anywhere_do_no_harm(path: tuple[object, ...]) -> None:
    """A provider may put anything anywhere: the answer stays readable, or the error is one of ours."""
    for junk in JUNK:
        document = copy.deepcopy(FULL)
        holder: object = document
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = junk
        reader = decoder()
        try:
            reader.feed(document)
            reader.close()
        except GeminiMultiError as error:
            assert isinstance(error, PromptBlocked)  # noqa: PT017 - any other error fails the test by itself
        assert isinstance(reader.response().text, str)
