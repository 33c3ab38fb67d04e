"""Built-in tools at every endpoint, and what providers tell beside the text.

Sources, ratings, logprobs, reasons, blocks.
"""

from __future__ import annotations

from typing import Any

import pytest

from gemini_multi import (
    BuiltInTool,
    ChatRequest,
    Cloudflare,
    CodeResult,
    ExecutableCode,
    Message,
    Opaque,
    PromptBlocked,
    RetryPolicy,
    StreamInterrupted,
    Text,
    Tool,
    UnsupportedFeature,
)
from tests.end_to_end.endpoints import (
    CHAT,
    ENDPOINTS,
    NATIVE,
    PREVIEW,
    Refused,
    Wire,
    answered,
    chat_answer,
    events,
    native_answer,
    sent,
    streamed,
)

BUILT_IN = {"google_search": "googleSearch", "url_context": "urlContext"}
BUILT_IN |= {"code_execution": "codeExecution", "google_maps": "googleMaps"}


@pytest.mark.parametrize("kind", BUILT_IN)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_built_in_tools_go_natively_and_are_refused_in_chat(name: str, kind: str) -> None:
    """The native dialect has them; chat completions in front of Gemini do not pass them on."""
    endpoint = ENDPOINTS[name]
    expected: Any = endpoint.body("Hello", tools=[{BUILT_IN[kind]: {"a": 1}}])
    if name in CHAT:
        expected = Refused(f"the built-in tool `{kind}`")

    assert sent(endpoint, endpoint.request(tools=(BuiltInTool(kind, {"a": 1}),))) == expected


@pytest.mark.parametrize("kind", BUILT_IN)
@pytest.mark.parametrize("stream", [False, True])
def test_built_in_tools_take_cloudflares_native_endpoint(kind: str, stream: bool) -> None:
    """Also when a stream is wanted, which then is answered in one piece."""
    wire = Wire()
    client = wire.client(Cloudflare("account", "token"))
    request = ENDPOINTS["run"].request(tools=(BuiltInTool(kind),))
    response = client.stream(request).response() if stream else client.chat(request)

    assert [request.url.path.rpartition("/")[2] for request in wire.requests] == ["run"]
    assert response.text == "Hi"


def test_functions_beside_built_in_tools_need_gemini_3() -> None:
    """An older model would answer 400; Google's own API wants a flag from the newer ones, Vertex AI refuses it."""
    tools = (Tool("clock"), BuiltInTool("google_search"))
    written = [{"functionDeclarations": [{"name": "clock"}]}, {"googleSearch": {}}]
    old = ChatRequest(model="gemini-2.5-flash", messages=(Message.user("Hi"),), tools=tools)
    flag = {"toolConfig": {"includeServerSideToolInvocations": True}}

    assert sent(ENDPOINTS["run"], old) == Refused("functions together with built-in tools")
    assert sent(ENDPOINTS["run"], ENDPOINTS["run"].request(tools=tools)) == ENDPOINTS["run"].body(
        "Hello", tools=written
    )
    assert sent(ENDPOINTS["studio"], ENDPOINTS["studio"].request(tools=tools)) == ENDPOINTS["studio"].body(
        "Hello", tools=written, **flag
    )


def test_a_provider_without_the_tool_is_passed_over() -> None:
    """The error of the last names the tool; a provider that has it is used."""
    request = ENDPOINTS["run"].request(tools=(BuiltInTool("google_search"),))
    providers = [ENDPOINTS["A"].provider, ENDPOINTS["oxen"].provider]

    assert Wire().client([*providers, ENDPOINTS["run"].provider]).chat(request).provider == "cloudflare"
    with pytest.raises(UnsupportedFeature, match="google_search"):
        Wire().client(providers).chat(request)


# Parts of the provider's own tools.

SEARCHED = [
    {"toolCall": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}}, "thoughtSignature": "YQ=="},
    {"toolResponse": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}}, "thoughtSignature": "Yg=="},
    {"text": "Found", "thoughtSignature": "Yw=="},
]
COMPUTED = [
    {"executableCode": {"id": "1", "language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "YQ=="},
    {"codeExecutionResult": {"id": "1", "outcome": "OUTCOME_OK", "output": "1\n"}},
    {"text": "It is 1", "thoughtSignature": "Yw=="},
]


@pytest.mark.parametrize(
    ("parts", "kinds"), [(SEARCHED, [Opaque, Opaque, Text]), (COMPUTED, [ExecutableCode, CodeResult, Text])]
)
@pytest.mark.parametrize("stream", [False, True])
def test_parts_of_server_side_tools_go_back_as_they_came(parts: list[Any], kinds: list[type], stream: bool) -> None:
    """Each is a part of the answer, and the same part with its signature in the next request."""
    endpoint, content = ENDPOINTS["studio"], {"role": "model", "parts": parts}
    whole = {"candidates": [{"content": content, "finishReason": "STOP"}]}
    pieces = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    last = {"candidates": [{"content": {}, "finishReason": "STOP"}]}
    response = streamed(endpoint, *pieces, last) if stream else answered(endpoint, whole)
    history = (Message.user("Hi"), response.message, Message.user("More"))

    assert [type(part) for part in response.parts] == kinds
    assert sent(endpoint, ChatRequest(model=PREVIEW, messages=history))["contents"][1] == content


def test_parts_of_the_gemini_api_are_not_sent_to_vertex_ai() -> None:
    """Vertex AI answers `Cannot find field`; the text stays."""
    response = answered(ENDPOINTS["studio"], {"candidates": [{"content": {"parts": SEARCHED}, "finishReason": "STOP"}]})
    history = (Message.user("Hi"), response.message, Message.user("More"))
    body = sent(ENDPOINTS["run"], ChatRequest(model=PREVIEW, messages=history))

    assert [part.keys() - {"thoughtSignature"} for part in body["input"]["contents"][1]["parts"]] == [{"text"}]


# Sources.

TEXT = "Zürich hat 400.000 Einwohner. Größte Stadt."
FIRST_BYTES, ALL_BYTES = len("Zürich hat 400.000 Einwohner.".encode()), len(TEXT.encode())
GROUNDING = {
    "webSearchQueries": ["Zürich"],
    "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"maps": {"uri": "https://b", "title": "B"}}],
    "groundingSupports": [
        {"segment": {"endIndex": FIRST_BYTES}, "groundingChunkIndices": [0]},
        {"segment": {"startIndex": FIRST_BYTES + 1, "endIndex": ALL_BYTES}, "groundingChunkIndices": [1]},
    ],
}


def grounded(text: str, **extra: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **extra}]}


@pytest.mark.parametrize("name", NATIVE)
def test_sources_are_placed_by_characters(name: str) -> None:
    """Google counts UTF-8 bytes; the citations count characters of the text, and the record stays whole."""
    response = answered(ENDPOINTS[name], grounded(TEXT, groundingMetadata=GROUNDING, finishReason="STOP"))
    told = [(citation.uri, TEXT[citation.start : citation.end]) for citation in response.candidate.citations]

    assert told == [("https://a", "Zürich hat 400.000 Einwohner."), ("https://b", "Größte Stadt.")]
    assert response.candidate.grounding == GROUNDING


def test_sources_of_a_stream_are_placed_in_its_whole_text() -> None:
    """Early chunks hold an empty record, the last one the full one."""
    early, late = grounded(TEXT[:9], groundingMetadata={}), grounded(TEXT[9:], groundingMetadata=GROUNDING)
    late["candidates"][0]["finishReason"] = "STOP"
    candidate = streamed(ENDPOINTS["studio"], early, late).candidate

    assert [TEXT[item.start : item.end] for item in candidate.citations] == [TEXT[:29], "Größte Stadt."]


@pytest.mark.parametrize(("text", "expected"), [("Größte Stadt.", "Größte Stadt."), (None, None)])
def test_sources_that_count_from_a_part_are_found_by_their_text(text: str | None, expected: str | None) -> None:
    """The offsets are bytes of that part, so they alone say nothing about the whole text."""
    segment = {"partIndex": 1, "startIndex": 1, "endIndex": 9, **({"text": text} if text else {})}
    supports = [{"segment": segment, "groundingChunkIndices": [0]}]
    found = {"groundingChunks": [{"web": {"uri": "https://a"}}], "groundingSupports": supports}
    parts = [{"text": "Größe "}, {"text": TEXT}]
    (citation,) = answered(
        ENDPOINTS["run"], {"candidates": [{"content": {"parts": parts}, "groundingMetadata": found}]}
    ).candidate.citations

    assert (citation.text, citation.uri) == (expected, "https://a")
    assert text is None or ("Größe " + TEXT)[citation.start : citation.end] == text


@pytest.mark.parametrize("key", ["citations", "citationSources"])
def test_recited_text_is_cited(key: str) -> None:
    """Both names of the list are read, with the license in the provider's record."""
    record = {"startIndex": 8, "endIndex": FIRST_BYTES, "uri": "https://a", "license": "mit"}
    citations = answered(ENDPOINTS["run"], grounded(TEXT, citationMetadata={key: [record]})).candidate.citations
    (citation,) = citations

    assert (citation.text, citation.uri, citation.source) == ("hat 400.000 Einwohner.", "https://a", record)


def test_annotations_of_chat_completions_are_citations() -> None:
    """There the offsets are characters already."""
    found = {
        "type": "url_citation",
        "url_citation": {"url": "https://a", "title": "A", "start_index": 0, "end_index": 6},
    }
    choice = {"message": {"content": TEXT, "annotations": [found]}, "finish_reason": "stop"}
    (citation,) = answered(ENDPOINTS["D"], {"choices": [choice]}).candidate.citations

    assert (citation.uri, citation.title, TEXT[citation.start : citation.end]) == ("https://a", "A", "Zürich")


def test_what_an_envelope_says_beside_the_answer_is_kept() -> None:
    """Cloudflare's notes are in the metadata by their own name."""
    inner = {"state": "Completed", "result": native_answer()}
    notes = [{"code": 1, "message": "note"}]
    response = answered(ENDPOINTS["run"], {"result": inner, "success": True, "errors": [], "messages": notes})

    assert (response.text, response.provider_metadata["messages"]) == ("Hi", notes)


URLS = {"urlMetadata": [{"retrievedUrl": "https://a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"}]}
RATINGS = [{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "LOW", "severityScore": 0.1, "blocked": True}]


@pytest.mark.parametrize("name", NATIVE)
def test_what_else_a_candidate_says_is_kept(name: str) -> None:
    """Ratings have a field; addresses read, average logprobs and unknown facts stay by the provider's own names."""
    extra = {"urlContextMetadata": URLS, "avgLogprobs": -0.2, "somethingNew": {"a": 1}}
    candidate = answered(ENDPOINTS[name], grounded("Hi", safetyRatings=RATINGS, finishReason="STOP", **extra)).candidate

    assert (list(candidate.safety_ratings), candidate.metadata) == (RATINGS, extra)


def test_logprobs_have_one_form() -> None:
    """Google's `logprobsResult` is told as OpenAI's `logprobs.content`, and chat completions' as they are."""
    token, other = {"token": "Hi", "logProbability": -0.1}, {"token": "Ho", "logProbability": -2.0}
    result = {"chosenCandidates": [token], "topCandidates": [{"candidates": [token, other]}]}
    top = [{"token": "Hi", "logprob": -0.1}, {"token": "Ho", "logprob": -2.0}]
    expected = {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": top}]}
    choice = {"message": {"content": "Hi"}, "finish_reason": "stop", "logprobs": expected}

    assert answered(ENDPOINTS["run"], grounded("Hi", logprobsResult=result)).candidate.logprobs == expected
    assert answered(ENDPOINTS["D"], {"choices": [choice]}).candidate.logprobs == expected


# Why an answer stopped.

REASONS = {
    "stop": ["STOP"],
    "length": ["MAX_TOKENS", "CONTINUATION"],
    "content_filter": [
        *("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "IMAGE_SAFETY"),
        *("IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR", "IMAGE_RECITATION"),
    ],
    "error": [
        *("LANGUAGE", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"),
        *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "IMAGE_OTHER", "ESCALATION"),
    ],
    "other": ["OTHER", "PUP_LIMITED_DISABLED", "A_NEW_REASON"],
}
EACH_REASON = [(raw, reason) for reason, group in REASONS.items() for raw in group]


@pytest.mark.parametrize(("raw", "reason"), EACH_REASON)
@pytest.mark.parametrize("stream", [False, True])
def test_every_reason_to_stop_is_normalized(raw: str, reason: str, stream: bool) -> None:
    """Google's word is kept beside ours, and the text said before stays."""
    document = grounded("Well", finishReason=raw, finishMessage="why")
    candidate = (streamed if stream else answered)(ENDPOINTS["studio"], document).candidate

    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, raw)
    assert (candidate.text, candidate.finish_message) == ("Well", "why")


CHAT_REASONS = [
    ("stop", "stop"),
    ("length", "length"),
    ("content_filter", "content_filter"),
    ("function_call_filter: MALFORMED_FUNCTION_CALL", "error"),
    ("function_call_filter: UNEXPECTED_TOOL_CALL", "error"),
    ("SAFETY", "content_filter"),
    ("MAX_TOKENS", "length"),
    ("new", "other"),
]


@pytest.mark.parametrize(("raw", "reason"), CHAT_REASONS)
@pytest.mark.parametrize("name", ["chat", "A", "oxen"])
def test_every_reason_of_chat_completions_is_normalized(name: str, raw: str, reason: str) -> None:
    """OpenAI's words, Google's mixture of both, and Google's own; also when there is no message at all."""
    candidate = answered(ENDPOINTS[name], {"choices": [{"index": 0, "finish_reason": raw}]}).candidate

    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_the_model_made_up_is_not_given(reason: str, stream: bool) -> None:
    """It must not be run; what it was is in the metadata."""
    call = {"functionCall": {"name": "list_files", "args": {"a": 1}}}
    document = {"candidates": [{"content": {"parts": [call]}, "finishReason": reason}]}
    candidate = (streamed if stream else answered)(ENDPOINTS["studio"], document).candidate
    (dropped,) = candidate.metadata["dropped_tool_calls"]

    assert candidate.tool_calls == ()
    assert (dropped["name"], dropped["args"]) == ("list_files", {"a": 1})


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"])
def test_a_failed_generation_is_repeated(reason: str) -> None:
    """The same request may well succeed; its failure is on the attempts."""
    wire = Wire({"candidates": [{"finishReason": reason}]}, native_answer())
    client = wire.client(ENDPOINTS["run"].provider, retry_policy=RetryPolicy(initial_wait=0.0))
    response = client.chat(ENDPOINTS["run"].request())

    assert (response.text, [attempt.outcome for attempt in response.attempts]) == ("Hi", ["failed", "answered"])


# Prompts that are refused.

BLOCKED = {
    "promptFeedback": {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "Card number", "safetyRatings": RATINGS},
    "usageMetadata": {"trafficType": "ON_DEMAND"},
    "modelVersion": "gemini-3-flash-preview",
    "responseId": "r",
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", NATIVE)
async def test_a_refused_prompt_is_a_typed_error(name: str, stream: bool) -> None:
    """With the reason, the ratings and the rest of the answer; never an empty success. The async client agrees."""
    endpoint = ENDPOINTS[name]
    client = Wire(events(BLOCKED) if stream else BLOCKED).client(endpoint.provider)
    with pytest.raises(PromptBlocked, match="MODEL_ARMOR") as blocked:
        client.stream(endpoint.request()).response() if stream else client.chat(endpoint.request())
    with pytest.raises(PromptBlocked, match="Card number"):
        await client.for_async().chat(endpoint.request())
    error = blocked.value

    assert (error.block_reason, list(error.safety_ratings)) == ("MODEL_ARMOR", RATINGS)
    assert (error.provider, error.model) == ("cloudflare", endpoint.model_id)


@pytest.mark.parametrize(
    "reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK", "NEW"]
)
def test_every_reason_to_block_is_told(reason: str) -> None:
    """The set is open."""
    with pytest.raises(PromptBlocked) as blocked:
        answered(ENDPOINTS["run"], {"promptFeedback": {"blockReason": reason}})

    assert blocked.value.block_reason == reason


FILTERED = [
    ({"finish_reason": "content_filter: PROHIBITED_CONTENT"}, None, "PROHIBITED_CONTENT"),
    ({"finish_reason": "content_filter"}, {"prompt_tokens": 9, "completion_tokens": 0}, "content_filter"),
    ({"finish_reason": "SAFETY", "message": {"content": None}}, {"prompt_tokens": 9, "total_tokens": 9}, "SAFETY"),
    ({"finish_reason": "content_filter", "message": {"content": ""}}, {"completion_tokens": 0}, "content_filter"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["chat", "A", "oxen"])
@pytest.mark.parametrize(("choice", "usage", "reason"), FILTERED, ids=["mixture", "usage", "word", "empty"])
async def test_a_refused_prompt_of_chat_completions_is_the_same_error(
    choice: dict[str, Any], usage: Any, reason: str, name: str, stream: bool
) -> None:
    """Nothing said, nothing counted, and filtered: the prompt was refused. The async client agrees."""
    endpoint = ENDPOINTS[name]
    document = {"choices": [{"index": 0, **choice}], **({"usage": usage} if usage else {})}
    client = Wire(events(document) + b"data: [DONE]\n\n" if stream else document).client(endpoint.provider)
    with pytest.raises(PromptBlocked, match=reason) as blocked:
        client.stream(endpoint.request()).response() if stream else client.chat(endpoint.request())
    with pytest.raises(PromptBlocked):
        await client.for_async().chat(endpoint.request())
    error = blocked.value

    assert (error.block_reason, error.provider, error.model) == (reason, endpoint.provider.name, endpoint.model_id)
    assert error.response is not None
    assert error.response.finish_reason == "content_filter"


@pytest.mark.parametrize(
    "document",
    [
        chat_answer(choices=[{"message": {"content": ""}, "finish_reason": "content_filter"}]),
        {"choices": [{"message": {"content": "Once"}, "finish_reason": "content_filter"}], "usage": {}},
        {
            "choices": [{"message": {"content": "", "reasoning_content": "Hm"}, "finish_reason": "content_filter"}],
            "usage": {"completion_tokens": 0},
        },
    ],
    ids=["counted tokens", "text", "thoughts"],
)
def test_an_answer_that_was_filtered_is_no_refused_prompt(document: Any) -> None:
    """Where something was said, or counted, the answer was stopped."""
    assert answered(ENDPOINTS["oxen"], document).finish_reason == "content_filter"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("finish", [{}, {"finishReason": "STOP"}, {"finishReason": "OTHER"}])
@pytest.mark.parametrize("name", NATIVE)
def test_text_beside_a_reason_to_block_is_kept(name: str, finish: dict[str, str], stream: bool) -> None:
    """It is an answer that was filtered; the reason stays with it."""
    document = {**grounded("Well", **finish), "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    response = (streamed if stream and name == "studio" else answered)(ENDPOINTS[name], document)

    assert (response.text, response.finish_reason) == ("Well", "content_filter")
    assert response.prompt_feedback == {"blockReason": "PROHIBITED_CONTENT"}


def test_a_block_after_text_keeps_the_text() -> None:
    """A stream that was under way is interrupted, with the block as the cause."""
    client = Wire(events(grounded("Well"), BLOCKED)).client(ENDPOINTS["studio"].provider)
    with pytest.raises(StreamInterrupted) as interrupted:
        client.stream(ENDPOINTS["studio"].request()).response()

    assert interrupted.value.partial.text == "Well"
    assert isinstance(interrupted.value.__cause__, PromptBlocked)


def test_a_refusal_in_chat_completions_is_told() -> None:
    """The refusal is a fact of the candidate, not its text."""
    choice = {"message": {"content": None, "refusal": "I cannot"}, "finish_reason": "content_filter"}
    candidate = answered(ENDPOINTS["C"], chat_answer(choices=[choice])).candidate

    assert (candidate.refusal, candidate.text, candidate.finish_reason) == ("I cannot", "", "content_filter")
