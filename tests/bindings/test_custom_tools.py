"""Custom tools and broken schemas in both bindings: refused, never emptied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gemini_multi import GeminiMultiError, Oxen
from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti

FACTS = {"name": "shell", "description": "Runs a command."}
DANGLING = {"type": "object", "properties": {"a": {"$ref": "#/$defs/Missing"}}}
REFUSED = {
    "custom, flat": ({"type": "custom", **FACTS}, "no custom tools"),
    "custom, nested": ({"type": "custom", "custom": FACTS}, "no custom tools"),
    "a reference to nothing": ({"type": "function", "function": {**FACTS, "parameters": DANGLING}}, "Missing"),
}


def in_langchain(tool: dict[str, Any]) -> None:
    ChatGeminiMulti(model="gemini-3.8-flash", providers=Oxen("key")).bind_tools([tool]).invoke("Hi")


def in_llama_index(tool: dict[str, Any]) -> None:
    GeminiMulti(model="gemini-3.8-flash", providers=Oxen("key")).complete("Hi", tools=[tool])


@pytest.mark.parametrize("label", REFUSED)
@pytest.mark.parametrize("bind", [in_langchain, in_llama_index])
def test_a_tool_that_gemini_cannot_have_is_refused(bind: Callable[[dict[str, Any]], None], label: str) -> None:
    """The error is ours and comes before anything is sent."""
    tool, told = REFUSED[label]
    with pytest.raises(GeminiMultiError, match=told):
        bind(tool)
