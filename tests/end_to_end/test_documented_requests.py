"""The example requests of the providers' own pages: what is said through the client goes out as the page has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_multi import Blob, ChatRequest, Client, Cloudflare, Message, Text
from gemini_multi.providers import AIMLAPI, Oxen, Provider
from gemini_multi.types import JsonObject, Role
from tests.end_to_end.providers import FakeProviders, answer

FIXTURES = Path(__file__).parent.parent / "fixtures"
EXAMPLES: list[dict[str, Any]] = json.loads((FIXTURES / "documented_requests.json").read_text())
ANSWERS = sorted((FIXTURES / "aimlapi_chat").glob("*.json"))
NATIVE_SETTINGS = {"temperature": "temperature", "maxOutputTokens": "max_tokens"}
NATIVE_ANSWER = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}


def from_native(model: str, body: JsonObject) -> ChatRequest:
    roles: dict[str, Role] = {"user": "user", "model": "assistant"}
    system = [Message.system(part["text"]) for part in body.get("systemInstruction", {}).get("parts", ())]
    turns = [Message(roles[turn["role"]], (Text(turn["parts"][0]["text"]),)) for turn in body["contents"]]
    settings = {NATIVE_SETTINGS[name]: value for name, value in body.get("generationConfig", {}).items()}
    return ChatRequest(model=model, messages=(*system, *turns), **settings)


def from_chat(body: JsonObject) -> ChatRequest:
    settings = {name: value for name, value in body.items() if name not in ("messages", "stream")}
    turns = [Message(turn["role"], (Text(turn["content"]),)) for turn in body["messages"]]
    return ChatRequest(messages=tuple(turns), **settings)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["provider"])
def test_a_documented_example_is_sent_as_it_stands(example: dict[str, Any]) -> None:
    """`"stream": false` is the default and is left out."""
    provider, body = example["provider"], example["body"]
    is_native = provider == "cloudflare"
    reply = (lambda: httpx.Response(200, json=NATIVE_ANSWER)) if is_native else answer()
    fakes = FakeProviders({provider: [reply]})
    fakes.client(provider).chat(from_native(body["model"], body["input"]) if is_native else from_chat(body))

    assert json.loads(fakes.requests[0][1].content) == {name: body[name] for name in body if name != "stream"}


def test_there_are_twelve_examples() -> None:
    """All of the four pages are here."""
    assert [example["provider"] for example in EXAMPLES] == ["cloudflare"] * 8 + ["oxen"] * 3 + ["aimlapi"]


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_documented_answer_of_aimlapi_loses_nothing(path: Path) -> None:
    """The example of the page, and the one that the schema gives, whose `null`s mean nothing."""
    body = json.loads(path.read_text())
    fakes = FakeProviders({"aimlapi": [lambda: httpx.Response(200, content=path.read_bytes())]})
    response = fakes.client("aimlapi").chat(ChatRequest(model=body["model"], messages=(Message.user("Hello"),)))
    spent = body.get("meta", {}).get("usage", {}).get("usd_spent")

    assert (response.text, response.finish_reason) == (body["choices"][0]["message"]["content"], "stop")
    assert (response.response_id, response.model) == (body["id"], body["model"])
    assert response.usage.total_tokens == body["usage"]["total_tokens"]
    assert response.usage.cost_usd == spent
    assert response.tool_calls == ()


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("pcm16", "audio/pcm"), ("flac", "audio/flac")],
)
def test_speech_has_the_type_of_the_format_that_was_asked_for(form: str, media_type: str) -> None:
    """`audio.format` of the schema says in what the answer's sound is written."""
    message = {"role": "assistant", "content": None, "audio": {"id": "a", "data": "SUQz", "transcript": "hi"}}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    client = Client(Cloudflare("a", "k", api="chat_completions"), http_client=httpx.Client(transport=transport))
    asked: JsonObject = {"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": form}}
    response = client.chat(ChatRequest(model="gemini-3-flash", messages=(Message.user("Hi"),), extra_body=asked))

    assert [part.mime_type for part in response.parts if isinstance(part, Blob)] == [media_type]


@pytest.mark.parametrize(
    "model", ["gemma-4-31b-it", "gemini-3-pro-image", "gemini-3.1-pro-preview-customtools", "gemini-9-unknown"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_ai_studio_endpoint_takes_every_id_of_googles(model: str, stream: bool) -> None:
    """It passes ids on: what Cloudflare's own catalog lacks is no reason to refuse."""
    cloudflare = Cloudflare("account", "key", api="google_ai_studio")
    (route,) = Client(cloudflare).routes(ChatRequest(model=model, messages=(Message.user("Hi"),)), stream=stream)
    (endpoint,) = route.endpoints
    assert f"/models/{model}:" in endpoint.url


HINT: JsonObject = {"type": "ephemeral"}
FAMILIES = {
    "gemini-2.5-flash": False,
    "gemini-3.5-flash": False,
    "gemini-3.8-flash": True,
    "gemini-flash-latest": True,
}


@pytest.mark.parametrize(
    ("provider", "model", "takes"),
    [
        *((AIMLAPI("key"), model, takes) for model, takes in FAMILIES.items()),
        (Oxen("key"), "gemini-3.8-flash", False),
        (Cloudflare("account", "key"), "gemini-3.8-flash", False),
    ],
)
def test_hints_for_a_cache_go_where_the_documented_schema_has_them(provider: Provider, model: str, takes: bool) -> None:
    """AIMLAPI's newer families take them."""
    request = ChatRequest(model=model, messages=(Message.user(Text("long", cache_control=HINT), "short"),))
    (route,) = Client(provider).routes(request)
    assert ("cache_control" in json.dumps(route.prepared(request, stream=False).body)) is takes
