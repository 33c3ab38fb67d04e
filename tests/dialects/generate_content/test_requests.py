"""Tools and settings in requests of `generateContent`: whole bodies, each also accepted by Google's own types."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from google.genai import types as google

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.types import (
    BuiltInTool,
    ChatRequest,
    Message,
    ResponseFormat,
    SafetySetting,
    Tool,
    ToolChoice,
)

OLD, NEW, PREVIEW = "gemini-2.5-flash-lite", "gemini-3.8-flash", "gemini-3-flash-preview"
VERTEX = GenerateContentTraits()
DEVELOPER = GenerateContentTraits(accepts_synthetic_ids=True, server_side_tool_flag=True, developer_api=True)
HELLO = Message.user("Hello")
HELLO_WRITTEN = {"role": "user", "parts": [{"text": "Hello"}]}


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CLOCK = Tool("clock")
WEATHER_WRITTEN = {"name": "weather", "description": "Tells the weather.", "parametersJsonSchema": SCHEMA}


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


def generation(**fields: object) -> dict[str, object]:
    return {"generationConfig": fields}


JSON_DEMAND = (
    "When you answer in text, answer with nothing but one JSON value, without Markdown. "
    "It must conform to this JSON Schema:\n"
    '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
)

TOOLS = [
    Case(
        "functions",
        settings={"tools": (WEATHER, CLOCK)},
        rest={"tools": [{"functionDeclarations": [WEATHER_WRITTEN, {"name": "clock"}]}]},
    ),
    Case(
        "built-in tools",
        settings={"tools": (BuiltInTool("google_search", {"excludeDomains": ["a.b"]}), BuiltInTool("code_execution"))},
        rest={"tools": [{"googleSearch": {"excludeDomains": ["a.b"]}}, {"codeExecution": {}}]},
    ),
    Case(
        "both on Vertex AI",
        settings={"tools": (CLOCK, BuiltInTool("url_context"))},
        rest={"tools": [{"functionDeclarations": [{"name": "clock"}]}, {"urlContext": {}}]},
        model=PREVIEW,
    ),
    Case(
        "both on the Gemini API",
        settings={"tools": (BuiltInTool("url_context"), CLOCK)},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}, {"urlContext": {}}],
            "toolConfig": {"includeServerSideToolInvocations": True},
        },
        model=PREVIEW,
        traits=DEVELOPER,
    ),
    Case(
        "older schema field",
        settings={"tools": (WEATHER,)},
        rest={
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "weather",
                            "description": "Tells the weather.",
                            "parameters": {
                                "type": "object",
                                "properties": {"city": {"type": "string"}},
                                "required": ["city"],
                            },
                        }
                    ]
                }
            ]
        },
        repairs=frozenset({"open_api_schemas"}),
    ),
]

CHOICES = [
    Case(
        f"choice {choice}",
        settings={"tools": (CLOCK,), "tool_choice": choice},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            "toolConfig": {"functionCallingConfig": written},
        },
    )
    for choice, written in [
        (ToolChoice(), {"mode": "AUTO"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("validated"), {"mode": "VALIDATED"}),
        (ToolChoice("required", ("clock",)), {"mode": "ANY", "allowedFunctionNames": ["clock"]}),
        (ToolChoice("auto", ("clock",)), {"mode": "VALIDATED", "allowedFunctionNames": ["clock"]}),
    ]
] + [
    Case(
        "`auto` beside a built-in tool is the mode that goes with it",
        settings={"tools": (CLOCK, BuiltInTool("google_search")), "tool_choice": ToolChoice()},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}, {"googleSearch": {}}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        },
        model=NEW,
    ),
    Case(
        "strict functions",
        settings={"tools": (Tool("clock", strict=True),)},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        },
    ),
    Case("a choice among nothing", settings={"tool_choice": ToolChoice("none")}),
]

SETTINGS = [
    Case(
        "sampling",
        settings={
            "temperature": 0.0,
            "top_p": 0.9,
            "top_k": 40,
            "max_tokens": 100,
            "n": 2,
            "stop": ("a", "b"),
            "seed": 0,
            "presence_penalty": 0.5,
            "frequency_penalty": -0.5,
        },
        rest=generation(
            temperature=0.0,
            topP=0.9,
            topK=40,
            maxOutputTokens=100,
            candidateCount=2,
            stopSequences=["a", "b"],
            seed=0,
            presencePenalty=0.5,
            frequencyPenalty=-0.5,
        ),
    ),
    Case("one candidate is not said", settings={"n": 1, "logprobs": False, "parallel_tool_calls": False}),
    Case("logprobs", settings={"logprobs": True}, rest=generation(responseLogprobs=True)),
    Case("top logprobs", settings={"top_logprobs": 3}, rest=generation(responseLogprobs=True, logprobs=3)),
    Case(
        "media",
        settings={"media_resolution": "low", "modalities": ("text", "image")},
        rest=generation(mediaResolution="MEDIA_RESOLUTION_LOW", responseModalities=["TEXT", "IMAGE"]),
        model="gemini-2.5-flash-image",
    ),
    Case(
        "voice",
        settings={"voice": "Kore"},
        rest=generation(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}),
    ),
    Case(
        "budget",
        settings={"thinking_budget": 512, "include_thoughts": True},
        rest=generation(thinkingConfig={"includeThoughts": True, "thinkingBudget": 512}),
    ),
    Case(
        "level",
        settings={"reasoning_effort": "low"},
        rest=generation(thinkingConfig={"thinkingLevel": "LOW"}),
        model=NEW,
    ),
    Case(
        "safety",
        settings={
            "safety_settings": (
                SafetySetting("HARM_CATEGORY_HARASSMENT", "OFF"),
                SafetySetting("HARM_CATEGORY_HATE_SPEECH", "BLOCK_NONE", method="SEVERITY"),
            )
        },
        rest={
            "safetySettings": [
                {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},
                {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE", "method": "SEVERITY"},
            ]
        },
    ),
    Case(
        "cache and labels",
        settings={"cached_content": "cachedContents/1", "labels": {"team": "a"}},
        rest={"cachedContent": "cachedContents/1", "labels": {"team": "a"}},
    ),
    Case(
        "extra body",
        settings={"temperature": 1.0, "extra_body": {"generationConfig": {"audioTimestamp": True}, "labels": {}}},
        rest={"generationConfig": {"temperature": 1.0, "audioTimestamp": True}, "labels": {}},
    ),
]

FORMATS = [
    Case(
        "any JSON",
        settings={"response_format": ResponseFormat()},
        rest=generation(responseMimeType="application/json"),
    ),
    Case(
        "a schema",
        settings={"response_format": ResponseFormat(SCHEMA, description="A place.")},
        rest=generation(responseMimeType="application/json", responseJsonSchema={**SCHEMA, "description": "A place."}),
    ),
    Case(
        "a bare enum member",
        settings={"response_format": ResponseFormat({"type": "string", "enum": ["a", "b"]}, mime_type="text/x.enum")},
        rest=generation(responseMimeType="text/x.enum", responseSchema={"type": "string", "enum": ["a", "b"]}),
    ),
    Case(
        "beside functions on a new model",
        settings={"tools": (CLOCK,), "response_format": ResponseFormat(SCHEMA)},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            **generation(responseMimeType="application/json", responseJsonSchema=SCHEMA),
        },
        model=PREVIEW,
    ),
    Case(
        "beside functions on an old model it is asked for in words",
        (Message.system("Be kind."), HELLO),
        {"tools": (CLOCK,), "response_format": ResponseFormat(SCHEMA)},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": JSON_DEMAND}]},
        },
    ),
    Case(
        "beside Google Maps it has a form of its own, where the endpoint knows it",
        settings={"tools": (BuiltInTool("google_maps"),), "response_format": ResponseFormat(SCHEMA)},
        rest={
            "tools": [{"googleMaps": {}}],
            "generationConfig": {"responseFormat": {"text": {"mimeType": "APPLICATION_JSON", "schema": SCHEMA}}},
        },
        model=PREVIEW,
        traits=GenerateContentTraits(typed_response_format=True),
    ),
    Case(
        "beside Google Maps it is asked for in words where the endpoint does not",
        settings={"tools": (BuiltInTool("google_maps"),), "response_format": ResponseFormat(SCHEMA)},
        rest={"tools": [{"googleMaps": {}}], "systemInstruction": {"parts": [{"text": JSON_DEMAND}]}},
        model=PREVIEW,
    ),
    Case(
        "an enum beside functions on an old model",
        settings={"tools": (CLOCK,), "response_format": ResponseFormat(mime_type="text/x.enum")},
        rest={
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            "systemInstruction": {
                "parts": [
                    {
                        "text": "When you answer in text, answer with nothing but one of the allowed values, "
                        "without quotes."
                    }
                ]
            },
        },
    ),
]

CASES = TOOLS + CHOICES + SETTINGS + FORMATS


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
    # The Gemini API has an object here, Vertex AI and with it Google's types a list.
    body.get("generationConfig", {}).pop("responseFormat", None)
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
