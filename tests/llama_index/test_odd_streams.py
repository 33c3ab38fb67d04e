"""Streams in the forms that providers of chat completions are known to send, on every provider."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.tools import FunctionTool

from gemini_multi import GeminiMultiError
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

HI = [ChatMessage(content="Hi")]
SSE = {"content-type": "text/event-stream"}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = FunctionTool.from_defaults(add)


def delta(finish: str | None = None, **content: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


def piece(arguments: str, name: str | None = None, call_id: str | None = None, **extra: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **extra}


def plan(sandbox: Sandbox, provider: str, *chunks: dict[str, Any]) -> None:
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    sandbox.reply_raw(provider, headers=SSE, body="".join([*events, "data: [DONE]\n\n"]).encode())


ONE, TWO = '{"a": 1, "b": 2}', '{"a": 3, "b": 4}'
CALLS: dict[str, list[dict[str, Any]]] = {
    "two calls in one delta": [
        delta(tool_calls=[piece(ONE, "add", "c1", index=0), piece(TWO, "add", "c2", index=1)]),
    ],
    "two whole calls, all at index 0": [
        delta(tool_calls=[piece(ONE, "add", "c1", index=0)]),
        delta(tool_calls=[piece(TWO, "add", "c2", index=0)]),
    ],
    "no index at all": [
        delta(tool_calls=[piece(ONE, "add", "c1")]),
        delta(tool_calls=[piece(TWO, "add", "c2")]),
    ],
    "in pieces, the id repeated in each": [
        delta(tool_calls=[piece(ONE[:5], "add", "c1", index=0)]),
        delta(tool_calls=[piece(ONE[5:], None, "c1", index=0)]),
        delta(tool_calls=[piece(TWO[:5], "add", "c2", index=1)]),
        delta(tool_calls=[piece(TWO[5:], "", "c2", index=1)]),
    ],
    "in pieces by turns": [
        delta(tool_calls=[piece("", "add", "c1", index=0), piece("", "add", "c2", index=1)]),
        delta(tool_calls=[piece(ONE[:5], index=0), piece(TWO[:5], index=1)]),
        delta(tool_calls=[piece(ONE[5:], index=0), piece(TWO[5:], index=1)]),
    ],
    "text before, between and after": [
        delta(content="a"),
        delta(tool_calls=[piece(ONE, "add", "c1", index=0)], content="b"),
        delta(tool_calls=[piece(TWO, "add", "c2", index=1)]),
        delta(content="c"),
    ],
}


def arguments_in(llm: GeminiMulti, response: ChatResponse) -> dict[str, dict[str, Any]]:
    found = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return {call.tool_id: call.tool_kwargs for call in found}


@pytest.mark.parametrize("chunks", CALLS.values(), ids=CALLS)
def test_two_streamed_calls_are_two(
    chunks: list[dict[str, Any]], llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """Whatever tells them apart: index, id or order. Their ids are the provider's, and no text is lost."""
    plan(sandbox, provider, *chunks, delta("tool_calls"))
    said = list(llm.stream_chat_with_tools([ADD], "Add", allow_parallel_tool_calls=True))
    assert arguments_in(llm, said[-1]) == {"c1": {"a": 1, "b": 2}, "c2": {"a": 3, "b": 4}}
    told = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert "".join(str(each.delta) for each in said) == (said[-1].message.content or "") == told


def test_calls_without_ids_get_different_ones(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """Two calls of one function stay apart."""
    plan(sandbox, provider, delta(tool_calls=[piece(ONE, "add", index=0), piece(TWO, "add", index=1)]), STOP)
    last = list(llm.stream_chat_with_tools([ADD], "Add", allow_parallel_tool_calls=True))[-1]
    assert list(arguments_in(llm, last).values()) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_streamed_call_is_nothing_but_a_call(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """No empty text beside it and nothing in `additional_kwargs`: other integrations would send both wrongly."""
    plan(sandbox, provider, delta(content=""), delta(tool_calls=[piece(ONE, "add", "c1", index=0)]), STOP)
    message = list(llm.stream_chat_with_tools([ADD], "Add"))[-1].message
    kinds = [block.block_type for block in message.blocks if not isinstance(block, ThinkingBlock)]
    assert (kinds, message.additional_kwargs) == (["tool_call"], {})


def test_equal_chunks_are_text(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """Three hundred of them are an answer, not a fault."""
    plan(sandbox, provider, *[delta(content="la ")] * 300, STOP)
    said = list(llm.stream_chat(HI))
    assert said[-1].message.content == "la " * 300
    assert [each.message.content for each in said[:3]] == ["la ", "la la ", "la la la "]


@pytest.mark.parametrize(
    "empty",
    [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None, "tool_calls": None}}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": []},
        {"choices": None},
        {"usage": None},
    ],
)
def test_empty_chunks_do_no_harm(empty: dict[str, Any], llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """Deltas are texts, also where the provider sends null or nothing."""
    plan(sandbox, provider, empty, delta(content="Hi"), empty, STOP, empty)
    said = list(llm.stream_chat(HI))
    assert all(isinstance(each.delta, str) for each in said)
    assert said[-1].message.content == "Hi"
    assert len(sandbox.requests) == 1


def test_stream_that_says_nothing_is_asked_again(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """An agent would end with an empty answer, silently."""
    plan(sandbox, provider, STOP)
    said = list(llm.stream_chat(HI))
    assert "Gemini sandbox" in str(said[-1].message.content)
    assert len(sandbox.requests) == 2


def test_stream_that_keeps_saying_nothing_moves_on(sandbox: Sandbox) -> None:
    """The next provider answers."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], max_retries=1)
    for _ in range(2):
        plan(sandbox, "oxen", STOP)
    last = list(llm.stream_chat(HI))[-1]
    assert [request.provider for request in sandbox.requests] == ["oxen", "oxen", "aimlapi"]
    assert last.additional_kwargs["provider"] == "aimlapi"


@pytest.mark.parametrize("fault", ["error_in_200", "choices_null", "choices_empty", "not_json", "html", "empty"])
def test_answer_that_is_none_is_an_error_of_its_own(fault: str, make: Any, sandbox: Sandbox, provider: str) -> None:
    """Not a `TypeError` or an `IndexError`, and it names the provider."""
    sandbox.fail(provider, fault=fault)
    with pytest.raises(GeminiMultiError) as caught:
        make(max_retries=0).chat(HI)
    assert caught.value.provider == provider


@pytest.mark.parametrize("fault", ["error_in_200", "not_json", "html", "empty"])
def test_stream_that_is_none_is_an_error_of_its_own(fault: str, make: Any, sandbox: Sandbox, provider: str) -> None:
    """It does not end as if the answer had been empty."""
    sandbox.fail(provider, fault=fault)
    with pytest.raises(GeminiMultiError) as caught:
        list(make(max_retries=0).stream_chat(HI))
    assert caught.value.provider == provider


def test_cut_off_stream_keeps_its_text(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """An answer that ran into its limit is an answer, with the reason in the last chunk."""
    plan(sandbox, provider, delta(content="Half an ans"), delta("length"))
    last = list(llm.stream_chat(HI))[-1]
    assert (last.message.content, last.additional_kwargs["finish_reason"]) == ("Half an ans", "length")


def test_usage_of_nulls_does_not_break_counting(make: Any, sandbox: Sandbox, provider: str) -> None:
    """LlamaIndex's token counter fails the whole call for anything but integers."""
    counter = TokenCountingHandler()
    llm = make(callback_manager=CallbackManager([counter]))
    plan(sandbox, provider, delta(content="Hi"), {**STOP, "usage": {"prompt_tokens": 7, "completion_tokens": None}})
    last = list(llm.stream_chat(HI))[-1]
    assert (last.message.content, counter.prompt_llm_token_count) == ("Hi", 7)


async def test_thoughts_are_streamed_to_async_callers(llm: GeminiMulti, sandbox: Sandbox, provider: str) -> None:
    """A thinking block and a text that is not empty, and thinking deltas apart from deltas."""
    plan(sandbox, provider, delta(reasoning_content="Hm"), delta(content="Hi"), STOP)
    said = [each async for each in await llm.astream_chat(HI)]
    deltas = [(each.delta, each.additional_kwargs.get("thinking_delta")) for each in said]
    assert deltas == [("", "Hm"), ("Hi", None), ("", None)]
    assert [block.block_type for block in said[-1].message.blocks] == ["thinking", "text"]


def test_reasoning_in_one_piece_is_thinking(sandbox: Sandbox) -> None:
    """The same in an answer that is not streamed, and without reasoning there is no thinking block."""
    llm = GeminiMulti(model="gemini-2.5-flash", providers="oxen")
    for told, expected in (({"reasoning": "Hm"}, ["thinking", "text"]), ({}, ["text"])):
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi", **told}, "finish_reason": "stop"}
        body = json.dumps({"choices": [choice]}).encode()
        sandbox.reply_raw("oxen", headers={"content-type": "application/json"}, body=body)
        assert [block.block_type for block in llm.chat(HI).message.blocks] == expected
