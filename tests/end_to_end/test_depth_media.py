"""Media, to each provider in its own form and within its own limits, and back from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gemini_multi import (
    AIMLAPI,
    Blob,
    ChatRequest,
    Cloudflare,
    ConfigurationError,
    FileReference,
    Message,
    Oxen,
    Text,
    ToolCall,
    ToolResult,
    UnsupportedFeature,
)
from tests.end_to_end.endpoints import (
    AIMLAPI_ENDPOINTS,
    CHAT,
    ENDPOINTS,
    NATIVE,
    PREVIEW,
    Refused,
    Wire,
    answered,
    chat_answer,
    native_answer,
    sent,
    streamed,
)

PNG, WAV, MP4, PDF = "iVBORw0KGgo=", "UklGRg==", "AAAAIA==", "JVBERi0="
NOTE = {"mimeType": "text/plain", "displayName": "note.txt", "data": "aGk="}
FILES_API = "https://generativelanguage.googleapis.com/v1beta/files/abc"
NO_FILES_API = Refused("files of the Gemini API's Files API")


def inline(mime_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def file(mime_type: str, uri: str) -> dict[str, Any]:
    return {"fileData": {"mimeType": mime_type, "fileUri": uri}}


def image(url: str, **extra: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **extra}}


def audio(data: str, sound: str = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}


def each(endpoints: Iterable[str], expected: Any) -> dict[str, Any]:
    return {endpoint: expected for endpoint in endpoints}  # noqa: C420  # the values are shared and never changed


def refused(feature: str, *endpoints: str) -> dict[str, Any]:
    return each(endpoints, Refused(feature))


@dataclass(frozen=True)
class Case:
    name: str
    media: Blob | FileReference
    expected: dict[str, Any] = field(default_factory=dict)
    """By endpoint: the part on the wire, or the refusal."""


CASES = [
    Case(
        "image inline",
        Blob(PNG, "image/png"),
        each(NATIVE, inline("image/png", PNG)) | each(CHAT, image(f"data:image/png;base64,{PNG}")),
    ),
    Case(
        "image as a data URL, by an old type",
        FileReference(f"data:image/jpg;base64,{PNG}"),
        each(NATIVE, inline("image/jpeg", PNG)) | each(CHAT, image(f"data:image/jpeg;base64,{PNG}")),
    ),
    Case(
        "image by URL",
        FileReference("https://x.y/a.png"),
        each(NATIVE, file("image/png", "https://x.y/a.png"))
        | each(CHAT, image("https://x.y/a.png"))
        | refused("images by address", "chat"),
    ),
    Case(
        "image by gs://",
        FileReference("gs://b/a.png"),
        each(NATIVE, file("image/png", "gs://b/a.png"))
        | refused("images at gs:", *CHAT)
        | refused("images by address", "chat"),
    ),
    Case(
        "image in the Files API, which only the owner of a Google key can read",
        FileReference(FILES_API, "image/png"),
        {"run": NO_FILES_API, "studio": file("image/png", FILES_API)} | each(CHAT, NO_FILES_API),
    ),
    Case(
        "image with a resolution",
        Blob(PNG, "image/png", resolution="low"),
        each(NATIVE, {**inline("image/png", PNG), "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}})
        | each(CHAT, image(f"data:image/png;base64,{PNG}", detail="low")),
    ),
    Case(
        "audio inline",
        Blob(WAV, "audio/x-wav"),
        each(NATIVE, inline("audio/wav", WAV))
        | each(("B", "C with media"), audio(WAV))
        | refused("audio input", "chat", "A", "C", "D")
        | {"oxen": {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{WAV}"}}},
    ),
    Case(
        "audio by URL",
        FileReference("https://x.y/a.mp3"),
        each(NATIVE, file("audio/mpeg", "https://x.y/a.mp3"))
        | each(("B", "C with media"), audio("https://x.y/a.mp3", "mp3"))
        | refused("audio input", "chat", "A", "C", "D")
        | {"oxen": {"type": "audio_url", "audio_url": {"url": "https://x.y/a.mp3"}}},
    ),
    Case(
        "audio of a type that only Google takes",
        Blob(WAV, "audio/aiff"),
        each(NATIVE, inline("audio/aiff", WAV))
        | refused("audio input", "chat", "A", "C", "D")
        | refused("audio of type 'audio/aiff'", "B", "C with media", "oxen"),
    ),
    Case(
        "video inline",
        Blob(MP4, "video/mp4"),
        each(NATIVE, inline("video/mp4", MP4))
        | each(
            ("B", "C with media", "oxen"),
            {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{MP4}"}},
        )
        | refused("video input", "chat", "A", "C", "D"),
    ),
    Case(
        "a YouTube video",
        FileReference("https://youtu.be/1"),
        each(NATIVE, file("video/mp4", "https://youtu.be/1"))
        | each(("B", "C with media", "oxen"), {"type": "video_url", "video_url": {"url": "https://youtu.be/1"}})
        | refused("video input", "chat", "A", "C", "D"),
    ),
    Case(
        "a stretch of a video",
        FileReference("https://x.y/a.mp4", start=1.5, end=4, fps=2),
        each(
            NATIVE,
            {
                **file("video/mp4", "https://x.y/a.mp4"),
                "videoMetadata": {"startOffset": "1.5s", "endOffset": "4s", "fps": 2},
            },
        )
        | refused("a stretch or a frame rate of a video", "B", "C with media", "oxen")
        | refused("a stretch or a frame rate of a video; video input", "chat")
        | refused("video input", "A", "C", "D"),
    ),
    Case(
        "document inline",
        Blob(PDF, "application/pdf", name="a.pdf"),
        {
            "run": {"inlineData": {"mimeType": "application/pdf", "displayName": "a.pdf", "data": PDF}},
            "studio": inline("application/pdf", PDF),
        }
        | each(
            ("B", "C with media", "D", "oxen"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        )
        | refused("document input", "chat", "A", "C"),
    ),
    Case(
        "document by URL",
        FileReference("https://x.y/a.pdf"),
        each(NATIVE, file("application/pdf", "https://x.y/a.pdf"))
        | {"oxen": {"type": "file", "file": {"file_url": "https://x.y/a.pdf"}}}
        | refused("documents by address", "chat", "B", "C with media", "D")
        | refused("document input", "A", "C"),
    ),
    Case(
        "a text file, which elsewhere goes as text",
        Blob("aGk=", "text/plain", name="note.txt"),
        each(NATIVE, inline("text/plain", "aGk="))
        | each(
            ("run", "run-ids"), {"inlineData": {"mimeType": "text/plain", "displayName": "note.txt", "data": "aGk="}}
        )
        | each(CHAT, {"type": "text", "text": "note.txt:\nhi"}),
    ),
    Case(
        "JSON, which Google reads as text alone",
        FileReference("data:application/json,%7B%7D"),
        each(NATIVE, {"text": "{}"}) | each(CHAT, {"type": "text", "text": "{}"}),
    ),
    *(
        Case(
            f"{kind}, told by its bytes",
            Blob(PNG, kind),
            each(NATIVE, inline("image/png", PNG)) | each(CHAT, image(f"data:image/png;base64,{PNG}")),
        )
        for kind in ("image/*", "image", "*/*", "application/octet-stream")
    ),
]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_endpoint_gets_media_in_its_own_form(case: Case, name: str) -> None:
    """An endpoint is sent exactly this body, or the request is refused by name before anything is sent."""
    endpoint, expected = ENDPOINTS[name], case.expected[name]
    text: dict[str, Any] = {"text": "Look"} if endpoint.is_native else {"type": "text", "text": "Look"}
    if not isinstance(expected, Refused):
        expected = endpoint.body([expected, text] if name == "oxen" else [text, expected])

    assert sent(endpoint, endpoint.request("Look", case.media)) == expected


MEGABYTE = 1024 * 1024
WEIGHTS = [
    *((name, "image/png", 20) for name in (*NATIVE, "chat", *AIMLAPI_ENDPOINTS)),
    ("oxen", "audio/wav", 20),
    ("oxen", "application/pdf", 24),
]


@pytest.mark.parametrize(("name", "mime_type", "limit"), WEIGHTS)
def test_limits_are_checked_before_anything_is_sent(name: str, mime_type: str, limit: int) -> None:
    """What weighs more than the provider takes is refused with both figures; what just fits is sent."""
    endpoint = ENDPOINTS[name]
    fits = Blob.from_bytes(bytes(limit * MEGABYTE), mime_type)
    too_big = Blob.from_bytes(bytes(limit * MEGABYTE + 3), mime_type)

    assert not isinstance(sent(endpoint, endpoint.request(fits)), Refused)
    refusal = sent(endpoint, endpoint.request(too_big))
    assert isinstance(refusal, Refused)
    assert f"(at most {limit * MEGABYTE:,})" in refusal.feature


@pytest.mark.parametrize("stream", [False, True])
def test_what_an_endpoint_cannot_take_goes_to_the_next(stream: bool) -> None:
    """At Cloudflare a video goes through the native endpoint, also when a stream is wanted."""
    wire = Wire()
    client = wire.client(Cloudflare("account", "token"))
    request = ChatRequest(model=PREVIEW, messages=(Message.user(Blob(MP4, "video/mp4")),))
    client.stream(request).response() if stream else client.chat(request)

    assert [request.url.path.rpartition("/")[2] for request in wire.requests] == ["run"]


def test_what_a_provider_cannot_take_goes_to_the_next() -> None:
    """AIMLAPI's schema of this model has no audio, Oxen's has."""
    wire = Wire()
    request = ChatRequest(model=PREVIEW, messages=(Message.user(Blob(WAV, "audio/wav")),))

    assert wire.client([AIMLAPI("key"), Oxen("key")]).chat(request).provider == "oxen"


def test_a_refusal_names_the_providers() -> None:
    """When nobody can take it, the error names what and who."""
    request = ChatRequest(model=PREVIEW, messages=(Message.user(FileReference(FILES_API, "image/png")),))
    with pytest.raises(UnsupportedFeature, match="Files API") as refusal:
        Wire().client([AIMLAPI("key"), Oxen("key")]).chat(request)

    assert refusal.value.providers == ("aimlapi", "oxen")


@pytest.mark.parametrize(
    ("media", "error", "said"),
    [
        (FileReference("https://x.y/a.mp4", fps=25), ConfigurationError, "fps=25"),
        (FileReference("https://x.y/a.mp4", fps=0), ConfigurationError, "fps=0"),
        (Blob("", "image/png"), ConfigurationError, "holds no data"),
        (Blob(PNG, "image/png", start=1), UnsupportedFeature, "a stretch or a frame rate of image input"),
        (FileReference("file:///tmp/a.png"), ConfigurationError, "'file:///tmp/a.png'. Give an http"),
        (FileReference("https://[x/a.png"), ConfigurationError, "Give an http"),
        (FileReference("data:image/png;base64"), ConfigurationError, "no comma before its data. Give an http"),
        (FileReference("data:image/png;base64,what?"), ConfigurationError, "is not base64. Give an http"),
    ],
)
def test_media_that_make_no_sense_are_refused(media: Any, error: type[Exception], said: str) -> None:
    """Nobody takes these: they are refused here instead of at the provider."""
    endpoint = ENDPOINTS["run"]
    with pytest.raises(error, match=said):
        Wire().client(endpoint.provider).chat(endpoint.request(media))


def call_and_result(*content: Any) -> tuple[Message, ...]:
    call = ToolCall("call_1", "draw")
    result = ToolResult("call_1", "draw", (Text("Done"), *content))
    return Message.user("Draw"), Message.assistant(call), Message.tool(result)


def test_an_image_from_a_tool_goes_inside_the_function_response() -> None:
    """Gemini 3 takes it there; `run` knows it by a display name."""
    request = ChatRequest(model=PREVIEW, messages=call_and_result(Blob(PNG, "image/png")))
    response = sent(ENDPOINTS["run"], request)["input"]["contents"][-1]

    data = {"mimeType": "image/png", "data": PNG, "displayName": "draw_1"}
    function = {"name": "draw", "response": {"output": "Done"}, "parts": [{"inlineData": data}]}
    assert response == {"role": "user", "parts": [{"functionResponse": function}]}


@pytest.mark.parametrize("name", CHAT)
def test_an_image_from_a_tool_follows_in_a_message_of_the_user(name: str) -> None:
    """A tool's message holds text only in chat completions."""
    request = ChatRequest(model=ENDPOINTS[name].model, messages=call_and_result(Blob(PNG, "image/png")))
    tool, user = sent(ENDPOINTS[name], request)["messages"][-2:]

    assert tool == {"role": "tool", "tool_call_id": "call_1", "name": "draw", "content": "Done"}
    said, shown = "Returned by the function `draw`:", image(f"data:image/png;base64,{PNG}")
    content: list[Any] = [{"type": "text", "text": said}, shown]
    if name == "oxen":  # wants media before text
        content = [shown, {"type": "text", "text": "Above is what the function `draw` returned."}]
    assert user == {"role": "user", "content": content}


def test_images_come_back_natively_and_go_back_with_their_signature() -> None:
    """An image of the answer is a `Blob`; in the next request it is the same part again."""
    part = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "c2ln"}
    content = {"role": "model", "parts": [{"text": "Here:"}, part]}
    response = answered(ENDPOINTS["run"], {"candidates": [{"content": content, "finishReason": "STOP"}]})
    history = (Message.user("Draw"), response.message, Message.user("Bigger"))

    assert isinstance(response.parts[1], Blob)
    assert sent(ENDPOINTS["run"], ChatRequest(model=PREVIEW, messages=history))["input"]["contents"][1] == content


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            {"content": "Here", "images": [image(f"data:image/png;base64,{PNG}")]},
            (Text("Here"), Blob(PNG, "image/png")),
        ),
        ({"content": [image("https://x.y/a.png")]}, (FileReference("https://x.y/a.png"),)),
        ({"content": None, "audio": {"data": WAV, "transcript": "Hi"}}, (Text("Hi"), Blob(WAV, "audio/wav"))),
    ],
)
def test_media_come_back_in_chat_completions(message: dict[str, Any], parts: tuple[Any, ...]) -> None:
    """Images and speech of an answer are parts of it, whole and streamed."""
    whole = {"choices": [{"message": message, "finish_reason": "stop"}]}
    pieces = {"choices": [{"delta": message}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}

    assert answered(ENDPOINTS["B"], whole).parts == parts
    assert streamed(ENDPOINTS["B"], *pieces).parts == parts


def test_tokens_are_told_by_modality() -> None:
    """Natively and in chat completions, in lower case."""
    details = [{"modality": "TEXT", "tokenCount": 16}, {"modality": "VIDEO", "tokenCount": 84}]
    counts = {"promptTokenCount": 100, "totalTokenCount": 100, "promptTokensDetails": details}
    usage = {"prompt_tokens": 100, "total_tokens": 100, "prompt_tokens_details": {"video_tokens": 84}}
    native = native_answer(usageMetadata=counts)

    assert answered(ENDPOINTS["run"], native).usage.input_by_modality == {"text": 16, "video": 84}
    assert answered(ENDPOINTS["A"], chat_answer(usage=usage)).usage.input_by_modality == {"video": 84}
