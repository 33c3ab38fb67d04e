"""Pictures, sound, films and documents on every provider: in questions, in results of tools and in answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from gemini_multi import SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
DATA = base64.b64encode(PNG).decode()
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 16
PDF = b"%PDF-1.7 x"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


BLOCKS: dict[str, tuple[ContentBlock, str]] = {
    "image": (ImageBlock(image=PNG), DATA),
    "image as the bytes of a data URL": (ImageBlock(image=b"data:image/png;base64," + DATA.encode()), DATA),
    "image by address": (ImageBlock(url="https://a.example/b.png"), "https://a.example/b.png"),
    "audio": (AudioBlock(audio=WAV, format="wav"), b64(WAV)),
    "video": (VideoBlock(video=PNG, video_mimetype="video/mp4"), DATA),
    "video by address": (VideoBlock(url="https://youtu.be/x"), "https://youtu.be/x"),
    "document": (DocumentBlock(data=PDF, document_mimetype="application/pdf"), b64(PDF)),
    "text document": (DocumentBlock(data=b"Plain words.", document_mimetype="text/plain"), b64(b"Plain words.")),
}
"""Blocks, and what of them must be in the body."""
REFUSED = {
    "aimlapi": {"audio", "video", "video by address", "document"},
    "oxen": set[str](),
    "cloudflare": set[str](),
}
"""What a provider has no way to take."""


def question(block: ContentBlock) -> list[ChatMessage]:
    return [ChatMessage(blocks=[TextBlock(text="What is it?"), block])]


def tool_result(block: ContentBlock) -> list[ChatMessage]:
    call = ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={})
    extra = {"tool_call_id": "c1"}
    result = ChatMessage(role="tool", blocks=[TextBlock(text="Here."), block], additional_kwargs=extra)
    return [ChatMessage(content="Look."), ChatMessage(role="assistant", blocks=[call]), result]


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("place", [question, tool_result])
def test_media_reaches_the_provider_or_is_refused_by_name(
    kind: str, place: Any, llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """Whole and streamed, nothing is dropped: the body holds it, or the error says what the provider cannot take."""
    block, told = BLOCKS[kind]
    for ask in (lambda: llm.chat(place(block)), lambda: list(llm.stream_chat(place(block)))):
        if kind in REFUSED[provider]:
            with pytest.raises(UnsupportedFeature, match=f"{provider} does not support"):
                ask()
        else:
            assert ask()
            sent = json.dumps(sandbox.requests[-1].body)
            assert told in sent or (kind == "text document" and "Plain words." in sent)


def test_provider_that_takes_the_media_is_asked(sandbox: Sandbox) -> None:
    """A provider that cannot take it is passed over, without a request."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["aimlapi", "oxen"])
    assert llm.chat(question(BLOCKS["audio"][0])).additional_kwargs["provider"] == "oxen"
    assert [request.provider for request in sandbox.requests] == ["oxen"]


def test_citable_content_and_cache_points_work_everywhere(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """The one is told with its source, the other is left out with a warning, in messages and in results."""
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    cited = CitableBlock(title="Notes", source="notes.md", content="Rain at noon.")
    for place in (question, tool_result):
        with pytest.warns(SettingIgnoredWarning, match="CachePoint"):
            assert llm.chat([*place(cited), ChatMessage(blocks=[TextBlock(text="So?"), point])]).message.content
        assert "Source: Notes (notes.md)" in str(sandbox.requests[-1].body)
        assert "Rain at noon." in str(sandbox.requests[-1].body)


def test_call_outside_of_an_answer_is_told_as_text(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """In a question or in a tool's result it is content, not a call; thinking stays away there as everywhere."""
    block = ToolCallBlock(tool_call_id="z9", tool_name="add", tool_kwargs={"a": 1})
    for place in (question, tool_result):
        assert llm.chat(place(block)).message.content
        assert list(llm.stream_chat([*place(block), ChatMessage(content="So?")]))[-1].message.content
        told = json.dumps(sandbox.requests[-1].body)
        assert json.dumps('{"tool_call":{"name":"add","arguments":{"a":1}}}')[1:-1] in told
        assert "z9" not in told
        llm.chat(place(ThinkingBlock(content="Hm, secretly.")))
        assert "secretly" not in json.dumps(sandbox.requests[-1].body)
    assert len(sandbox.requests) == 6


@pytest.mark.parametrize("provider", ["aimlapi", "oxen"], indirect=True)
def test_generated_picture_of_chat_completions(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """`message.images` is not lost, whole or streamed."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}
    told = {"role": "assistant", "content": "Here", "images": [image]}
    whole = json.dumps({"choices": [{"index": 0, "message": told, "finish_reason": "stop"}]})
    chunk = json.dumps({"choices": [{"index": 0, "delta": told, "finish_reason": "stop"}]})
    replies = (("application/json", whole), ("text/event-stream", f"data: {chunk}\n\ndata: [DONE]\n\n"))
    for (content_type, body), ask in zip(
        replies, (llm.chat, lambda messages: list(llm.stream_chat(messages))[-1]), strict=True
    ):
        sandbox.reply_raw(provider, headers={"content-type": content_type}, body=body.encode())
        blocks = ask([ChatMessage(content="Draw.")]).message.blocks
        assert blocks[-1] == ImageBlock(image=DATA.encode(), image_mimetype="image/png")


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_generated_picture_of_generate_content(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """It comes natively, and goes back as it came."""
    parts = [{"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": DATA}, "thoughtSignature": "sig"}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    body = json.dumps({"result": {"candidates": [candidate]}, "success": True}).encode()
    sandbox.reply_raw("cloudflare", headers={"content-type": "application/json"}, body=body)
    answer = llm.chat([ChatMessage(content="Draw.")]).message
    assert ImageBlock(image=DATA.encode(), image_mimetype="image/png") in answer.blocks
    sandbox.reply_raw("cloudflare", headers={"content-type": "application/json"}, body=body)
    llm.chat([ChatMessage(content="Draw."), answer, ChatMessage(content="Bluer.")])
    assert sandbox.requests[-1].body["input"]["contents"][1] == {"role": "model", "parts": parts}
