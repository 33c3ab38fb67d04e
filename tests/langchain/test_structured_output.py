"""Structured output: every schema form, every method, and a typed error whenever the object is not there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel
from pydantic.v1 import BaseModel as BaseModelV1

from gemini_multi import ConfigurationError, GeminiMultiError, InvalidResponse
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti

METHODS = ("json_schema", "function_calling", "json_mode")


class City(BaseModel):
    """A city."""

    name: str
    people: int


class CityV1(BaseModelV1):
    """A city."""

    name: str
    people: int


@dataclass
class CityData:
    """A city."""

    name: str
    people: int


class CityDict(TypedDict):
    """A city."""

    name: str
    people: int


class Node(BaseModel):
    """A tree."""

    name: str
    children: list[Node] = []


CITY = {"name": "Bonn", "people": 3}
SCHEMA = {
    "title": "City",
    "description": "A city.",
    **{k: v for k, v in City.model_json_schema().items() if k != "title"},
}
SCHEMAS: dict[str, tuple[Any, Any]] = {
    "pydantic": (City, City(name="Bonn", people=3)),
    "pydantic 1": (CityV1, CityV1(name="Bonn", people=3)),
    "dataclass": (CityData, CityData("Bonn", 3)),
    "typed dictionary": (CityDict, CITY),
    "json schema": (SCHEMA, CITY),
    "openai function": ({"name": "City", "description": "A city.", "parameters": SCHEMA}, CITY),
}


@pytest.fixture
def model(sandbox: Sandbox) -> ChatGeminiMulti:
    return ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", max_retries=0)


def scripted(sandbox: Sandbox, method: str, text: str = '{"name": "Bonn", "people": 3}', name: str = "City") -> None:
    call = Answer(tool_calls=[(name, CITY)])
    sandbox.script(None, [call if method == "function_calling" else Answer(text)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_gives_its_object(model: ChatGeminiMulti, sandbox: Sandbox, name: str, method: Any) -> None:
    """Classes give instances, all else dictionaries, by every method."""
    schema, expected = SCHEMAS[name]
    scripted(sandbox, method, name=getattr(schema, "__name__", "City"))
    assert model.with_structured_output(schema, method=method).invoke("Bonn?") == expected


@pytest.mark.parametrize("method", METHODS)
def test_raw_answer_is_given_beside(model: ChatGeminiMulti, sandbox: Sandbox, method: Any) -> None:
    """`include_raw` gives the answer, the object and no error."""
    scripted(sandbox, method)
    found: Any = model.with_structured_output(City, method=method, include_raw=True).invoke("Bonn?")
    assert (found["raw"].type, found["parsed"], found["parsing_error"]) == ("ai", City(**CITY), None)


FENCED = [
    '```json\n{"name": "Bonn", "people": 3}\n```',
    '```\n{"name": "Bonn", "people": 3}\n```',
    'Here it is:\n```json\n{"name": "Bonn", "people": 3}\n```\nDone.',
    '{"name": "Bonn",\n "people": 3}\n',
    'It is {"name": "Bonn", "people": 3}, I think.',
]


@pytest.mark.parametrize("text", FENCED)
def test_fenced_json_is_read(model: ChatGeminiMulti, sandbox: Sandbox, text: str) -> None:
    """Models wrap JSON in Markdown at times."""
    sandbox.script(None, [Answer(text)])
    assert model.with_structured_output(City).invoke("Bonn?") == City(name="Bonn", people=3)


BAD = {
    "empty": Answer(""),
    "prose": Answer("I would rather not."),
    "cut off": Answer('{"name": "Bonn", "peo', finish_reason="length"),
    "wrong type": Answer('{"name": "Bonn", "people": "many"}'),
    "null": Answer("null"),
    "filtered": Answer("", finish_reason="content_filter"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BAD)
def test_missing_object_is_a_typed_error(model: ChatGeminiMulti, sandbox: Sandbox, name: str, method: Any) -> None:
    """An answer without the object is never a silent `None`."""
    sandbox.script(None, [BAD[name]])
    with pytest.raises((OutputParserException, GeminiMultiError)) as caught:
        model.with_structured_output(City, method=method).invoke("Bonn?")
    assert (isinstance(caught.value, OutputParserException), isinstance(caught.value, InvalidResponse)) == (True, True)


def test_cut_off_answer_is_not_taken_for_a_part_of_it(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """A whole object inside a cut-off one is not the answer, even where nothing would validate it."""
    sandbox.script(None, [Answer('{"first": {"name": "Bonn", "people": 3}, "seco', finish_reason="length")])
    with pytest.raises(OutputParserException):
        model.with_structured_output(SCHEMA).invoke("Cities?")


@pytest.mark.parametrize("text", ['{"name": "Bonn", "people": "3"}', '{"name": "Bonn", "people": 3.0}'])
def test_wrong_spelling_of_numbers_is_put_right(model: ChatGeminiMulti, sandbox: Sandbox, text: str) -> None:
    """Numbers in quotes and whole floats become what the schema says, also in dictionaries."""
    sandbox.script(None, [Answer(text)])
    assert model.with_structured_output(SCHEMA).invoke("Bonn?") == CITY


def test_schema_needs_no_title(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """A JSON Schema without a name is called `response`."""
    sandbox.script(None, [Answer(tool_calls=[("response", CITY)])])
    nameless = {key: value for key, value in SCHEMA.items() if key != "title"}
    assert model.with_structured_output(nameless, method="function_calling").invoke("Bonn?") == CITY


def test_error_says_why_the_object_is_missing(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """A cut-off answer tells what to change."""
    sandbox.script(None, [BAD["cut off"]])
    with pytest.raises(OutputParserException, match="raise `max_tokens`"):
        model.with_structured_output(City).invoke("Bonn?")


@pytest.mark.parametrize("method", METHODS)
def test_error_is_given_beside_the_raw_answer(model: ChatGeminiMulti, sandbox: Sandbox, method: Any) -> None:
    """With `include_raw` nothing is raised."""
    sandbox.script(None, [BAD["prose"]])
    found: Any = model.with_structured_output(City, method=method, include_raw=True).invoke("Bonn?")
    assert (found["raw"].text, found["parsed"]) == ("I would rather not.", None)
    assert isinstance(found["parsing_error"], OutputParserException)


def test_stream_gives_growing_objects(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Dictionaries grow while the answer arrives and end whole."""
    people = {"name": "Bonn on the river Rhine, between here and there", "people": 3}
    sandbox.script(None, [Answer('{"name": "Bonn on the river Rhine, between here and there", "people": 3}')])
    seen: list[Any] = list(model.with_structured_output(SCHEMA).stream("Bonn?"))
    assert len(seen) > 1
    assert seen[-1] == people


def test_async_gives_the_same(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """`ainvoke` parses as `invoke` does."""
    scripted(sandbox, "json_schema")
    assert asyncio.run(model.with_structured_output(City).ainvoke("Bonn?")) == City(name="Bonn", people=3)


@pytest.mark.parametrize("strict", [None, True, False])
def test_strict_is_sent(model: ChatGeminiMulti, sandbox: Sandbox, strict: bool | None) -> None:
    """`strict` is in the request when it was given, and only then."""
    scripted(sandbox, "json_schema")
    model.with_structured_output(City, strict=strict).invoke("Bonn?")
    sent: Any = sandbox.requests[-1].body
    assert sent["response_format"]["json_schema"].get("strict") == strict


def test_json_mode_without_a_schema_gives_any_json(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Without a schema, whatever JSON comes is given."""
    sandbox.script(None, [Answer('{"anything": [1]}')])
    assert model.with_structured_output(None, method="json_mode").invoke("JSON?") == {"anything": [1]}


@pytest.mark.parametrize(
    "arguments",
    [
        {"schema": City, "method": "telepathy"},
        {"schema": None},
        {"schema": {"no": "schema"}},
        {"schema": City, "method": "function_calling", "tools": [Node]},
    ],
)
def test_unusable_arguments_are_an_error(model: ChatGeminiMulti, arguments: dict[str, Any]) -> None:
    """What cannot work is said at once."""
    with pytest.raises(ConfigurationError):
        model.with_structured_output(**arguments)


@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
@pytest.mark.parametrize("method", METHODS)
def test_recursive_schema_works_everywhere(sandbox: Sandbox, provider: str, method: Any) -> None:
    """A tree is asked for and read at each host by each method."""
    tree = {"name": "a", "children": [{"name": "b", "children": []}]}
    text = '{"name": "a", "children": [{"name": "b", "children": []}]}'
    sandbox.script(None, [Answer(tool_calls=[("Node", tree)]) if method == "function_calling" else Answer(text)])
    asked = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider).with_structured_output(Node, method=method)
    assert asked.invoke("A tree, please.") == Node(name="a", children=[Node(name="b")])
