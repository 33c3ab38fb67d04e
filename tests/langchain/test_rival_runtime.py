"""How other integrations fail around the request itself: loops, threads, waits, errors, settings, streams."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from langchain_core import exceptions
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from gemini_multi import (
    BadRequest,
    Cloudflare,
    ContextOverflow,
    PromptBlocked,
    RateLimited,
    SettingIgnoredWarning,
    Timeouts,
    UnsupportedFeature,
)
from gemini_multi.sandbox import Sandbox

from .answers import (
    CHAT_PROVIDERS,
    PROVIDERS,
    call,
    chat,
    completion,
    event,
    events,
    generated,
    get_weather,
    merged,
    native_events,
    replied,
    sent,
)

everywhere = pytest.mark.parametrize("provider", PROVIDERS)
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


class NoThreads(ThreadPoolExecutor):
    """Runs nothing."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a thread was asked for")


@everywhere
def test_awaiting_takes_no_thread(sandbox: Sandbox, provider: str) -> None:
    """`ainvoke`, `abatch`, `astream` and typed events are asynchronous themselves, not blocking ones in a thread."""

    async def ask() -> list[Any]:
        model: Any = chat(provider)
        await model.ainvoke("hi")  # certificates are files, so the first connection reads them in a thread
        asyncio.get_running_loop().set_default_executor(NoThreads())
        pieces = [piece async for piece in model.astream("hi")]
        typed = await (await model.astream_events("hi", version="v3")).output
        return [await model.ainvoke("hi"), *await model.abatch(["hi", "hi"]), merged(pieces), typed]

    assert len({message.text for message in asyncio.run(ask())}) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@everywhere
def test_model_outlives_its_event_loops(sandbox: Sandbox, provider: str, stream: bool) -> None:
    """One model in three `asyncio.run` after one another, with a blocking call in between."""
    model = chat(provider)

    async def ask() -> str:
        if stream:
            return "".join([piece.text async for piece in model.astream("hi")])
        return (await model.ainvoke("hi")).text

    texts = {asyncio.run(ask()), model.invoke("hi").text, asyncio.run(ask()), asyncio.run(ask())}
    assert len(texts) == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@everywhere
def test_used_model_is_pickled_and_copied(sandbox: Sandbox, provider: str, copied: Any) -> None:
    """Also with tools bound, and by both kinds of call before."""
    model = chat(provider).bind_tools([get_weather])
    model.invoke("hi")
    asyncio.run(model.ainvoke("hi"))
    assert copied(model).invoke("Use get_weather for Paris.").tool_calls


@everywhere
def test_model_is_chosen_for_a_call(sandbox: Sandbox, provider: str) -> None:
    """`model=` of a call is neither refused nor ignored, in streams too."""
    model = chat(provider, model="gemini-2.5-flash-lite")
    asked = [model.invoke("hi", model="gemini-3-flash"), merged(model.stream("hi", model="gemini-3-flash"))]
    assert all("gemini-3-flash" in message.response_metadata["model_name"] for message in asked)


def waits_of(**options: Any) -> Any:
    """Say which waits the transport is told."""
    told: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.extensions["timeout"])
        return httpx.Response(200, content=completion({"content": "x"}))

    with httpx.Client(transport=httpx.MockTransport(answer)) as own:
        chat("oxen", http_client=own, **options).invoke("hi")
    return told[0]


@pytest.mark.parametrize("options", [{}, {"timeout": None}, {"timeout": None, "deadline": None}], ids=str)
def test_waits_end_by_themselves(sandbox: Sandbox, options: dict[str, Any]) -> None:
    """Without any setting, and with `None`, every wait has a limit."""
    waits = waits_of(**options)
    assert all(0 < waits[name] < 3600 for name in ("connect", "read", "write"))


def test_timeout_reaches_the_transport(sandbox: Sandbox) -> None:
    """It is not ignored."""
    waits = waits_of(timeout=Timeouts(connect=1.0, read=2.0, write=3.0))
    assert (waits["connect"], waits["read"], waits["write"]) == (1.0, 2.0, 3.0)


def test_silence_within_a_stream_is_noticed(sandbox: Sandbox) -> None:
    """A provider that stops sending is left, and the error holds what had arrived."""
    sandbox.fail("oxen", fault="stall", after=3)
    with pytest.raises(exceptions.ModelConnectionError) as caught:
        list(chat("oxen", timeout=0.2).stream("Tell me a long story."))
    assert caught.value.partial.text  # type: ignore[attr-defined]


async def test_no_answer_is_a_timeout_of_langchains(sandbox: Sandbox) -> None:
    """`ModelTimeoutError` for silence, `ModelConnectionError` for nobody there; both are worth a retry."""
    sandbox.fail("oxen", fault="stall", after=0)
    with pytest.raises(exceptions.ModelTimeoutError) as silent:
        await chat("oxen", timeout=0.2).ainvoke("hi")
    with pytest.raises(exceptions.ModelConnectionError) as nobody:
        await chat("oxen", api_key="k", base_url="http://127.0.0.1:9").ainvoke("hi")
    assert (silent.value.is_retryable, nobody.value.is_retryable) == (True, True)


TOO_LONG = "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."
OVERFLOW: dict[str, Any] = {
    "cloudflare": {"success": False, "error": [{"code": 7003, "message": TOO_LONG}]},
    "aimlapi": {"error": {"message": TOO_LONG}},
    "oxen": {"error": {"message": TOO_LONG}},
}


@everywhere
def test_too_long_a_prompt_has_its_own_error(sandbox: Sandbox, provider: str) -> None:
    """Summarization middlewares wait for `ContextOverflowError`."""
    sandbox.fail(provider, status=400, body=json.dumps(OVERFLOW[provider]))
    with pytest.raises(exceptions.ContextOverflowError) as caught:
        chat(provider).invoke("hi")
    assert isinstance(caught.value, ContextOverflow)


def test_delay_in_the_body_of_an_error_is_read(sandbox: Sandbox) -> None:
    """Google names it in the body, not in a header."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    error = {"code": 429, "message": "Resource has been exhausted.", "status": "RESOURCE_EXHAUSTED", "details": [info]}
    sandbox.fail("cloudflare", status=429, body=json.dumps({"error": error}))
    with pytest.raises(RateLimited) as caught:
        chat(Cloudflare(api="google_ai_studio")).invoke("hi")
    assert caught.value.retry_after == 34.5


def test_mistake_of_the_caller_is_not_tried_elsewhere(sandbox: Sandbox) -> None:
    """Unlike LangChain's fallbacks, the model does not ask the next provider what every provider must refuse."""
    sandbox.fail("oxen", status=400)
    with pytest.raises(BadRequest):
        chat(["oxen", "aimlapi"]).invoke("hi")
    assert [request.provider for request in sandbox.requests] == ["oxen"]


BEGUN: dict[str, bytes] = {
    "nothing": b"",
    "a comment": b": OPENROUTER PROCESSING\n\n",
    "a role": event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}]),
    "an error": event(error={"code": 503, "message": "overloaded"}),
}


@pytest.mark.parametrize("begun", BEGUN)
async def test_stream_moves_on_until_it_has_content(sandbox: Sandbox, begun: str) -> None:
    """A provider that began without saying anything is replaced by the next, and tools stay bound."""
    model = chat(["oxen", "aimlapi"]).bind_tools([get_weather])
    for wait in (False, True):
        sandbox.reply_raw("oxen", headers={"content-type": "text/event-stream"}, body=BEGUN[begun])
        asked = "Use get_weather for Paris."
        pieces = [one async for one in model.astream(asked)] if wait else list(model.stream(asked))
        message = merged(pieces)
        assert (message.response_metadata["provider"], message.tool_calls[0]["name"]) == ("aimlapi", "get_weather")


def test_failover_is_within_a_chat_model(sandbox: Sandbox) -> None:
    """It has a profile, which LangChain's fallbacks do not."""
    model = chat(["oxen", "aimlapi"])
    assert isinstance(model, BaseChatModel)
    assert model.profile is not None
    assert model.profile["tool_calling"] is True


STREAMED = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29} | {
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 12},
}


@everywhere
def test_stream_tells_the_details_of_usage(sandbox: Sandbox, provider: str) -> None:
    """Cached and reasoning tokens are told in streams as in whole answers."""
    replied(sandbox, provider, completion({"content": "hi"}, usage=STREAMED))
    replied(sandbox, provider, events({"content": "hi"}, usage=STREAMED))
    whole, stream = chat(provider).invoke("hi"), merged(chat(provider).stream("hi"))
    assert whole.usage_metadata == stream.usage_metadata
    assert stream.usage_metadata["input_token_details"] == {"cache_read": 4}
    assert stream.usage_metadata["output_token_details"] == {"reasoning": 12}


RATINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_feedback_on_the_prompt_is_told(sandbox: Sandbox, stream: bool) -> None:
    """In streams too, where it comes in a chunk of its own; a blocked prompt is an error with the ratings."""
    model = chat(Cloudflare(api="google_ai_studio"), model="gemini-2.5-flash")
    documents = [{"promptFeedback": {"safetyRatings": RATINGS}}, generated({"text": "hi"})]
    body = native_events(*documents) if stream else json.dumps({**documents[0], **documents[1]}).encode()
    replied(sandbox, "cloudflare", body)
    message = merged(model.stream("hi")) if stream else model.invoke("hi")
    assert message.response_metadata["prompt_feedback"] == {"safetyRatings": RATINGS}
    blocked = {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": RATINGS}}
    replied(sandbox, "cloudflare", native_events(blocked) if stream else json.dumps(blocked).encode())
    with pytest.raises(PromptBlocked) as caught:
        list(model.stream("hi")) if stream else model.invoke("hi")
    assert (caught.value.block_reason, list(caught.value.safety_ratings)) == ("SAFETY", RATINGS)


@everywhere
def test_answer_that_says_nothing_is_a_message(sandbox: Sandbox, provider: str) -> None:
    """Neither `IndexError` nor `No generations found in stream`."""
    replied(sandbox, provider, completion({"content": ""}))
    assert chat(provider).invoke("hi").text == ""
    replied(sandbox, provider, events({"role": "assistant", "content": ""}))
    assert merged(chat(provider).stream("hi")).text == ""


def test_other_candidates_of_a_stream_are_told(sandbox: Sandbox) -> None:
    """`n` in a stream: the first is streamed, the others are in the metadata at its end."""
    model = chat(Cloudflare(api="google_ai_studio"), model="gemini-2.5-flash", n=2)
    (other,) = merged(model.stream("hi")).response_metadata["alternatives"]
    assert other["content"][0]["type"] == "text"


def test_speech_is_given_as_it_came(sandbox: Sandbox) -> None:
    """A standard block with the provider's own media type: nothing is repackaged, nothing hides in the kwargs."""
    speech = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
    replied(sandbox, "cloudflare", json.dumps(generated(speech)).encode())
    message = chat("cloudflare", model="gemini-2.5-flash").invoke("hi")
    (block,) = message.content_blocks
    assert (block["type"], block["base64"]) == ("audio", "AAAA")  # type: ignore[typeddict-item]
    assert block["mime_type"] == "audio/L16;codec=pcm;rate=24000"  # type: ignore[typeddict-item]


def test_ids_and_headers_of_the_provider_are_kept(sandbox: Sandbox) -> None:
    """What a provider says beside the body is in the metadata."""
    replied(sandbox, "aimlapi", completion({"content": "hi"}), x_request_id="r-1")
    assert chat("aimlapi").invoke("hi").response_metadata["request_id"] == "r-1"


def test_setting_that_a_provider_refuses_is_left_out_aloud(sandbox: Sandbox) -> None:
    """AIMLAPI takes no seed of 0: a warning says that it is left out."""
    with pytest.warns(SettingIgnoredWarning, match="seed"):
        chat("aimlapi", seed=0).invoke("hi")
    assert "seed" not in sent(sandbox)


def test_setting_that_a_provider_lacks_is_no_surprise(sandbox: Sandbox) -> None:
    """It is neither sent under a made-up name nor dropped.

    The request moves to a provider that has it, or is refused.
    """
    with pytest.raises(UnsupportedFeature, match="top_k"):
        chat("oxen", top_k=3).invoke("hi")
    found = chat(["oxen", "cloudflare"], model="gemini-2.5-flash", top_k=3).invoke("hi")
    assert found.response_metadata["provider"] == "cloudflare"


@pytest.mark.parametrize("choice", ["any", "required", True, "get_weather"])
@everywhere
def test_forced_call_is_made(sandbox: Sandbox, provider: str, choice: Any) -> None:
    """Every spelling of a forced call forces it."""
    found = chat(provider).bind_tools([get_weather], tool_choice=choice).invoke("hi")
    assert [one["name"] for one in found.tool_calls] == ["get_weather"]


MEDIA = {
    "image": ("image/png", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1Pe"),
    "audio": ("audio/wav", "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="),
    "video": ("video/mp4", "AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29t"),
    "file": ("application/pdf", "JVBERi0xLjQK"),
}


@pytest.mark.parametrize("kind", MEDIA)
@everywhere
def test_media_reach_the_provider(sandbox: Sandbox, provider: str, kind: str) -> None:
    """Images, audio, video and documents go to each provider that takes them for the model."""
    mime_type, data = MEDIA[kind]
    model = chat(provider, model="gemini-3.5-flash-lite" if provider == "aimlapi" else "gemini-2.5-flash")
    block = {"type": kind, "base64": data, "mime_type": mime_type}
    assert model.invoke([HumanMessage([{"type": "text", "text": "What is it?"}, block])]).text  # type: ignore[list-item]
    assert data in json.dumps(sent(sandbox))


@pytest.mark.parametrize("strange", [{"system_fingerprint": None}, {"usage": None, "x": 1}, {"created": "now"}])
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_fields_may_be_missing_or_strange(sandbox: Sandbox, provider: str, strange: dict[str, Any]) -> None:
    """No field of a chunk but the content is relied on."""
    pieces = b"".join(event(choices=[{"delta": {"content": text}}], **strange) for text in "ab")
    body = pieces + event(choices=[{"delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n"
    replied(sandbox, provider, body)
    assert merged(chat(provider).stream("hi")).text == "ab"


OFFLINE = """
import socket
def refuse(*_, **__):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM
model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", api_key="k")
model.get_num_tokens("hello"), model.profile, model.bind_tools([]), repr(model)
"""


def test_importing_and_building_asks_nobody() -> None:
    """No price map, tokenizer or list of models is downloaded."""
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@everywhere
def test_calls_stay_apart_in_a_stream_beside_thoughts(sandbox: Sandbox, provider: str) -> None:
    """Thoughts, text and two calls come out of a stream in content blocks as they went in."""
    deltas = [
        {"reasoning_content": "hm"},
        {"content": "Let me see"},
        {"tool_calls": [call("get_weather", '{"city": "Rome"}', id="c1")]},
        {"tool_calls": [call("get_weather", '{"city": "Bonn"}', id="c2")]},
    ]
    replied(sandbox, provider, events(*deltas))
    blocks = merged(chat(provider, output_version="v1").bind_tools([get_weather]).stream("hi")).content_blocks
    assert [block["type"] for block in blocks] == ["reasoning", "text", "tool_call", "tool_call"]
