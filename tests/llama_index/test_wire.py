"""A whole tool loop as it goes over the wire."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock, ToolCallBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from gemini_multi import Cloudflare
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


class Person(BaseModel):
    name: str


def add(a: int, b: int) -> int:
    return a + b


TOOL = FunctionTool.from_defaults(add, description="Add.")


def looped(llm: GeminiMulti) -> tuple[str, Any]:
    """Ask, run the tool, ask again; return the call's id and its signature as it is kept."""
    history = [ChatMessage(role="system", content="Be brief."), ChatMessage(content="Please add 2 and 3")]
    answer = llm.chat_with_tools([TOOL], chat_history=history)
    (call,) = llm.get_tool_calls_from_response(answer)
    result = ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": call.tool_id})
    llm.chat_with_tools([TOOL], chat_history=[*history, answer.message, result])
    block = answer.message.blocks[0]
    assert isinstance(block, ThinkingBlock)
    return call.tool_id, kept_signature(block.additional_information, call.tool_id)["payload"]


def kept_signature(note: dict[str, Any], call_id: str) -> Any:
    (signature,) = [entry["signature"] for entry in note["gemini_multi"] if entry.get("call") == call_id]
    return signature


@pytest.mark.parametrize("provider", ["cloudflare"], indirect=True)
def test_tool_loop_in_generate_content(make: Any, sandbox: Sandbox) -> None:
    """Natively, with the signature on the part that had it."""
    _, signature = looped(make(max_tokens=99, top_p=0.5, model="gemini-2.5-pro", include_thoughts=True))
    call = {"functionCall": {"name": "add", "args": {"a": 2, "b": 3}}, "thoughtSignature": signature}
    result = {"functionResponse": {"name": "add", "response": {"output": "5"}}}
    body = sandbox.requests[-1].body["input"]
    thoughts = [part for part in body["contents"][1]["parts"] if part.get("thought")]
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Please add 2 and 3"}]},
            {"role": "model", "parts": [*thoughts, call]},
            {"role": "user", "parts": [result]},
        ],
        "tools": [{"functionDeclarations": [{"name": "add", "description": "Add.", "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {"maxOutputTokens": 99, "topP": 0.5, "thinkingConfig": {"includeThoughts": True}},
    }


@pytest.mark.parametrize("provider", ["oxen"], indirect=True)
def test_tool_loop_in_chat_completions(make: Any, sandbox: Sandbox) -> None:
    """With the whole `extra_content` of the call, and the id that the provider gave."""
    call_id, signature = looped(make(max_tokens=99, stop="END"))
    function = {"name": "add", "arguments": '{"a":2,"b":3}'}
    assert sandbox.requests[-1].body == {
        "model": "gemini-2-5-flash",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Please add 2 and 3"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": call_id, "type": "function", "function": function, "extra_content": signature}],
            },
            {"role": "tool", "tool_call_id": call_id, "name": "add", "content": "5"},
        ],
        "tools": [{"type": "function", "function": {"name": "add", "description": "Add.", "parameters": SCHEMA}}],
        "max_tokens": 99,
        "stop": ["END"],
    }


async def answer_of(llm: GeminiMulti, way: str, history: list[ChatMessage]) -> ChatMessage:
    """Ask with tools in one of the four ways, and keep the message as an agent does."""
    method = getattr(llm, way)
    if way.startswith("stream"):
        return list(method([TOOL], chat_history=history))[-1].message
    if way.startswith("astream"):
        return [chunk async for chunk in await method([TOOL], chat_history=history)][-1].message
    response = (
        await method([TOOL], chat_history=history) if way.startswith("a") else method([TOOL], chat_history=history)
    )
    return response.message


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    "way", ["chat_with_tools", "achat_with_tools", "stream_chat_with_tools", "astream_chat_with_tools"]
)
async def test_signature_of_every_provider_goes_back(
    way: str, is_stored: bool, make: Any, sandbox: Sandbox, provider: str
) -> None:
    """Whole and streamed, from memory and from JSON.

    Not every provider demands it, so the request itself is looked at.
    """
    llm = make(model="gemini-3-flash-preview")
    question = ChatMessage(content="Please add 2 and 3")
    answer = await answer_of(llm, way, [question])
    (note,) = [block.additional_information for block in answer.blocks if isinstance(block, ThinkingBlock)]
    (call,) = [block for block in answer.blocks if isinstance(block, ToolCallBlock)]
    kept = json.dumps(kept_signature(note, call.tool_call_id))
    (signature,) = re.findall(r"[\w+/=]{40,}", kept)  # each provider has a place of its own for it
    if is_stored:
        answer = ChatMessage.model_validate_json(answer.model_dump_json())
    result = ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": call.tool_call_id})
    await answer_of(llm, way, [question, answer, result])
    assert signature in json.dumps(sandbox.requests[-1].body)
    assert [request.provider for request in sandbox.requests] == [provider] * 2


@pytest.mark.parametrize("api", ["auto", "run", "chat_completions", "google_ai_studio"])
async def test_requests_go_through_the_gateway(api: Any, sandbox: Sandbox) -> None:
    """A Cloudflare gateway sees every request, whole and streamed, blocking and with `await`, through each endpoint."""
    hosted = Cloudflare(gateway_id="team", api=api)
    llm = GeminiMulti(model="gemini-2.5-flash", providers=hosted)
    assert llm.complete("Hi").text
    assert list(llm.stream_complete("Hi"))[-1].text
    assert (await llm.acomplete("Hi")).text
    assert [piece async for piece in await llm.astream_complete("Hi")][-1].text
    assert llm.structured_predict(Person, PromptTemplate("Hi"))
    for request in sandbox.requests:
        assert "/team/" in request.path or request.headers["cf-aig-gateway-id"] == "team"
    assert {request.provider for request in sandbox.requests} == {"cloudflare"}
    assert len(sandbox.requests) == 5
