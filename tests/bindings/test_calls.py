"""Calls that other integrations leave in a message are calls, and unreadable arguments stay unreadable."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from google.genai import types as google
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.llms import ChatMessage

from gemini_multi import Message, ToolCall, ToolResult
from gemini_multi.bindings.tools import foreign_call
from langchain_gemini_multi._messages import to_core as from_langchain
from llama_index_gemini_multi._messages import to_core as from_llama_index

CALL = ToolCall("c1", "add", {"a": 1}, synthetic_id=True)
FORMS: dict[str, Any] = {
    "openai": {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
    "openai's responses": {"id": "fc_1", "call_id": "c1", "name": "add", "arguments": '{"a": 1}'},
    "anthropic": {"id": "c1", "type": "tool_use", "name": "add", "input": {"a": 1}},
    "name and args": {"id": "c1", "name": "add", "args": {"a": 1}},
    "google's class": google.FunctionCall(id="c1", name="add", args={"a": 1}),
    "llama-index": SimpleNamespace(tool_id="c1", tool_name="add", tool_kwargs={"a": 1}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_call_is_read_in_every_form(form: Any) -> None:
    """Mappings and objects alike."""
    assert foreign_call(form) == CALL


@pytest.mark.parametrize("form", [None, {}, {"name": ""}, {"function": {"arguments": "{}"}}, 7])
def test_what_names_no_function_is_no_call(form: Any) -> None:
    """It is nothing that could be answered."""
    assert foreign_call(form) is None


@pytest.mark.parametrize("arguments", ['{"a": ', "a=1", "[1]", '{"a": NaN}'])
def test_unreadable_arguments_stay_unreadable(arguments: str) -> None:
    """They are kept as they are and never run."""
    call = foreign_call({"id": "c1", "name": "add", "arguments": arguments})
    assert call == ToolCall("c1", "add", invalid_arguments=arguments, synthetic_id=True)


@pytest.mark.parametrize(
    "beside",
    [
        {"tool_calls": [FORMS["openai"]]},
        {"tool_calls": [FORMS["name and args"]]},
        {"tool_calls": [FORMS["google's class"]]},
    ],
)
def test_call_beside_the_content_is_read_in_both(beside: dict[str, Any]) -> None:
    """Where other integrations keep it."""
    expected = (Message("assistant", (CALL,)),)

    assert from_langchain([AIMessage("", additional_kwargs=beside)]) == expected
    assert from_llama_index([ChatMessage(role="assistant", blocks=[], additional_kwargs=beside)]) == expected


def test_legacy_call_without_an_id_is_read_in_both() -> None:
    """As OpenAI's first models made it."""
    beside = {"function_call": {"name": "add", "arguments": '{"a": 1}'}}
    for message in (
        *from_langchain([AIMessage("", additional_kwargs=beside)]),
        *from_llama_index([ChatMessage(role="assistant", blocks=[], additional_kwargs=beside)]),
    ):
        (call,) = message.parts
        assert isinstance(call, ToolCall)
        assert (call.name, call.arguments) == ("add", {"a": 1})


def test_calls_in_googles_parts_are_calls() -> None:
    """With ids of their own, also when Google gave none."""
    parts: list[Any] = [{"functionCall": {"name": name, "args": {}}} for name in ("add", "multiply")]
    (message,) = from_langchain([AIMessage(parts)])

    assert message.parts == tuple(
        ToolCall(f"call_{at}", name, synthetic_id=True) for at, name in enumerate(("add", "multiply"))
    )


def test_result_in_googles_part_is_a_result() -> None:
    """In a message of the user, as Google has it."""
    part: Any = {"functionResponse": {"id": "c1", "name": "add", "response": {"output": 2}}}
    assert from_langchain([HumanMessage([part])]) == (Message.tool(ToolResult("c1", "add", value={"output": 2})),)
