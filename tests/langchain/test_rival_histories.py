"""Conversations that other integrations send wrongly or lose, each shown right on the wire of every provider."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from gemini_multi import Cloudflare, ConfigurationError, Text, ToolCall, UnsupportedFeature
from gemini_multi.sandbox import Answer, Sandbox

from .answers import (
    CHAT_PROVIDERS,
    PROVIDERS,
    call,
    chat,
    completion,
    events,
    generated,
    get_weather,
    merged,
    replied,
    sent,
)
from .test_histories import HISTORIES

ASKED = HumanMessage("Use get_weather for Paris.")
WAYS = {
    "invoke": lambda model, messages: model.invoke(messages),
    "stream": lambda model, messages: merged(model.stream(messages)),
    "typed": lambda model, messages: model.stream_events(messages, version="v3").output,
}
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
each_way = pytest.mark.parametrize("way", WAYS)
everywhere = pytest.mark.parametrize("provider", PROVIDERS)


def answered(message: AIMessage) -> list[Any]:
    """Give every call of a message a result."""
    return [message, *(ToolMessage("sunny", tool_call_id=one["id"]) for one in message.tool_calls)]


def signatures(value: Any) -> list[str]:
    """Collect the signatures in a body, by whichever of Google's names."""
    if isinstance(value, list):
        return [found for item in value for found in signatures(item)]
    if not isinstance(value, dict):
        return []
    own = [item for key, item in value.items() if key in ("thoughtSignature", "thought_signature")]
    return own + [found for item in value.values() for found in signatures(item)]


@each_way
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("namespace", ["google", "vertex"])
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_signature_goes_back_byte_exact(
    sandbox: Sandbox, provider: str, namespace: str, version: Any, way: str
) -> None:
    """The whole `extra_content` returns at its call, in its namespace, beside a content that the provider takes."""
    extra = {namespace: {"thought_signature": "c2lnbmF0dXJl+/=="}}
    signed = call("get_weather", '{"city": "Paris"}', id="c1", extra_content=extra)
    body = completion({"content": None, "tool_calls": [signed]})
    replied(sandbox, provider, body if way == "invoke" else events({"tool_calls": [{**signed, "index": 0}]}))
    model = chat(provider, output_version=version).bind_tools([get_weather])
    message = WAYS[way](model, [ASKED])
    replied(sandbox, provider, completion({"content": "done"}))
    model.invoke([ASKED, *answered(message)])
    said = sent(sandbox)["messages"][1]
    assert (said["tool_calls"][0]["extra_content"], said["tool_calls"][0]["id"]) == (extra, "c1")
    assert provider == "oxen" or said["content"] is not None


@each_way
@pytest.mark.parametrize("version", ["v0", "v1"])
@everywhere
def test_providers_signature_is_the_one_that_comes_back(
    sandbox: Sandbox, provider: str, version: Any, way: str
) -> None:
    """Whichever endpoint a provider answers through, the next request carries what it issued, and nothing twice."""
    model = chat(provider, output_version=version).bind_tools([get_weather])
    message = WAYS[way](model, [ASKED])
    assert model.invoke([ASKED, *answered(message)]).text
    issued = list(message.additional_kwargs["__gemini_function_call_thought_signatures__"].values())
    assert signatures(sent(sandbox)) == issued
    assert len(issued) == 1


@each_way
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_reasoning_beside_the_text_is_a_block(sandbox: Sandbox, provider: str, field: str, way: str) -> None:
    """Gateways give thoughts under names of their own; they are neither lost nor mixed into the text."""
    body = completion({"content": "a", field: "t"})
    replied(sandbox, provider, body if way == "invoke" else events({field: "t"}, {"content": "a"}))
    message = WAYS[way](chat(provider), "hi")
    assert [(block["type"], block.get("reasoning")) for block in message.content_blocks] == [
        ("reasoning", "t"),
        ("text", None),
    ]
    assert message.text == "a"


@everywhere
def test_system_messages_are_never_dropped(sandbox: Sandbox, provider: str) -> None:
    """Neither the second one nor one in the middle."""
    history = [SystemMessage("one"), SystemMessage("two"), HumanMessage("a"), AIMessage("b"), SystemMessage("three")]
    assert chat(provider).invoke([*history, HumanMessage("c")]).text
    body = json.dumps(sent(sandbox))
    assert all(word in body for word in ("one", "two", "three"))


@everywhere
def test_result_without_a_call_is_told(sandbox: Sandbox, provider: str) -> None:
    """A tool message whose call was trimmed away still reaches the model."""
    orphan = ToolMessage("the orphan says 7", tool_call_id="gone", name="get_weather")
    assert chat(provider).bind_tools([get_weather]).invoke([HumanMessage("a"), orphan, HumanMessage("b")]).text
    assert "the orphan says 7" in json.dumps(sent(sandbox))


TWO = AIMessage(
    "",
    tool_calls=[
        {"name": "get_weather", "args": {"city": "Rome"}, "id": "c1"},
        {"name": "get_weather", "args": {"city": "Bonn"}, "id": "c2"},
    ],
)


def test_parallel_results_are_one_turn(sandbox: Sandbox) -> None:
    """Natively each call has its result, in the turn after it, in its order and with its function's name."""
    results = [ToolMessage("2", tool_call_id="c2"), ToolMessage("1", tool_call_id="c1")]
    chat("cloudflare", model="gemini-2.5-flash").bind_tools([get_weather]).invoke([HumanMessage("a"), TWO, *results])
    turn = sent(sandbox)["input"]["contents"][2]
    told = [(part["functionResponse"]["name"], part["functionResponse"]["response"]) for part in turn["parts"]]
    assert told == [("get_weather", {"output": "1"}), ("get_weather", {"output": "2"})]


@everywhere
def test_missing_result_is_filled_in(sandbox: Sandbox, provider: str) -> None:
    """Gemini refuses two calls with one result; the other is told to be missing."""
    messages = [HumanMessage("a"), TWO, ToolMessage("1", tool_call_id="c1"), HumanMessage("go on")]
    assert chat(provider, model="gemini-2.5-flash").bind_tools([get_weather]).invoke(messages).text
    body = sent(sandbox)
    found = [one for one in body["messages"] if one["role"] == "tool"] if "messages" in body else None
    if found is None:
        found = [part for part in body["input"]["contents"][2]["parts"] if "functionResponse" in part]
    assert len(found) == 2


def test_call_ids_are_sent_where_the_provider_takes_them(sandbox: Sandbox) -> None:
    """So parallel calls of one function are told apart natively."""
    studio = Cloudflare(api="google_ai_studio")
    results = [ToolMessage("2", tool_call_id="c2"), ToolMessage("1", tool_call_id="c1")]
    chat(studio, model="gemini-2.5-flash").bind_tools([get_weather]).invoke([HumanMessage("a"), TWO, *results])
    contents = sent(sandbox)["contents"]
    ids = [[next(iter(part.values()))["id"] for part in contents[turn]["parts"]] for turn in (1, 2)]
    assert ids == [["c1", "c2"], ["c1", "c2"]]


@everywhere
def test_chat_messages_of_any_role_are_sent(sandbox: Sandbox, provider: str) -> None:
    """`ChatMessage` is taken, with the roles of OpenAI and of Google."""
    roles = ["system", "user", "assistant", "model", "developer", "human"]
    assert chat(provider).invoke([ChatMessage(f"said by {role}", role=role) for role in roles]).text
    assert all(f"said by {role}" in json.dumps(sent(sandbox)) for role in roles)


@everywhere
def test_cached_content_does_not_go_with_tools(sandbox: Sandbox, provider: str) -> None:
    """Gemini refuses both together; the error says what to do before anything is sent."""
    model = chat(provider, cached_content="cachedContents/1").bind_tools([get_weather])
    with pytest.raises((UnsupportedFeature, ConfigurationError), match=r"cached.content"):
        model.invoke("hi")
    assert sandbox.requests == []


@each_way
@pytest.mark.parametrize("model", ["gemini-2.5-flash-lite", "gemini-3-flash", "gemini-3.8-flash"])
@everywhere
def test_text_is_text_whatever_the_model(sandbox: Sandbox, provider: str, model: str, way: str) -> None:
    """Content is a string for text alone, also where the model signs it, unless blocks were asked for."""
    message = WAYS[way](chat(provider, model=model), "hi")
    assert isinstance(message.content, list if way == "typed" else str)


@each_way
def test_whole_number_in_a_call_is_whole(sandbox: Sandbox, way: str) -> None:
    """Gemini writes `3.0` for an integer; tools get what their schema says."""

    def add(x: int, y: float) -> float:
        """Add."""
        return x + y

    arguments = {"x": 3.0, "y": 2.0}
    body = json.dumps(generated({"functionCall": {"name": "add", "args": arguments}})).encode()
    replied(sandbox, "cloudflare", body)
    message = WAYS[way](chat("cloudflare").bind_tools([add]), "hi")
    (found,) = message.tool_calls
    assert (found["args"], type(found["args"]["x"])) == ({"x": 3, "y": 2.0}, int)


@everywhere
def test_what_is_not_a_number_is_null(sandbox: Sandbox, provider: str) -> None:
    """Tables have holes: Python writes them as `NaN`, which is no JSON and refused by providers."""
    asked = AIMessage("", tool_calls=[{"name": "get_weather", "args": {"city": float("inf")}, "id": "c1"}])
    result = ToolMessage('{"warmth": NaN}', tool_call_id="c1")
    chat(provider, model="gemini-2.5-flash").bind_tools([get_weather]).invoke([ASKED, asked, result])
    body = json.dumps(sent(sandbox)).replace("\\", "")
    assert ('"city": null' in body or '"city":null' in body, '"warmth": null' in body or '"warmth":null' in body) == (
        True,
        True,
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_several_calls_may_be_asked_for(sandbox: Sandbox, provider: str) -> None:
    """`parallel_tool_calls=True` is taken and lets all calls through."""
    calls = [("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Bonn"})]
    sandbox.script(None, [Answer(tool_calls=calls)])
    found = chat(provider).bind_tools([get_weather], parallel_tool_calls=True).invoke("hi").tool_calls
    assert [one["args"]["city"] for one in found] == ["Rome", "Bonn"]


def f(x: int = 0) -> int:
    """Do f."""
    return x


FOREIGN_MARKS = ("c2ln", "anthropic", "redacted")
OF_OURS = "google's key on a message of ours"


@pytest.mark.parametrize("name", sorted(set(HISTORIES) - {OF_OURS}))
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_history_of_another_integration_goes_on(sandbox: Sandbox, provider: str, model: str, name: str) -> None:
    """Every provider answers it, with the calls and without signatures that were issued elsewhere.

    Which providers refuse.
    """
    message, parts = HISTORIES[name]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    results = [ToolMessage("done", tool_call_id=call.id, name=call.name) for call in calls]
    assert (
        chat(provider, model=model)
        .bind_tools([f])
        .invoke([HumanMessage("hi"), message, *results, HumanMessage("go on")])
        .text
    )
    body = json.dumps(sandbox.requests[-1].body)
    assert not any(mark in body for mark in FOREIGN_MARKS)
    assert all(part.text in body for part in parts if isinstance(part, Text) and part.text.isalpha())
