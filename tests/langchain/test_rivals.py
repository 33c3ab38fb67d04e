"""What other integrations of hosted Gemini models get wrong, each shown right at LangChain's own endpoints.

The defects were measured or reported of langchain-google-genai, -openai, -openrouter, -cloudflare, -litellm and
-aimlapi. Here are those that a single answer or stream shows. Conversations are in `test_rival_histories.py`, schemas
and structured output in `test_rival_schemas.py`, loops, waits, errors and settings in `test_rival_runtime.py`.
Refusals, typed events, token counts and agents have files of their own.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core import exceptions
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from gemini_multi import ConfigurationError, InvalidResponse, QuotaExhausted, StreamInterrupted
from gemini_multi.sandbox import Answer, Sandbox

from .answers import CHAT_PROVIDERS, PROVIDERS, call, chat, completion, events, get_weather, merged, replied


def test_no_key_is_an_error_and_no_invented_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing answers in a provider's place."""
    for name in ("AIMLAPI_API_KEY", "OXEN_API_KEY", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError):
        chat("aimlapi")


USAGES: dict[str, tuple[dict[str, Any], tuple[int, int, int]]] = {
    "thoughts beside the output": (
        {"prompt_tokens": 9, "completion_tokens": 572, "total_tokens": 1532}
        | {"completion_tokens_details": {"reasoning_tokens": 951}},
        (9, 1523, 1532),
    ),
    "thoughts in the output": (
        {"prompt_tokens": 6, "completion_tokens": 3360, "total_tokens": 3366}
        | {"completion_tokens_details": {"reasoning_tokens": 1399}},
        (6, 3360, 3366),
    ),
}


@pytest.mark.parametrize("name", USAGES)
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_usage_adds_up(sandbox: Sandbox, provider: str, name: str) -> None:
    """Whichever way a provider counts thoughts, output includes them and the total is the sum."""
    usage, expected = USAGES[name]
    replied(sandbox, provider, completion({"content": "hi"}, usage=usage))
    found: Any = chat(provider).invoke("hi").usage_metadata
    assert (found["input_tokens"], found["output_tokens"], found["total_tokens"]) == expected
    assert found["output_token_details"]["reasoning"] == usage["completion_tokens_details"]["reasoning_tokens"]


def test_nothing_beside_the_answer_is_lost(sandbox: Sandbox) -> None:
    """What the provider charged, its signature and its own fields are in the message."""
    body = completion(
        {"content": "hi", "extra_content": {"google": {"thought_signature": "c2ln"}}},
        meta={"usage": {"credits_used": 11892, "usd_spent": 0.005946}},
        usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    )
    replied(sandbox, "aimlapi", body)
    message = chat("aimlapi").invoke("hi")
    facts = message.response_metadata
    assert (facts["cost_usd"], facts["cost_source"]) == (0.005946, "host")
    assert "11892" in json.dumps(facts["provider_metadata"])
    assert "c2ln" in json.dumps(message.additional_kwargs)


def test_reasoning_details_are_kept_and_sent_back(sandbox: Sandbox) -> None:
    """Signatures in OpenRouter's form go back in that form, and not on the call too."""
    details = [{"format": "google-gemini-v1", "index": 0, "type": "reasoning.encrypted", "data": "EjQK", "id": "c1"}]
    replied(
        sandbox,
        "oxen",
        completion({"content": None, "reasoning_details": details, "tool_calls": [call("get_weather", "{}", id="c1")]}),
    )
    model = chat("oxen").bind_tools([get_weather])
    message = model.invoke("hi")
    replied(sandbox, "oxen", completion({"content": "done"}))
    model.invoke([HumanMessage("hi"), message, ToolMessage("sunny", tool_call_id="c1")])
    sent: Any = sandbox.requests[-1].body
    assert sent["messages"][1]["reasoning_details"] == details
    assert "extra_content" not in sent["messages"][1]["tool_calls"][0]


DELTAS: dict[str, list[dict[str, Any]]] = {
    "no index": [{"tool_calls": [call("f", '{"x":1}', id="c1")]}, {"tool_calls": [call("g", '{"x":2}', id="c2")]}],
    "both index 0": [
        {"tool_calls": [call("f", '{"x":1}', id="c1", index=0)]},
        {"tool_calls": [call("g", '{"x":2}', id="c2", index=0)]},
    ],
    "both index 0, one function": [
        {"tool_calls": [call("f", '{"x":1}', id="c1", index=0)]},
        {"tool_calls": [call("f", '{"x":2}', id="c2", index=0)]},
    ],
    "in one delta without index": [
        {"tool_calls": [call("f", '{"x":1}', id="c1"), call("g", '{"x":2}', id="c2")]},
    ],
}


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("name", DELTAS)
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_parallel_calls_survive_a_stream(sandbox: Sandbox, provider: str, name: str, version: Any) -> None:
    """Two calls stay two, with names, ids and arguments of their own, also as content blocks beside text."""
    replied(sandbox, provider, events({"content": "Let me see"}, *DELTAS[name]))
    message = merged(chat(provider, output_version=version).stream("hi"))
    assert [(one["id"], one["args"]) for one in message.tool_calls] == [("c1", {"x": 1}), ("c2", {"x": 2})]
    assert [block["type"] for block in message.content_blocks] == ["text", "tool_call", "tool_call"]
    assert message.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_cut_stream_is_an_error(sandbox: Sandbox, provider: str) -> None:
    """Half an answer is never taken for a whole one."""
    replied(sandbox, provider, events({"content": "half"}, reason=None, done=False))
    with pytest.raises(StreamInterrupted) as caught:
        list(chat(provider).stream("hi"))
    assert caught.value.partial.text == "half"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_within_a_stream_is_an_error(sandbox: Sandbox, provider: str) -> None:
    """An error object among the events ends the stream as an error of LangChain's too."""
    sandbox.fail(provider, fault="error_in_stream")
    with pytest.raises(exceptions.ModelError):
        list(chat(provider).stream("Tell me a long story about a cat."))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["choices_empty", "choices_null", "error_in_200"])
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_answer_without_choices_is_typed(sandbox: Sandbox, provider: str, fault: str, stream: bool) -> None:
    """Neither an `IndexError` nor a `TypeError`; a stream with one odd chunk is read all the same."""
    sandbox.fail(provider, fault=fault)
    model = chat(provider)
    if stream and fault != "error_in_200":
        assert merged(model.stream("hi")).text
        return
    with pytest.raises((InvalidResponse, exceptions.ModelError)):
        list(model.stream("hi")) if stream else model.invoke("hi")


BROKE = {"aimlapi": (403, "You've run out of credits. Please top up your balance."), "oxen": (402, "Payment required")}


@pytest.mark.parametrize("provider", BROKE)
def test_being_out_of_credit_has_its_own_type(sandbox: Sandbox, provider: str) -> None:
    """It is told from a lacking permission, whatever status the provider gives it."""
    status, text = BROKE[provider]
    sandbox.fail(provider, status=status, body=json.dumps({"error": {"message": text}}))
    with pytest.raises(QuotaExhausted):
        chat(provider).invoke("hi")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream_tells_usage_unasked(sandbox: Sandbox, provider: str) -> None:
    """The request asks for it; one chunk has it."""
    chunks = list(chat(provider).stream("hi"))
    assert [chunk.usage_metadata is not None for chunk in chunks].count(True) == 1
    assert merged(chunks).usage_metadata["total_tokens"] > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_cumulative_usage_is_not_added_up(sandbox: Sandbox, provider: str) -> None:
    """A provider that repeats the usage so far on every chunk is understood."""
    piece = {"choices": [{"index": 0, "delta": {"content": "x"}}]}
    told = [{**piece, "usage": {"prompt_tokens": 10, "completion_tokens": count}} for count in (1, 2, 3)]
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told)
    replied(sandbox, provider, body + events(usage={"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}))
    usage = merged(chat(provider).stream("hi")).usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"]) == (10, 4)


@pytest.mark.parametrize("seed", [0, 7])
def test_falsy_settings_are_sent(sandbox: Sandbox, seed: int) -> None:
    """A zero is a setting."""
    chat("oxen", seed=seed, temperature=0).invoke("hi")
    sent: Any = sandbox.requests[-1].body
    assert (sent["seed"], sent["temperature"]) == (seed, 0)


def test_tokens_are_counted_without_the_network(sandbox: Sandbox) -> None:
    """Nothing is downloaded and nobody is asked."""
    assert chat("aimlapi").get_num_tokens_from_messages([HumanMessage("hello there")]) > 0
    assert sandbox.requests == []


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_as_many_as_were_asked_for(sandbox: Sandbox, retries: int) -> None:
    """`max_retries` is neither ignored nor multiplied."""
    sandbox.fail("oxen", status=503, times=9, retry_after=0)
    with pytest.raises(exceptions.ModelAPIError):
        chat("oxen", max_retries=retries).invoke("hi")
    assert len(sandbox.requests) == retries + 1


def test_model_can_be_serialized() -> None:
    """`dumpd` gives a constructor, not `not_implemented`."""
    assert dumpd(chat("oxen", api_key="k"))["type"] == "constructor"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_thousand_equal_pieces_are_no_loop(sandbox: Sandbox, provider: str) -> None:
    """Repetitive output is legitimate."""
    sandbox.script(None, [Answer("ha " * 3000)])
    assert merged(chat(provider).stream("hi")).text == "ha " * 3000


@pytest.mark.parametrize("provider", PROVIDERS)
def test_text_is_not_trimmed(sandbox: Sandbox, provider: str) -> None:
    """Whole answers and streams give the same text, line ends included."""
    sandbox.script(None, [Answer("a\n\n"), Answer("a\n\n")])
    assert [chat(provider).invoke("hi").text, merged(chat(provider).stream("hi")).text] == ["a\n\n"] * 2


@pytest.mark.parametrize("reason", ["SAFETY", "content_filter"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_filtered_answer_is_told(sandbox: Sandbox, provider: str, reason: str) -> None:
    """An answer without content, stopped for safety, is an answer with its reason, in streams too."""
    sandbox.script(None, [Answer("", finish_reason=reason)] * 2)
    for message in (chat(provider).invoke("hi"), merged(chat(provider).stream("hi"))):
        assert (message.text, message.response_metadata["finish_reason"]) == ("", "content_filter")


def test_blocked_prompt_is_an_error_that_says_why(sandbox: Sandbox) -> None:
    """No `IndexError` on missing candidates."""
    sandbox.script("cloudflare", [Answer(block_reason="PROHIBITED_CONTENT")])
    with pytest.raises(exceptions.ModelError, match="PROHIBITED_CONTENT"):
        chat("cloudflare").invoke("hi")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_image_address_is_passed_on_or_fetched_by_the_provider(sandbox: Sandbox, provider: str) -> None:
    """Addresses are not downloaded in the caller's process, let alone in its event loop."""
    image = {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png"}}
    assert asyncio.run(chat(provider).ainvoke([HumanMessage(["look", image])])).text
    assert "https://example.invalid/a.png" in json.dumps(sandbox.requests[-1].body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_json_of_a_tool_is_not_encoded_twice(sandbox: Sandbox, provider: str) -> None:
    """A tool's JSON arrives as it was."""
    asked = AIMessage("", tool_calls=[{"name": "get_weather", "args": {"city": "Rome"}, "id": "c1"}])
    result = ToolMessage('{"sky": "blue"}', tool_call_id="c1")
    chat(provider).bind_tools([get_weather]).invoke([HumanMessage("hi"), asked, result])
    assert '\\\\\\"sky' not in json.dumps(sandbox.requests[-1].body)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_one_call_at_a_time_is_enforced(sandbox: Sandbox, provider: str, stream: bool) -> None:
    """`parallel_tool_calls=False` holds although providers ignore it."""
    calls = [("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Bonn"})]
    sandbox.script(None, [Answer(tool_calls=calls)])
    model = chat(provider).bind_tools([get_weather], parallel_tool_calls=False)
    message = merged(model.stream("hi")) if stream else model.invoke("hi")
    assert [one["args"] for one in message.tool_calls] == [{"city": "Rome"}]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_arguments_stream_in_pieces(sandbox: Sandbox, provider: str) -> None:
    """Chunks of a call's arguments add up to the call; its name and id are in the first only."""
    sandbox.script(None, [Answer(tool_calls=[("get_weather", {"city": "Rome and all that is around it"})])])
    pieces = [
        piece for chunk in chat(provider).bind_tools([get_weather]).stream("hi") for piece in chunk.tool_call_chunks
    ]
    assert [piece["name"] for piece in pieces if piece["name"]] == ["get_weather"]
    assert len([piece for piece in pieces if piece["id"]]) == 1
    assert json.loads("".join(piece["args"] or "" for piece in pieces)) == {"city": "Rome and all that is around it"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_impossible_count_is_no_fact(sandbox: Sandbox, stream: bool) -> None:
    """A provider that says that the prompt had no tokens is not believed: no price and no sum is made of it."""
    usage = {"prompt_tokens": 0, "completion_tokens": 9, "total_tokens": 9}
    replied(
        sandbox,
        "aimlapi",
        events({"content": "hi"}, usage=usage) if stream else completion({"content": "hi"}, usage=usage),
    )
    model = chat("aimlapi", model="gemini-2.5-flash-lite")
    message = merged(model.stream("hi")) if stream else model.invoke("hi")
    assert (message.usage_metadata, "cost_usd" in message.response_metadata) == (None, False)
    assert message.response_metadata["token_usage"] == {"completion_tokens": 9}


GROUNDED = {
    "content": {"role": "model", "parts": [{"text": "It is sunny."}]},
    "finishReason": "STOP",
    "groundingMetadata": {
        "webSearchQueries": ["weather"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 12, "text": "It is sunny."}, "groundingChunkIndices": [0]}
        ],
    },
}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("way", ["whole", "stream", "typed"])
def test_search_gives_citations(sandbox: Sandbox, way: str) -> None:
    """A built-in tool is sent as such; its sources are annotations and its metadata is kept, however one asks."""
    body = json.dumps({"result": {"candidates": [GROUNDED]}, "success": True}).encode()
    replied(sandbox, "cloudflare", body)
    model: Any = chat("cloudflare", model="gemini-2.5-flash").bind_tools([{"google_search": {}}])
    ask = {
        "whole": lambda: model.invoke("Weather?"),
        "stream": lambda: merged(model.stream("Weather?")),
        "typed": lambda: model.stream_events("Weather?", version="v3").output,
    }[way]
    message = ask()
    (text,) = message.content_blocks
    assert (text["annotations"][0]["url"], text["annotations"][0]["end_index"]) == ("https://a.example", 12)
    assert message.response_metadata["grounding_metadata"]["webSearchQueries"] == ["weather"]
    assert "google_search" in json.dumps(sandbox.requests[-1].body).replace("googleSearch", "google_search")
