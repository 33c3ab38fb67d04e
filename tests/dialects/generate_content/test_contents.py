"""The history in requests of `generateContent`: whole bodies, each also accepted by Google's own types."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from google.genai import types as google

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.errors import SettingIgnoredWarning
from gemini_multi.types import (
    Blob,
    ChatRequest,
    CodeResult,
    ExecutableCode,
    FileReference,
    Message,
    Opaque,
    Signature,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
)

OLD, NEW, PREVIEW = "gemini-2.5-flash-lite", "gemini-3.8-flash", "gemini-3-flash-preview"
VERTEX = GenerateContentTraits()
DEVELOPER = GenerateContentTraits(accepts_synthetic_ids=True, server_side_tool_flag=True, developer_api=True)
HELLO = Message.user("Hello")
HELLO_WRITTEN = {"role": "user", "parts": [{"text": "Hello"}]}
DUMMY = "skip_thought_signature_validator"


def signature(payload: object = "c2ln", carrier: str = "thoughtSignature", issuer: str = "cloudflare") -> Signature:
    return Signature(payload, carrier=carrier, issuer=issuer)


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CLOCK = Tool("clock")
WEATHER_WRITTEN = {"name": "weather", "description": "Tells the weather.", "parametersJsonSchema": SCHEMA}
CALL = ToolCall("1", "weather", {"city": "Rome"}, signature=signature())
CALL_WRITTEN = {"name": "weather", "args": {"city": "Rome"}}
SECOND = ToolCall("2", "clock")
IMAGE = Blob("aGk=", "image/png", name="map.png")


@dataclass(frozen=True)
class Case:
    name: str
    messages: tuple[Message, ...] = (HELLO,)
    settings: dict[str, object] = field(default_factory=dict)
    contents: list[object] = field(default_factory=lambda: [HELLO_WRITTEN])
    rest: dict[str, object] = field(default_factory=dict)
    model: str = OLD
    traits: GenerateContentTraits = VERTEX
    repairs: frozenset[str] = frozenset()


def media(*parts: object, written: list[object], **other: object) -> dict[str, object]:
    contents = [{"role": "user", "parts": [{"text": "See:"}, *written]}]
    return {"messages": (Message.user("See:", *parts),), "contents": contents, **other}


def loop(result: ToolResult, *written: object, **other: object) -> dict[str, object]:
    """One step of a tool loop, with the contents that follow the call."""
    call = {"role": "model", "parts": [{"functionCall": CALL_WRITTEN, "thoughtSignature": "c2ln"}]}
    unsynthetic = replace(CALL, synthetic_id=True)
    return {
        "messages": (HELLO, Message.assistant(unsynthetic), Message.tool(result)),
        "contents": [HELLO_WRITTEN, call, *written],
        **other,
    }


def answered(response: object, **other: object) -> dict[str, object]:
    return {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": response, **other}}]}


MESSAGES = [
    Case("text"),
    Case(
        "system",
        (Message.system("Be kind."), HELLO, Message.system("Be brief.")),
        rest={"systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "Be brief."}]}},
    ),
    Case(
        "assistant",
        (HELLO, Message.assistant("Hi"), HELLO),
        contents=[HELLO_WRITTEN, {"role": "model", "parts": [{"text": "Hi"}]}, HELLO_WRITTEN],
    ),
    Case(
        "signed empty text keeps its text",
        (HELLO, Message.assistant("Hi", Text("", signature=signature())), HELLO),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}]},
            HELLO_WRITTEN,
        ],
    ),
    Case(
        "unsigned thoughts are not replayed",
        (HELLO, Message.assistant(Thought("hm"), Thought("so", signature=signature()), "Hi"), HELLO),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"text": "so", "thought": True, "thoughtSignature": "c2ln"}, {"text": "Hi"}]},
            HELLO_WRITTEN,
        ],
    ),
    Case(
        "code",
        (HELLO, Message.assistant(ExecutableCode("1+1", signature=signature(), id="x"), CodeResult("2")), HELLO),
        contents=[
            HELLO_WRITTEN,
            {
                "role": "model",
                "parts": [
                    {
                        "executableCode": {"id": "x", "language": "PYTHON", "code": "1+1"},
                        "thoughtSignature": "c2ln",
                    },
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
                ],
            },
            HELLO_WRITTEN,
        ],
    ),
    Case(
        "opaque parts go back to the Gemini API",
        (HELLO, Message.assistant(Opaque({"toolCall": {"id": "1", "toolType": "URL_CONTEXT"}}), "Hi"), HELLO),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"toolCall": {"id": "1", "toolType": "URL_CONTEXT"}}, {"text": "Hi"}]},
            HELLO_WRITTEN,
        ],
        traits=DEVELOPER,
    ),
    Case(
        "and not to Vertex AI, which has no such field",
        (HELLO, Message.assistant(Opaque({"toolCall": {"id": "1"}}), "Hi"), HELLO),
        contents=[HELLO_WRITTEN, {"role": "model", "parts": [{"text": "Hi"}]}, HELLO_WRITTEN],
    ),
    Case(
        "a refusal is said as a part of its own",
        (HELLO, Message.assistant("Well.", Opaque({"type": "refusal", "refusal": "No."})), HELLO),
        contents=[HELLO_WRITTEN, {"role": "model", "parts": [{"text": "Well."}, {"text": "No."}]}, HELLO_WRITTEN],
    ),
    Case(
        "a signature from chat completions of the same provider",
        (
            HELLO,
            Message.assistant(
                replace(CALL, signature=signature({"google": {"thought_signature": "Y2hhdA=="}}, "extra_content"))
            ),
            Message.tool(ToolResult("1", "weather", (Text("Sun"),))),
        ),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"functionCall": CALL_WRITTEN, "thoughtSignature": "Y2hhdA=="}]},
            answered({"output": "Sun"}),
        ],
        model=PREVIEW,
    ),
    Case(
        "a foreign signature becomes the dummy",
        (
            HELLO,
            Message.assistant(replace(CALL, signature=signature(issuer="oxen"))),
            Message.tool(ToolResult("1", "weather", (Text("Sun"),))),
        ),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"functionCall": CALL_WRITTEN, "thoughtSignature": DUMMY}]},
            answered({"output": "Sun"}),
        ],
        model=NEW,
    ),
    Case(
        "server-issued ids are echoed, parallel results share one content",
        (HELLO, Message.assistant(CALL, SECOND), Message.tool(ToolResult("2", "clock", (Text("9"),)))),
        contents=[
            HELLO_WRITTEN,
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"id": "1", **CALL_WRITTEN}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "2", "name": "clock", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "1",
                            "name": "weather",
                            "response": {"error": "The function was not run."},
                        }
                    },
                    {"functionResponse": {"id": "2", "name": "clock", "response": {"output": "9"}}},
                ],
            },
        ],
        model=NEW,
    ),
    Case(
        "the Gemini API takes ids of our own",
        (
            HELLO,
            Message.assistant(ToolCall("ours", "weather", {"city": "Rome"}, synthetic_id=True)),
            Message.tool(ToolResult("ours", "weather", (Text("Sun"),))),
        ),
        contents=[
            HELLO_WRITTEN,
            {"role": "model", "parts": [{"functionCall": {"id": "ours", **CALL_WRITTEN}}]},
            answered({"output": "Sun"}, id="ours"),
        ],
        traits=DEVELOPER,
    ),
    Case(
        "names that the wire does not take",
        (
            HELLO,
            Message.assistant(ToolCall("1", "my tool"), ToolCall("2", "gone.by")),
            Message.tool(ToolResult("1", "my tool"), ToolResult("2", "gone.by")),
        ),
        {"tools": (Tool("my tool"),)},
        contents=[
            HELLO_WRITTEN,
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "my_tool", "args": {}}},
                    {"functionCall": {"name": "gone_by", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "my_tool", "response": {"output": ""}}},
                    {"functionResponse": {"name": "gone_by", "response": {"output": ""}}},
                ],
            },
        ],
        rest={"tools": [{"functionDeclarations": [{"name": "my_tool"}]}]},
    ),
]

RESULTS = [
    Case("result text", **loop(ToolResult("1", "weather", (Text('{"a":1}'),)), answered({"output": '{"a":1}'}))),
    Case("texts", **loop(ToolResult("1", "weather", (Text("a"), Text("b"))), answered({"output": "a\nb"}))),
    Case("result object", **loop(ToolResult("1", "weather", value={"sky": "blue"}), answered({"sky": "blue"}))),
    Case("result list", **loop(ToolResult("1", "weather", value=[1]), answered({"output": [1]}))),
    Case("result error", **loop(ToolResult("1", "weather", (Text("no"),), is_error=True), answered({"error": "no"}))),
    Case(
        "a reference inside a result is told as text",
        **loop(ToolResult("1", "weather", value={"a": [{"$ref": "b"}]}), answered({"output": '{"a":[{"$ref":"b"}]}'})),
    ),
    Case(
        "media inside a result",
        **loop(
            ToolResult("1", "weather", (Text("Sun"), IMAGE, FileReference("gs://b/c.pdf"))),
            answered(
                {"output": "Sun"},
                parts=[
                    {"inlineData": {"mimeType": "image/png", "data": "aGk=", "displayName": "map.png"}},
                    {
                        "fileData": {
                            "mimeType": "application/pdf",
                            "fileUri": "gs://b/c.pdf",
                            "displayName": "weather_2",
                        }
                    },
                ],
            ),
            model=PREVIEW,
        ),
    ),
    Case(
        "media beside a result, never in one content with it",
        **loop(
            ToolResult("1", "weather", (Text("Sun"), replace(IMAGE, name=None))),
            answered({"output": "Sun"}),
            {
                "role": "user",
                "parts": [
                    {"text": "Returned by the function `weather`:"},
                    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                ],
            },
        ),
    ),
]

MEDIA = [
    Case(
        "image/jpg is called image/jpeg",
        **media(
            "See:",
            Blob("aGk=", "image/jpg"),
            written=[{"text": "See:"}, {"inlineData": {"mimeType": "image/jpeg", "data": "aGk="}}],
        ),
    ),
    Case(
        "the data prefix is taken off",
        **media(
            Blob("data:image/webp;base64,aG\nk=", ""),
            written=[{"inlineData": {"mimeType": "image/webp", "data": "aGk="}}],
        ),
    ),
    Case(
        "display names are for Vertex AI",
        **media(IMAGE, written=[{"inlineData": {"mimeType": "image/png", "displayName": "map.png", "data": "aGk="}}]),
    ),
    Case(
        "and not for the Gemini API",
        **media(IMAGE, written=[{"inlineData": {"mimeType": "image/png", "data": "aGk="}}], traits=DEVELOPER),
    ),
    Case(
        "video",
        **media(
            FileReference("https://youtu.be/x", start=12.5, end=3600, fps=0.5),
            written=[
                {
                    "fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"},
                    "videoMetadata": {"startOffset": "12.5s", "endOffset": "3600s", "fps": 0.5},
                }
            ],
        ),
    ),
    Case(
        "resolution",
        **media(
            FileReference("gs://b/i", "image/png", resolution="ultra_high"),
            FileReference("gs://bucket/abc"),
            written=[
                {
                    "fileData": {"mimeType": "image/png", "fileUri": "gs://b/i"},
                    "mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"},
                },
                {"fileData": {"fileUri": "gs://bucket/abc"}},
            ],
            model=PREVIEW,
        ),
    ),
]

CASES = MESSAGES + RESULTS + MEDIA


def encoded(case: Case) -> dict[str, object]:
    request = ChatRequest(model=case.model, messages=case.messages, **case.settings)
    target = Target("cloudflare", find(case.model), case.model, case.traits, issuer="cloudflare", repairs=case.repairs)
    return GENERATE_CONTENT.encode(request, target, stream=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_encode_writes_exactly_this_body(case: Case) -> None:
    """The body says all that was asked for, and nothing else."""
    assert encoded(case) == {"contents": case.contents, **case.rest}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_encode_writes_only_fields_that_google_knows(case: Case) -> None:
    """Google answers 400 to unknown fields, and its own types forbid them too."""
    body = encoded(case)
    witnesses = {
        "contents": [google.Content],
        "tools": [google.Tool],
        "safetySettings": [google.SafetySetting],
        "systemInstruction": google.Content,
        "toolConfig": google.ToolConfig,
        "generationConfig": google.GenerationConfig,
    }
    for name, value in body.items():
        witness = witnesses.get(name)
        if isinstance(witness, list):
            assert [witness[0].model_validate(item) for item in value]
        else:
            assert witness is not None or name in {"labels", "cachedContent"}, name
            assert witness is None or witness.model_validate(value)


LEFT_OUT = {
    "a part of chat completions": ((HELLO, Message.assistant(Opaque({"type": "foreign"}), "Hi")), "type 'foreign'"),
    "the names of several agents": (
        (HELLO, *(Message("assistant", (Text("Hi"),), name=name) for name in ("cook", "waiter"))),
        "who speaks",
    ),
    "the name of a system message": ((Message("system", (Text("Be kind."),), name="rules"), HELLO), "system message"),
}


@pytest.mark.parametrize("label", LEFT_OUT)
def test_what_has_no_place_is_left_out_with_a_warning(label: str) -> None:
    """Nothing that a caller wrote vanishes without a word."""
    messages, told = LEFT_OUT[label]
    with pytest.warns(SettingIgnoredWarning, match=told):
        encoded(Case(label, messages))
