"""What `generateContent` cannot say.

Refused by name, left out with a warning, or repaired after the provider's answer.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Target
from gemini_multi.dialects.generate_content.dialect import GENERATE_CONTENT, GenerateContentTraits
from gemini_multi.errors import ConfigurationError, SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.types import (
    Blob,
    BuiltInTool,
    ChatRequest,
    Message,
    Opaque,
    ResponseFormat,
    SafetySetting,
    Signature,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

OLD, NEW, PREVIEW = "gemini-2.5-flash-lite", "gemini-3.8-flash", "gemini-3-flash-preview"
DEVELOPER = GenerateContentTraits(developer_api=True)
CLOCK = Tool("clock", "", {"type": "object", "properties": {"zone": {"type": "string"}}})
DUMMY = "skip_thought_signature_validator"


def encode(request: ChatRequest, traits: GenerateContentTraits = GenerateContentTraits(), *repairs: str) -> dict:  # noqa: B008
    model = find(request.model)
    target = Target("cloudflare", model, request.model, traits, issuer="cloudflare", repairs=frozenset(repairs))
    return GENERATE_CONTENT.encode(request, target, stream=False)


def asked(model: str = OLD, *parts: object, **settings: object) -> ChatRequest:
    return ChatRequest(model=model, messages=(Message.user(*(parts or ("Hello",))),), **settings)


FEATURES = [
    (asked(stop=tuple("abcdef")), "6 stop sequences (at most 5)"),
    (asked(seed=2**31), "`seed=2147483648` (a signed 32-bit integer is needed)"),
    (asked(modalities=("audio",)), "audio output"),
    (asked("gemini-2.5-flash-image", Blob("aGk=", "audio/wav")), "audio input"),
    (asked("gemini-2.5-flash-image", Blob("aGk=", "application/pdf")), "document input"),
    (asked("gemini-2.5-flash-image", Blob("aGk=", "video/mp4")), "video input"),
    (asked(tools=(CLOCK, BuiltInTool("google_search"))), "functions together with built-in tools"),
    (asked(tools=(BuiltInTool("file_search"),)), "the built-in tool `file_search`"),
    (asked(OLD, Opaque({"type": "refusal"})), "a content part of type 'refusal'"),
    (asked(OLD, ToolCall("1", "clock")), "a tool call in a message of the user"),
    (asked(thinking_budget=1), "`thinking_budget=1` (the model takes -1, 0, or 512 to 24576)"),
    (asked(OLD, Blob("A" * 28 * 2**20, "image/png")), "22,020,096 bytes of inline media (at most 20,971,520)"),
]


@pytest.mark.parametrize(("request_", "feature"), FEATURES, ids=[feature for _, feature in FEATURES])
def test_encode_names_a_feature_that_it_cannot_express(request_: ChatRequest, feature: str) -> None:
    """A feature is never dropped silently: the error names it, so that another route can be tried."""
    with pytest.raises(UnsupportedFeature) as caught:
        encode(request_)
    assert caught.value.features == (feature,)


@pytest.mark.parametrize(
    ("request_", "feature"),
    [
        (asked(tools=(BuiltInTool("enterprise_web_search"),)), "the built-in tool `enterprise_web_search`"),
        (asked(safety_settings=(SafetySetting("A", "OFF", method="SEVERITY"),)), "the `method` of a safety setting"),
    ],
)
def test_encode_knows_what_only_vertex_ai_has(request_: ChatRequest, feature: str) -> None:
    """The Gemini API lacks some of Vertex AI's features."""
    with pytest.raises(UnsupportedFeature) as caught:
        encode(request_, DEVELOPER)
    assert caught.value.features == (feature,)


def test_encode_names_all_features_at_once() -> None:
    """One error tells everything that stands in the way."""
    with pytest.raises(UnsupportedFeature) as caught:
        encode(asked(stop=tuple("abcdef"), modalities=("audio",)))
    assert caught.value.features == ("6 stop sequences (at most 5)", "audio output")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asked(NEW, temperature=0.2), "`temperature` (the model refuses it)"),
        (asked(PREVIEW, presence_penalty=0.2), "`presence_penalty` (the model refuses it)"),
        (asked(user="me"), "`user` (`generateContent` has no field for it; `labels` can tell users apart)"),
        (
            asked(OLD, Blob("aGk=", "image/png", resolution="low")),
            "`resolution` (only Gemini 3 and newer take it part by part)",
        ),
    ],
)
def test_encode_leaves_out_a_setting_with_a_warning(request_: ChatRequest, said: str) -> None:
    """A tuning setting that the model refuses does not stop the request."""
    with pytest.warns(SettingIgnoredWarning) as caught:
        body = encode(request_)
    assert str(caught[0].message) == f"Left out for {request_.model!r} at cloudflare: {said}."
    assert "generationConfig" not in body


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asked(n=0), "asks for no answer"),
        (asked(OLD, Blob("", "image/png")), "holds no data"),
        (asked(tool_choice=ToolChoice("required")), "no function to call"),
        (
            asked(tools=(CLOCK,), tool_choice=ToolChoice("required", ("cloak",))),
            "names 'cloak', but the tools are 'clock'",
        ),
        (asked(thinking_budget=1024, thinking_level="low"), "exclude each other"),
        (asked(cached_content="c", tools=(CLOCK,)), "cannot be combined with tools"),
        (
            replace(asked(cached_content="c"), messages=(Message.system("Be kind."), Message.user("Hello"))),
            "cannot be combined with system messages",
        ),
    ],
)
def test_encode_refuses_what_gemini_takes_nowhere(request_: ChatRequest, said: str) -> None:
    """What no provider accepts is an error before any request, which says what to change."""
    with pytest.raises(ConfigurationError, match=said):
        encode(request_)


def test_encode_refuses_a_result_that_is_no_json() -> None:
    """A value that no wire can carry is named before any request."""
    result = Message.tool(ToolResult("1", "clock", value={"now": object()}))
    messages = (Message.user("Hello"), Message.assistant(ToolCall("1", "clock")), result)
    with pytest.raises(ConfigurationError, match="tool's result cannot be written as JSON"):
        encode(ChatRequest(model=OLD, messages=messages))


REFUSALS = [
    ("Invalid thought signature.", "dummy_signatures"),
    ("Corrupted thought signature.", "dummy_signatures"),
    ("Function call is missing a thought_signature in functionCall parts.", "dummy_signatures"),
    ("function call `webfetch` in the 4. content block is missing a `thought_signature`.", "dummy_signatures"),
    (
        "Unknown name \"parametersJsonSchema\" at 'tools[0].function_declarations[0]': Cannot find field.",
        "open_api_schemas",
    ),
    ("Unknown name \"response_json_schema\" at 'generation_config': Cannot find field.", "open_api_schemas"),
    ("Thinking level MINIMAL is not supported for this model", "drop_thinking"),
    ("Budget 0 is invalid. This model only works in thinking mode.", "drop_thinking"),
    ("Thinking is not enabled for this model", "drop_thinking"),
    ("Unknown name \"thinkingBudget\" at 'generation_config.thinking_config'", "drop_thinking"),
    ("Penalty is not enabled for this model", "drop_penalties"),
    ('Unknown name "frequencyPenalty": Cannot find field.', "drop_penalties"),
    ("`temperature` and `topP` are not supported by this model.", "drop_sampling"),
    ("Unknown name \"topK\" at 'generation_config': Cannot find field.", "drop_sampling"),
    ("tools[0].parameters.properties[unit].enum: only allowed for STRING type", "enums_in_words"),
    ("Invalid value at 'tools[0].parameters.properties[0].value.enum[0]' (TYPE_STRING), 1", "enums_in_words"),
    ("tools[0].parameters.properties[temperature].items: missing field.", None),
    ("Please ensure that function response turn comes immediately after a function call turn.", None),
    ("The input token count (9) exceeds the maximum number of tokens allowed (8).", None),
]


@pytest.mark.parametrize(("text", "repair"), REFUSALS)
def test_repair_knows_the_documented_refusals(text: str, repair: str | None) -> None:
    """Each documented 400 has one answer, which is given once."""
    assert GENERATE_CONTENT.repair(text, ()) == repair
    assert GENERATE_CONTENT.repair(text, (repair,) if repair else ()) is None


@pytest.mark.parametrize(
    ("settings", "repair"),
    [
        ({"reasoning_effort": "low"}, "drop_thinking"),
        ({"temperature": 0.5, "top_p": 0.5, "top_k": 5}, "drop_sampling"),
        ({"presence_penalty": 0.5, "frequency_penalty": 0.5}, "drop_penalties"),
    ],
)
def test_encode_honors_a_repair(settings: dict[str, object], repair: str) -> None:
    """After a refusal the settings that caused it stay out, with a warning."""
    with pytest.warns(SettingIgnoredWarning, match="the provider refused it"):
        assert "generationConfig" not in encode(asked(**settings), GenerateContentTraits(), repair)


ENUMS = {"type": "object", "properties": {"level": {"enum": [1, 2]}, "unit": {"type": "string", "enum": ["c", "f"]}}}
IN_WORDS = {
    "level": {"type": "integer", "description": "One of 1, 2."},
    "unit": {"type": "string", "description": 'One of "c", "f".'},
}


@pytest.mark.parametrize(
    ("repairs", "fields"),
    [
        (("enums_in_words",), ("parametersJsonSchema", "responseJsonSchema")),
        (("enums_in_words", "open_api_schemas"), ("parameters", "responseSchema")),
    ],
)
def test_refused_enums_are_told_in_words(repairs: tuple[str, ...], fields: tuple[str, str]) -> None:
    """The repair keeps the types, in functions and in the answer's schema alike, in both languages of schemas."""
    request = asked(NEW, tools=(Tool("set", "", ENUMS),), response_format=ResponseFormat(ENUMS))
    body = encode(request, GenerateContentTraits(), *repairs)
    declared = body["tools"][0]["functionDeclarations"][0][fields[0]]["properties"]
    assert declared == body["generationConfig"][fields[1]]["properties"] == IN_WORDS


def test_encode_replaces_refused_signatures() -> None:
    """After "Corrupted thought signature" every signature gives way to the dummy, even on models that ask for none."""
    call = ToolCall("1", "clock", signature=Signature("eA==", carrier="thoughtSignature", issuer="cloudflare"))
    result = Message.tool(ToolResult("1", "clock", (Text("9"),)))
    messages = (Message.user("Hello"), Message.assistant(call), result)
    body = encode(ChatRequest(model=OLD, messages=messages), GenerateContentTraits(), "dummy_signatures")
    assert body["contents"][1]["parts"] == [{"functionCall": {"name": "clock", "args": {}}, "thoughtSignature": DUMMY}]


def test_encode_does_not_change_what_it_is_given() -> None:
    """The same request can be encoded again for another route."""
    extra = {"generationConfig": {"topK": 1}}
    request = asked(temperature=0.5, tools=(CLOCK,), extra_body=extra)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encode(request) == encode(request)
    assert extra == {"generationConfig": {"topK": 1}}
