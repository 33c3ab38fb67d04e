"""LangChain messages and content blocks become the neutral conversation, in all the forms that users write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from gemini_multi import Blob, ConfigurationError, FileReference, Message, Text, Thought, ToolCall, ToolResult
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._messages import to_core

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
PDF = "JVBERi0xLjQK"
WAV = "UklGRiQAAABXQVZFZm10IA=="
IMAGE = Blob(PNG, "image/png")
ADDRESS = "https://example.com/a.png"

DEEP = '{"a":' * 5_000 + "1" + "}" * 5_000

BLOCKS: dict[str, tuple[Any, list[Any]]] = {
    "text": ({"type": "text", "text": "a"}, [Text("a")]),
    "text with a cache hint": (
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        [Text("a", cache_control={"type": "ephemeral"})],
    ),
    "text without a type": ({"text": "a"}, [Text("a")]),
    "responses text": ({"type": "input_text", "text": "a"}, [Text("a")]),
    "empty text": ({"type": "text", "text": ""}, []),
    "v1 image": ({"type": "image", "base64": PNG, "mime_type": "image/png"}, [IMAGE]),
    "v1 image without a media type": ({"type": "image", "base64": PNG}, [IMAGE]),
    "v1 image address": ({"type": "image", "url": ADDRESS}, [FileReference(ADDRESS)]),
    "v1 image data address": ({"type": "image", "url": f"data:image/png;base64,{PNG}"}, [IMAGE]),
    "v1 image file": (
        {"type": "image", "file_id": "files/1", "mime_type": "image/png"},
        [FileReference("files/1", "image/png")],
    ),
    "v1 audio": ({"type": "audio", "base64": WAV, "mime_type": "audio/wav"}, [Blob(WAV, "audio/wav")]),
    "v1 video": (
        {"type": "video", "url": "gs://b/v.mp4", "mime_type": "video/mp4"},
        [FileReference("gs://b/v.mp4", "video/mp4")],
    ),
    "v1 file": ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, [Blob(PDF, "application/pdf")]),
    "v1 named file": (
        {"type": "file", "base64": PDF, "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}},
        [Blob(PDF, "application/pdf", name="a.pdf")],
    ),
    "v1 plain text": ({"type": "text-plain", "text": "a", "mime_type": "text/plain"}, [Text("a")]),
    "v1 plain text with a title": ({"type": "text-plain", "title": "T", "text": "a"}, [Text("T\na")]),
    "v1 plain text as data": ({"type": "text-plain", "base64": "YQ=="}, [Blob("YQ==", "text/plain")]),
    "v1 non-standard": (
        {"type": "non_standard", "value": {"type": "media", "mime_type": "image/png", "data": PNG}},
        [IMAGE],
    ),
    "v1 resolution": (
        {"type": "image", "base64": PNG, "extras": {"media_resolution": {"level": "MEDIA_RESOLUTION_LOW"}}},
        [Blob(PNG, "image/png", resolution="low")],
    ),
    "v0 base64": ({"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"}, [IMAGE]),
    "v0 address": ({"type": "image", "source_type": "url", "url": ADDRESS}, [FileReference(ADDRESS)]),
    "v0 id": ({"type": "file", "source_type": "id", "id": "files/1"}, [FileReference("files/1")]),
    "v0 text": ({"type": "text", "source_type": "text", "text": "a"}, [Text("a")]),
    "openai image": ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, [IMAGE]),
    "openai image as text": ({"type": "image_url", "image_url": ADDRESS}, [FileReference(ADDRESS)]),
    "openai image detail": (
        {"type": "image_url", "image_url": {"url": ADDRESS, "detail": "high"}},
        [FileReference(ADDRESS, resolution="high")],
    ),
    "openai responses image": ({"type": "input_image", "image_url": ADDRESS}, [FileReference(ADDRESS)]),
    "openai audio": ({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}, [Blob(WAV, "audio/wav")]),
    "openai file": (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        [Blob(PDF, "application/pdf", name="a.pdf")],
    ),
    "openai file id": ({"type": "file", "file": {"file_id": "files/1"}}, [FileReference("files/1")]),
    "openai video": (
        {"type": "video_url", "video_url": {"url": "https://y/v.mp4"}},
        [FileReference("https://y/v.mp4")],
    ),
    "anthropic image": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        [IMAGE],
    ),
    "anthropic image address": ({"type": "image", "source": {"type": "url", "url": ADDRESS}}, [FileReference(ADDRESS)]),
    "anthropic document": (
        {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        [Blob(PDF, "application/pdf", name="T")],
    ),
    "anthropic text document": ({"type": "document", "source": {"type": "text", "data": "a"}}, [Text("a")]),
    "anthropic content document": (
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
        [Text("a")],
    ),
    "anthropic content document with a title and a context": (
        {
            "type": "document",
            "title": "T",
            "context": "C",
            "source": {"type": "content", "content": [{"type": "text", "text": "a"}]},
        },
        [Text("T"), Text("C"), Text("a")],
    ),
    "anthropic document with a context": (
        {
            "type": "document",
            "context": "C",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
        [Text("C"), Blob(PDF, "application/pdf")],
    ),
    "google media": ({"type": "media", "mime_type": "image/png", "data": PNG}, [IMAGE]),
    "google media bytes": ({"type": "media", "mime_type": "text/plain", "data": b"a"}, [Blob("YQ==", "text/plain")]),
    "google media address": (
        {
            "type": "media",
            "mime_type": "video/mp4",
            "file_uri": "gs://b/v.mp4",
            "video_metadata": {"start_offset": "2s", "end_offset": "5.5s", "fps": 2},
        },
        [FileReference("gs://b/v.mp4", "video/mp4", start=2.0, end=5.5, fps=2.0)],
    ),
    "v0 audio": (
        {"type": "audio", "source_type": "base64", "data": WAV, "mime_type": "audio/wav"},
        [Blob(WAV, "audio/wav")],
    ),
    "v0 named file": (
        {"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf", "filename": "a.pdf"},
        [Blob(PDF, "application/pdf", name="a.pdf")],
    ),
    "v0 file address": (
        {"type": "file", "source_type": "url", "url": ADDRESS, "mime_type": "application/pdf"},
        [FileReference(ADDRESS, "application/pdf")],
    ),
    "v0 text file": ({"type": "file", "source_type": "text", "text": "a", "mime_type": "text/plain"}, [Text("a")]),
    "v1 audio address": ({"type": "audio", "url": ADDRESS}, [FileReference(ADDRESS)]),
    "v1 inline video": ({"type": "video", "base64": "AAAA", "mime_type": "video/mp4"}, [Blob("AAAA", "video/mp4")]),
    "v1 file address": ({"type": "file", "url": ADDRESS}, [FileReference(ADDRESS)]),
    "v1 file id": ({"type": "file", "file_id": "files/1"}, [FileReference("files/1")]),
    "v1 plain text address": ({"type": "text-plain", "url": ADDRESS}, [FileReference(ADDRESS, "text/plain")]),
    "v1 plain text file": ({"type": "text-plain", "file_id": "files/1"}, [FileReference("files/1", "text/plain")]),
    "openai audio address": ({"type": "audio_url", "audio_url": {"url": ADDRESS}}, [FileReference(ADDRESS)]),
    "openai responses image file": ({"type": "input_image", "file_id": "file-1"}, [FileReference("file-1")]),
    "openai responses file": (
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
        [Blob(PDF, "application/pdf", name="a.pdf")],
    ),
    "openai responses file address": ({"type": "input_file", "file_url": ADDRESS}, [FileReference(ADDRESS)]),
    "openai responses file id": ({"type": "input_file", "file_id": "file-1"}, [FileReference("file-1")]),
    "anthropic document address": (
        {"type": "document", "source": {"type": "url", "url": ADDRESS}},
        [FileReference(ADDRESS)],
    ),
    "anthropic file": ({"type": "image", "source": {"type": "file", "file_id": "f1"}}, [FileReference("f1")]),
    "anthropic search result": (
        {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "a"}]},
        [Text("T"), Text("S"), Text("a")],
    ),
    "bedrock cache point": ({"cachePoint": {"type": "default"}}, []),
    "tool's json": ({"type": "json", "json": {"a": 1}}, [Text('{"a": 1}')]),
    "google part": ({"inlineData": {"mimeType": "image/png", "data": PNG}}, [IMAGE]),
    "google part in snake case": ({"inline_data": {"mime_type": "image/png", "data": PNG}}, [IMAGE]),
    "google file part": (
        {"fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}, "video_metadata": {"fps": 2}},
        [FileReference("gs://b/v.mp4", "video/mp4", fps=2.0)],
    ),
    "percent-encoded data address": ({"type": "file", "url": "data:text/plain,a%20b"}, [Blob("YSBi", "text/plain")]),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_block_becomes_parts(name: str) -> None:
    """Every documented form of a content block is understood."""
    block, parts = BLOCKS[name]
    assert to_core([HumanMessage([block])]) == (Message("user", tuple(parts)),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "hologram", "data": "x"},
        {"type": "image"},
        {"type": "image", "base64": "AAAA"},
        {"type": "image", "url": "data:image/png;base64"},
        {"type": "image_url", "image_url": {"url": 7}},
    ],
)
def test_block_that_cannot_be_sent_is_an_error(block: dict[str, Any]) -> None:
    """What cannot be sent is named; it is never dropped."""
    with pytest.raises(ConfigurationError):
        to_core([HumanMessage([block])])


CALL = ToolCall("c1", "add", {"a": 1}, synthetic_id=True)
ASKED = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}])
MESSAGES: dict[str, tuple[BaseMessage, Message]] = {
    "system": (SystemMessage("s"), Message.system("s")),
    "human with a name": (HumanMessage("h", name="ann"), Message("user", (Text("h"),), name="ann")),
    "ai": (AIMessage("a"), Message.assistant("a")),
    "ai with a call": (ASKED, Message.assistant(CALL)),
    "chat user": (ChatMessage("h", role="user"), Message.user("h")),
    "chat assistant with a thought": (
        ChatMessage([{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}], role="assistant"),
        Message.assistant(Thought("t"), "a"),
    ),
    "chat developer": (ChatMessage("s", role="developer"), Message.system("s")),
    "function": (FunctionMessage("3", name="add"), Message.tool(ToolResult("", "add", (Text("3"),)))),
    "tool": (ToolMessage("3", tool_call_id="c1", name="add"), Message.tool(ToolResult("c1", "add", (Text("3"),)))),
    "tool with an object": (
        ToolMessage('{"sum": 3}', tool_call_id="c1", name="add"),
        Message.tool(ToolResult("c1", "add", value={"sum": 3})),
    ),
    "tool with an error": (
        ToolMessage("no", tool_call_id="c1", name="add", status="error"),
        Message.tool(ToolResult("c1", "add", (Text("no"),), is_error=True)),
    ),
    "tool with an artifact": (
        ToolMessage("3", tool_call_id="c1", name="add", artifact={"kept": "here"}),
        Message.tool(ToolResult("c1", "add", (Text("3"),))),
    ),
    "tool of openai's custom kind": (
        ToolMessage([{"type": "custom_tool_call_output", "output": "3"}], tool_call_id="c1", name="add"),
        Message.tool(ToolResult("c1", "add", (Text("3"),))),
    ),
    "tool with a screenshot": (
        ToolMessage(
            [{"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PNG}"}],
            tool_call_id="c1",
            name="add",
        ),
        Message.tool(ToolResult("c1", "add", (IMAGE,))),
    ),
    "tool with an image": (
        ToolMessage(
            [{"type": "text", "text": "look"}, {"type": "image", "base64": PNG}], tool_call_id="c1", name="add"
        ),
        Message.tool(ToolResult("c1", "add", (Text("look"), IMAGE))),
    ),
    "tool with JSON that nests too deep": (
        ToolMessage(DEEP, tool_call_id="c1", name="add"),
        Message.tool(ToolResult("c1", "add", (Text(DEEP),))),
    ),
    "tool with a result in Anthropic's form": (
        ToolMessage(
            [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "a"}],
                }
            ],
            tool_call_id="c1",
            name="add",
        ),
        Message.tool(ToolResult("c1", "add", (Text("a"),), is_error=True)),
    ),
    "tool with a result in Google's form": (
        ToolMessage(
            [{"functionResponse": {"name": "add", "response": {"sum": 3}}}],
            tool_call_id="c1",
            name="add",
        ),
        Message.tool(ToolResult("c1", "add", value={"sum": 3})),
    ),
    "result in Google's form with an image": (
        HumanMessage(
            [
                {
                    "function_response": {
                        "name": "add",
                        "response": {"sum": 3},
                        "parts": [{"inline_data": {"mime_type": "image/png", "data": PNG}}],
                    }
                }
            ]
        ),
        Message.tool(ToolResult("", "add", (IMAGE,), value={"sum": 3})),
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_translated(name: str) -> None:
    """Every kind of message has its neutral counterpart."""
    message, expected = MESSAGES[name]
    assert to_core([message]) == (expected,)


def test_result_without_a_name_gets_its_calls_name() -> None:
    """A tool message needs no name: the call that it answers has one."""
    translated = to_core([ASKED, ToolMessage("3", tool_call_id="c1")])
    assert translated[1] == Message.tool(ToolResult("c1", "add", (Text("3"),)))


def test_tool_results_of_a_human_message_become_a_tool_message() -> None:
    """Anthropic's results, which stand among the user's blocks, go to where they belong."""
    blocks: list[Any] = [
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "3"}]},
        {"type": "text", "text": "and now?"},
    ]
    translated = to_core([ASKED, HumanMessage(blocks)])
    assert translated[1:] == (Message.tool(ToolResult("c1", "add", (Text("3"),))), Message.user("and now?"))


def test_system_messages_stay_where_they_are() -> None:
    """A system message in the middle of a conversation is kept."""
    roles = [message.role for message in to_core([SystemMessage("a"), HumanMessage("b"), SystemMessage("c")])]
    assert roles == ["system", "user", "system"]


@pytest.mark.parametrize("message", [RemoveMessage("1"), ChatMessage("x", role="wizard")])
def test_message_that_cannot_be_sent_is_an_error(message: BaseMessage) -> None:
    """A message of no known kind or role is named."""
    with pytest.raises(ConfigurationError):
        to_core([message])


def test_content_that_nests_too_deep_is_an_error() -> None:
    """Of ours, whatever the content is."""
    block: dict[str, Any] = {"type": "text", "text": "a"}
    for _ in range(5_000):
        block = {"type": "tool_result", "content": [block]}
    with pytest.raises(ConfigurationError, match="deep"):
        to_core([HumanMessage([block])])


def test_messages_are_not_changed() -> None:
    """The caller's messages stay as they are."""
    message = HumanMessage([{"type": "image", "base64": PNG}])
    before = message.model_dump_json()
    to_core([message])
    assert message.model_dump_json() == before


def looked(provider: str, result: ToolMessage, sandbox: Sandbox) -> str:
    """Send a tool's result and give back the whole request."""
    model = ChatGeminiMulti(model="gemini-3-flash", providers=provider, max_retries=0)
    asked = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "c1"}])
    tools = [{"title": "look", "description": "Look.", "type": "object", "properties": {}}]
    model.bind_tools(tools).invoke([HumanMessage("What do you see?"), asked, result])
    return json.dumps(sandbox.requests[-1].body)


RESULTS: dict[str, tuple[Any, str]] = {
    "list of texts": (["one ", {"type": "text", "text": "two"}], "two"),
    "image": ([{"type": "text", "text": "see"}, {"type": "image", "base64": PNG, "mime_type": "image/png"}], PNG),
    "openai image": ([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}], PNG),
    "anthropic image": (
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}],
        PNG,
    ),
    "object": ('{"sky": "blue"}', "blue"),
}


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_result_of_a_tool_reaches_the_provider(sandbox: Sandbox, provider: str, name: str) -> None:
    """Lists, images and objects, also where a provider's tool messages take text only."""
    content, told = RESULTS[name]
    assert told in looked(provider, ToolMessage(content, tool_call_id="c1"), sandbox)


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_error_of_a_tool_is_told_and_its_artifact_is_not(sandbox: Sandbox, provider: str) -> None:
    """The model knows that the tool failed; what is for the application stays there."""
    failed = ToolMessage("out of paper", tool_call_id="c1", status="error", artifact={"kept": "for the application"})
    body = looked(provider, failed, sandbox)
    assert ("out of paper" in body, "for the application" in body) == (True, False)
    assert "error" in body.lower()
