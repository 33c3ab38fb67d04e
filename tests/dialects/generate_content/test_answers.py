"""The shapes that answers of `generateContent` take, each decoded whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Decoder, Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.errors import PromptBlocked
from gemini_multi.types import (
    Blob,
    Candidate,
    ChatRequest,
    ChatResponse,
    CodeResult,
    ExecutableCode,
    FileReference,
    Message,
    Opaque,
    Part,
    Signature,
    Text,
    Thought,
    Tool,
    ToolCall,
    Usage,
)

SUM = Tool("sum", "", {"type": "object", "properties": {"a": {"type": "integer"}, "on": {"type": "boolean"}}})


def decoder(**settings: object) -> Decoder:
    settings.setdefault("tools", (SUM, Tool("my tool")))
    request = ChatRequest(model="gemini-3-flash", messages=(Message.user("Hello"),), **settings)
    model = find("gemini-3-flash-preview")
    target = Target("cloudflare", model, "google/gemini-3-flash", GenerateContentTraits(), issuer="cloudflare")
    return GENERATE_CONTENT.decoder(request, target)


def decoded(document: dict[str, object], **settings: object) -> ChatResponse:
    reader = decoder(**settings)
    reader.feed(document)
    reader.close()
    return reader.response()


def signed(text: str) -> Signature:
    return Signature(text, carrier="thoughtSignature", issuer="cloudflare")


@dataclass(frozen=True)
class Case:
    name: str
    candidate: dict[str, object]
    expected: Candidate = field(default_factory=Candidate)


def parts(*given: object) -> dict[str, object]:
    return {"content": {"parts": list(given), "role": "model"}, "finishReason": "STOP"}


def stopped(*expected: Part, **facts: object) -> Candidate:
    facts.setdefault("finish_reason", "stop")
    facts.setdefault("raw_finish_reason", "STOP")
    return Candidate(parts=expected, **facts)


RATING = {"blocked": True, "category": "HARM_CATEGORY_HATE_SPEECH", "probability": "LOW"}
SHAPES = [
    Case("parts that are texts", parts("a", "b"), stopped(Text("ab"))),
    Case("a list of parts as the content", {"content": [{"text": "a"}], "finishReason": "STOP"}, stopped(Text("a"))),
    Case("a text as the content", {"content": "a", "finishReason": "STOP"}, stopped(Text("a"))),
    Case("no content", {"finishReason": "OTHER"}, Candidate(finish_reason="other", raw_finish_reason="OTHER")),
    Case("null content", {"content": None, "finishReason": "STOP"}, stopped()),
    Case(
        "empty content, filtered",
        {"content": {}, "finishReason": "SAFETY", "safetyRatings": [RATING]},
        Candidate(finish_reason="content_filter", raw_finish_reason="SAFETY", safety_ratings=(RATING,)),
    ),
    Case(
        "content without parts: cut while thinking",
        {"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0},
        Candidate(finish_reason="length", raw_finish_reason="MAX_TOKENS"),
    ),
    Case("null parts", {"content": {"role": "model", "parts": None}, "finishReason": "STOP"}, stopped()),
    Case("empty text", parts({"text": ""}), stopped()),
    Case("null text", parts({"text": None}), stopped()),
    Case(
        "partial text before a filter",
        {"content": {"parts": [{"text": "I would"}]}, "finishReason": "SAFETY"},
        Candidate(parts=(Text("I would"),), finish_reason="content_filter", raw_finish_reason="SAFETY"),
    ),
    Case(
        "thoughts and signed text",
        parts({"text": "hm", "thought": True}, {"text": "Hi", "thoughtSignature": "cw=="}),
        stopped(Thought("hm"), Text("Hi", signature=signed("cw=="))),
    ),
    Case(
        "a signature without anything",
        parts({"text": "Hi"}, {"thoughtSignature": "cw=="}),
        stopped(Text("Hi", signature=signed("cw=="))),
    ),
    Case(
        "code",
        parts(
            {"executableCode": {"id": "x", "language": "PYTHON", "code": "1+1"}, "thoughtSignature": "cw=="},
            {"codeExecutionResult": {"id": "x", "outcome": "OUTCOME_FAILED", "output": "2"}},
            {"codeExecutionResult": {}},
        ),
        stopped(
            ExecutableCode("1+1", id="x", signature=signed("cw==")),
            CodeResult("2", "OUTCOME_FAILED", id="x"),
            CodeResult(""),
        ),
    ),
    Case(
        "media",
        parts(
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "cw=="},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b"}},
        ),
        stopped(Blob("aGk=", "image/png", signature=signed("cw==")), FileReference("gs://a/b", "video/mp4")),
    ),
    Case(
        "media whose type their bytes tell",
        parts({"inlineData": {"mimeType": "image/*", "data": "iVBORw0KGgo="}}, {"inlineData": {"data": "JVBERi0="}}),
        stopped(Blob("iVBORw0KGgo=", "image/png"), Blob("JVBERi0=", "application/pdf")),
    ),
    Case(
        "an image that is a thought is no part of the answer's media",
        parts({"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": True}),
        stopped(Opaque({"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": True})),
    ),
    Case(
        "kinds that only the provider understands",
        parts({"toolCall": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": "cw=="}, {"new": [1]}),
        stopped(
            Opaque({"toolCall": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB"}}, signature=signed("cw==")),
            Opaque({"new": [1]}),
        ),
    ),
    Case(
        "what else is said of a part and of the candidate",
        {
            "content": {"parts": [{"text": "Hi", "partMetadata": {"a": 1}}], "role": "model", "kind": "x"},
            "finishReason": "STOP",
            "finishMessage": "Done.",
            "avgLogprobs": -0.5,
            "tokenCount": 3,
            "urlContextMetadata": {"urlMetadata": []},
        },
        stopped(
            Text("Hi"),
            finish_message="Done.",
            metadata={
                "parts": [{"partMetadata": {"a": 1}}],
                "content": [{"kind": "x"}],
                "avgLogprobs": -0.5,
                "tokenCount": 3,
                "urlContextMetadata": {"urlMetadata": []},
            },
        ),
    ),
    Case(
        "a reason of tomorrow",
        {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "PAUSED"},
        stopped(Text("Hi"), finish_reason="other", raw_finish_reason="PAUSED"),
    ),
    Case(
        "parallel calls, the first one signed",
        parts(
            {"functionCall": {"name": "sum", "args": {"a": 1}, "id": "h1"}, "thoughtSignature": "cw=="},
            {"functionCall": {"name": "sum"}},
            {"functionCall": {"name": "sum", "args": None, "id": "h1"}},
        ),
        stopped(
            ToolCall("h1", "sum", {"a": 1}, signature=signed("cw==")),
            ToolCall("call_answer_1", "sum", synthetic_id=True),
            ToolCall("call_answer_2", "sum", synthetic_id=True),
            finish_reason="tool_calls",
        ),
    ),
    Case(
        "names and arguments as the tools want them",
        parts(
            {"functionCall": {"name": "default_api:sum", "args": {"a": 3.0, "on": "true"}, "id": "1"}},
            {"functionCall": {"name": "my_tool", "args": '{"b": 1}', "id": "2"}},
            {"functionCall": {"name": "unknown", "args": "b=1", "id": "3"}},
            {"functionCall": {"name": "unknown", "args": [1], "id": "4"}},
        ),
        stopped(
            ToolCall("1", "sum", {"a": 3, "on": True}),
            ToolCall("2", "my tool", {"b": 1}),
            ToolCall("3", "unknown", invalid_arguments="b=1"),
            ToolCall("4", "unknown", invalid_arguments="[1]"),
            finish_reason="tool_calls",
        ),
    ),
    Case(
        "a call that must not be run",
        {
            "avgLogprobs": -18.2,
            "content": {
                "parts": [
                    {"text": "So:"},
                    {"functionCall": {"args": {"a": 1}, "name": "list_files"}, "thoughtSignature": "cw=="},
                ],
                "role": "model",
            },
            "finishMessage": "Unexpected tool call",
            "finishReason": "UNEXPECTED_TOOL_CALL",
        },
        Candidate(
            parts=(Text("So:"),),
            finish_reason="error",
            raw_finish_reason="UNEXPECTED_TOOL_CALL",
            finish_message="Unexpected tool call",
            metadata={
                "avgLogprobs": -18.2,
                "dropped_tool_calls": [
                    {"id": "call_answer_0", "name": "list_files", "args": {"a": 1}, "thoughtSignature": "cw=="}
                ],
            },
        ),
    ),
    Case(
        "logprobs",
        {
            **parts({"text": "Hi"}),
            "logprobsResult": {
                "chosenCandidates": [{"token": "Hi", "tokenId": 7, "logProbability": -0.1}, None],
                "topCandidates": [{"candidates": [{"token": "Ho", "logProbability": -2}]}],
            },
        },
        stopped(
            Text("Hi"),
            logprobs={
                "content": [
                    {"token": "Hi", "logprob": -0.1, "top_logprobs": [{"token": "Ho", "logprob": -2}]},
                    {"token": "", "logprob": 0.0, "top_logprobs": []},
                ]
            },
            metadata={
                "logprobsResult": {
                    "chosenCandidates": [{"token": "Hi", "tokenId": 7, "logProbability": -0.1}, None],
                    "topCandidates": [{"candidates": [{"token": "Ho", "logProbability": -2}]}],
                }
            },
        ),
    ),
]


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: case.name)
def test_decode_reads_every_shape_of_a_candidate(case: Case) -> None:
    """Nothing need be there, and nothing that is there is lost."""
    response = decoded({"candidates": [case.candidate], "responseId": "answer"})
    assert response.candidates == (case.expected,)


def test_decode_keeps_only_the_first_call_when_one_is_wanted() -> None:
    """The dialect has no word for `parallel_tool_calls=False`, so it is kept here and the rest is told."""
    calls = [{"functionCall": {"name": "sum", "id": number}} for number in ("1", "2")]
    candidate = decoded({"candidates": [parts(*calls)]}, parallel_tool_calls=False).candidate
    assert candidate.tool_calls == (ToolCall("1", "sum"),)
    assert candidate.metadata == {"dropped_tool_calls": [{"id": "2", "name": "sum", "args": {}}]}


def test_decode_makes_ids_when_the_answer_has_none_itself() -> None:
    """Without a response id the ids of calls are still there and differ from answer to answer."""
    answer = {"candidates": [parts({"functionCall": {"name": "sum"}})]}
    first, second = decoded(answer).tool_calls[0], decoded(answer).tool_calls[0]
    assert first.synthetic_id
    assert first.id != second.id


@pytest.mark.parametrize("indexes", [({}, {}), ({"index": 1}, {"index": 0})])
def test_decode_tells_candidates_apart(indexes: tuple[dict[str, int], dict[str, int]]) -> None:
    """The index decides; where the provider leaves it out, the place in the list does."""
    texts = ["a", "b"] if not indexes[0] else ["b", "a"]
    given = [{**parts({"text": text}), **index} for text, index in zip(texts, indexes, strict=True)]
    assert [candidate.text for candidate in decoded({"candidates": given}).candidates] == ["a", "b"]


USAGES = [
    (
        {
            "promptTokenCount": 8,
            "candidatesTokenCount": 652,
            "thoughtsTokenCount": 363,
            "totalTokenCount": 1023,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}, {"modality": "VIDEO"}, None],
            "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 652}],
        },
        Usage(
            input_tokens=8,
            output_tokens=1015,
            total_tokens=1023,
            reasoning_tokens=363,
            input_by_modality={"text": 8, "video": 0},
            output_by_modality={"text": 652},
        ),
    ),
    (
        {
            "promptTokenCount": 257,
            "toolUsePromptTokenCount": 1732,
            "thoughtsTokenCount": 773,
            "candidatesTokenCount": 170,
            "totalTokenCount": 2932,
            "cachedContentTokenCount": 100,
        },
        Usage(
            input_tokens=1989,
            output_tokens=943,
            total_tokens=2932,
            cached_tokens=100,
            reasoning_tokens=773,
            tool_use_tokens=1732,
        ),
    ),
    (
        {"promptTokenCount": 10, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 40},
        Usage(input_tokens=10, output_tokens=30, total_tokens=40, reasoning_tokens=20),
    ),
    (
        {"promptTokenCount": 15, "thoughtsTokenCount": 2, "totalTokenCount": 17},
        Usage(input_tokens=15, output_tokens=2, total_tokens=17, reasoning_tokens=2),
    ),
    ({"promptTokenCount": "7", "candidatesTokenCount": 2.0}, Usage(input_tokens=7, output_tokens=2, total_tokens=9)),
    ({"trafficType": "ON_DEMAND"}, Usage()),
    ({"promptTokenCount": None, "candidatesTokenCount": [], "totalTokenCount": "many"}, Usage()),
]


@pytest.mark.parametrize(("metadata", "usage"), USAGES)
def test_decode_counts_tokens_by_google_s_identity(metadata: dict[str, object], usage: Usage) -> None:
    """Output is candidates and thoughts, unless the total says that the thoughts are counted already."""
    assert decoded({"candidates": [parts({"text": "Hi"})], "usageMetadata": metadata}).usage == usage


def test_decode_keeps_what_it_does_not_know() -> None:
    """Every key of the envelope is there under the provider's own name."""
    rest = {
        "createTime": "2026-04-17T05:47:50Z",
        "gatewayMetadata": {"keySource": "BYOK"},
        "modelStatus": {"modelStage": "STABLE"},
        "usageMetadata": {"trafficType": "ON_DEMAND", "serviceTier": "standard"},
        "new": 1,
    }
    response = decoded({"candidates": [], "modelVersion": "gemini-x", "responseId": "r", **rest})
    assert response.provider_metadata == rest
    assert (response.model, response.response_id, response.provider) == ("gemini-x", "r", "cloudflare")


def test_decode_names_the_model_that_was_asked_when_the_provider_names_none() -> None:
    """The answer always has a model and a dialect."""
    response = decoded({"candidates": [parts({"text": "Hi"})]})
    assert (response.model, response.dialect) == ("google/gemini-3-flash", "generate_content")


def test_decode_raises_when_the_prompt_is_blocked() -> None:
    """A refused prompt is an error that keeps the reason, the ratings and all that was said."""
    feedback = {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "Jailbreak.", "safetyRatings": [RATING, None]}
    with pytest.raises(PromptBlocked, match=r"cloudflare refused .* MODEL_ARMOR \(Jailbreak\.\)") as caught:
        decoded({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}})
    error = caught.value
    assert (error.block_reason, error.safety_ratings) == ("MODEL_ARMOR", (RATING,))
    assert error.response is not None
    assert (error.response.prompt_feedback, error.response.usage.input_tokens) == (feedback, 3)


def test_decode_takes_a_block_without_a_reason_for_one() -> None:
    """A message alone, beside no candidate, means that the prompt was refused."""
    with pytest.raises(PromptBlocked, match="no reason given"):
        decoded({"candidates": [], "promptFeedback": {"blockReasonMessage": "No."}})


def test_decode_keeps_feedback_on_a_prompt_that_passed() -> None:
    """Ratings of an accepted prompt are no error."""
    response = decoded({"candidates": [parts({"text": "Hi"})], "promptFeedback": {"safetyRatings": [RATING]}})
    assert response.prompt_feedback == {"safetyRatings": [RATING]}


def test_an_answer_without_a_reason_to_stop_is_not_complete() -> None:
    """The call can tell a cut answer, and an empty one, from a whole one."""
    reader = decoder()
    reader.feed({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "FINISH_REASON_UNSPECIFIED"}]})
    assert not reader.is_complete
    reader.feed({"candidates": [parts({"text": "Hi"})]})
    assert reader.is_complete
