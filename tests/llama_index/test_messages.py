"""LlamaIndex's messages become the core's."""

from __future__ import annotations

import base64
import copy
import io
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from gemini_multi import (
    Blob,
    ConfigurationError,
    FileReference,
    Message,
    SettingIgnoredWarning,
    Signature,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from llama_index_gemini_multi._messages import to_core

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 16


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def call(call_id: str, name: str = "add", **arguments: object) -> ToolCall:
    return ToolCall(call_id, name, arguments, synthetic_id=True)


def tool_message(content: str, **extra: object) -> ChatMessage:
    return ChatMessage(role="tool", content=content, additional_kwargs=extra)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MessageRole.SYSTEM, "system"),
        (MessageRole.DEVELOPER, "system"),
        (MessageRole.USER, "user"),
        (MessageRole.ASSISTANT, "assistant"),
        (MessageRole.CHATBOT, "assistant"),
        (MessageRole.MODEL, "assistant"),
    ],
)
def test_role_becomes_one_of_ours(given: MessageRole, expected: str) -> None:
    """Every role of LlamaIndex has its counterpart."""
    assert to_core([ChatMessage(role=given, content="Hi")]) == (Message(expected, (Text("Hi"),)),)


def test_role_may_be_a_bare_string() -> None:
    """A role that was assigned as text is read like the enum member."""
    message = ChatMessage(content="Hi")
    message.role = "assistant"  # type: ignore[assignment]  # LlamaIndex does not validate assignments
    assert to_core([message]) == (Message.assistant("Hi"),)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (TextBlock(text="Hi"), Text("Hi")),
        (ImageBlock(image=PNG), Blob(b64(PNG), "image/png")),
        (
            ImageBlock(image=PNG, image_mimetype="image/jpeg", detail="low"),
            Blob(b64(PNG), "image/jpeg", resolution="low"),
        ),
        (ImageBlock(image=PNG, detail="auto"), Blob(b64(PNG), "image/png")),
        (ImageBlock(url="https://a.example/cat.png"), FileReference("https://a.example/cat.png", "image/png")),
        (ImageBlock(url=f"data:image/gif;base64,{b64(PNG)}"), Blob(b64(PNG), "image/gif")),
        (ImageBlock(image=io.BytesIO(PNG)), Blob(b64(PNG), "image/png")),
        (DocumentBlock(url="data:text/plain,Hello%20you"), Blob(b64(b"Hello you"), "text/plain")),
        (AudioBlock(audio=WAV, format="opus"), Blob(b64(WAV), "audio/opus")),
        (AudioBlock(audio=WAV, format="wav"), Blob(b64(WAV), "audio/wav")),
        (AudioBlock(audio=WAV), Blob(b64(WAV), "audio/wav")),
        (
            AudioBlock(url="https://a.example/a.mp3", format="mp3"),
            FileReference("https://a.example/a.mp3", "audio/mpeg"),
        ),
        (VideoBlock(video=PNG, video_mimetype="video/mp4", fps=2), Blob(b64(PNG), "video/mp4", fps=2.0)),
        (VideoBlock(url="https://youtu.be/x"), FileReference("https://youtu.be/x")),
        (DocumentBlock(data=b"%PDF-1.7 x"), Blob(b64(b"%PDF-1.7 x"), "application/pdf")),
        (DocumentBlock(data=b"Plain words.", title="Notes"), Blob(b64(b"Plain words."), "text/plain", name="Notes")),
        (DocumentBlock(url="gs://b/x.pdf"), FileReference("gs://b/x.pdf", "application/pdf")),
    ],
)
def test_block_becomes_part(block: object, expected: object) -> None:
    """Text and media keep their bytes, kind and options; addresses are passed on, not downloaded."""
    assert to_core([ChatMessage(blocks=[block])]) == (Message.user(expected),)


def test_media_by_path_is_read(tmp_path: object) -> None:
    """A file's bytes are sent inline with the kind that its content shows."""
    path = tmp_path / "picture.png"  # type: ignore[operator]  # it is a `Path`
    path.write_bytes(PNG)
    assert to_core([ChatMessage(blocks=[ImageBlock(path=path)])]) == (Message.user(Blob(b64(PNG), "image/png")),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Testdata", b"Testdata"),
        (b"abcd", b"abcd"),
        (base64.b64encode(b"Plain words."), b"Plain words."),
        (base64.b64encode("Grüße".encode()), "Grüße".encode()),
    ],
)
def test_short_text_that_could_be_base64_stays_text(data: bytes, expected: bytes) -> None:
    """LlamaIndex takes such bytes for encoded ones; what they would decode to is no text."""
    block = DocumentBlock(data=data, document_mimetype="text/plain")
    assert to_core([ChatMessage(blocks=[block])]) == (Message.user(Blob(b64(expected), "text/plain")),)


def test_unrecognizable_data_is_an_error() -> None:
    """Data whose kind cannot be told is refused with what to do."""
    block = ImageBlock(image=b"\xff\x00\xfe\x01")
    with pytest.raises(ConfigurationError, match="Set its mime type"):
        to_core([ChatMessage(blocks=[block])])


def test_unknown_detail_is_an_error() -> None:
    """A level of detail that Gemini does not have is not dropped silently."""
    with pytest.raises(ConfigurationError, match="'huge' is not known"):
        to_core([ChatMessage(blocks=[ImageBlock(image=PNG, detail="huge")])])


def test_cache_point_is_left_out_with_a_warning() -> None:
    """Gemini has no cache points on these providers; the caller is told."""
    block = CachePoint(cache_control=CacheControl(type="ephemeral"))
    with pytest.warns(SettingIgnoredWarning, match="CachePoint"):
        assert to_core([ChatMessage(blocks=[TextBlock(text="Hi"), block])]) == (Message.user("Hi"),)


def test_citable_block_is_told_with_its_source() -> None:
    """Citable content is sent as its content under a line that names the source."""
    block = CitableBlock(title="T", source="s.txt", content="Body")
    assert to_core([ChatMessage(blocks=[block])]) == (Message.user("Source: T (s.txt)\n", "Body"),)


def test_citations_of_an_answer_are_not_sent_back() -> None:
    """What an answer cited is about the answer, not a part of it."""
    block = CitationBlock(cited_content="Body", source="s", title="T", additional_location_info={})
    message = ChatMessage(role="assistant", blocks=[TextBlock(text="Hi"), block])
    assert to_core([message]) == (Message.assistant("Hi"),)


@pytest.mark.parametrize(
    "message",
    [
        ChatMessage(role="assistant"),
        ChatMessage(role="assistant", content=""),
        ChatMessage(role="system", content=""),
        ChatMessage(role="assistant", blocks=[ThinkingBlock()]),
    ],
)
def test_message_without_content_is_left_out(message: ChatMessage) -> None:
    """A ReAct agent sends an empty answer back; Gemini would refuse it."""
    assert to_core([ChatMessage(content="Hi"), message]) == (Message.user("Hi"),)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"a": 1}, call("c1", a=1)),
        ('{"a": 1}', call("c1", a=1)),
        ("", call("c1")),
        ("[1]", ToolCall("c1", "add", invalid_arguments="[1]", synthetic_id=True)),
        ("{oops", ToolCall("c1", "add", invalid_arguments="{oops", synthetic_id=True)),
    ],
)
def test_tool_call_arguments_may_be_text(arguments: object, expected: ToolCall) -> None:
    """OpenAI's integration keeps arguments as JSON text; what is no JSON object is kept as it is."""
    block = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs=arguments)
    assert to_core([ChatMessage(role="assistant", blocks=[block])]) == (Message.assistant(expected),)


@pytest.mark.parametrize("blocks", [[], [TextBlock(text="")], [ImageBlock()]])
def test_empty_message_of_the_user_keeps_the_turn(blocks: list[Any]) -> None:
    """Without it, the request would end with the model's turn, for the model to continue."""
    history = [ChatMessage(role="assistant", content="Hi"), ChatMessage(role="user", blocks=blocks)]
    assert to_core(history) == (Message.assistant("Hi"), Message("user", ()))


OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    "tool_call",
    [
        OPENAI_CALL,
        SimpleNamespace(id="c1", function=SimpleNamespace(name="add", arguments='{"a": 1}')),
        {"tool_id": "c1", "tool_name": "add", "tool_kwargs": {"a": 1}},
    ],
)
def test_tool_calls_of_other_integrations_are_read(tool_call: object) -> None:
    """Calls that only stand in `additional_kwargs` are calls, whatever their form."""
    message = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [tool_call]})
    assert to_core([message]) == (Message.assistant(call("c1", a=1)),)


def test_tool_calls_are_not_read_twice() -> None:
    """OpenAI's integration keeps calls both as blocks and in `additional_kwargs`."""
    block = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1})
    message = ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": [OPENAI_CALL]})
    assert to_core([message]) == (Message.assistant(call("c1", a=1)),)


@pytest.mark.parametrize("signature", [b"\x01\x02\xff", "AQL/"])
def test_google_signatures_are_read_by_position(signature: object) -> None:
    """The google-genai integration keeps a list beside the blocks, as bytes or as base64 text."""
    block = ToolCallBlock(tool_call_id="c1", tool_name="add")
    extra = {"thought_signatures": [None, signature]}
    message = ChatMessage(role="assistant", blocks=[TextBlock(text="Hm"), block], additional_kwargs=extra)
    expected = ToolCall(
        "c1", "add", signature=Signature("AQL/", carrier="thoughtSignature", issuer="google"), synthetic_id=True
    )
    assert to_core([message]) == (Message.assistant("Hm", expected),)


def test_thinking_of_another_model_keeps_no_signature() -> None:
    """Anthropic's signature means nothing here."""
    block = ThinkingBlock(content="Hm", additional_information={"signature": "anthropic"})
    assert to_core([ChatMessage(role="assistant", blocks=[block])]) == (Message.assistant(Thought("Hm")),)


CALLS = ChatMessage(
    role="assistant",
    blocks=[
        ToolCallBlock(tool_call_id="c1", tool_name="add"),
        ToolCallBlock(tool_call_id="c2", tool_name="multiply"),
    ],
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (tool_message("5", tool_call_id="c2"), ToolResult("c2", "multiply", (Text("5"),))),
        (tool_message("5"), ToolResult("c1", "add", (Text("5"),))),
        (tool_message("5", name="multiply"), ToolResult("c2", "multiply", (Text("5"),))),
        (tool_message("5", tool_call_id="gone"), ToolResult("gone", "tool", (Text("5"),))),
        (tool_message("5", tool_call_id="c1", is_error=True), ToolResult("c1", "add", (Text("5"),), is_error=True)),
        (tool_message(""), ToolResult("c1", "add")),
    ],
)
def test_tool_result_finds_its_call(message: ChatMessage, expected: ToolResult) -> None:
    """By its id, else as the first open call of its function; an orphan keeps its own id."""
    assert to_core([CALLS, message])[1] == Message.tool(expected)


def test_function_role_is_a_tool_result() -> None:
    """The older role means the same."""
    message = ChatMessage(role="function", content="5", additional_kwargs={"name": "multiply"})
    assert to_core([CALLS, message])[1] == Message.tool(ToolResult("c2", "multiply", (Text("5"),)))


def test_tool_result_keeps_its_image() -> None:
    """A tool may return a picture; it stays with its own result."""
    blocks = [TextBlock(text="Here"), ImageBlock(image=PNG)]
    message = ChatMessage(role="tool", blocks=blocks, additional_kwargs={"tool_call_id": "c1"})
    expected = ToolResult("c1", "add", (Text("Here"), Blob(b64(PNG), "image/png")))
    assert to_core([CALLS, message])[1] == Message.tool(expected)


def test_return_direct_message_stays_an_answer() -> None:
    """`return_direct` adds an assistant message with the call's id; it is the model's text, not a result."""
    message = ChatMessage(role="assistant", content="5", additional_kwargs={"tool_call_id": "c1"})
    assert to_core([CALLS, message])[1] == Message.assistant("5")


def test_calls_without_id_get_different_ones() -> None:
    """Two calls of one function stay apart, also over several messages."""
    blocks = [ToolCallBlock(tool_name="add"), ToolCallBlock(tool_name="add")]
    messages = to_core([ChatMessage(role="assistant", blocks=blocks)] * 2)
    ids = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 4


def test_conversion_changes_nothing() -> None:
    """The caller's messages are the same afterwards."""
    messages = [ChatMessage(role="system", content="Be brief."), CALLS, tool_message("5"), ChatMessage(content="Hi")]
    before = copy.deepcopy(messages)
    to_core(messages)
    assert messages == before
