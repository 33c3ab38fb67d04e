"""Answers as gateways really write them, read through LangChain: whole and streamed, blocking and not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from gemini_multi import PromptBlocked
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti


def glob(path: str = "") -> str:
    """List files."""
    return path


def call(arguments: str, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "glob", "arguments": arguments}, **more}


def said(finish: str, **message: Any) -> tuple[dict[str, Any], str]:
    return {"role": "assistant", "content": None, **message}, finish


async def asked(sandbox: Sandbox, message: dict[str, Any], finish: str, *, stream: bool, is_async: bool) -> AIMessage:
    """Let Oxen give one answer, and return what the model makes of it."""
    choice = {"index": 0, "delta" if stream else "message": message, "finish_reason": finish}
    document = json.dumps({"id": "1", "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 0}})
    body = f"data: {document}\n\ndata: [DONE]\n\n" if stream else document
    for _ in range(2):  # a malformed answer is asked for once more
        sandbox.reply_raw("oxen", body=body.encode(), headers={"content-type": "text/event-stream"} if stream else {})
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen").bind_tools([glob])
    if not stream:
        answer = await model.ainvoke("hi") if is_async else model.invoke("hi")
    else:
        chunks = [chunk async for chunk in model.astream("hi")] if is_async else list(model.stream("hi"))
        answer = sum(chunks[1:], chunks[0])  # type: ignore[arg-type]  # chunks add up
    assert isinstance(answer, AIMessage)
    return answer


WAYS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
FORMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CALLS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "control characters": ('{"path":"a\nb"}', [{"path": "a\nb"}]),
    "glued": ('{"path":"a"}{"path":"b"}', [{"path": "a"}, {"path": "b"}]),
    "null": ("null", [{}]),
    "white space": (" \n", [{}]),
    "JSON in JSON": ('"{\\"path\\":\\"a\\"}"', [{"path": "a"}]),
    "null for what may be left out": ('{"path":null}', [{}]),
}


@WAYS
@FORMS
@pytest.mark.parametrize("name", CALLS)
async def test_calls_that_can_be_read_are_calls(sandbox: Sandbox, name: str, stream: bool, is_async: bool) -> None:
    """Each with its arguments and an id of its own; they go back as single calls of strict JSON."""
    arguments, expected = CALLS[name]
    message, finish = said("tool_calls", tool_calls=[call(arguments)])
    answer = await asked(sandbox, message, finish, stream=stream, is_async=is_async)

    assert [found["args"] for found in answer.tool_calls] == expected
    assert answer.invalid_tool_calls == []
    ids = [found["id"] for found in answer.tool_calls]
    assert len(set(ids)) == len(expected)
    sandbox.clear()
    history = [HumanMessage("hi"), answer, *(ToolMessage("x", tool_call_id=each) for each in ids)]
    ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen").bind_tools([glob]).invoke(history)
    turn = sandbox.requests[-1].body["messages"][1]["tool_calls"]
    assert [json.loads(each["function"]["arguments"]) for each in turn] == expected


@WAYS
@FORMS
@pytest.mark.parametrize("arguments", ['{"path":"a.t', '{"path": NaN}', "path=a", '{"path":}'])
async def test_calls_that_cannot_be_read_are_invalid(
    sandbox: Sandbox, arguments: str, stream: bool, is_async: bool
) -> None:
    """They are never among the calls that an agent runs, and their text is kept."""
    message, finish = said("length", tool_calls=[call(arguments)])
    answer = await asked(sandbox, message, finish, stream=stream, is_async=is_async)

    assert answer.tool_calls == []
    (found,) = answer.invalid_tool_calls
    # LangChain reads what a stream adds up to once more, and leniently: a mark at the end keeps it from doing so.
    assert (found["args"] or "").startswith(arguments)


@WAYS
@FORMS
async def test_a_refused_prompt_is_an_error(sandbox: Sandbox, stream: bool, is_async: bool) -> None:
    """Nothing was said, and nothing counted."""
    message, finish = said("content_filter")
    with pytest.raises(PromptBlocked):
        await asked(sandbox, message, finish, stream=stream, is_async=is_async)
