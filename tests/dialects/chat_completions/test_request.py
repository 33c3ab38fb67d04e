"""What the chat completions dialect writes, as whole bodies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter
from pydantic_core import from_json

from gemini_multi.catalog import find
from gemini_multi.dialects.base import Repair, Target
from gemini_multi.dialects.chat_completions.dialect import CHAT_COMPLETIONS, ChatTraits
from gemini_multi.errors import ConfigurationError, SettingIgnoredWarning, UnsupportedFeature
from gemini_multi.types import (
    BuiltInTool,
    ChatRequest,
    JsonValue,
    Message,
    ResponseFormat,
    SafetySetting,
    Text,
    Tool,
    ToolChoice,
)

WHOLE = TypeAdapter(CompletionCreateParamsNonStreaming)
STREAMED = TypeAdapter(CompletionCreateParamsStreaming)

ALL = ChatTraits(
    supports_n=True,
    supports_penalties=True,
    supports_seed=True,
    minimum_seed=1,
    minimum_top_p=0.01,
    supports_top_k=True,
    supports_logprobs=True,
    supports_user=True,
    reasoning_efforts=("minimal", "low", "medium", "high"),
    parallel_tool_calls=True,
    strict_tools=True,
    modalities=True,
)
GOOGLE = ChatTraits(google_extra=True)

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "The weather now.", CITY)
CLOCK = Tool("clock")
WEATHER_FIELD = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather now.", "parameters": CITY},
}
CLOCK_FIELD = {"type": "function", "function": {"name": "clock"}}


def encode(
    *,
    traits: ChatTraits = ALL,
    model: str = "gemini-2.5-flash",
    stream: bool = False,
    repairs: frozenset[Repair] = frozenset(),
    **settings: object,
) -> dict[str, JsonValue]:
    settings.setdefault("messages", (Message.user("Hi"),))
    request = ChatRequest(model=model, **settings)
    target = Target("oxen", find(model), "hosted-id", traits, issuer="oxen", repairs=repairs)
    return CHAT_COMPLETIONS.encode(request, target, stream=stream)


@dataclass(frozen=True)
class Case:
    name: str
    settings: Mapping[str, object]
    body: Mapping[str, object]
    """All of the body but `model` and, when it is the plain one, `messages`."""


CASES = (
    Case("plain", {}, {}),
    Case("nothing_set_nothing_sent", {"traits": ChatTraits()}, {}),
    Case("stream", {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
    Case("stream_without_usage", {"stream": True, "traits": ChatTraits(stream_usage=False)}, {"stream": True}),
    Case(
        "sampling",
        {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "seed": 7, "n": 2, "stop": ("a", "b")},
        {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "seed": 7, "n": 2, "stop": ["a", "b"]},
    ),
    Case("one_answer_needs_no_n", {"n": 1, "traits": ChatTraits()}, {}),
    Case(
        "newer_limit_field",
        {"max_tokens": 9, "traits": ChatTraits(max_tokens_field="max_completion_tokens")},
        {"max_completion_tokens": 9},
    ),
    Case(
        "penalties_and_user",
        {"presence_penalty": 0.1, "frequency_penalty": -0.1, "user": "u"},
        {"presence_penalty": 0.1, "frequency_penalty": -0.1, "user": "u"},
    ),
    Case("logprobs", {"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
    Case("top_logprobs_alone", {"top_logprobs": 0}, {"logprobs": True, "top_logprobs": 0}),
    Case("tools", {"tools": (WEATHER, CLOCK)}, {"tools": [WEATHER_FIELD, CLOCK_FIELD]}),
    Case(
        "parameters_required",
        {"tools": (CLOCK,), "traits": ChatTraits(tool_parameters_required=True)},
        {
            "tools": [
                {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
            ]
        },
    ),
    Case(
        "choice_auto",
        {"tools": (CLOCK,), "tool_choice": ToolChoice()},
        {"tools": [CLOCK_FIELD], "tool_choice": "auto"},
    ),
    Case(
        "choice_none",
        {"tools": (CLOCK,), "tool_choice": ToolChoice("none")},
        {"tools": [CLOCK_FIELD], "tool_choice": "none"},
    ),
    Case(
        "choice_required",
        {"tools": (CLOCK,), "tool_choice": ToolChoice("required")},
        {"tools": [CLOCK_FIELD], "tool_choice": "required"},
    ),
    Case(
        "choice_validated_is_auto",
        {"tools": (CLOCK,), "tool_choice": ToolChoice("validated")},
        {"tools": [CLOCK_FIELD], "tool_choice": "auto"},
    ),
    Case(
        "choice_named",
        {"tools": (WEATHER, CLOCK), "tool_choice": ToolChoice("required", ("clock",))},
        {
            "tools": [WEATHER_FIELD, CLOCK_FIELD],
            "tool_choice": {"type": "function", "function": {"name": "clock"}},
        },
    ),
    Case(
        "choice_of_several_declares_only_them",
        {"tools": (WEATHER, CLOCK, Tool("other")), "tool_choice": ToolChoice("required", ("clock", "weather"))},
        {"tools": [WEATHER_FIELD, CLOCK_FIELD], "tool_choice": "required"},
    ),
    Case(
        "one_call_at_most",
        {"tools": (CLOCK,), "parallel_tool_calls": False},
        {"tools": [CLOCK_FIELD], "parallel_tool_calls": False},
    ),
    Case(
        "one_call_at_most_is_left_to_the_decoder",
        {"tools": (CLOCK,), "parallel_tool_calls": False, "traits": ChatTraits()},
        {"tools": [CLOCK_FIELD]},
    ),
    Case("parallel_without_tools", {"parallel_tool_calls": True}, {}),
    Case(
        "strict_tool",
        {"tools": (Tool("clock", strict=True),)},
        {"tools": [{"type": "function", "function": {"name": "clock", "strict": True}}]},
    ),
    Case(
        "wire_name",
        {"tools": (Tool("my tool"),), "tool_choice": ToolChoice("required", ("my tool",))},
        {
            "tools": [{"type": "function", "function": {"name": "my_tool"}}],
            "tool_choice": {"type": "function", "function": {"name": "my_tool"}},
        },
    ),
    Case("json_object", {"response_format": ResponseFormat()}, {"response_format": {"type": "json_object"}}),
    Case(
        "json_schema",
        {"response_format": ResponseFormat(CITY, name="a city", description="One city.", strict=False)},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a_city", "description": "One city.", "schema": CITY, "strict": False},
            }
        },
    ),
    Case("effort", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    Case("effort_maximum_is_the_hosts_highest", {"reasoning_effort": "max"}, {"reasoning_effort": "high"}),
    Case("effort_none_is_the_hosts_lowest", {"reasoning_effort": "none"}, {"reasoning_effort": "minimal"}),
    Case(
        "effort_none",
        {"reasoning_effort": "none", "traits": ChatTraits(reasoning_efforts=("none", "low"))},
        {"reasoning_effort": "none"},
    ),
    Case(
        "effort_none_where_thinking_is_off",
        {"reasoning_effort": "none", "traits": ChatTraits(), "model": "gemini-2.5-flash-lite"},
        {},
    ),
    Case("level", {"thinking_level": "LOW", "model": "gemini-3-flash-preview"}, {"reasoning_effort": "low"}),
    Case("budget_that_is_an_effort", {"thinking_budget": 8192}, {"reasoning_effort": "medium"}),
    Case(
        "budget_in_googles_namespace",
        {"thinking_budget": 1000, "include_thoughts": True, "traits": GOOGLE},
        {"extra_body": {"google": {"thinking_config": {"thinking_budget": 1000, "include_thoughts": True}}}},
    ),
    Case(
        "level_in_googles_namespace",
        {"thinking_level": "high", "traits": GOOGLE, "model": "gemini-3-flash-preview"},
        {"extra_body": {"google": {"thinking_config": {"thinking_level": "high"}}}},
    ),
    Case(
        "safety_and_cache_in_googles_namespace",
        {
            "safety_settings": (SafetySetting("HARM_CATEGORY_HARASSMENT", "OFF"),),
            "cached_content": "cachedContents/1",
            "traits": GOOGLE,
        },
        {
            "extra_body": {
                "google": {
                    "cached_content": "cachedContents/1",
                    "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
                }
            }
        },
    ),
    Case("hosts_own_fields", {"traits": ChatTraits(extra={"provider": "google"})}, {"provider": "google"}),
    Case(
        "extra_body_is_merged_last",
        {"temperature": 1.0, "stream": True, "extra_body": {"temperature": 2.0, "stream_options": {"x": 1}}},
        {"temperature": 2.0, "stream": True, "stream_options": {"include_usage": True, "x": 1}},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_encode_writes_the_whole_body(case: Case) -> None:
    """Only what was set is written, each in the field that the provider takes."""
    expected = {"model": "hosted-id", "messages": [{"role": "user", "content": "Hi"}], **case.body}
    assert encode(**case.settings) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_encode_writes_what_openai_types_accept(case: Case) -> None:
    """Every body is also a valid request of OpenAI's own client."""
    body = encode(**case.settings)
    types = STREAMED if body.get("stream") else WHOLE
    # The types hold lazy iterables: only writing them out again checks what is inside.
    written = from_json(types.dump_json(types.validate_python(body), warnings="error"))
    for name in ("model", "messages", "tools", "response_format", "tool_choice", "stop"):
        assert written.get(name) == body.get(name)


FEATURES = (
    ({"n": 2}, "`n`"),
    ({"seed": 1}, "`seed`"),
    ({"top_k": 1}, "`top_k`"),
    ({"logprobs": True}, "`logprobs`"),
    ({"stop": tuple("abcde")}, "5 stop sequences (at most 4)"),
    ({"stop": ("a",), "traits": ChatTraits(supports_stop=False)}, "`stop`"),
    ({"tools": (BuiltInTool("google_search"),)}, "the built-in tool `google_search`"),
    ({"tools": (CLOCK,), "traits": ChatTraits(supports_tools=False)}, "functions"),
    ({"tools": (CLOCK, WEATHER), "traits": ChatTraits(maximum_tools=1)}, "2 functions (at most 1)"),
    (
        {"tools": (CLOCK,), "tool_choice": ToolChoice("required"), "traits": ChatTraits(tool_choice_required=False)},
        "a forced tool call",
    ),
    ({"response_format": ResponseFormat(mime_type="text/x.enum")}, "answers of the type `text/x.enum`"),
    ({"reasoning_effort": "low"}, "`reasoning_effort='low'`"),
    ({"thinking_budget": 1000, "traits": ALL}, "`thinking_budget=1000`"),
    ({"include_thoughts": True, "traits": ALL}, "`include_thoughts=True`"),
    ({"safety_settings": (SafetySetting("A", "OFF"),)}, "`safety_settings`"),
    ({"cached_content": "c"}, "`cached_content`"),
    ({"labels": {"a": "b"}}, "`labels`"),
    ({"voice": "Kore"}, "`voice`"),
    ({"modalities": ("text", "audio"), "traits": ALL}, "audio output"),
)


@pytest.mark.parametrize(("settings", "feature"), FEATURES, ids=[feature for _, feature in FEATURES])
def test_encode_refuses_features_that_the_provider_lacks(settings: dict[str, object], feature: str) -> None:
    """A feature that cannot be expressed is named, never dropped."""
    with pytest.raises(UnsupportedFeature) as caught:
        encode(**{"traits": ChatTraits(), **settings})
    assert caught.value.features == (feature,)


SETTINGS = (
    ({"seed": 0}, "seed"),
    ({"top_p": 0.0}, "top_p"),
    ({"presence_penalty": 0.5, "traits": ChatTraits()}, "presence_penalty"),
    ({"frequency_penalty": 0.5, "model": "gemini-3-flash-preview"}, "frequency_penalty"),
    ({"temperature": 0.5, "model": "gemini-3.8-flash"}, "temperature"),
    ({"user": "u", "traits": ChatTraits()}, "user"),
    ({"temperature": 0.5, "repairs": frozenset({"drop_sampling"})}, "temperature"),
    ({"frequency_penalty": 0.5, "repairs": frozenset({"drop_penalties"})}, "frequency_penalty"),
    ({"reasoning_effort": "low", "repairs": frozenset({"drop_thinking"})}, "thinking"),
)


@pytest.mark.parametrize(("settings", "setting"), SETTINGS)
def test_encode_leaves_out_refused_settings_with_a_warning(settings: dict[str, object], setting: str) -> None:
    """A setting that the model or the provider is known to refuse is left out, and that is said."""
    with pytest.warns(SettingIgnoredWarning, match=f"`{setting}`"):
        body = encode(**settings)
    assert body == {"model": "hosted-id", "messages": [{"role": "user", "content": "Hi"}]}


def test_encode_says_that_a_tool_cannot_be_strict() -> None:
    """A strict function is declared without `strict` where the provider has none, with a warning."""
    with pytest.warns(SettingIgnoredWarning, match="`strict`"):
        body = encode(tools=(Tool("clock", strict=True),), traits=ChatTraits())
    assert body["tools"] == [CLOCK_FIELD]


@pytest.mark.parametrize(
    "settings",
    [
        {"tool_choice": ToolChoice("required")},
        {"tools": (CLOCK,), "tool_choice": ToolChoice("required", ("missing",))},
        {"n": 0},
    ],
)
def test_encode_refuses_requests_that_make_no_sense(settings: dict[str, object]) -> None:
    """What no provider could answer is a configuration error."""
    with pytest.raises(ConfigurationError):
        encode(**settings)


def test_encode_demands_a_schema_in_words_beside_tools_on_older_models() -> None:
    """Gemini before 3 refuses functions with a response format, so the schema goes into the system message."""
    body = encode(tools=(CLOCK,), response_format=ResponseFormat(CITY), messages=(Message.system("Be kind."),))
    system = body["messages"][0]["content"]
    assert "response_format" not in body
    assert system.startswith("Be kind.\n\n")
    assert '"city"' in system


def test_encode_sends_a_schema_beside_tools_on_newer_models() -> None:
    """Gemini 3 takes both."""
    body = encode(tools=(CLOCK,), response_format=ResponseFormat(CITY), model="gemini-3-flash-preview")
    assert body["response_format"]["json_schema"]["schema"] == CITY
    assert body["messages"] == [{"role": "user", "content": "Hi"}]


def test_encode_falls_back_to_json_objects_with_the_schema_in_words() -> None:
    """Where a provider takes no schema it is asked for an object, and the system message holds the schema."""
    body = encode(response_format=ResponseFormat(CITY), traits=ChatTraits(json_schema=False))
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["role"] == "system"
    assert '"city"' in body["messages"][0]["content"]


def test_encode_gives_speech_its_voice() -> None:
    """A spoken answer is asked for with voice and format."""
    body = encode(
        modalities=("text", "audio"), voice="Kore", model="gemini-99-unknown", traits=ChatTraits(modalities=True)
    )
    assert body["modalities"] == ["text", "audio"]
    assert body["audio"] == {"voice": "Kore", "format": "wav"}


def test_encode_does_not_change_the_request() -> None:
    """The request's own objects are only read."""
    extra: dict[str, JsonValue] = {"stream_options": {"x": 1}}
    body = encode(extra_body=extra, stream=True, messages=(Message("user", (Text("Hi"),)),))
    assert body["stream_options"] == {"include_usage": True, "x": 1}
    assert extra == {"stream_options": {"x": 1}}


REPAIRS = (
    ("Function call is missing a thought_signature in functionCall parts.", "dummy_signatures"),
    ("Corrupted thought signature.", "dummy_signatures"),
    ("Thinking level MINIMAL is not supported for this model", "drop_thinking"),
    ("Invalid enum value at reasoning_effort", "drop_thinking"),
    ("Reasoning is mandatory for this endpoint and cannot be disabled", "drop_thinking"),
    ("Budget 0 is invalid. This model only works in thinking mode.", "drop_thinking"),
    ('Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find field.', "drop_penalties"),
    ("Penalty is not enabled for this model", "drop_penalties"),
    ('Unknown name "temperature": Cannot find field.', "drop_sampling"),
    ("top_p is not supported by this model", "drop_sampling"),
    ("tools[0].parameters.properties[unit].enum: only allowed for STRING type", "enums_in_words"),
    ("You must specify a model to call", None),
)


@pytest.mark.parametrize(("text", "repair"), REPAIRS)
def test_repair_names_the_answer_to_a_documented_refusal(text: str, repair: str | None) -> None:
    """Each refusal has one repair, and each is tried once."""
    assert CHAT_COMPLETIONS.repair(text, ()) == repair
    assert repair is None or CHAT_COMPLETIONS.repair(text, (repair,)) is None


ENUMS = {
    "type": "object",
    "properties": {
        "level": {"enum": [1, 2], "description": "How loud."},
        "unit": {"type": "string", "enum": ["c", "f"]},
        "kind": {"const": "fixed"},
    },
}
IN_WORDS = {
    "level": {"type": "integer", "description": "How loud. One of 1, 2."},
    "unit": {"type": "string", "description": 'One of "c", "f".'},
    "kind": {"type": "string", "description": 'One of "fixed".'},
}


def test_refused_enums_are_told_in_words() -> None:
    """The repair keeps the types, in functions and in the answer's schema alike."""
    body = encode(
        tools=(Tool("set", "", ENUMS),),
        response_format=ResponseFormat(ENUMS),
        repairs=frozenset({"enums_in_words"}),
        model="gemini-3.8-flash",
    )
    declared = body["tools"][0]["function"]["parameters"]["properties"]
    assert declared == body["response_format"]["json_schema"]["schema"]["properties"] == IN_WORDS


def test_no_warning_without_a_loss() -> None:
    """A request that can be said whole gives no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode(temperature=0.5, seed=1, tools=(WEATHER,))
