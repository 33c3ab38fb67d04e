"""Whole answers of the providers, with everything in them, by every way of asking LangChain has."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from gemini_multi import Cloudflare
from gemini_multi.sandbox import Sandbox

from .answers import PROVIDERS, chat, generated, get_weather, merged, native_events, replied

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

PNG = "iVBORw0KGgo="
PARTS: list[dict[str, Any]] = [
    {"text": "Hm, well", "thought": True},
    {"executableCode": {"language": "PYTHON", "code": "1+1", "id": "e1"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2", "id": "e1"}},
    {"text": "It is sunny."},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    {"text": "Let me look."},
    {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}, "id": "c1"}, "thoughtSignature": "c2ln"},
    {"functionCall": {"name": "get_weather", "args": {"city": "Bonn"}, "id": "c2"}},
]
GROUNDING = {
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 12, "text": "It is sunny."}, "groundingChunkIndices": [0]}
    ],
}
RATINGS = [{"category": "c", "probability": "LOW"}]
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 3, "totalTokenCount": 15}
KINDS = [
    "reasoning",
    "server_tool_call",
    "server_tool_result",
    "text",
    "image",
    "text",
    "tool_call",
    "tool_call",
]


def whole() -> bytes:
    answer = generated(*PARTS, usageMetadata=USAGE, responseId="r1")
    answer["candidates"][0] |= {
        "groundingMetadata": GROUNDING,
        "safetyRatings": [{"category": "c", "probability": "LOW"}],
    }
    return json.dumps(answer).encode()


def pieces() -> bytes:
    """Send each part in a chunk of its own, texts in two."""
    halves = [
        {**part, "text": half}
        for part in PARTS
        for half in ([part["text"][:4], part["text"][4:]] if "text" in part else [None])
    ]
    cut = [{key: value for key, value in half.items() if value is not None} for half in halves]
    documents = [generated(part, reason=None, responseId="r1") for part in cut]
    last = generated(reason="STOP", usageMetadata=USAGE, responseId="r1")
    last["candidates"][0] |= {
        "groundingMetadata": GROUNDING,
        "safetyRatings": [{"category": "c", "probability": "LOW"}],
    }
    return native_events(*documents, last)


def ask(sandbox: Sandbox, way: str, version: Any) -> Any:
    replied(sandbox, "cloudflare", whole() if way == "invoke" else pieces())
    model: Any = chat(
        Cloudflare(api="google_ai_studio"), model="gemini-2.5-flash", include_thoughts=True, output_version=version
    ).bind_tools([get_weather])
    match way:
        case "invoke":
            return model.invoke("hi")
        case "stream":
            return merged(model.stream("hi"))
        case _:
            return model.stream_events("hi", version="v3").output


each_way = pytest.mark.parametrize("way", ["invoke", "stream", "typed"])
each_version = pytest.mark.parametrize("version", ["v0", "v1"])


@each_way
@each_version
def test_every_kind_of_block_is_there(sandbox: Sandbox, way: str, version: Any) -> None:
    """Thoughts, code, its result, texts, image and calls, in their order, nothing merged that is not one."""
    blocks: list[Any] = ask(sandbox, way, version).content_blocks
    assert [block["type"] for block in blocks] == KINDS
    assert blocks[0]["reasoning"] == "Hm, well"
    assert (blocks[1]["args"]["code"], blocks[2]["tool_call_id"], blocks[2]["output"]) == ("1+1", "e1", "2")
    assert [blocks[3]["text"], blocks[5]["text"]] == ["It is sunny.", "Let me look."]
    assert blocks[3]["annotations"][0]["url"] == "https://a.example"
    assert blocks[4]["base64"] == PNG
    assert [(block["id"], block["args"]["city"]) for block in blocks[6:]] == [("c1", "Rome"), ("c2", "Bonn")]
    assert blocks[6]["extras"] == {"signature": "c2ln"}


@each_way
@each_version
def test_everything_beside_the_content_is_there(sandbox: Sandbox, way: str, version: Any) -> None:
    """Usage, ids, grounding, safety, attempts and cost are the same by every way."""
    message = ask(sandbox, way, version)
    facts = message.response_metadata
    assert message.usage_metadata == {
        "input_tokens": 5,
        "output_tokens": 10,
        "total_tokens": 15,
        "output_token_details": {"reasoning": 3},
    }
    assert (facts["response_id"], facts["finish_reason"], facts["raw_finish_reason"]) == ("r1", "tool_calls", "STOP")
    assert (facts["provider"], facts["model_provider"], facts["model_name"]) == ("cloudflare", "gemini_multi", "m")
    assert facts["grounding_metadata"] == GROUNDING
    assert facts["safety_ratings"] == RATINGS
    assert [attempt["outcome"] for attempt in facts["attempts"]] == ["answered"]
    assert [call["id"] for call in message.tool_calls] == ["c1", "c2"]


@each_version
def test_indexes_name_one_block_each(sandbox: Sandbox, version: Any) -> None:
    """In a stream whatever has the same index is merged, so blocks of different kinds never share one."""
    replied(sandbox, "cloudflare", pieces())
    model = chat(
        Cloudflare(api="google_ai_studio"), model="gemini-2.5-flash", include_thoughts=True, output_version=version
    ).bind_tools([get_weather])
    kinds: dict[Any, set[str]] = {}
    for chunk in model.stream("hi"):
        for block in chunk.content_blocks:
            kinds.setdefault(block.get("index"), set()).add(block["type"].removesuffix("_chunk"))
    assert None not in kinds
    assert all(len(found) == 1 for found in kinds.values())
    assert len(kinds) == len(KINDS)


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_scalar_is_in_one_chunk(sandbox: Sandbox, provider: str, version: Any) -> None:
    """Merging adds numbers up and joins texts, so nothing but the marks that LangChain leaves alone comes twice."""
    model = chat(provider, output_version=version).bind_tools([get_weather])
    for prompt in ("Tell me of a cat.", "Use get_weather for Paris."):
        chunks: list[Any] = list(model.stream(prompt))
        counted = Counter(key for chunk in chunks for key in (*chunk.response_metadata, *chunk.additional_kwargs))
        assert {key for key, count in counted.items() if count > 1} <= {"model_provider", "output_version"}
        assert [bool(chunk.usage_metadata) for chunk in chunks].count(True) == 1
        assert [chunk.chunk_position for chunk in chunks if chunk.chunk_position] == ["last"]


def test_typed_events_of_a_rich_answer_are_valid(sandbox: Sandbox) -> None:
    """LangChain's own check of the lifecycle holds for all of it."""
    replied(sandbox, "cloudflare", pieces())
    model: Any = chat(Cloudflare(api="google_ai_studio"), model="gemini-2.5-flash", include_thoughts=True)
    assert_valid_event_stream(list(model.bind_tools([get_weather]).stream_events("hi", version="v3")))


async def test_candidates_are_generations(sandbox: Sandbox) -> None:
    """`n` answers of a prompt are `n` generations with the usage of the call on the first, by `await` too."""
    model, asked = chat("cloudflare", model="gemini-2.5-flash", n=3), [[HumanMessage("hi")]]
    for result in (model.generate(asked), await model.agenerate(asked)):
        (generations,) = result.generations
        assert [bool(one.message.usage_metadata) for one in generations] == [True, False, False]  # type: ignore[attr-defined]
