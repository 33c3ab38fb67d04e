"""Structured output: every schema form, every method, and a typed error whenever the object is not there."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, RootModel
from pydantic.v1 import BaseModel as BaseModelV1

from gemini_multi import ConfigurationError, GeminiMultiError, InvalidResponse
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._tools import bound
from langchain_gemini_multi.errors import StructuredOutputError

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
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


class CityKeys(TypedDict, total=False):
    """A city."""

    name: Required[str]
    people: Annotated[int, ..., "how many live there"]


class Person(TypedDict):
    """A person."""

    nickname: str | None
    homes: Annotated[list[CityDict] | None, ..., "where they live"]
    friends: list[Annotated[int | str | None, "an id"]]


class Named(TypedDict):
    name: str


class Node(BaseModel):
    """A tree."""

    name: str
    children: list[Node] = []


class Answered(Enum):
    YES = "yes"
    NO = "no"


class Numbers(RootModel[list[int]]):
    """Some numbers."""


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
    "typed dictionary with optional keys": (CityKeys, CITY),
    "json schema": (SCHEMA, CITY),
    "openai response format": ({"type": "json_schema", "json_schema": {"name": "City", "schema": SCHEMA}}, CITY),
    "openai named schema": ({"name": "City", "schema": SCHEMA}, CITY),
    "openai responses function": ({"type": "function", "name": "City", "parameters": SCHEMA}, CITY),
    "model context protocol": ({"name": "City", "inputSchema": SCHEMA}, CITY),
    "json schema with a name": ({"name": "City", **{k: v for k, v in SCHEMA.items() if k != "title"}}, CITY),
    "openai function": ({"name": "City", "description": "A city.", "parameters": SCHEMA}, CITY),
}


@pytest.fixture
def model(sandbox: Sandbox) -> ChatGeminiMulti:
    return ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", max_retries=0)


def scripted(sandbox: Sandbox, method: str, text: str = '{"name": "Bonn", "people": 3}', name: str = "City") -> None:
    call = Answer(tool_calls=[(name, CITY)])
    sandbox.script(None, [call if method == "function_calling" else Answer(text)])


@pytest.mark.filterwarnings("ignore:.*strict:gemini_multi.SettingIgnoredWarning")
@pytest.mark.parametrize("include_raw", [False, True], ids=["", "raw"])
@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_schema_gives_its_object(
    sandbox: Sandbox, provider: str, name: str, method: Any, strict: Any, include_raw: bool
) -> None:
    """Classes give instances, all else dictionaries, at every provider by every method."""
    schema, expected = SCHEMAS[name]
    scripted(sandbox, method, name=getattr(schema, "__name__", "City"))
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider, max_retries=0)
    found: Any = model.with_structured_output(schema, method=method, strict=strict, include_raw=include_raw).invoke("?")
    if include_raw:
        assert (found["raw"].type, found["parsing_error"]) == ("ai", None)
    assert (found["parsed"] if include_raw else found) == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_provider_itself_fills_the_schema(sandbox: Sandbox, provider: str, name: str, method: Any) -> None:
    """Unscripted, the schema that arrives at the provider is one from which the object can be made."""
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider, max_retries=0)
    prompt = "Reply with a JSON object with the keys name (a text) and people (a number)."
    found: Any = model.with_structured_output(SCHEMAS[name][0], method=method).invoke(prompt)
    found = found if isinstance(found, dict) else vars(found)
    assert set(found) == {"name", "people"}


OTHERS: dict[str, tuple[Any, str, Any]] = {
    "list of objects": (list[City], '[{"name": "Bonn", "people": 3}]', [City(name="Bonn", people=3)]),
    "list of numbers": (list[int], "[1, 2]", [1, 2]),
    "closed set of words": (Literal["yes", "no"], '"yes"', "yes"),
    "one of two": (City | Node, '{"name": "a", "children": []}', Node(name="a")),
    "enumeration": (Answered, '"no"', Answered.NO),
    "number": (int, "3", 3),
    "list's class": (Numbers, "[1, 2]", Numbers([1, 2])),
    "array's schema": ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2]),
    "enumeration's schema": ({"enum": ["yes", "no"]}, '"no"', "no"),
}


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_answer_need_not_be_an_object(sandbox: Sandbox, provider: str, name: str, method: Any) -> None:
    """Lists, words and unions are asked for and read by their types."""
    schema, text, expected = OTHERS[name]
    sandbox.script(None, [Answer(text)])
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider, max_retries=0)
    assert model.with_structured_output(schema, method=method).invoke("?") == expected


@pytest.mark.parametrize("name", OTHERS)
def test_call_gives_objects_only(model: ChatGeminiMulti, name: str) -> None:
    """The arguments of a call are an object, so other types are refused with the way to ask for them."""
    with pytest.raises(ConfigurationError, match="json_schema"):
        model.with_structured_output(OTHERS[name][0], method="function_calling")


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


def test_typed_dictionary_says_what_it_says(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Which keys are optional and what they mean is sent; the documentation of Python's `dict` is not."""
    city = {
        "type": "object",
        "description": "A city.",
        "properties": {"name": {"type": "string"}, "people": {"type": "integer", "description": "how many live there"}},
        "required": ["name"],
    }
    scripted(sandbox, "json_schema")
    model.with_structured_output(CityKeys).invoke("Bonn?")
    body: Any = sandbox.requests[-1].body
    assert body["response_format"]["json_schema"]["schema"] == city
    (tool,) = bound([Named])
    assert tool["function"] == {
        "name": "Named",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    }


def test_typed_dictionary_may_hold_nothing(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Null is allowed where the types allow it, at any depth, and taken for an answer."""
    nobody = {"nickname": None, "homes": None, "friends": [None]}
    sandbox.script(None, [Answer(json.dumps(nobody))])
    assert model.with_structured_output(Person).invoke("Who?") == nobody
    body: Any = sandbox.requests[-1].body
    sent = body["response_format"]["json_schema"]["schema"]["properties"]
    assert sent["nickname"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    homes, nothing = sent["homes"]["anyOf"]
    assert (homes["type"], homes["description"], nothing) == ("array", "where they live", {"type": "null"})
    described = {"description": "an id"}
    friends = [{"type": "integer", **described}, {"type": "string", **described}, {"type": "null"}]
    assert sent["friends"]["items"] == {"anyOf": friends}


@pytest.mark.parametrize(("given", "sent"), [(None, True), (False, False)])
def test_strict_of_a_named_schema_is_its_own(
    model: ChatGeminiMulti, sandbox: Sandbox, given: bool | None, sent: bool
) -> None:
    """OpenAI's form says it beside the schema; the argument goes before."""
    scripted(sandbox, "json_schema")
    named = {"name": "City", "strict": True, "schema": SCHEMA}
    model.with_structured_output(named, strict=given).invoke("Bonn?")
    body: Any = sandbox.requests[-1].body
    assert body["response_format"]["json_schema"].get("strict", False) == sent


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
    """A tree is asked for and read at each provider by each method."""
    tree = {"name": "a", "children": [{"name": "b", "children": []}]}
    text = '{"name": "a", "children": [{"name": "b", "children": []}]}'
    sandbox.script(None, [Answer(tool_calls=[("Node", tree)]) if method == "function_calling" else Answer(text)])
    asked = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider).with_structured_output(Node, method=method)
    assert asked.invoke("A tree, please.") == Node(name="a", children=[Node(name="b")])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_objects_stream(sandbox: Sandbox, provider: str, method: Any) -> None:
    """Each provider's stream ends with the whole object, by every method, also in instances."""
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers=provider, max_retries=0)
    scripted(sandbox, method)
    assert list(model.with_structured_output(City, method=method).stream("Bonn?"))[-1] == City(**CITY)


@pytest.mark.parametrize("include_raw", [False, True], ids=["", "raw"])
@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.filterwarnings("ignore:.*strict:gemini_multi.SettingIgnoredWarning")
async def test_every_schema_streams(
    model: ChatGeminiMulti, sandbox: Sandbox, name: str, method: Any, strict: Any, include_raw: bool
) -> None:
    """Streams end with the object that `invoke` gives, blocking and with `await`; the raw answer is beside it."""
    schema, expected = SCHEMAS[name]
    asked: Any = model.with_structured_output(schema, method=method, strict=strict, include_raw=include_raw)
    for wait in (False, True):
        scripted(sandbox, method, name=getattr(schema, "__name__", "City"))
        seen = [one async for one in asked.astream("?")] if wait else list(asked.stream("?"))
        if not include_raw:
            assert seen[-1] == expected
            continue
        raw, *more = [part["raw"] for part in seen if "raw" in part]
        assert [part["parsed"] for part in seen if part.get("parsed") is not None][-1] == expected
        assert sum(more, raw).response_metadata["finish_reason"] in ("stop", "tool_calls")


async def ended(asked: Any, *, wait: bool) -> tuple[list[Any], Exception | None]:
    """Read a stream to its end, and give what it brought and how it failed."""
    seen: list[Any] = []
    try:
        if wait:
            seen.extend([one async for one in asked.astream("?")])
        else:
            seen.extend(asked.stream("?"))
    except OutputParserException as error:
        return seen, error
    return seen, None


@pytest.mark.parametrize("wait", [False, True], ids=["", "await"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("schema", [City, SCHEMA], ids=["class", "dictionary"])
async def test_stream_ends_with_the_error_of_a_missing_object(
    model: ChatGeminiMulti, sandbox: Sandbox, schema: Any, name: str, method: Any, wait: bool
) -> None:
    """A stream that brought no object, or half of one, does not end as if it had."""
    sandbox.script(None, [BAD[name]])
    _, error = await ended(model.with_structured_output(schema, method=method), wait=wait)
    assert isinstance(error, InvalidResponse)


@pytest.mark.parametrize("wait", [False, True], ids=["", "await"])
@pytest.mark.parametrize("method", METHODS)
async def test_raw_answer_streams_and_ends_with_the_error(
    model: ChatGeminiMulti, sandbox: Sandbox, method: Any, wait: bool
) -> None:
    """With `include_raw` the answer's pieces arrive as they come, and the error is given instead of raised."""
    sandbox.script(None, [BAD["prose"]])
    seen, raised = await ended(model.with_structured_output(City, method=method, include_raw=True), wait=wait)
    *pieces, last = seen
    assert (len(pieces) > 1, "".join(piece["raw"].text for piece in pieces)) == (True, "I would rather not.")
    assert (raised, last["parsed"], type(last["parsing_error"])) == (None, None, StructuredOutputError)


def test_error_of_the_callers_own_class_is_given_beside_the_raw_answer(
    model: ChatGeminiMulti, sandbox: Sandbox
) -> None:
    """Whatever a class raises when it is made."""

    @dataclass
    class Picky:
        name: str

        def __post_init__(self) -> None:
            raise LookupError("not that one")

    sandbox.script(None, [Answer('{"name": "Bonn"}')])
    found: Any = model.with_structured_output(Picky, include_raw=True).invoke("Bonn?")
    assert isinstance(found["parsing_error"], LookupError)


@pytest.mark.parametrize("method", METHODS)
def test_object_of_a_model_that_does_not_stream_is_given(sandbox: Sandbox, method: Any) -> None:
    """With `disable_streaming` the only piece of the stream is the whole message."""
    scripted(sandbox, method)
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", disable_streaming=True)
    assert list(model.with_structured_output(City, method=method).stream("Bonn?")) == [City(**CITY)]


def test_partial_objects_grow_by_calls_too(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """The arguments of a forced call are read as they arrive."""
    name = "Bonn on the river Rhine, between here and there"
    sandbox.script(None, [Answer(tool_calls=[("City", {"name": name, "people": 3})])])
    seen: list[Any] = list(model.with_structured_output(SCHEMA, method="function_calling").stream("Bonn?"))
    assert len(seen) > 2
    assert seen[-1] == {"name": name, "people": 3}


def broken_call(arguments: str = '{"name": "Bonn", "peo') -> bytes:
    function = {"name": "City", "arguments": arguments}
    message = {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": function}]}
    return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()


def test_malformed_call_is_asked_for_once_more(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Arguments that are no JSON are worth one more request."""
    sandbox.reply_raw("oxen", body=broken_call())
    scripted(sandbox, "function_calling")
    structured = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen").with_structured_output(
        City, method="function_calling"
    )
    assert structured.invoke("Bonn?") == City(**CITY)
    assert len(sandbox.requests) == 2


def test_malformed_call_twice_is_an_error_with_its_text(sandbox: Sandbox) -> None:
    """After that the error keeps what the model wrote; it is never a silent `None`."""
    for _ in range(2):
        sandbox.reply_raw("oxen", body=broken_call())
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", max_retries=1)
    with pytest.raises(InvalidResponse) as caught:
        model.with_structured_output(City, method="function_calling").invoke("Bonn?")
    assert caught.value.raw == '{"name": "Bonn", "peo'
    assert caught.value.llm_output == caught.value.raw  # type: ignore[attr-defined]
    assert len(sandbox.requests) == 2


def test_malformed_call_stays_invalid_in_a_stream(model: ChatGeminiMulti, sandbox: Sandbox) -> None:
    """Also when the provider answers a stream in one piece, the call is shown and not run."""
    sandbox.reply_raw("oxen", headers={"content-type": "application/json"}, body=broken_call())
    first, *rest = model.bind_tools([City]).stream("Bonn?")
    merged = sum(rest, first)
    assert (merged.tool_calls, merged.invalid_tool_calls[0]["name"]) == ([], "City")  # type: ignore[attr-defined]


def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("name", ["gemini-2.5-flash", "gemini-3-flash"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_tools_go_together_with_an_object(sandbox: Sandbox, provider: str, name: str, method: Any) -> None:
    """The model may call a tool or give the object, also where it refuses both in one request."""
    model = ChatGeminiMulti(model=name, providers=provider, max_retries=0)
    structured: Any = model.with_structured_output(City, method=method, tools=[get_weather], include_raw=True)
    call = structured.invoke("Use get_weather for Bonn.")
    assert [one["name"] for one in call["raw"].tool_calls] == ["get_weather"]
    scripted(sandbox, "json_schema")
    assert structured.invoke("Bonn?")["parsed"] == City(**CITY)


@pytest.mark.parametrize("method", METHODS)
def test_a_dictionary_is_checked_against_what_providers_do_not_enforce(sandbox: Sandbox, method: Any) -> None:
    """A bound that the model broke is an error, not an answer."""
    people = {"type": "integer", "minimum": 1000}
    schema = {"title": "City", "type": "object", "properties": {"people": people}, "required": ["people"]}
    answer = Answer(tool_calls=[("City", {"people": 3})]) if method == "function_calling" else Answer('{"people": 3}')
    sandbox.script("oxen", [answer])
    model = ChatGeminiMulti(model="gemini-2.5-flash-lite", providers="oxen")

    with pytest.raises(OutputParserException, match="does not keep its schema"):
        model.with_structured_output(schema, method=method).invoke("Describe a city.")
