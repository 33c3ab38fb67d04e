"""What is set reaches the request; what is unknown is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from google.genai import types
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from gemini_multi import (
    BuiltInTool,
    ChatRequest,
    ConfigurationError,
    Message,
    Oxen,
    ResponseFormat,
    SafetySetting,
    Tool,
    ToolChoice,
)
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

pytestmark = pytest.mark.usefixtures("sandbox")

HI = (Message.user("Hi"),)


def request_of(settings: dict[str, Any], call: dict[str, Any]) -> ChatRequest:
    llm = GeminiMulti(**{"model": "gemini-2.5-flash", "providers": "oxen", **settings})
    return llm._question([ChatMessage(content="Hi")], call)[0]


def expected(**settings: Any) -> ChatRequest:
    return ChatRequest(**{"model": "gemini-2.5-flash", "messages": HI, **settings})


def add(a: int, b: int = 0) -> int:
    """Add.

    Two numbers.
    """
    return a + b


ADD_JSON = {
    "type": "object",
    "properties": {"a": {"title": "A", "type": "integer"}, "b": {"default": 0, "title": "B", "type": "integer"}},
    "required": ["a"],
}
# Since Python 3.13 a docstring has no indentation.
ADD = Tool("add", f"add(a: 'int', b: 'int' = 0) -> 'int'\n{(add.__doc__ or '').rstrip()}", ADD_JSON)
SEARCH = BuiltInTool("google_search")

PLAIN = {
    "temperature": 0.0,
    "top_p": 0.5,
    "top_k": 3,
    "max_tokens": 10,
    "seed": 0,
    "n": 2,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.1,
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "thinking_budget": 0,
    "thinking_level": "high",
    "include_thoughts": False,
    "cached_content": "c",
    "media_resolution": "low",
    "voice": "Kore",
    "labels": {"team": "a"},
    "user": "u",
    "extra_body": {"x": 1},
}


def test_nothing_set_sends_nothing() -> None:
    """The request has a model and messages only."""
    assert request_of({}, {}) == expected()


@pytest.mark.parametrize("name", PLAIN)
def test_setting_reaches_the_request(name: str) -> None:
    """From the constructor and from a call alike; zeros and `False` are values."""
    wanted = expected(**{name: PLAIN[name]})
    assert request_of({name: PLAIN[name]}, {}) == request_of({}, {name: PLAIN[name]}) == wanted


def test_call_wins_over_field() -> None:
    """A single call may differ, also for `max_tokens`, and `None` means: as always."""
    fields = {"temperature": 0.1, "max_tokens": 5, "top_p": 0.3}
    call = {"temperature": 0.9, "max_tokens": 50, "top_p": None}
    assert request_of(fields, call) == expected(temperature=0.9, max_tokens=50, top_p=0.3)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"max_output_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"stop_sequences": ["a"]}, {"stop": ("a",)}),
        ({"modalities": ["text", "image"]}, {"modalities": ("text", "image")}),
        ({"safety_settings": {"H": "OFF"}}, {"safety_settings": (SafetySetting("H", "OFF"),)}),
        (
            {"safety_settings": [{"category": "H", "threshold": "OFF"}]},
            {"safety_settings": (SafetySetting("H", "OFF"),)},
        ),
        ({"safety_settings": [SafetySetting("H", "OFF")]}, {"safety_settings": (SafetySetting("H", "OFF"),)}),
        ({"additional_kwargs": {"x": 1}, "extra_body": {"y": 2}}, {"extra_body": {"x": 1, "y": 2}}),
        ({"built_in_tools": ["google_search"]}, {"tools": (SEARCH,)}),
        (
            {"built_in_tools": [{"google_search": {}}, {"url_context": {}}]},
            {"tools": (SEARCH, BuiltInTool("url_context"))},
        ),
        ({"built_in_tools": SEARCH}, {"tools": (SEARCH,)}),
        ({"built_in_tool": types.Tool(google_search=types.GoogleSearch())}, {"tools": (SEARCH,)}),
    ],
)
def test_other_forms_are_read(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Names and forms that other integrations use mean the same, always and for one call."""
    assert request_of(given, {}) == request_of({}, given) == expected(**wanted)


def test_built_in_tools_stand_beside_functions() -> None:
    """As engines and agents cannot pass them, the model has them; a call may choose others, or none."""
    settings = {"built_in_tools": ["google_search"]}
    assert request_of(settings, {"tools": [ADD]}) == expected(tools=(ADD, SEARCH))
    assert request_of(settings, {"built_in_tools": ["code_execution"]}) == expected(
        tools=(BuiltInTool("code_execution"),)
    )
    assert request_of(settings, {"built_in_tools": []}) == expected()


def test_built_in_tools_are_stored() -> None:
    """As plain JSON."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers="cloudflare", built_in_tool=SEARCH)
    assert llm.to_dict()["built_in_tools"] == [{"google_search": {}}]
    assert GeminiMulti.from_dict(llm.to_dict()).built_in_tools == [{"google_search": {}}]


class Album(BaseModel):
    name: str


ALBUM_JSON = {
    "properties": {"name": {"title": "Name", "type": "string"}},
    "required": ["name"],
    "title": "Album",
    "type": "object",
}
ALBUM = ResponseFormat(ALBUM_JSON, name="Album")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"model": "gemini-2.5-pro"}, {"model": "gemini-2.5-pro"}),
        ({"tools": [FunctionTool.from_defaults(add)]}, {"tools": (ADD,)}),
        ({"tools": [ADD, SEARCH]}, {"tools": (ADD, SEARCH)}),
        ({"tools": [{"google_search": {}}]}, {"tools": (SEARCH,)}),
        ({"tools": []}, {}),
        ({"tools": [ADD], "tool_choice": "add"}, {"tools": (ADD,), "tool_choice": ToolChoice("required", ("add",))}),
        ({"tools": [ADD], "tool_choice": "any"}, {"tools": (ADD,), "tool_choice": ToolChoice("required")}),
        (
            {"tools": [ADD], "tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"tools": (ADD,), "tool_choice": ToolChoice("required", ("add",))},
        ),
        ({"tools": [ADD], "tool_choice": "auto"}, {"tools": (ADD,)}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"allow_parallel_tool_calls": False}, {}),
        ({"response_format": Album}, {"response_format": ALBUM}),
        ({"response_format": ALBUM}, {"response_format": ALBUM}),
        ({"response_format": ALBUM_JSON}, {"response_format": ResponseFormat(ALBUM_JSON, name="Album")}),
        ({"response_format": {"type": "json_object"}}, {"response_format": ResponseFormat()}),
        ({"response_format": {"type": "text"}}, {}),
    ],
)
def test_call_argument_reaches_the_request(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Tools, choices and formats are taken in LlamaIndex's, OpenAI's and our own form."""
    assert request_of({}, given) == expected(**wanted)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"temprature": 1}, "There is no argument `temprature`. Did you mean `temperature`?"),
        ({"temperature": "warm"}, "`temperature` must be a valid number, not 'warm'."),
        ({"max_tokens": 1, "max_output_tokens": 2}, "`max_tokens` is given twice"),
        ({"tools": [ADD], "tool_choice": "subtract"}, "`tool_choice` names 'subtract'"),
        ({"tool_choice": "add"}, "`tool_choice` names 'add'"),
        ({"tools": [7]}, "7 is no tool"),
        ({"tools": [{"a": 1, "b": 2}]}, "is no tool"),
        ({"response_format": {"type": "json_schema"}}, "`response_format` has no schema"),
        ({"safety_settings": [{"category": "H"}]}, "needs `category` and `threshold`"),
    ],
)
def test_unusable_call_argument_is_an_error(call: dict[str, Any], message: str) -> None:
    """A mistake is named before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        request_of({}, call)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temprature": 1}, "Did you mean `temperature`?"),
        ({"providers": "nope"}, "There is no provider 'nope'"),
        ({"max_retries": -1}, "`max_retries` must be 0 or more"),
        ({"timeout": 0}, "`timeout` must be"),
        ({"built_in_tools": [7]}, "7 is no tool"),
        ({"built_in_tools": [{"name": "add"}]}, "'add' is a function"),
        ({"api_key": "k", "providers": ["oxen", "aimlapi"]}, "`api_key` and `base_url` are for one provider"),
    ],
)
def test_unusable_setting_is_an_error(settings: dict[str, Any], message: str) -> None:
    """The constructor names the mistake in the core's own error."""
    with pytest.raises(ConfigurationError) as caught:
        GeminiMulti(**{"model": "gemini-2.5-flash", **settings})
    assert message in str(caught.value)


def test_wrong_type_is_an_error_without_the_key() -> None:
    """Values that may be a key are not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        GeminiMulti(model="gemini-2.5-flash", providers="oxen", temperature="hot", api_key="very-secret")
    assert "very-secret" not in str(caught.value)


def test_missing_key_is_told_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the first call."""
    monkeypatch.delenv("OXEN_API_KEY")
    with pytest.raises(ConfigurationError, match="OXEN_API_KEY"):
        GeminiMulti(model="gemini-2.5-flash", providers="oxen")


def test_providers_default_to_all_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the documented order."""
    monkeypatch.delenv("AIMLAPI_API_KEY")
    assert GeminiMulti(model="gemini-2.5-flash").provider_names == ("cloudflare", "oxen")


def test_api_key_and_base_url_go_to_the_only_provider(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key and an address given to the model are used, and kept nowhere else."""
    settings = sandbox.environment()
    monkeypatch.delenv("OXEN_API_KEY")
    monkeypatch.delenv("OXEN_BASE_URL")
    llm = GeminiMulti(
        model="gemini-2.5-flash",
        providers="oxen",
        api_key=settings["OXEN_API_KEY"],
        base_url=settings["OXEN_BASE_URL"],
    )
    assert llm.complete("Hi").text
    assert (llm.api_key, llm.base_url) == (None, None)


@pytest.mark.parametrize("name", ["base_url", "api_base"])
def test_address_has_two_names(name: str, sandbox: Sandbox) -> None:
    """Ours, and that of OpenAI's integration."""
    address = sandbox.environment()["OXEN_BASE_URL"]
    llm = GeminiMulti(**{"model": "gemini-2.5-flash", "providers": "oxen", name: address})
    assert llm.providers == (Oxen(base_url=address),)


async def test_asynchronous_client_has_two_names(sandbox: Sandbox) -> None:
    """Ours, and that of OpenAI's integration."""
    async with httpx.AsyncClient() as client:
        llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen", async_http_client=client)
        assert llm.http_async_client is client
        assert (await llm.acomplete("Hi")).text


def test_changed_field_counts_from_the_next_call(sandbox: Sandbox) -> None:
    """Fields can be assigned, providers and limits included."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen")
    llm.complete("Hi")
    llm.providers, llm.temperature = "aimlapi", 0.5
    llm.complete("Hi")
    assert [(request.provider, request.body.get("temperature")) for request in sandbox.requests] == [
        ("oxen", None),
        ("aimlapi", 0.5),
    ]


def test_copy_with_another_provider_asks_there(sandbox: Sandbox) -> None:
    """`model_copy(update=...)` counts like an assignment, for the copy only."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen")
    copied = llm.model_copy(update={"providers": "aimlapi"})
    assert [each.complete("Hi").additional_kwargs["provider"] for each in (copied, llm)] == ["aimlapi", "oxen"]
    assert copied.to_dict()["providers"] == "aimlapi"


def test_provider_can_be_chosen_for_one_call(sandbox: Sandbox) -> None:
    """`providers` is a call argument, too."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen")
    assert llm.complete("Hi", providers="aimlapi").additional_kwargs["provider"] == "aimlapi"
