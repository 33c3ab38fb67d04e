"""Chat and completion on every provider: whole and in pieces, blocking and with `await`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from llama_index.core import PromptTemplate, Settings
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatMessage, CompletionResponse, ImageBlock, TextBlock, ThinkingBlock
from llama_index.core.output_parsers import PydanticOutputParser
from pydantic import BaseModel

from gemini_multi import (
    AllRoutesFailed,
    AuthenticationFailed,
    PromptBlocked,
    RateLimited,
    RetryPolicy,
    StreamInterrupted,
)
from gemini_multi.sandbox import Answer, Sandbox
from llama_index_gemini_multi import GeminiMulti

HI = [ChatMessage(content="Hi")]
SAID = "Hello from the Gemini sandbox — you said “Hi”."
NO_RETRY = RetryPolicy(max_retries=0)


def test_chat(llm: GeminiMulti, provider: str) -> None:
    """An answer with its text, its provider and the provider's count of tokens."""
    response = llm.chat(HI)
    assert response.message.content == SAID
    assert response.additional_kwargs["provider"] == response.raw["provider"] == provider
    usage = response.raw["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > 0


async def test_achat(llm: GeminiMulti) -> None:
    """The same with `await`."""
    assert (await llm.achat(HI)).message.content == SAID


def test_stream_chat(llm: GeminiMulti) -> None:
    """A real generator of growing messages whose deltas add up, with usage in the last chunk."""
    stream = llm.stream_chat(HI)
    assert isinstance(stream, Generator)
    chunks = list(stream)
    assert "".join(str(chunk.delta) for chunk in chunks) == chunks[-1].message.content == SAID
    assert all(isinstance(chunk.delta, str) and isinstance(chunk.message.content, str) for chunk in chunks)
    assert chunks[-1].raw["usage"]["total_tokens"] > 0


async def test_astream_chat(llm: GeminiMulti) -> None:
    """The same with `await`, which gives an async generator."""
    stream = await llm.astream_chat(HI)
    assert isinstance(stream, AsyncGenerator)
    chunks = [chunk async for chunk in stream]
    assert "".join(str(chunk.delta) for chunk in chunks) == chunks[-1].message.content == SAID


async def test_completions(llm: GeminiMulti) -> None:
    """All four give the same text; pieces hold the text so far."""
    whole = (llm.complete("Hi"), await llm.acomplete("Hi", formatted=True))
    pieces = (list(llm.stream_complete("Hi")), [piece async for piece in await llm.astream_complete("Hi")])
    assert {answer.text for answer in whole} == {SAID}
    assert ["".join(str(piece.delta) for piece in stream) for stream in pieces] == [SAID, SAID]
    assert [stream[-1].text for stream in pieces] == [SAID, SAID]
    assert all(answer.additional_kwargs["total_tokens"] > 0 for answer in (*whole, pieces[0][-1], pieces[1][-1]))


async def test_streamed_completions_are_generators(llm: GeminiMulti) -> None:
    """LlamaIndex's callbacks take anything else for a whole answer."""
    pieces, later = llm.stream_complete("Hi"), await llm.astream_complete("Hi")
    assert isinstance(pieces, Generator)
    assert isinstance(later, AsyncGenerator)
    assert [piece.text for piece in pieces][-1] == [piece.text async for piece in later][-1] == SAID


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
async def test_prompt_is_formatted_unless_it_is_already(make: Any, sandbox: Sandbox) -> None:
    """`completion_to_prompt` is for bare prompts."""
    llm = make(completion_to_prompt=lambda prompt: f"<{prompt}>")
    for given in ({}, {"formatted": True}):
        llm.complete("Hi", **given)
        await llm.acomplete("Hi", **given)
        list(llm.stream_complete("Hi", **given))
        _ = [piece async for piece in await llm.astream_complete("Hi", **given)]
    told = [request.body["messages"][0]["content"] for request in sandbox.requests]
    assert told == ["<Hi>"] * 4 + ["Hi"] * 4


async def test_predict_and_stream(make: Any, sandbox: Sandbox) -> None:
    """LlamaIndex's own entry points, which add the system prompt."""
    llm = make(system_prompt="Be brief.")
    prompt = PromptTemplate("{word}")
    assert llm.predict(prompt, word="Hi") == await llm.apredict(prompt, word="Hi") == SAID
    assert "".join(llm.stream(prompt, word="Hi")) == SAID
    assert "".join([piece async for piece in await llm.astream(prompt, word="Hi")]) == SAID
    assert all("Be brief." in str(request.body) for request in sandbox.requests)


async def test_output_parser_reads_predictions(make: Any, sandbox: Sandbox) -> None:
    """It adds its instructions to the question and reads the answer, as for every LlamaIndex model."""

    class City(BaseModel):
        name: str

    sandbox.script(None, [Answer('```json\n{"name": "Lisbon"}\n```')] * 2)
    llm = make(output_parser=PydanticOutputParser(City))
    prompt = PromptTemplate("Which city?")
    assert llm.predict(prompt) == await llm.apredict(prompt) == "name='Lisbon'"
    assert all("Which city?" in str(request.body) and "schema" in str(request.body) for request in sandbox.requests)


def test_chat_does_not_add_the_system_prompt(make: Any, sandbox: Sandbox) -> None:
    """LlamaIndex's engines add it themselves; twice would be wrong."""
    make(system_prompt="Be brief.").chat(HI)
    assert "Be brief." not in str(sandbox.requests[-1].body)


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_system_messages_are_joined(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Wherever they stand, the last one included, they are the system instruction."""
    told = [ChatMessage(role="system", content="One."), *HI, ChatMessage(role="system", content="Two.")]
    llm.chat(told)
    body = sandbox.requests[-1].body["input"] if "input" in sandbox.requests[-1].body else sandbox.requests[-1].body
    assert [part["text"] for part in body["systemInstruction"]["parts"]] == ["One.", "Two."]
    assert [turn["role"] for turn in body["contents"]] == ["user"]


def test_picture_is_seen(llm: GeminiMulti) -> None:
    """An image block reaches the model."""
    picture = ImageBlock(image=b"\x89PNG\r\n\x1a\n" + b"\x00" * 8, image_mimetype="image/png")
    content = llm.chat([ChatMessage(blocks=[TextBlock(text="Hi"), picture])]).message.content
    assert "I was shown" in str(content)


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_thoughts_are_beside_the_answer(make: Any) -> None:
    """Whole and streamed alike: a thinking block, a text without it, and thinking deltas."""
    llm = make(include_thoughts=True)
    chunks = list(llm.stream_chat(HI))
    for message in (llm.chat(HI).message, chunks[-1].message):
        assert isinstance(message.blocks[0], ThinkingBlock)
        assert str(message.blocks[0].content).startswith("**Sandbox thoughts**")
        assert message.content == SAID
    deltas = [chunk.additional_kwargs.get("thinking_delta") or "" for chunk in chunks]
    assert "".join(deltas) == chunks[-1].message.blocks[0].content


def test_cut_off_answer_keeps_its_text(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """An answer that ran into its limit is an answer, with the reason."""
    reason = {"cloudflare": "MAX_TOKENS"}.get(llm.provider_names[0], "length")
    sandbox.script(None, [Answer("Half an ans", finish_reason=reason)])
    response = llm.chat(HI)
    assert (response.message.content, response.additional_kwargs["finish_reason"]) == ("Half an ans", "length")


WAYS: dict[str, Callable[[GeminiMulti], Any]] = {
    "chat": lambda llm: llm.chat(HI),
    "complete": lambda llm: llm.complete("Hi"),
    "stream_chat": lambda llm: list(llm.stream_chat(HI))[-1],
    "stream_complete": lambda llm: list(llm.stream_complete("Hi"))[-1],
}


@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
def test_limit_that_went_to_thoughts_is_told(
    ask: Callable[[GeminiMulti], Any], llm: GeminiMulti, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is empty and says why; the log says what to do, for those who do not look."""
    reason = {"cloudflare": "MAX_TOKENS"}.get(llm.provider_names[0], "length")
    sandbox.script(None, [Answer(finish_reason=reason)])
    answer = ask(llm)
    text = answer.text if isinstance(answer, CompletionResponse) else answer.message.content or ""
    assert (text, answer.additional_kwargs["finish_reason"]) == ("", "length")
    (told,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert "came to its limit before it said anything" in told
    assert "Raise `max_tokens`" in told
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_blocked_prompt_is_an_error_of_its_own(make: Any, sandbox: Sandbox) -> None:
    """With the provider's reason, also in a stream."""
    sandbox.script(None, [Answer(block_reason="PROHIBITED_CONTENT")] * 2)
    llm = make(safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"})
    with pytest.raises(PromptBlocked) as caught:
        llm.chat(HI)
    assert caught.value.block_reason == "PROHIBITED_CONTENT"
    with pytest.raises(PromptBlocked):
        list(llm.stream_chat(HI))


def test_refused_key_is_an_error_of_its_own(make: Any, provider: str) -> None:
    """With the status and the provider; nothing of the key."""
    llm = make(api_key="a-wrong-one")
    with pytest.raises(AuthenticationFailed) as caught:
        llm.complete("Hi")
    assert (caught.value.status, caught.value.provider) == (401, provider)
    assert "a-wrong-one" not in str(caught.value)


def test_overload_is_retried_also_when_a_stream_opens(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """The caller sees one good answer, and how many requests it took."""
    for ask in (lambda: llm.chat(HI), lambda: list(llm.stream_chat(HI))[-1]):
        sandbox.fail(provider, status=503, retry_after=0.01)
        assert len(ask().additional_kwargs["attempts"]) == 2


async def test_next_provider_answers(sandbox: Sandbox) -> None:
    """When the first is out of quota, whole and streamed, blocking and with `await`."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], retry_policy=NO_RETRY)
    sandbox.fail("oxen", status=429, times=4)
    stream = [chunk async for chunk in await llm.astream_chat(HI)]
    answers = [llm.chat(HI), await llm.achat(HI), list(llm.stream_chat(HI))[-1], stream[-1]]
    assert [answer.additional_kwargs["provider"] for answer in answers] == ["aimlapi"] * 4
    assert [answer.message.content for answer in answers] == [SAID] * 4


def test_all_providers_failing_tells_each(sandbox: Sandbox) -> None:
    """The group holds one error per provider."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], retry_policy=NO_RETRY)
    for provider in ("oxen", "aimlapi"):
        sandbox.fail(provider, status=429)
    with pytest.raises(AllRoutesFailed) as caught:
        llm.chat(HI)
    assert [type(error) for error in caught.value.exceptions] == [RateLimited, RateLimited]


@pytest.mark.parametrize("provider", ["oxen", "aimlapi"], indirect=True)
def test_broken_stream_is_an_error(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """A cut answer is no answer; what had arrived is in the error, and was streamed."""
    sandbox.fail(provider, fault="cut", after=4)
    seen: list[str] = []
    with pytest.raises(StreamInterrupted) as caught:
        seen.extend(str(chunk.delta) for chunk in llm.stream_chat(HI))
    assert caught.value.partial.text.startswith("Hello")


def test_stream_is_not_sent_before_it_is_read(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """An unread stream costs nothing and leaves nothing open."""
    llm.stream_chat(HI)
    gc.collect()
    assert sandbox.requests == []


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
async def test_leaving_a_stream_early_closes_it(llm: GeminiMulti) -> None:
    """The connection is let go; the next call works."""
    for chunk in llm.stream_chat(HI):
        assert chunk.delta
        break
    stream = await llm.astream_chat(HI)
    async for chunk in stream:
        assert chunk.delta
        break
    await stream.aclose()
    assert (await llm.achat(HI)).message.content == llm.chat(HI).message.content == SAID


async def test_blocking_call_works_inside_a_loop(llm: GeminiMulti) -> None:
    """As in a notebook: nothing of it starts a loop."""
    assert llm.chat(HI).message.content == SAID
    assert list(llm.stream_chat(HI))[-1].message.content == SAID


def test_one_model_serves_many_loops(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Each loop has its own connections; every question is sent once."""
    for _ in range(3):
        assert asyncio.run(llm.achat(HI)).message.content == SAID
    assert len(sandbox.requests) == 3


def test_streams_run_in_many_loops_and_threads(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """LlamaIndex starts a loop in a thread wherever it is called without one."""

    async def stream() -> str:
        return "".join([str(chunk.delta) async for chunk in await llm.astream_chat(HI)])

    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: asyncio.run(stream()), range(8)), asyncio.run(stream()), asyncio.run(stream())]
    assert answers == [SAID] * 10
    assert len(sandbox.requests) == 10


async def test_many_questions_at_once(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """Concurrent calls get their own answers."""
    asked = [f"Question {number}" for number in range(8)]
    answers = await asyncio.gather(*(llm.acomplete(question) for question in asked))
    assert all(question in answer.text for question, answer in zip(asked, answers, strict=True))
    assert len(sandbox.requests) == 8


def test_settings_take_the_model(llm: GeminiMulti) -> None:
    """`Settings.llm` assigns callbacks to the model; it goes on working."""
    before = Settings._llm
    try:
        Settings.llm = llm
        assert Settings.llm.complete("Hi").text == SAID
    finally:
        Settings._llm = before


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
async def test_own_http_clients_are_used(make: Any) -> None:
    """The caller's clients carry the requests, with their hooks."""
    seen: list[str] = []

    async def note(request: httpx.Request) -> None:
        seen.append("async")

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as asynchronous:
        with httpx.Client(event_hooks={"request": [lambda _: seen.append("sync")]}) as blocking:
            llm = make(http_client=blocking, http_async_client=asynchronous)
            llm.complete("Hi")
            await llm.acomplete("Hi")
    assert seen == ["sync", "async"]


@pytest.mark.skipif("rate_limiter" not in BaseLLM.model_fields, reason="this core has no rate limiters")
@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_rate_limiter_is_asked(make: Any) -> None:
    """LlamaIndex's limiter is asked once per call."""
    asked: list[int] = []

    class Limiter:
        def acquire(self) -> None:
            asked.append(1)

    llm = make(rate_limiter=Limiter())
    llm.complete("Hi")
    list(llm.stream_chat(HI))
    assert asked == [1, 1]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_of_chat_completions_is_thinking(field: str, sandbox: Sandbox) -> None:
    """By either name, whole and streamed: one thinking block, and its pieces as thinking deltas."""
    deltas = [{field: "H"}, {field: "m"}, {"content": "Hi"}]
    chunks_told = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks_told.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks_told]
    body = "".join([*events, "data: [DONE]\n\n"]).encode()
    sandbox.reply_raw("oxen", headers={"content-type": "text/event-stream"}, body=body)
    chunks = list(GeminiMulti(model="gemini-2.5-flash", providers="oxen").stream_chat(HI))
    assert [chunk.additional_kwargs.get("thinking_delta") for chunk in chunks[:3]] == ["H", "m", None]
    assert [block.block_type for block in chunks[-1].message.blocks] == ["thinking", "text"]
    assert (chunks[-1].message.blocks[0].content, chunks[-1].message.content) == ("Hm", "Hi")


def test_usage_after_the_last_content_is_counted(sandbox: Sandbox) -> None:
    """Providers send it in a chunk of its own, after the reason."""
    body = (
        b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":73}}\n\ndata: [DONE]\n\n'
    )
    sandbox.reply_raw("oxen", headers={"content-type": "text/event-stream"}, body=body)
    last = list(GeminiMulti(model="gemini-2.5-flash", providers="oxen").stream_chat(HI))[-1]
    assert (last.raw["usage"]["prompt_tokens"], last.raw["usage"]["completion_tokens"]) == (9, 64)
