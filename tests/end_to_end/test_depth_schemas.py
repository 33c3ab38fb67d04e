"""Schemas of any kind: what goes to each endpoint, word for word, and what comes back, put right and checked."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any, Optional

import pytest

from gemini_multi import BadRequest, Message, ResponseFormat, Tool, ToolChoice
from gemini_multi.errors import ConfigurationError, InvalidResponse
from gemini_multi.sandbox import Sandbox
from gemini_multi.sandbox.answer import Answer
from gemini_multi.structured import read, schema_of, validation_errors
from tests.end_to_end.depth_endpoints import (
    ENDPOINTS,
    FAMILY_C,
    OLD_ENDPOINTS,
    RUN,
    STUDIO,
    EndpointCase,
    ask,
    client_of,
    sent,
)
from tests.schemas.classes import Cat, Everything, Movie, OldOuter, Point, Tree

HELLO = Message.user("Hello")
ALL_ENDPOINTS = [*ENDPOINTS, *OLD_ENDPOINTS]


def described(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


NODE = {"Node": described(next={"$ref": "#/$defs/Node"})}
SOURCES: dict[str, Any] = {
    "pydantic 2": Everything,
    "pydantic 1": OldOuter,
    "typed dictionary": Movie,
    "dataclass": Point,
    "recursive class": Tree,
    "list of a class": list[Cat],
    "optional of a class": Optional[Cat],  # noqa: UP045
    "tool": Tool("f", "", described(a={"type": "string"})),
    "response format": ResponseFormat(described(a={"type": "string"})),
    "number": {"type": "integer"},
    "enum": {"type": "string", "enum": ["a", "b"]},
    "anything": {},
    "empty object": described(),
    "draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"A": {"type": "string", "format": "uri"}},
        **described(a={"$ref": "#/definitions/A"}, b={"default": "x", "examples": ["y"]}),
        "required": ["a", "gone"],
    },
    "mutual recursion": {
        "$defs": {
            "A": {**described(b={"$ref": "#/$defs/B"}), "required": ["b"]},
            "B": {**described(a={"$ref": "#/$defs/A"}), "required": ["a"]},
        },
        "$ref": "#/$defs/A",
    },
    "alternatives at the root": {"oneOf": [described(k={"const": "x"}), described(k={"const": "y"}, z={})]},
    "merged": {"allOf": [described(a={"type": "integer", "exclusiveMinimum": 0}), {"required": ["a"]}]},
    "mixed enums": described(m={"enum": ["a", 1, None, ""]}, n={"enum": [None, "x"]}, f={"enum": [0.5]}),
    "tuples": described(t={"type": "array", "items": [{"type": "string"}]}, u={"type": "array"}, w={"items": False}),
    "open objects": described(
        d={"additionalProperties": {"type": "integer"}}, e={"type": "object"}, any=True, no=False
    ),
    "odd names": described(**{"n" * 200: {"type": "string"}, "with space": {}, "ünï": {}, "$dollar": {}}),
    "long descriptions": {**described(a={"type": "string", "description": "y" * 5000}), "description": "x" * 9000},
    "google's words": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
}


@pytest.mark.parametrize("endpoint", ALL_ENDPOINTS, ids=str)
@pytest.mark.parametrize("use", ["tool", "format", "both"])
@pytest.mark.parametrize("strict", [None, False], ids=["", "lax"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_endpoint_takes_every_schema(
    endpoint: EndpointCase, use: str, strict: bool | None, stream: bool, sandbox: Sandbox
) -> None:
    """No schema, as a function's or as the answer's, is refused anywhere, and none is changed in the caller's hands."""
    client = client_of(sandbox, endpoint)
    for name, source in SOURCES.items():
        schema = schema_of(source)
        before = copy.deepcopy(schema)
        tools = (Tool("f", "Does it.", schema, strict=strict),) if use != "format" else ()
        wanted = ResponseFormat(schema, strict=strict) if use != "tool" else None
        response = ask(client, endpoint.request(HELLO, tools=tools, response_format=wanted), stream=stream)

        assert response.finish_reason in ("stop", "tool_calls"), name
        assert schema == before, name
    assert len(sandbox.requests) == len(SOURCES)


@pytest.mark.parametrize("endpoint", [FAMILY_C], ids=str)
def test_strict_schemas_are_taken(endpoint: EndpointCase, sandbox: Sandbox) -> None:
    """Also in OpenAI's strict form, where a provider has it."""
    for source in SOURCES.values():
        tool = Tool("f", "", schema_of(source), strict=True)
        ask(client_of(sandbox, endpoint), endpoint.request(HELLO, tools=(tool,)))

    assert len(sandbox.requests) == len(SOURCES)


UNKNOWN_FIELD = json.dumps(
    {
        "error": {
            "code": 400,
            "message": 'Invalid JSON payload received. Unknown name "parametersJsonSchema" at '
            "'tools[0].function_declarations[0]': Cannot find field.",
            "status": "INVALID_ARGUMENT",
        }
    }
)


@pytest.mark.parametrize("endpoint", [RUN, STUDIO], ids=str)
@pytest.mark.parametrize("use", ["tool", "format"])
def test_the_older_fields_take_every_schema(endpoint: EndpointCase, use: str, sandbox: Sandbox) -> None:
    """A provider without the JSON Schema fields gets the request again with the older ones.

    Which refuse unknown words.
    """
    client = client_of(sandbox, endpoint)
    for name, source in SOURCES.items():
        schema = schema_of(source)
        if not schema or schema == described():
            continue
        settings = {"tools": (Tool("f", "", schema),)} if use == "tool" else {"response_format": ResponseFormat(schema)}
        sandbox.fail("cloudflare", status=400, body=UNKNOWN_FIELD)
        response = client.chat(endpoint.request(HELLO, **settings))
        body = sent(sandbox)
        holder = body["tools"][0]["functionDeclarations"][0] if use == "tool" else body["generationConfig"]

        assert [attempt.status for attempt in response.attempts] == [400, 200], name
        assert {"parameters", "responseSchema"} & holder.keys(), name
        assert not {"parametersJsonSchema", "responseJsonSchema"} & holder.keys(), name


@dataclasses.dataclass(frozen=True)
class Row:
    """One known 400 of the older field, and what each form says instead."""

    name: str
    given: dict[str, Any]
    open_api: dict[str, Any]
    json_schema: dict[str, Any]
    chat: dict[str, Any]
    definitions: dict[str, Any] = dataclasses.field(default_factory=dict)
    chat_definitions: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def row(name: str, given: Any, open_api: Any, json_schema: Any = None, chat: Any = None, **more: Any) -> Row:
    json_schema = open_api if json_schema is None else json_schema
    return Row(name, given, open_api, json_schema, json_schema if chat is None else chat, **more)


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
JSON_TEXT = {"type": "string", "description": "A JSON object as text."}
TEXT_OR_NUMBER = {"anyOf": [STRING, INTEGER]}
TUPLE = {"type": "array", "minItems": 2, "maxItems": 2}
IN_ORDER = {**TUPLE, "items": TEXT_OR_NUMBER, "description": 'In this order: {"type":"string"}, {"type":"integer"}.'}
CITY = {**described(name=STRING), "required": ["name"]}
MIXED = {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}, {"type": "null"}]}
ROWS = [
    row("$schema and $id", {"$schema": "x", "$id": "y", "type": "string"}, STRING),
    row("examples and title", {"type": "string", "examples": ["x"], "title": "T"}, STRING),
    row("default", {"type": "string", "default": "d"}, {"type": "string", "description": 'Default: "d".'}),
    row(
        "uniqueItems",
        {"type": "array", "items": STRING, "uniqueItems": True},
        {"type": "array", "items": STRING, "description": "No item twice."},
    ),
    row(
        "multipleOf",
        {"type": "integer", "multipleOf": 5},
        {"type": "integer", "description": "A multiple of 5."},
    ),
    row(
        "not",
        {"type": "string", "not": {"const": "x"}},
        {"type": "string", "description": 'Must not follow the JSON Schema {"const":"x"}'},
    ),
    row(
        "additionalProperties",
        {**CITY, "additionalProperties": False},
        CITY,
        {**CITY, "additionalProperties": False},
    ),
    row("const", {"const": "dog"}, {"type": "string", "enum": ["dog"]}),
    row(
        "const number",
        {"const": 2},
        {"type": "string", "format": "enum", "enum": ["2"]},
        {"type": "integer", "enum": [2]},
    ),
    row("const truth", {"const": True}, {"type": "boolean", "description": "Always true."}),
    row(
        "exclusive bounds of integers",
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        {"type": "integer", "minimum": 1, "maximum": 9},
    ),
    row(
        "exclusive bound of numbers",
        {"type": "number", "exclusiveMinimum": 0.5},
        {"type": "number", "minimum": 0.5, "description": "Greater than 0.5."},
    ),
    row(
        "reference",
        {"$ref": "#/$defs/City"},
        CITY,
        {"$ref": "#/$defs/City"},
        CITY,
        definitions={"City": CITY},
    ),
    row(
        "recursion",
        {"$ref": "#/$defs/Node"},
        described(next=described(next=described(next=JSON_TEXT))),
        {"$ref": "#/$defs/Node"},
        described(next={"$ref": "#/$defs/Node"}),
        definitions=NODE,
        chat_definitions=NODE,
    ),
    row(
        "string or null",
        {"type": ["string", "null"]},
        {"type": "string", "nullable": True},
        {"anyOf": [STRING, {"type": "null"}]},
    ),
    row("string or integer", {"type": ["string", "integer"]}, TEXT_OR_NUMBER),
    row("oneOf", {"oneOf": [STRING, INTEGER]}, TEXT_OR_NUMBER),
    row(
        "allOf", {"allOf": [{"type": "integer", "minimum": 1}, {"maximum": 5}]}, {**INTEGER, "minimum": 1, "maximum": 5}
    ),
    row(
        "anyOf with siblings",
        {"description": "Which", "anyOf": [STRING, INTEGER]},
        {"anyOf": [{**STRING, "description": "Which"}, {**INTEGER, "description": "Which"}]},
    ),
    row("free object", described(), JSON_TEXT, {"type": "object"}),
    row(
        "map",
        {"type": "object", "additionalProperties": INTEGER},
        {"type": "string", "description": 'A JSON object as text. Each value follows {"type":"integer"}.'},
        {"type": "object", "additionalProperties": INTEGER},
    ),
    row(
        "array without items",
        {"type": "array"},
        {"type": "array", "items": STRING},
        {"type": "array"},
        {"type": "array", "items": STRING},
    ),
    row(
        "enum of numbers",
        {"enum": [1, 2]},
        {"type": "string", "format": "enum", "enum": ["1", "2"]},
        {"type": "integer", "enum": [1, 2]},
    ),
    row(
        "enum with an empty member",
        {"type": "string", "enum": ["a", ""]},
        {"type": "string", "enum": ["a"]},
        {"type": "string", "enum": ["a", ""]},
        {"type": "string", "enum": ["a"]},
    ),
    row(
        "mixed enum",
        {"enum": ["a", 1, None]},
        {"type": "string", "format": "enum", "enum": ["a", "1"], "nullable": True},
        MIXED,
    ),
    row("format", {"type": "string", "format": "uuid"}, {"type": "string", "description": "Format: uuid."}),
    row("date-time", {"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    row(
        "required but missing",
        {**described(a=STRING), "required": ["a", "gone"]},
        {**described(a=STRING), "required": ["a"]},
    ),
    row(
        "tuple",
        {**TUPLE, "prefixItems": [STRING, INTEGER]},
        IN_ORDER,
        {**TUPLE, "prefixItems": [STRING, INTEGER]},
        IN_ORDER,
    ),
]


def rooted(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return {**described(x=schema), **({"$defs": definitions} if definitions else {})}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_known_refusal_is_avoided(row: Row, sandbox: Sandbox) -> None:
    """The older field, the JSON Schema field and chat completions each get what they accept, and the loss is told."""
    tool = Tool("f", "Does it.", rooted(row.given, row.definitions))
    told: list[Any] = []
    for endpoint, is_older in ((RUN, False), (RUN, True), (FAMILY_C, False)):
        if is_older:
            sandbox.fail("cloudflare", status=400, body=UNKNOWN_FIELD)
        client_of(sandbox, endpoint).chat(endpoint.request(HELLO, tools=(tool,)))
        told.append(sent(sandbox)["tools"])
    json_schema, open_api, chat = told
    head = {"name": "f", "description": "Does it."}

    assert json_schema == [
        {"functionDeclarations": [{**head, "parametersJsonSchema": rooted(row.json_schema, row.definitions)}]}
    ]
    assert open_api == [{"functionDeclarations": [{**head, "parameters": rooted(row.open_api, {})}]}]
    assert chat == [{"type": "function", "function": {**head, "parameters": rooted(row.chat, row.chat_definitions)}}]


@pytest.mark.parametrize("endpoint", ALL_ENDPOINTS, ids=str)
def test_a_function_without_arguments_has_no_parameters(endpoint: EndpointCase, sandbox: Sandbox) -> None:
    """An object without properties is refused: the field stays out, or is there where the provider insists on it."""
    client_of(sandbox, endpoint).chat(endpoint.request(HELLO, tools=(Tool("f", "Does it.", described()),)))
    (tool,) = sent(sandbox)["tools"]
    declared = {"name": "f", "description": "Does it."}
    insists = {"parameters": described()} if endpoint.name in ("aimlapi-A", "aimlapi-2.5") else {}
    native = {"functionDeclarations": [declared]}

    assert tool == (native if endpoint.is_native else {"type": "function", "function": {**declared, **insists}})


@pytest.mark.parametrize(
    "message",
    [
        "The specified schema produces a constraint that has too many states for serving.",
        "A schema in GenerationConfig in the request exceeds the maximum allowed nesting depth.",
    ],
)
def test_a_schema_that_is_too_large_is_the_callers_to_change(message: str, sandbox: Sandbox) -> None:
    """Nobody can shorten it without changing its meaning: the provider's words reach the caller at once."""
    sandbox.fail("cloudflare", status=400, body=json.dumps({"error": {"code": 400, "message": message}}), times=3)
    request = RUN.request(HELLO, response_format=ResponseFormat(CITY), tools=(), tool_choice=ToolChoice("auto"))
    with pytest.raises(BadRequest, match=message.split(".")[0]):
        client_of(sandbox, RUN).chat(request)

    assert len(sandbox.requests) == 1


# What comes back.

PARAMETERS = {
    "$defs": {"Level": {"enum": [1, 2]}},
    **described(
        count=INTEGER,
        level={"$ref": "#/$defs/Level"},
        version={"const": 2},
        ratio={"type": "number"},
        on={"type": "boolean"},
        map={"type": "object", "additionalProperties": INTEGER},
        pair={"type": "array", "prefixItems": [STRING, INTEGER]},
        note={"type": "string"},
    ),
    "required": ["count"],
}
GIVEN = {
    "count": 3.0,
    "level": "2",
    "version": "2",
    "ratio": 3,
    "on": "true",
    "map": '{"a": 1.0}',
    "pair": ["x", 2.0],
    "note": None,
}
RIGHT = {"count": 3, "level": 2, "version": 2, "ratio": 3, "on": True, "map": {"a": 1}, "pair": ["x", 2]}


@pytest.mark.parametrize("endpoint", ALL_ENDPOINTS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("prefix", ["", "default_api:", "default_api."])
def test_calls_come_back_as_they_were_declared(
    endpoint: EndpointCase, stream: bool, prefix: str, sandbox: Sandbox
) -> None:
    """Integers sent as floats, enums and objects as text, and names with the model's prefix are put right."""
    names = ("f", "a function with a name that is much too long for any provider, with blanks and ünï" * 2)
    tools = tuple(Tool(name, "", PARAMETERS) for name in names)
    client = client_of(sandbox, endpoint)
    wire = [declared_name(endpoint, ask(client, endpoint.request(HELLO, tools=(tool,))), sandbox) for tool in tools]
    sandbox.script(endpoint.provider, [Answer(tool_calls=[(f"{prefix}{name}", GIVEN) for name in wire])])
    response = ask(client, endpoint.request(HELLO, tools=tools), stream=stream)

    assert [(call.name, call.arguments) for call in response.tool_calls] == [(name, RIGHT) for name in names]
    assert type(response.tool_calls[0].arguments["count"]) is int


def declared_name(endpoint: EndpointCase, _: object, sandbox: Sandbox) -> str:
    """Give the name under which the last request declared its function."""
    (tool,) = sent(sandbox)["tools"]
    name = tool["functionDeclarations"][0]["name"] if endpoint.is_native else tool["function"]["name"]
    assert isinstance(name, str)
    assert len(name) <= 64
    return name


@pytest.mark.parametrize("endpoint", ALL_ENDPOINTS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_answers_come_back_as_they_were_asked_for(endpoint: EndpointCase, stream: bool, sandbox: Sandbox) -> None:
    """The same holds for an answer in JSON, in a fence or bare: `read` gives what the schema describes."""
    sandbox.script(endpoint.provider, [Answer(f"Here:\n```json\n{json.dumps(GIVEN)}\n```"), Answer(json.dumps(GIVEN))])
    for _ in range(2):
        request = endpoint.request(HELLO, response_format=ResponseFormat(PARAMETERS))
        text = ask(client_of(sandbox, endpoint), request, stream=stream).text

        assert read(text, PARAMETERS) == RIGHT


BROKEN: list[tuple[str, dict[str, Any], Any]] = [
    ("exclusive bound", {"type": "number", "exclusiveMinimum": 0.5}, 0.5),
    ("multiple", {"type": "integer", "minimum": 0, "maximum": 9}, 10),
    ("pattern", {"type": "string", "pattern": "^a"}, "b"),
    ("length", {"type": "string", "minLength": 2}, "b"),
    ("items", {"type": "array", "items": INTEGER, "maxItems": 1}, [1, 2]),
    ("tuple", {"type": "array", "prefixItems": [STRING, INTEGER]}, ["a", "b"]),
    ("enum", {"enum": ["a", 1]}, "c"),
    ("const", {"const": True}, False),
    ("required", CITY, {}),
    ("closed object", {**CITY, "additionalProperties": False}, {"name": "a", "b": 1}),
    ("map", {"type": "object", "additionalProperties": INTEGER}, {"a": "b"}),
    ("alternatives", {"oneOf": [STRING, INTEGER]}, [1]),
    ("null", STRING, None),
]


@pytest.mark.parametrize(("name", "schema", "value"), BROKEN, ids=[name for name, *_ in BROKEN])
def test_what_nobody_enforced_is_checked(name: str, schema: dict[str, Any], value: Any) -> None:
    """An answer that breaks the schema is an error that names the place, not a value that looks right."""
    asked = {**described(x=schema), "required": ["x"]}
    with pytest.raises(InvalidResponse, match=r"does not fit the schema: .*x"):
        read(json.dumps({"x": value}), asked)

    assert validation_errors({"x": value}, asked) != []


@pytest.mark.parametrize("text", ["", "I cannot say.", '{"name": ', "```json\nnope\n```"])
def test_answers_without_json_are_an_error(text: str) -> None:
    """With the text in it, so that the caller sees what came instead."""
    with pytest.raises(InvalidResponse, match="is not JSON") as error:
        read(text, CITY)

    assert error.value.raw == text


@pytest.mark.parametrize("source", [3, "text", object()], ids=["number", "text", "object"])
def test_what_has_no_schema_is_an_error(source: object) -> None:
    """Before anything is sent, with what to do."""
    with pytest.raises(ConfigurationError, match="has no JSON Schema"):
        schema_of(source)


def test_schemas_of_classes_are_pydantics_own() -> None:
    """Whole, with definitions and bounds."""
    assert schema_of(Everything) == Everything.model_json_schema()
    assert schema_of(OldOuter) == OldOuter.schema()
    assert schema_of(Movie)["properties"] == {
        "name": {"title": "Name", "type": "string"},
        "tree": {"$ref": "#/$defs/Tree"},
    }
    assert schema_of(CITY) is CITY
