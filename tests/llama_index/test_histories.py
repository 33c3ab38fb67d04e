"""Histories as agents and other integrations leave them, as they go over the wire and come back."""

from __future__ import annotations

import base64
import copy
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ContentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
DATA = base64.b64encode(PNG).decode()


def call(call_id: str, number: int) -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=call_id, tool_name="add", tool_kwargs={"a": number})


def result(call_id: str, *blocks: ContentBlock) -> ChatMessage:
    return ChatMessage(role="tool", blocks=list(blocks), additional_kwargs={"tool_call_id": call_id})


THREE_CALLS = [
    ChatMessage(role="developer", content="Be brief."),
    ChatMessage(content="Hi"),
    ChatMessage(content="Add."),
    ChatMessage(
        role="assistant",
        blocks=[ThinkingBlock(content="Hm"), TextBlock(text="Let me."), call("c1", 1), call("c2", 2), call("c3", 3)],
    ),
    result("c2", TextBlock(text="two")),
    result("c1", TextBlock(text="one"), ImageBlock(image=PNG)),
    result("c3", ImageBlock(image=PNG)),
]


@pytest.fixture
def native(sandbox: Sandbox) -> GeminiMulti:
    """A model that is asked natively and takes pictures in the results of functions."""
    return GeminiMulti(model="gemini-3-flash-preview", providers="cloudflare")


def test_parallel_calls_are_one_turn_and_so_are_their_results(native: GeminiMulti, sandbox: Sandbox) -> None:
    """In the order of the calls, each picture with its own result, and none where there was only text."""
    native.chat(THREE_CALLS)
    picture = {"inlineData": {"mimeType": "image/png", "data": DATA, "displayName": "add_1"}}
    calls = [{"functionCall": {"name": "add", "args": {"a": number}}} for number in (1, 2, 3)]
    results = [{"name": "add", "response": {"output": text}} for text in ("one", "two", "")]
    results[0]["parts"] = results[2]["parts"] = [picture]
    signed = {**calls[0], "thoughtSignature": "skip_thought_signature_validator"}
    assert sandbox.requests[-1].body["input"]["contents"][-2:] == [
        {"role": "model", "parts": [{"text": "Let me."}, signed, *calls[1:]]},
        {"role": "user", "parts": [{"functionResponse": each} for each in results]},
    ]


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_calls_keep_their_text_and_thoughts_stay_away(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """In chat completions: arguments as JSON text, the text beside the calls, no thinking, one message per result."""
    llm.chat(THREE_CALLS[:5])
    functions = [{"name": "add", "arguments": f'{{"a":{number}}}'} for number in (1, 2, 3)]
    calls = [
        {"id": f"c{number}", "type": "function", "function": each} for number, each in enumerate(functions, start=1)
    ]
    told = sandbox.requests[-1].body["messages"]
    assert told[:4] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": "Let me.", "tool_calls": calls},
    ]
    assert [(each["role"], each["tool_call_id"]) for each in told[4:]] == [
        ("tool", "c1"),
        ("tool", "c2"),
        ("tool", "c3"),
    ]
    assert told[5]["content"] == "two"


@pytest.mark.parametrize("provider", ["aimlapi"], indirect=True)
def test_blocks_of_a_question_stay_in_order(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """With the detail of a picture, and an address as it is."""
    blocks = [
        TextBlock(text="Compare"),
        ImageBlock(image=PNG, detail="low"),
        ImageBlock(url="https://a.example/b.png"),
        TextBlock(text="please"),
    ]
    llm.chat([ChatMessage(blocks=blocks)])
    assert sandbox.requests[-1].body["messages"][0]["content"] == [
        {"type": "text", "text": "Compare"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
        {"type": "text", "text": "please"},
    ]


OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
LITELLM_CALL = SimpleNamespace(id="c1", type="function", function=SimpleNamespace(name="add", arguments='{"a": 1}'))
ANSWERS: dict[str, ChatMessage] = {
    "OpenAI": ChatMessage(
        role="assistant",
        blocks=[ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a": 1}')],
        additional_kwargs={"tool_calls": [OPENAI_CALL]},
    ),
    "OpenAI, as older versions stored it": ChatMessage(
        role="assistant", content="", additional_kwargs={"tool_calls": [OPENAI_CALL]}
    ),
    "google-genai": ChatMessage(
        role="assistant",
        blocks=[ThinkingBlock(content="Hm"), call("c1", 1)],
        additional_kwargs={"thought_signatures": [None, b"\x01\x02\xff"]},
    ),
    "Anthropic": ChatMessage(
        role="assistant",
        blocks=[ThinkingBlock(content="Hm", additional_information={"signature": "theirs"}), call("c1", 1)],
        additional_kwargs={"tool_calls": []},
    ),
    "LiteLLM": ChatMessage(role="assistant", content=None, additional_kwargs={"tool_calls": [LITELLM_CALL]}),
    **{
        name: ChatMessage(role="assistant", content=None, additional_kwargs=kept)
        for name, kept in {
            "a name and args": {"tool_calls": [{"id": "c1", "name": "add", "args": {"a": 1}}]},
            "a name and text": {"tool_calls": [{"id": "c1", "name": "add", "arguments": '{"a": 1}'}]},
            "google-genai's objects": {"tool_calls": [SimpleNamespace(id="c1", name="add", args={"a": 1})]},
            "the older form": {"function_call": {"id": "c1", "name": "add", "arguments": '{"a": 1}'}},
        }.items()
    },
}
CLOSING = [
    ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "c1", "name": "add"}),
    ChatMessage(role="chatbot", content="It is 5."),
    ChatMessage(content="And now?"),
]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_history_of_another_integration_goes_on(
    answer: ChatMessage, llm: GeminiMulti, sandbox: Sandbox, provider: str
) -> None:
    """Every provider takes it at once, streamed and not, and the messages given are the same afterwards."""
    history = [ChatMessage(content="Add."), answer, *CLOSING]
    before = copy.deepcopy(history)
    assert llm.chat(history).message.content
    assert list(llm.stream_chat(history))[-1].message.content
    assert history == before
    assert [request.provider for request in sandbox.requests] == [provider] * 2


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_call_of_another_integration_is_a_call(answer: ChatMessage, sandbox: Sandbox) -> None:
    """Whatever its form, it goes over the wire once, and no signature of somebody else goes with it."""
    GeminiMulti(model="gemini-2.5-flash", providers="oxen").chat([ChatMessage(content="Add."), answer, *CLOSING])
    told = sandbox.requests[-1].body["messages"]
    function = {"name": "add", "arguments": '{"a":1}'}
    assert told[1:3] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "5"},
    ]
    assert told[3] == {"role": "assistant", "content": "It is 5."}


def test_neighbors_of_one_role_stay_as_they_are(llm: GeminiMulti) -> None:
    """Two messages of one role in a row are accepted, and not merged in the caller's list."""
    history: list[Any] = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(content="One", additional_kwargs={"kept": "by the caller"}),
        ChatMessage(content="Two"),
        ChatMessage(role="assistant", content="Yes?"),
        ChatMessage(role="assistant", content="Yes!"),
        ChatMessage(role="system", content="Stop now."),
        ChatMessage(content="Three"),
    ]
    before = copy.deepcopy(history)
    assert llm.chat(history).message.content == llm.chat(history).message.content
    assert history == before


def test_empty_answers_in_between_do_no_harm(llm: GeminiMulti, sandbox: Sandbox) -> None:
    """ReAct agents send them back; providers refuse messages without content."""
    llm.chat([ChatMessage(content="Hi"), ChatMessage(role="assistant", content=""), ChatMessage(content="Well?")])
    assert len(sandbox.requests) == 1
