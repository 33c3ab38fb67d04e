"""How the chat completions dialect writes conversations: turns, signatures, results, media."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.errors import ConfigurationError, SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.types import (
    Blob,
    ChatRequest,
    CodeResult,
    ExecutableCode,
    FileReference,
    JsonValue,
    Message,
    Opaque,
    Part,
    Signature,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
)

OPENAI = TypeAdapter(CompletionCreateParamsNonStreaming)
PLAIN = ChatTraits()
SIGNED = ChatTraits(call_extra_content=True, message_extra_content=True)
DETAILED = ChatTraits(reasoning_details=True)
DUMMY = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def messages(
    *turns: Message,
    traits: ChatTraits = PLAIN,
    model: str = "gemini-2.5-flash",
    provider: str = "oxen",
    **settings: object,
) -> JsonValue:
    request = ChatRequest(model=model, messages=turns, **settings)
    repairs = frozenset(settings.pop("repairs", ()))
    target = Target(provider, find(model), "id", traits, issuer="here", repairs=repairs)
    return CHAT_COMPLETIONS.encode(request, target, stream=False)["messages"]


def one(*parts: Part | str, **settings: object) -> JsonValue:
    return messages(Message.user(*parts), **settings)[0]["content"]


def extra(signature: str, namespace: str = "google") -> Signature:
    return Signature({namespace: {"thought_signature": signature}}, carrier="extra_content", issuer="here")


def loop(call: ToolCall, *before: Part) -> tuple[Message, ...]:
    result = ToolResult(call.id, call.name, (Text("12:00"),))
    return Message.user("Time?"), Message.assistant(*before, call), Message.tool(result)


def test_system_messages_become_one_that_stands_first() -> None:
    """What system messages say, wherever they stand, is joined by blank lines."""
    assert messages(Message.system("A"), Message.user("Hi"), Message.system("B")) == [
        {"role": "system", "content": "A\n\nB"},
        {"role": "user", "content": "Hi"},
    ]


def test_system_messages_with_names_stay_apart() -> None:
    """A name belongs to one message."""
    named = Message("system", (Text("A"), Text("B")), name="rules")
    assert messages(named, Message.user("Hi"), Message.system("C")) == [
        {"role": "system", "name": "rules", "content": "A\n\nB"},
        {"role": "system", "content": "C"},
        {"role": "user", "content": "Hi"},
    ]


def test_system_messages_take_the_providers_role() -> None:
    """A provider may call it `developer`."""
    written = messages(Message.system("A"), Message.user("Hi"), traits=ChatTraits(system_role="developer"))
    assert written[0] == {"role": "developer", "content": "A"}


def test_turns_keep_names_and_several_texts() -> None:
    """A lone text is a string, several stay apart; names go along."""
    turns = (Message("user", (Text("a"), Text("b")), name="ann"), Message.assistant("c"), Message.user("d"))
    assert messages(*turns) == [
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


@pytest.mark.parametrize(("null", "content"), [(True, None), (False, "")])
def test_a_tool_loop_is_written_whole(null: bool, content: str | None) -> None:
    """A call without text has the content that the provider wants, and its result follows by id."""
    call = ToolCall("call_1", "clock", {"zone": "UTC"})
    written = messages(*loop(call), traits=ChatTraits(assistant_null_content=null))
    function = {"name": "clock", "arguments": '{"zone":"UTC"}'}
    assert written == [
        {"role": "user", "content": "Time?"},
        {
            "role": "assistant",
            "content": content,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "name": "clock", "content": "12:00"},
    ]
    assert OPENAI.dump_json(OPENAI.validate_python({"model": "m", "messages": written}), warnings="error")


def test_results_are_one_message_each_in_the_order_of_the_calls() -> None:
    """Parallel calls get one message per result, put in order."""
    calls = (ToolCall("1", "a"), ToolCall("2", "b"))
    results = (ToolResult("2", "b", (Text("B"),)), ToolResult("1", "a", (Text("A"),)))
    written = messages(Message.user("Go"), Message.assistant(*calls), Message.tool(*results))
    assert [(message["tool_call_id"], message["content"]) for message in written[2:]] == [("1", "A"), ("2", "B")]


def test_calls_without_ids_get_some() -> None:
    """An empty id would be refused; results follow their calls by place."""
    turn = (
        Message.assistant(ToolCall("", "a"), ToolCall("", "b")),
        Message.tool(ToolResult("", "b"), ToolResult("", "a")),
    )
    written = messages(Message.user("Go"), *turn, Message.user("Again"), *turn)
    made = [call["id"] for message in written for call in message.get("tool_calls", ())]
    answered = [(message["tool_call_id"], message["name"]) for message in written if message["role"] == "tool"]
    assert made == ["call_1", "call_2", "call_3", "call_4"]
    assert answered == [("call_1", "a"), ("call_2", "b"), ("call_3", "a"), ("call_4", "b")]


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (ToolResult("1", "f", value={"t": 1}), '{"t":1}'),
        (ToolResult("1", "f", value="plain"), "plain"),
        (ToolResult("1", "f", (Text("a"), Text("b"))), "a\nb"),
        (ToolResult("1", "f", (Text("no"),), is_error=True), '{"error":"no"}'),
        (ToolResult("1", "f"), ""),
    ],
)
def test_results_are_text(result: ToolResult, content: str) -> None:
    """A structured result is JSON text, an error says that it is one."""
    written = messages(Message.user("Go"), Message.assistant(ToolCall("1", "f")), Message.tool(result))
    assert written[2]["content"] == content


def test_several_texts_of_a_result_stay_apart_where_the_provider_takes_parts() -> None:
    """A provider that takes parts in tool messages gets them."""
    result = ToolResult("1", "f", (Text("a"), Text("b")))
    turns = (Message.user("Go"), Message.assistant(ToolCall("1", "f")), Message.tool(result))
    written = messages(*turns, traits=ChatTraits(tool_content="parts", tool_name=False))
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert written[2] == {"role": "tool", "tool_call_id": "1", "content": content}


def test_media_of_results_follow_in_a_message_of_the_user() -> None:
    """Tool messages hold text only."""
    result = ToolResult("1", "shot", (Text("done"), Blob("QUJD", "image/png")))
    written = messages(Message.user("Go"), Message.assistant(ToolCall("1", "shot")), Message.tool(result))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    assert written[2]["content"] == "done"
    assert written[3] == {
        "role": "user",
        "content": [{"type": "text", "text": "Returned by the function `shot`:"}, image],
    }


def test_unreadable_arguments_are_not_sent_back() -> None:
    """Arguments that are no JSON would be refused; the call goes back without any."""
    written = messages(*loop(ToolCall("1", "f", invalid_arguments='{"a":')))
    assert written[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_values_that_are_no_json_are_a_configuration_error() -> None:
    """The error says what to do, before any request."""
    with pytest.raises(ConfigurationError, match="made of JSON values"):
        messages(*loop(ToolCall("1", "f", {"a": object()})))


def test_history_uses_the_wire_names_of_tools() -> None:
    """Calls and results go by the name under which the tool is declared."""
    written = messages(*loop(ToolCall("1", "my tool")), tools=(Tool("my tool"),))
    assert written[1]["tool_calls"][0]["function"]["name"] == written[2]["name"] == "my_tool"


SIGNATURES = (
    (extra("S"), {"google": {"thought_signature": "S"}}),
    (extra("S", "vertex"), {"vertex": {"thought_signature": "S"}}),
    (
        Signature({"google": {"thought_signature": "S", "x": [1]}}, carrier="extra_content", issuer="here"),
        {"google": {"thought_signature": "S", "x": [1]}},
    ),
    (Signature("S", carrier="thoughtSignature", issuer="here"), {"google": {"thought_signature": "S"}}),
    (Signature("S", carrier="thought_signature", issuer="here"), {"google": {"thought_signature": "S"}}),
    (
        Signature([{"type": "reasoning.encrypted", "data": "S"}], carrier="reasoning_details", issuer="here"),
        {"google": {"thought_signature": "S"}},
    ),
    (Signature("S", carrier="thoughtSignature", issuer="elsewhere"), DUMMY),
    (None, DUMMY),
)


@pytest.mark.parametrize(("signature", "written"), SIGNATURES)
def test_signatures_of_calls_go_back_on_the_calls(signature: Signature | None, written: JsonValue) -> None:
    """What the provider issued is echoed whole; what another issued, or nobody, becomes the documented dummy."""
    turns = loop(ToolCall("1", "f", signature=signature))
    call = messages(*turns, traits=SIGNED, model="gemini-3-flash-preview")[1]["tool_calls"][0]
    assert call["extra_content"] == written


def test_signatures_of_a_whole_message_go_back_in_the_place_that_the_schema_has() -> None:
    """Where a call's signature stood on the message, it stands there again, else on the call."""
    signature = replace(extra("S"), carrier="message.extra_content")
    turns = loop(ToolCall("1", "f", signature=signature))
    on_message = messages(*turns, traits=replace(SIGNED, call_signature_on_message=True))[1]
    on_call = messages(*turns, traits=SIGNED)[1]
    assert on_message["extra_content"] == on_call["tool_calls"][0]["extra_content"] == signature.payload
    assert "extra_content" not in on_message["tool_calls"][0]
    assert "extra_content" not in on_call


def test_signatures_of_texts_go_back_on_the_message() -> None:
    """The signed empty tail of a text signs the message."""
    turns = (Message.user("Hi"), Message.assistant("Hello", Text("", signature=extra("S"))), Message.user("Go on"))
    assert messages(*turns, traits=SIGNED)[1] == {
        "role": "assistant",
        "content": "Hello",
        "extra_content": {"google": {"thought_signature": "S"}},
    }


def test_reasoning_details_go_back_on_the_message_unmodified() -> None:
    """The list is collected from all parts, each element once, in order."""
    first, second = {"type": "reasoning.encrypted", "data": "A", "id": "1"}, {"type": "x", "data": "B"}
    turns = (
        Message.user("Hi"),
        Message.assistant(
            Text("", signature=Signature([second], carrier="reasoning_details", issuer="here")),
            ToolCall("1", "f", signature=Signature([first, second], carrier="reasoning_details", issuer="here")),
        ),
    )
    written = messages(*turns, traits=DETAILED, model="gemini-3-flash-preview")[1]
    assert written["reasoning_details"] == [second, first]
    assert "extra_content" not in written["tool_calls"][0]


def test_providers_without_extra_content_get_none() -> None:
    """A field that a provider does not take is not sent."""
    turns = loop(ToolCall("1", "f", signature=extra("S")), Text("t", signature=extra("T")))
    written = messages(*turns, model="gemini-3-flash-preview")[1]
    assert set(written) == {"role", "content", "tool_calls"}
    assert set(written["tool_calls"][0]) == {"id", "type", "function"}


def test_refused_signatures_become_dummies() -> None:
    """After the provider refused a signature, all are treated as foreign."""
    request = ChatRequest(model="gemini-2.5-pro", messages=loop(ToolCall("1", "f", signature=extra("S"))))
    target = Target(
        "oxen", find("gemini-2.5-pro"), "id", SIGNED, issuer="here", repairs=frozenset({"dummy_signatures"})
    )
    body = CHAT_COMPLETIONS.encode(request, target, stream=False)
    assert body["messages"][1]["tool_calls"][0]["extra_content"] == DUMMY


def test_thoughts_and_foreign_parts_of_the_model_stay_away() -> None:
    """Summaries are not replayed, code is told in words, another dialect's own parts mean nothing here."""
    parts = (
        Thought("hm", signature=extra("S")),
        ExecutableCode("print(1)"),
        CodeResult("1"),
        Opaque({"toolCall": {"id": "1"}}),
        "So: 1",
    )
    written = messages(Message.user("Hi"), Message.assistant(*parts), Message.user("Ok"))
    assert written[1] == {"role": "assistant", "content": "\n```python\nprint(1)\n```\n\n```\n1\n```\nSo: 1"}


PNG = Blob("QUJD", "image/png")
MEDIA = (
    (PNG, PLAIN, {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}),
    (
        Blob("data:image/png;base64,QU\nJD", ""),
        PLAIN,
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    ),
    (Blob("QUJD", "image/jpg"), PLAIN, {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QUJD"}}),
    (
        Blob("QUJD", "image/png", resolution="low"),
        PLAIN,
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
    ),
    (
        FileReference("data:image/png;base64,QUJD"),
        PLAIN,
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    ),
    (FileReference("https://x.org/a"), PLAIN, {"type": "image_url", "image_url": {"url": "https://x.org/a"}}),
    (
        Blob("QUJD", "audio/mpeg"),
        ChatTraits(audio_part="input_audio"),
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
    ),
    (
        Blob("QUJD", "audio/flac"),
        ChatTraits(audio_part="input_audio"),
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "audio/flac"}},
    ),
    (
        FileReference("https://x.org/a.mp3"),
        ChatTraits(audio_part="audio_url"),
        {"type": "audio_url", "audio_url": {"url": "https://x.org/a.mp3"}},
    ),
    (
        Blob("QUJD", "audio/wav"),
        ChatTraits(audio_part="audio_url"),
        {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,QUJD"}},
    ),
    (
        FileReference("https://youtu.be/1"),
        ChatTraits(video_part=True),
        {"type": "video_url", "video_url": {"url": "https://youtu.be/1"}},
    ),
    (
        Blob("QUJD", "application/pdf"),
        ChatTraits(file_data=True),
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
    ),
    (
        FileReference("https://x.org/a.pdf"),
        ChatTraits(file_url=True),
        {"type": "file", "file": {"file_url": "https://x.org/a.pdf"}},
    ),
    (Opaque({"type": "custom", "a": 1}), PLAIN, {"type": "custom", "a": 1}),
)


@pytest.mark.parametrize(("part", "traits", "written"), MEDIA)
def test_media_are_written_as_the_provider_takes_them(part: Part, traits: ChatTraits, written: JsonValue) -> None:
    """Each kind has its part, inline or by address."""
    assert one("Look:", part, traits=traits) == [{"type": "text", "text": "Look:"}, written]


def test_code_of_a_user_is_told_in_words() -> None:
    """Parts that chat completions have no place for become text."""
    content = one(ExecutableCode("print(1)"), CodeResult("1"))
    assert [part["text"] for part in content] == ["\n```python\nprint(1)\n```\n", "\n```\n1\n```\n"]


def test_parts_of_the_models_own_turns_go_back() -> None:
    """A content part that the dialect gave and we do not understand is replayed as it came, after the text."""
    said = Message.assistant("a", Opaque({"type": "sketch", "lines": 3}))
    written = messages(Message.user("Hi"), said, Message.user("Why?"))
    assert written[1]["content"] == [{"type": "text", "text": "a"}, {"type": "sketch", "lines": 3}]


@pytest.mark.parametrize(
    ("traits", "part"),
    [
        (ChatTraits(refusal_part=True), {"type": "refusal", "refusal": "no"}),
        (PLAIN, {"type": "text", "text": "no"}),
    ],
    ids=["where the schema has refusals", "elsewhere"],
)
def test_refusals_stay_apart_from_text(traits: ChatTraits, part: JsonValue) -> None:
    """What the model refused to say is not glued to what it said before."""
    said = Message.assistant("a", Opaque({"type": "refusal", "refusal": "no"}))
    written = messages(Message.user("Hi"), said, Message.user("Why?"), traits=traits)
    assert written[1]["content"] == [{"type": "text", "text": "a"}, part]


def test_media_stand_first_where_the_provider_wants_it() -> None:
    """Media go before text, each in its order."""
    content = one("a", PNG, "b", traits=ChatTraits(media_first=True))
    assert [part["type"] for part in content] == ["image_url", "text", "text"]


HINT = {"type": "ephemeral"}


@pytest.mark.parametrize("takes", [True, False])
def test_hints_for_a_cache_go_out_where_the_schema_has_them(takes: bool) -> None:
    """Histories of other providers carry them everywhere; each part keeps its own."""
    turns = (
        Message("system", (Text("S", cache_control=HINT),)),
        Message.user(Text("a", cache_control=HINT)),
        Message.user("b", replace(PNG, cache_control=HINT)),
    )
    written = messages(*turns, traits=ChatTraits(cache_control=takes))
    hint = {"cache_control": HINT} if takes else {}
    system, first = ({"type": "text", "text": text, **hint} for text in "Sa")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}, **hint}
    assert written == [
        {"role": "system", "content": [system] if takes else "S"},
        {"role": "user", "content": [first] if takes else "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}, image]},
    ]


LACKING = (
    (FileReference("https://x.org/a.png"), ChatTraits(image_url_remote=False), "images by address"),
    (FileReference("gs://b/a.png"), PLAIN, "images at gs:"),
    (PNG, ChatTraits(image_part=False), "image input"),
    (Blob("QUJD", "audio/wav"), PLAIN, "audio input"),
    (FileReference("https://x.org/a.wav"), ChatTraits(audio_part="input_audio"), "audio by address"),
    (Blob("QUJD", "video/mp4"), PLAIN, "video input"),
    (Blob("QUJD", "application/pdf"), ChatTraits(file_url=True), "document input"),
    (FileReference("https://x.org/a.pdf"), ChatTraits(file_data=True), "documents by address"),
    (Blob("/w==", "text/csv"), ChatTraits(file_data=True), "document input"),
    (Blob("QUJD", "font/woff"), PLAIN, "a file of type 'font/woff'"),
    (Blob("QUJD", "video/mp4", fps=2), ChatTraits(video_part=True), "a stretch or a frame rate of a video"),
    (Blob("QUJD" * 4, "image/png"), ChatTraits(maximum_bytes={"image": 11}), "12 bytes of image (at most 11)"),
    (Blob("QUJD" * 4, "image/png"), ChatTraits(maximum_total_bytes=11), "12 bytes of inline media (at most 11)"),
    (Opaque({"future": 1}), PLAIN, "a native part (future)"),
    (ToolCall("1", "f"), PLAIN, "a tool call in a message of the user"),
)


@pytest.mark.parametrize(("part", "traits", "feature"), LACKING)
def test_media_that_the_provider_does_not_take_are_named(part: Part, traits: ChatTraits, feature: str) -> None:
    """A medium without a place makes the route unusable."""
    with pytest.raises(UnsupportedFeature) as caught:
        one("Look:", part, traits=traits)
    assert caught.value.features == (feature,)


def test_media_that_the_hosted_model_does_not_take_are_named() -> None:
    """The catalog says which media a provider passes on."""
    with pytest.raises(UnsupportedFeature, match="audio input"):
        one("Hear:", Blob("QUJD", "audio/wav"), traits=ChatTraits(audio_part="input_audio"), provider="aimlapi")


def test_media_of_the_model_itself_have_no_place() -> None:
    """An image that the model made cannot be sent back."""
    with pytest.raises(UnsupportedFeature, match="media in the model's own turns"):
        messages(Message.user("Hi"), Message.assistant(PNG), Message.user("Again"))


def test_resolutions_without_a_word_are_left_out_with_a_warning() -> None:
    """Only `low` and `high` have a `detail`."""
    with pytest.warns(SettingIgnoredWarning, match="media_resolution"):
        content = one(PNG, media_resolution="medium")
    assert content == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]


def test_resolutions_of_other_media_are_left_out_with_a_warning() -> None:
    """Only images have a `detail`."""
    with pytest.warns(SettingIgnoredWarning, match="video"):
        one(FileReference("https://youtu.be/1"), traits=ChatTraits(video_part=True), media_resolution="low")


def test_empty_media_are_a_configuration_error() -> None:
    """Inline media without data would be refused."""
    with pytest.raises(ConfigurationError, match="holds no data"):
        one(Blob("", "image/png"))


def test_the_request_is_only_read() -> None:
    """Encoding twice gives the same body."""
    turns = loop(ToolCall("1", "f", {"a": [1]}, signature=extra("S")), Text("t"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert messages(*turns, traits=SIGNED) == messages(*turns, traits=SIGNED)
