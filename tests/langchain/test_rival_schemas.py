"""Schemas and structured answers that other integrations break or lose, shown right at every provider."""

from __future__ import annotations

import json
from enum import IntEnum, StrEnum
from typing import Any, Literal

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, ConfigDict, Field

from gemini_multi import InvalidResponse
from gemini_multi.sandbox import Answer, Sandbox

from .answers import CHAT_PROVIDERS, PROVIDERS, chat, completion, generated, get_weather, replied, sent

METHODS = ("json_schema", "function_calling", "json_mode")
everywhere = pytest.mark.parametrize("provider", PROVIDERS)
by_every_method = pytest.mark.parametrize("method", METHODS)


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Color(StrEnum):
    """A color of paint."""

    RED = "red"
    BLUE = "blue"


class Node(BaseModel):
    """A tree."""

    name: str
    children: list[Node] = []


class Strict(BaseModel):
    """Nothing else is allowed."""

    model_config = ConfigDict(extra="forbid")
    x: int


class Hard(BaseModel):
    """What breaks schema translations."""

    level: Level
    number: Literal[10, 11]
    word: Literal["a", "b"] | None = Field(None, description="one of two")
    color: Color | None = Field(None, description="the paint", examples=["red"])
    union: int | str | None = Field(description="a number, a text or nothing")
    pair: tuple[int, int]
    tree: Node
    inner: Strict | None = Field(None, description="an object or nothing", title="Inner")
    anything: list[Any] = Field([], description="whatever")
    bare: list = []  # type: ignore[type-arg]
    free: dict[str, Any] | None = None
    counts: dict[str, int] = {}


VALUE: dict[str, Any] = {
    "level": 2,
    "number": 11,
    "word": "b",
    "color": "red",
    "union": None,
    "pair": [1, 2],
    "tree": {"name": "a", "children": [{"name": "b", "children": []}]},
    "inner": {"x": 1},
    "anything": [1, "a"],
    "bare": [1],
    "free": {"k": [1]},
    "counts": {"a": 1},
}


def answer(method: str, value: dict[str, Any], name: str = "Hard") -> Answer:
    return Answer(tool_calls=[(name, value)]) if method == "function_calling" else Answer(json.dumps(value))


@by_every_method
@everywhere
def test_hard_schema_works(sandbox: Sandbox, provider: str, method: Any) -> None:
    """Each provider takes recursion, unions, tuples, enums of numbers and free objects.

    And the object comes back typed.
    """
    sandbox.script(None, [answer(method, VALUE)])
    found = chat(provider).with_structured_output(Hard, method=method).invoke("?")
    assert found == Hard.model_validate(VALUE)


def schema_in(body: Any) -> Any:
    """Find the schema in a request, by whichever name it goes there."""
    if isinstance(body, list):
        return next((found for item in body if (found := schema_in(item))), None)
    if not isinstance(body, dict):
        return None
    if "properties" in body and "level" in body["properties"]:
        return body
    return next((found for item in body.values() if (found := schema_in(item))), None)


def resolved(schema: Any, whole: Any) -> Any:
    """Follow a reference."""
    return whole["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


@by_every_method
@everywhere
def test_what_describes_a_field_is_kept(sandbox: Sandbox, provider: str, method: Any) -> None:
    """Descriptions and values of optional fields reach the provider, and no type becomes another."""
    sandbox.script(None, [answer(method, VALUE)])
    chat(provider).with_structured_output(Hard, method=method).invoke("?")
    whole = schema_in(sent(sandbox))
    told = json.dumps(whole)
    assert all(word in told for word in ("the paint", "an object or nothing", "a number, a text or nothing"))
    assert all(f'"{value}"' in told for value in ("red", "blue"))
    assert "integer" in json.dumps(resolved(whole["properties"]["union"], whole)).lower()
    tree = resolved(whole["properties"]["tree"], whole)
    assert "STRING" not in json.dumps(tree["properties"]["children"]).upper() or "$ref" in json.dumps(tree)


@everywhere
def test_same_schema_is_a_tool(sandbox: Sandbox, provider: str) -> None:
    """Bound as a tool it is called with the same values."""
    sandbox.script(None, [answer("function_calling", VALUE)])
    (call,) = chat(provider).bind_tools([Hard]).invoke("?").tool_calls
    assert Hard.model_validate(call["args"]) == Hard.model_validate(VALUE)


MALFORMED: dict[str, bytes] = {
    "cloudflare": json.dumps(generated(reason="MALFORMED_FUNCTION_CALL")).encode(),
    "aimlapi": completion({"content": None}, reason="function_call_filter: MALFORMED_FUNCTION_CALL"),
    "oxen": completion({"content": None}, reason="MALFORMED_FUNCTION_CALL"),
}


@by_every_method
@everywhere
def test_malformed_call_is_retried_once_and_then_an_error(sandbox: Sandbox, provider: str, method: Any) -> None:
    """Gemini's own finish reason for it is neither a silent `None` nor an endless loop."""
    for _ in range(2):
        replied(sandbox, provider, MALFORMED[provider])
    with pytest.raises(OutputParserException, match="MALFORMED_FUNCTION_CALL") as caught:
        chat(provider, max_retries=5).with_structured_output(Strict, method=method).invoke("?")
    assert isinstance(caught.value, InvalidResponse)
    assert len(sandbox.requests) == 2


@everywhere
def test_malformed_call_is_no_normal_end(sandbox: Sandbox, provider: str) -> None:
    """The message says `error`, and the provider's own word beside it."""
    replied(sandbox, provider, MALFORMED[provider])
    facts = chat(provider).bind_tools([get_weather]).invoke("hi").response_metadata
    assert (facts["finish_reason"], "MALFORMED_FUNCTION_CALL" in facts["raw_finish_reason"]) == ("error", True)


@pytest.mark.parametrize("include_raw", [False, True])
@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_object_as_text_instead_of_a_call_is_read(sandbox: Sandbox, provider: str, include_raw: bool) -> None:
    """When the model gives plain JSON although a call was forced, it is the object and not `None`."""
    replied(sandbox, provider, completion({"content": '```json\n{"x": 1}\n```'}))
    model = chat(provider).with_structured_output(Strict, method="function_calling", include_raw=include_raw)
    found: Any = model.invoke("?")
    assert (found["parsed"] if include_raw else found) == Strict(x=1)


@pytest.mark.parametrize("strict", [True, False])
def test_strict_tools_say_so(sandbox: Sandbox, strict: bool) -> None:
    """`strict` of a tool reaches a provider that has the field."""
    chat("aimlapi").bind_tools([get_weather], strict=strict).invoke("hi")
    assert sent(sandbox)["tools"][0]["function"].get("strict") is strict
