"""The providers' own recorded answers, whole and re-cut as streams at every byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.genai.types import GenerateContentResponse

from gemini_multi import ChatResponse, Client, Cloudflare, Finished, catalog
from gemini_multi._encoding.sse import EventDecoder
from gemini_multi.dialects.base import Decoder
from gemini_multi.providers import AIMLAPI, Provider
from tests.end_to_end.providers import REQUEST, Body, FakeProviders

FIXTURES = Path(__file__).parent.parent / "fixtures"
NATIVE = sorted((FIXTURES / "cloudflare_native").glob("*.json"))
CHAT = FIXTURES / "aimlapi_chat" / "gemini-2.5-flash-lite-preview.json"
CLOUDFLARE = Cloudflare("account", "key", api="google_ai_studio")


def native_chunks(answer: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """Cut an answer into increments as Google's own streams do: text in pieces, the signature on an empty tail."""
    (candidate,) = answer["candidates"]
    (part,) = candidate["content"]["parts"]
    text = part["text"]
    for start in range(0, len(text), size):
        yield {"candidates": [{"content": {"role": "model", "parts": [{"text": text[start : start + size]}]}}]}
    tail = {"text": "", "thoughtSignature": part["thoughtSignature"]} if "thoughtSignature" in part else {"text": ""}
    yield {**answer, "candidates": [{**candidate, "content": {"role": "model", "parts": [tail]}}]}


def chat_chunks(answer: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """Cut an answer into a chat completion's chunks."""
    (choice,) = answer["choices"]
    text = choice["message"]["content"]
    shell = {key: answer[key] for key in ("id", "model", "created")}
    for start in range(0, len(text), size):
        yield {**shell, "choices": [{"index": 0, "delta": {"content": text[start : start + size]}}]}
    yield {**shell, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": answer["usage"]}


def rendered(chunks: Iterator[dict[str, Any]], *, native: bool) -> bytes:
    end = b"\r\n\r\n" if native else b"\n\n"
    stream = b"".join(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + end for chunk in chunks)
    return stream if native else stream + b"data: [DONE]\n\n"


def decoder_of(provider: Provider) -> Decoder:
    (endpoint,) = provider.endpoints(REQUEST, catalog.find(REQUEST.model), stream=True)
    return endpoint.dialect.decoder(REQUEST, endpoint.target)


def events(*pieces: bytes) -> list[bytes]:
    decoder = EventDecoder(1_000_000)
    return [*(data for piece in pieces for data in decoder.feed(piece)), *decoder.close()]


def decoded(provider: Provider, data: list[bytes]) -> ChatResponse:
    decoder = decoder_of(provider)
    for one in data:
        if one != b"[DONE]":
            decoder.feed(json.loads(one))
    decoder.close()
    return decoder.response()


def check_every_split(stream: bytes, provider: Provider, answer: dict[str, Any]) -> None:
    """Wherever the bytes are split they are the same events, and these add up to the message of the whole answer."""
    whole, data = decoder_of(provider), events(stream)
    whole.feed(answer)
    response = decoded(provider, data)

    assert (response.parts, response.usage) == (whole.response().parts, whole.response().usage)
    for split in range(len(stream) + 1):
        assert events(stream[:split], stream[split:]) == data, split


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.stem)
def test_a_recorded_answer_loses_nothing(path: Path) -> None:
    """Text, signature, usage, finish reason and the gateway's metadata are all there."""
    answer = json.loads(path.read_text())
    (candidate,) = answer["candidates"]
    (part,) = candidate["content"]["parts"]
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, content=path.read_bytes())]})
    response = fakes.client("cloudflare").chat(REQUEST)
    (text,) = response.parts
    counts = answer["usageMetadata"]

    assert (text.text, text.signature and text.signature.payload) == (part["text"], part.get("thoughtSignature"))
    assert response.candidate.raw_finish_reason == candidate["finishReason"]
    assert response.candidate.metadata["avgLogprobs"] == candidate["avgLogprobs"]
    assert (response.model, response.response_id) == (answer["modelVersion"], answer["responseId"])
    assert response.usage.output_tokens == counts["candidatesTokenCount"] + counts.get("thoughtsTokenCount", 0)
    assert response.usage.total_tokens == counts["totalTokenCount"]
    assert response.provider_metadata["gatewayMetadata"] == answer["gatewayMetadata"]
    assert response.provider_metadata["createTime"] == answer["createTime"]
    assert response.provider_metadata["usageMetadata"] == counts


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.stem)
def test_google_reads_the_same(path: Path) -> None:
    """Google's own types agree on text, usage and finish reason."""
    answer = json.loads(path.read_text())
    answer.pop("gatewayMetadata")
    witness = GenerateContentResponse.model_validate(answer)
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, content=path.read_bytes())]})
    response = fakes.client("cloudflare").chat(REQUEST)
    assert witness.usage_metadata is not None
    assert witness.candidates is not None

    assert response.text == witness.text
    assert response.usage.total_tokens == witness.usage_metadata.total_token_count
    assert response.usage.reasoning_tokens == (witness.usage_metadata.thoughts_token_count or 0)
    assert response.candidate.raw_finish_reason == witness.candidates[0].finish_reason


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.stem)
def test_a_recorded_answer_cut_as_a_stream_is_the_same_message(path: Path) -> None:
    """Wherever the bytes are split, the stream adds up to the message of the whole answer."""
    answer = json.loads(path.read_text())

    check_every_split(rendered(native_chunks(answer, 97), native=True), CLOUDFLARE, answer)


def test_the_recorded_chat_answer_loses_nothing() -> None:
    """AIMLAPI's documented answer: prompt tokens are 0 there, and the model has another name."""
    fakes = FakeProviders({"aimlapi": [lambda: httpx.Response(200, content=CHAT.read_bytes())]})
    response = fakes.client("aimlapi").chat(REQUEST)

    assert (response.text, response.finish_reason) == ("Hello there! How can I help you today?", "stop")
    assert response.model == "google/gemini-2.5-flash-lite-preview-06-17"
    assert (response.usage.output_tokens, response.usage.total_tokens) == (9, 9)
    assert response.response_id == "gen-1752482994-9LhqM48PhAmhiRTtl2ys"


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_recorded_chat_answer_cut_as_a_stream_is_the_same_message(size: int) -> None:
    """Wherever the bytes are split, the stream adds up to the message of the whole answer."""
    answer = json.loads(CHAT.read_text())

    check_every_split(rendered(chat_chunks(answer, size), native=False), AIMLAPI("key"), answer)


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.stem)
def test_a_stream_byte_by_byte_gives_the_same_through_the_client(path: Path) -> None:
    """The whole way, through the gateway's streaming endpoint."""
    answer = json.loads(path.read_text())
    stream = rendered(native_chunks(answer, 300), native=True)
    pieces: list[bytes | Exception] = [stream[index : index + 1] for index in range(len(stream))]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Body(pieces)))

    *_, last = Client(CLOUDFLARE, http_client=httpx.Client(transport=transport)).stream(REQUEST)
    assert isinstance(last, Finished)

    assert last.response.text == answer["candidates"][0]["content"]["parts"][0]["text"]
