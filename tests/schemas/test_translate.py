"""JSON Schemas in each form that a provider accepts."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gemini_multi._schemas.check import validation_errors
from gemini_multi._schemas.repair import repair
from gemini_multi._schemas.translate import (
    chat_schema,
    function_name,
    is_empty_object,
    json_schema,
    open_api_schema,
    strict_schema,
    wire_names,
)
from gemini_multi.errors import ConfigurationError
from tests.schemas.classes import Everything, Movie, OldOuter, Point, Tree

FORMS = (json_schema, open_api_schema, chat_schema, strict_schema)


@dataclass(frozen=True)
class Case:
    """A property's schema and what it becomes; `None` for the same as in JSON Schema (strict: as in chat)."""

    name: str
    schema: dict[str, Any]
    json: dict[str, Any]
    open_api: dict[str, Any] | None = None
    chat: dict[str, Any] | None = None
    strict: dict[str, Any] | None = None

    def expected(self, form: Callable[..., object]) -> dict[str, Any]:
        chat = self.json if self.chat is None else self.chat
        return {
            json_schema: self.json,
            open_api_schema: self.json if self.open_api is None else self.open_api,
            chat_schema: chat,
            strict_schema: chat if self.strict is None else self.strict,
        }[form]


GIVEN_A = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    "required": ["a"],
}
GIVEN_B = {**GIVEN_A, "required": ["b"]}

CASES = [
    Case(
        "a default that is no JSON value",
        {"type": "string", "default": date(2026, 1, 2)},
        json={"type": "string", "description": 'Default: "2026-01-02".'},
    ),
    Case(
        "dropped keywords",
        {
            "$schema": "s",
            "$id": "i",
            "title": "T",
            "type": "object",
            "properties": {"title": {"type": "string", "title": "Title", "examples": ["x"]}},
            "discriminator": {"propertyName": "k"},
            "examples": [{}],
            "additionalProperties": False,
        },
        json={"type": "object", "properties": {"title": {"type": "string"}}, "additionalProperties": False},
        open_api={"type": "object", "properties": {"title": {"type": "string"}}},
        strict={
            "type": "object",
            "properties": {"title": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "additionalProperties": False,
            "required": ["title"],
        },
    ),
    Case(
        "lost limits",
        {"type": "array", "items": {"type": "integer", "multipleOf": 5}, "uniqueItems": True},
        json={
            "type": "array",
            "items": {"type": "integer", "description": "A multiple of 5."},
            "description": "No item twice.",
        },
    ),
    Case(
        "property names",
        {"type": "object", "properties": {"a": {"type": "string"}}, "propertyNames": {"maxLength": 3}},
        json={
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "description": 'JSON Schema\'s `propertyNames`: {"maxLength":3}',
        },
        strict={
            "type": "object",
            "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "additionalProperties": False,
            "description": 'JSON Schema\'s `propertyNames`: {"maxLength":3}',
            "required": ["a"],
        },
    ),
    Case(
        "not",
        {"type": "string", "not": {"const": "x"}},
        json={"type": "string", "description": 'Must not follow the JSON Schema {"const":"x"}'},
    ),
    Case(
        "if and then",
        {"type": "string", "if": {"minLength": 1}, "then": {"maxLength": 5}},
        json={
            "type": "string",
            "description": 'JSON Schema\'s `if`: {"minLength":1}. JSON Schema\'s `then`: {"maxLength":5}',
        },
    ),
    Case(
        "pattern properties",
        {"type": "object", "patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False},
        json={
            "type": "object",
            "additionalProperties": {"type": "null"},
            "description": 'JSON Schema\'s `patternProperties`: {"^x":{"type":"null"}}',
        },
        open_api={
            "type": "string",
            "description": 'A JSON object as text. Each value follows {"type":"null"}. JSON Schema\'s '
            '`patternProperties`: {"^x":{"type":"null"}}',
        },
        strict={
            "type": "string",
            "description": 'A JSON object as text. Each value follows {"type":"null"}. JSON Schema\'s '
            '`patternProperties`: {"^x":{"type":"null"}}',
        },
    ),
    Case(
        "several patterns",
        {"type": "object", "patternProperties": {"^x": {}, "^y": {}}, "additionalProperties": False},
        json={"type": "object", "description": 'JSON Schema\'s `patternProperties`: {"^x":{},"^y":{}}'},
        open_api={
            "type": "string",
            "description": 'A JSON object as text. JSON Schema\'s `patternProperties`: {"^x":{},"^y":{}}',
        },
        strict={
            "type": "string",
            "description": 'A JSON object as text. JSON Schema\'s `patternProperties`: {"^x":{},"^y":{}}',
        },
    ),
    Case(
        "const text",
        {"const": "cat"},
        json={"type": "string", "enum": ["cat"]},
    ),
    Case(
        "const number",
        {"const": 3},
        json={"type": "integer", "enum": [3]},
        open_api={"type": "string", "format": "enum", "enum": ["3"]},
    ),
    Case(
        "const true",
        {"const": True},
        json={"type": "boolean", "description": "Always true."},
    ),
    Case(
        "const null",
        {"const": None},
        json={"type": "null"},
    ),
    Case(
        "exclusive integers",
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        json={"type": "integer", "minimum": 1, "maximum": 9},
    ),
    Case(
        "exclusive floats",
        {"type": "number", "exclusiveMinimum": 0.5, "maximum": 9, "description": "Share"},
        json={"type": "number", "minimum": 0.5, "maximum": 9, "description": "Share. Greater than 0.5."},
    ),
    Case(
        "draft 4 exclusive",
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
        json={"type": "integer", "minimum": 2},
    ),
    Case(
        "type and null",
        {"type": ["string", "null"], "description": "Name"},
        json={"anyOf": [{"type": "string", "description": "Name"}, {"type": "null"}]},
        open_api={"type": "string", "description": "Name", "nullable": True},
    ),
    Case(
        "several types",
        {"type": ["string", "integer", "null"], "description": "Key", "minimum": 1},
        json={
            "anyOf": [
                {"type": "string", "description": "Key"},
                {"type": "integer", "minimum": 1, "description": "Key"},
                {"type": "null"},
            ]
        },
        open_api={
            "anyOf": [
                {"type": "string", "description": "Key", "nullable": True},
                {"type": "integer", "minimum": 1, "description": "Key", "nullable": True},
            ]
        },
    ),
    Case(
        "oneOf",
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        json={"anyOf": [{"type": "string"}, {"type": "integer"}]},
    ),
    Case(
        "allOf",
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ]
        },
        json={
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
        strict={
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    ),
    Case(
        "anyOf with siblings",
        {
            "anyOf": [{"type": "string", "description": "A word"}, {"type": "integer"}],
            "description": "Key",
            "default": 3,
        },
        json={
            "anyOf": [
                {"type": "string", "description": "Key. Default: 3. A word"},
                {"type": "integer", "description": "Key. Default: 3."},
            ]
        },
    ),
    Case(
        "anyOf beside properties",
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        json={"anyOf": [GIVEN_A, GIVEN_B]},
        strict={
            "anyOf": [
                {
                    **GIVEN_A,
                    "properties": {"a": {"type": "string"}, "b": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                    "required": ["a", "b"],
                    "additionalProperties": False,
                },
                {
                    **GIVEN_B,
                    "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {"type": "string"}},
                    "required": ["a", "b"],
                    "additionalProperties": False,
                },
            ]
        },
    ),
    Case(
        "optional",
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None, "description": "Count"},
        json={"anyOf": [{"type": "integer", "minimum": 1, "description": "Count"}, {"type": "null"}]},
        open_api={"type": "integer", "minimum": 1, "description": "Count", "nullable": True},
    ),
    Case(
        "constants",
        {"oneOf": [{"const": "r", "description": "red"}, {"const": "g", "description": "green"}]},
        json={
            "anyOf": [
                {"type": "string", "enum": ["r"], "description": "red"},
                {"type": "string", "enum": ["g"], "description": "green"},
            ]
        },
    ),
    Case(
        "empty object",
        {"type": "object", "properties": {}},
        json={"type": "object"},
        open_api={"type": "string", "description": "A JSON object as text."},
        strict={"type": "string", "description": "A JSON object as text."},
    ),
    Case(
        "mapping",
        {"type": "object", "additionalProperties": {"type": "integer"}, "description": "Counts"},
        json={"type": "object", "additionalProperties": {"type": "integer"}, "description": "Counts"},
        open_api={
            "type": "string",
            "description": 'Counts. A JSON object as text. Each value follows {"type":"integer"}.',
        },
        strict={
            "type": "string",
            "description": 'Counts. A JSON object as text. Each value follows {"type":"integer"}.',
        },
    ),
    Case(
        "array without items",
        {"type": "array"},
        json={"type": "array"},
        open_api={"type": "array", "items": {"type": "string"}},
        chat={"type": "array", "items": {"type": "string"}},
    ),
    Case(
        "array of anything",
        {"type": "array", "items": {}},
        json={"type": "array"},
        open_api={
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "description": "An object or array as JSON text."},
                    {"type": "number"},
                    {"type": "boolean"},
                ]
            },
        },
        chat={
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "description": "An object or array as JSON text."},
                    {"type": "number"},
                    {"type": "boolean"},
                ]
            },
        },
    ),
    Case(
        "integer enum",
        {"type": "integer", "enum": [10, 11]},
        json={"type": "integer", "enum": [10, 11]},
        open_api={"type": "string", "format": "enum", "enum": ["10", "11"]},
    ),
    Case(
        "mixed enum",
        {"enum": ["auto", 1, None]},
        json={"anyOf": [{"type": "string", "enum": ["auto"]}, {"type": "integer", "enum": [1]}, {"type": "null"}]},
        open_api={"type": "string", "format": "enum", "enum": ["auto", "1"], "nullable": True},
    ),
    Case(
        "empty enum member",
        {"type": "string", "enum": ["", "a"]},
        json={"type": "string", "enum": ["", "a"]},
        open_api={"type": "string", "enum": ["a"]},
        chat={"type": "string", "enum": ["a"]},
    ),
    Case(
        "boolean enum",
        {"enum": [True, False]},
        json={"type": "boolean"},
    ),
    Case(
        "format email",
        {"type": "string", "format": "email", "description": "Where"},
        json={"type": "string", "description": "Where. Format: email."},
    ),
    Case(
        "format date-time",
        {"type": "string", "format": "date-time"},
        json={"type": "string", "format": "date-time"},
    ),
    Case(
        "a size written as a float",
        {"type": "string", "maxLength": 5.0},
        json={"type": "string", "description": "At most 5.0 characters."},
        open_api={"type": "string", "maxLength": 5},
    ),
    Case(
        "lengths and pattern",
        {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^a"},
        json={
            "type": "string",
            "description": "At least 2 characters. At most 5 characters. Matches the regular expression `^a`.",
        },
        open_api={"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^a"},
    ),
    Case(
        "lookahead",
        {"type": "string", "pattern": "^(?=a)"},
        json={"type": "string", "description": "Matches the regular expression `^(?=a)`."},
    ),
    Case(
        "required names nothing",
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
        json={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        strict={
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    ),
    Case(
        "tuple",
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string", "description": "unit"}],
            "minItems": 2,
            "maxItems": 2,
        },
        json={
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string", "description": "unit"}],
        },
        open_api={
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"anyOf": [{"type": "integer"}, {"type": "string", "description": "unit"}]},
            "description": 'In this order: {"type":"integer"}, {"type":"string","description":"unit"}.',
        },
        chat={
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"anyOf": [{"type": "integer"}, {"type": "string", "description": "unit"}]},
            "description": 'In this order: {"type":"integer"}, {"type":"string","description":"unit"}.',
        },
    ),
    Case(
        "old tuple",
        {"type": "array", "items": [{"type": "integer"}, {"type": "integer"}]},
        json={"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]},
        open_api={"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        chat={"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    ),
    Case(
        "anything",
        {"description": "Any value"},
        json={"description": "Any value"},
        open_api={
            "anyOf": [
                {"type": "string", "description": "Any value. An object or array as JSON text."},
                {"type": "number"},
                {"type": "boolean"},
            ]
        },
        chat={
            "anyOf": [
                {"type": "string", "description": "Any value. An object or array as JSON text."},
                {"type": "number"},
                {"type": "boolean"},
            ]
        },
    ),
    Case(
        "nullable",
        {"type": "string", "nullable": True},
        json={"anyOf": [{"type": "string"}, {"type": "null"}]},
        open_api={"type": "string", "nullable": True},
        chat={"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    Case(
        "upper case",
        {"type": "STRING"},
        json={"type": "string"},
    ),
]


@pytest.mark.parametrize("form", FORMS, ids=["json", "open_api", "chat", "strict"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_property_is_translated(case: Case, form: Callable[..., dict[str, Any]]) -> None:
    """Every keyword that a form lacks is repaired or told in words."""
    schema = {"type": "object", "properties": {"x": case.schema}, "required": ["x"]}
    closed = {"additionalProperties": False} if form is strict_schema else {}
    whole = {"type": "object", "properties": {"x": case.expected(form)}, "required": ["x"], **closed}
    assert form(schema) == whole


COLOR = {"enum": ["red", "blue"], "type": "string", "title": "Color", "description": "A color."}
NODE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
    "required": ["value"],
}


def test_json_schema_keeps_definitions_that_are_used() -> None:
    """References stay, in the new place, and hold nothing else; unused definitions go."""
    schema = {
        "type": "object",
        "properties": {
            "plain": {"$ref": "#/definitions/Color"},
            "told": {"$ref": "#/definitions/Color", "default": "red"},
        },
        "definitions": {"Color": COLOR, "Unused": {"type": "string"}},
    }
    reference = {"$ref": "#/$defs/Color"}
    assert json_schema(schema) == {
        "type": "object",
        "properties": {"plain": reference, "told": {"anyOf": [reference], "description": 'Default: "red".'}},
        "$defs": {"Color": {"type": "string", "enum": ["red", "blue"], "description": "A color."}},
    }


def test_values_of_patterned_keys_keep_their_definition() -> None:
    """Words about a reference alone would hold a name without a meaning."""
    mapping = {"type": "object", "patternProperties": {"^x": {"$ref": "#/$defs/Color"}}}
    translated = json_schema({"type": "object", "properties": {"by_key": mapping}, "$defs": {"Color": COLOR}})
    assert translated["properties"]["by_key"]["additionalProperties"] == {"$ref": "#/$defs/Color"}
    assert translated["$defs"]["Color"]["enum"] == ["red", "blue"]


@pytest.mark.parametrize("form", [open_api_schema, chat_schema])
def test_definitions_are_written_in_place(form: Callable[..., object]) -> None:
    """A reference that is not recursive is replaced; its own description comes first."""
    schema = {
        "type": "object",
        "properties": {"c": {"allOf": [{"$ref": "#/definitions/Color"}], "description": "Paint it", "default": "red"}},
        "definitions": {"Color": COLOR},
    }
    color = {"type": "string", "enum": ["red", "blue"], "description": 'Paint it. A color. Default: "red".'}
    assert form(schema) == {"type": "object", "properties": {"c": color}}


@pytest.mark.parametrize("form", [json_schema, chat_schema])
def test_recursion_stays_a_reference(form: Callable[..., object]) -> None:
    """The root is written in place and recursion points to `$defs`."""
    node = {**NODE}
    assert form({"$ref": "#/$defs/Node", "$defs": {"Node": {**NODE, "title": "Node"}}}) == {
        **NODE,
        "$defs": {"Node": node},
    }


@pytest.mark.parametrize("form", [json_schema, chat_schema])
def test_required_recursion_is_made_optional(form: Callable[..., Any]) -> None:
    """Gemini allows cycles only in properties that are not required."""
    children = {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    node = {"type": "object", "properties": {"children": children}, "required": ["children"]}
    result = form({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert result["$defs"] == {"Node": {"type": "object", "properties": {"children": children}}}
    assert result["required"] == ["children"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            [{"type": "number", "minimum": 1, "maximum": 9}, {"type": "integer", "minimum": 3, "maximum": 12}],
            {"type": "integer", "minimum": 3, "maximum": 9},
        ),
        ([{"enum": ["a", "b"]}, {"enum": ["b", "c"]}], {"type": "string", "enum": ["b"]}),
        (
            [{"type": "object", "properties": {"a": {"type": "string"}}}, {"properties": {"a": {"description": "A"}}}],
            {"type": "object", "properties": {"a": {"type": "string", "description": "A"}}},
        ),
        (
            [{"type": "array", "items": {"type": "string"}}, {"items": {"description": "I"}}],
            {"type": "array", "items": {"type": "string", "description": "I"}},
        ),
        (
            [{"description": "A", "minimum": 1}, {"description": "B", "type": "integer"}],
            {"type": "integer", "minimum": 1, "description": "A. B"},
        ),
    ],
)
def test_conjunction_is_merged(members: list[Any], expected: object) -> None:
    """What several schemas demand together becomes one schema with the tighter limits."""
    result = json_schema({"type": "object", "properties": {"x": {"allOf": members}}})
    assert result["properties"] == {"x": expected}


def test_required_reference_outside_the_cycle_stays_required() -> None:
    """Only properties on a cycle of required properties lose `required`."""
    definitions = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}, "required": ["b"]},
        "B": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
    }
    result = json_schema(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "$defs": definitions}
    )
    assert result["$defs"] == definitions


def test_open_api_recursion_ends_in_json_text() -> None:
    """After three levels the next one is asked for as text."""
    level: dict[str, Any] = {"type": "string", "description": "A JSON object as text.", "nullable": True}
    for _ in range(3):
        properties = {"value": {"type": "integer"}, "next": level}
        level = {"type": "object", "properties": properties, "required": ["value"], "nullable": True}
    del level["nullable"]
    assert open_api_schema({"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}) == level


@pytest.mark.parametrize("form", FORMS)
def test_reference_to_nothing_is_told(form: Callable[..., Any]) -> None:
    """A reference that leads nowhere accepts anything."""
    result = form({"type": "object", "properties": {"x": {"$ref": "https://example.com/x.json"}}})
    assert 'See \\"https://example.com/x.json\\".' in json.dumps(result)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (json_schema, {}),
        (
            open_api_schema,
            {
                "anyOf": [
                    {"type": "string", "description": "An object or array as JSON text."},
                    {"type": "number"},
                    {"type": "boolean"},
                ]
            },
        ),
        (chat_schema, {"type": "object", "properties": {}}),
        (strict_schema, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}),
    ],
)
def test_empty_root(form: Callable[..., object], expected: object) -> None:
    """Chat providers always get an object."""
    assert form({}) == expected


def test_chat_root_of_alternatives_becomes_one_object() -> None:
    """Chat providers want an object at the root: the alternatives' properties come together."""
    cat = {
        "type": "object",
        "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
        "required": ["kind"],
    }
    dog = {"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"]}
    assert chat_schema({"oneOf": [cat, {"$ref": "#/$defs/Dog"}], "$defs": {"Dog": dog}}) == {
        "type": "object",
        "properties": {
            "kind": {"anyOf": [{"type": "string", "enum": ["cat"]}, {"type": "string", "enum": ["dog"]}]},
            "lives": {"type": "integer"},
        },
        "required": ["kind"],
        "description": "Has the keys of one of these alternatives: kind, lives; or kind.",
    }


MODELS = {
    "everything": Everything.model_json_schema(),
    "typed_dict": TypeAdapter(Movie).json_schema(),
    "dataclass": TypeAdapter(Point).json_schema(),
    "tree": Tree.model_json_schema(),
    "pydantic_v1": OldOuter.schema(),
}

ALLOWED: dict[Any, set[str]] = {
    json_schema: {"$defs", "$ref", "prefixItems", "additionalProperties"},
    open_api_schema: {"nullable", "minProperties", "maxProperties", "minLength", "maxLength", "pattern"},
    chat_schema: {"$defs", "$ref", "additionalProperties"},
}
for allowed in ALLOWED.values():
    allowed |= {"type", "format", "description", "enum", "items", "minItems", "maxItems", "minimum", "maximum"}
    allowed |= {"anyOf", "properties", "required"}
ALLOWED[strict_schema] = ALLOWED[chat_schema]


def nodes_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Walk through all positions of a schema that hold schemas."""
    if not isinstance(schema, dict):
        assert isinstance(schema, bool)
        return
    yield schema
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from nodes_of(schema[keyword])
    for keyword in ("anyOf", "prefixItems"):
        for child in schema.get(keyword, []):
            yield from nodes_of(child)
    for keyword in ("properties", "$defs"):
        for child in schema.get(keyword, {}).values():
            yield from nodes_of(child)


def assert_fits(result: dict[str, Any], form: Callable[..., object]) -> None:
    """Check the rules of a form at every position."""
    for node in nodes_of(result):
        assert node.keys() <= ALLOWED[form], node
        assert set(node.get("required", [])) <= set(node.get("properties", {}))
        if "$ref" in node:
            assert node.keys() == {"$ref"}
            assert node["$ref"].removeprefix("#/$defs/") in result["$defs"]
        elif form is not json_schema:
            assert isinstance(node.get("type"), str) or node.keys() - {"description", "$defs"} == {"anyOf"}, node
            assert node.get("type") != "array" or "items" in node
        if form is open_api_schema:
            assert "anyOf" not in node or len(node) == 1
            assert all(isinstance(member, str) and member for member in node.get("enum", []))
            assert node is result or node.get("type") != "object" or node["properties"]
        if form is strict_schema and node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_real_models_fit_the_form(name: str, form: Callable[..., Any]) -> None:
    """Schemas of models, dataclasses and typed dictionaries come out in the form's own words."""
    schema = MODELS[name]
    before = copy.deepcopy(schema)
    result = form(schema)
    assert schema == before
    assert_fits(result, form)
    assert result["type"] == "object"


@pytest.mark.parametrize("name", MODELS)
def test_google_types_accept_the_schemas(name: str) -> None:
    """Google's own types, which forbid unknown fields, read the results."""
    from google.genai import types

    types.Schema.model_validate(open_api_schema(MODELS[name]))
    declared = types.FunctionDeclaration(name="f", parameters_json_schema=json_schema(MODELS[name]))
    assert declared.parameters_json_schema == json_schema(MODELS[name])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_google_schema_type_accepts_each_repair(case: Case) -> None:
    """Google's own `Schema`, which forbids unknown fields, reads every repaired row, and nothing gets lost in it."""
    from google.genai import types

    expected = case.expected(open_api_schema)
    schema = types.Schema.model_validate(expected)
    dumped = schema.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert json.loads(json.dumps(dumped).lower()) == json.loads(json.dumps(expected).lower())


ROUND_TRIP = {
    "type": "object",
    "properties": {
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "level": {"type": "integer", "enum": [1, 2]},
        "mode": {"enum": ["auto", 1, True]},
        "node": {"$ref": "#/$defs/Node"},
    },
    "$defs": {"Node": NODE},
}


def test_what_is_asked_for_as_text_is_turned_back() -> None:
    """An answer that follows the wire schema conforms to the original one."""
    node: dict[str, Any] = {"value": "4", "next": json.dumps({"value": 5, "next": None})}
    answer: Any = {"counts": '{"a": 1}', "level": "2", "mode": "1", "node": node}
    right = {"counts": {"a": 1}, "level": 2, "mode": 1, "node": {"value": 4, "next": {"value": 5, "next": None}}}
    assert repair(answer, ROUND_TRIP) == right
    assert validation_errors(right, ROUND_TRIP) == []


@pytest.mark.parametrize("form", FORMS)
def test_results_share_nothing_with_the_input(form: Callable[..., Any]) -> None:
    """Changing a result leaves the schema and later results alone."""
    schema = {"type": "object", "properties": {"x": {"enum": ["a", None]}, "y": NODE}, "$defs": {"Node": NODE}}
    before, first = copy.deepcopy(schema), form(schema)
    expected = copy.deepcopy(first)
    for node in list(nodes_of(first)):
        node.clear()
    assert (schema, form(schema)) == (before, expected)


@pytest.mark.parametrize("name", MODELS)
def test_chat_schemas_pass_through_openai_types(name: str) -> None:
    """A chat schema is an OpenAI function's parameters as it is."""
    from openai.types.shared import FunctionDefinition

    definition = FunctionDefinition(name="f", parameters=chat_schema(MODELS[name]), strict=False)
    assert definition.parameters == chat_schema(MODELS[name])


LEAVES = st.sampled_from(
    [True, False, {}, {"type": "string"}, {"type": ["integer", "null"]}, {"const": 1},
     {"enum": ["", 1, None, True, {}]},
     {"$ref": "#"}, {"$ref": "#/$defs/D"}, {"$ref": "https://x.org/nowhere"}, {"format": "uri"},
     {"type": "object"}, {"type": "array"},
     {"type": "number", "exclusiveMinimum": 1.5, "multipleOf": 2}, {"not": {}}, {"nullable": True}, {"type": "banana"},
     {"type": "string", "minLength": "x", "pattern": 3}, {"anyOf": []}, {"enum": []}, {"type": None}]
)  # fmt: skip


def composites(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(children, max_size=3)
    members = st.dictionaries(st.sampled_from(["a", "title", "enum", "$ref"]), children, max_size=3)
    keywords = {
        "type": st.sampled_from(["object", "array", "string", ["array", "null"]]),
        "description": st.sampled_from(["", "Text", "Text."]),
        "required": st.lists(st.sampled_from(["a", "title", "zzz"]), max_size=2),
        "default": st.sampled_from([None, 1, [], {"a": 1}]),
        "x-unknown": st.just(1),
        "const": st.sampled_from([1, "a", None]),
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), members),
        **dict.fromkeys(("items", "additionalProperties", "not", "if", "contains", "propertyNames"), children),
        **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), lists),
    }
    return st.fixed_dictionaries({}, optional={name: keywords[name] for name in keywords})


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(root=composites(st.recursive(LEAVES, composites, max_leaves=8)), definition=composites(LEAVES))
def test_any_schema_comes_out_in_each_forms_words(root: Any, definition: Any) -> None:
    """Whatever goes in, only the form's keywords come out, nothing is shared with the input, which stays as it was."""
    schema = {**root, "$defs": {"D": definition}}
    before = copy.deepcopy(schema)
    for form in FORMS:
        result = form(schema)
        assert schema == before, form
        assert_fits(result, form)
        json.dumps(result)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("levels", [100, 1_000, 5_000])
def test_too_deep_schema_is_a_clear_error(form: Callable[..., object], levels: int) -> None:
    """A schema that no provider accepts is refused in our own words."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema, "default": 1}
    with pytest.raises(ConfigurationError, match="JSON Schema nests"):
        form(schema)


@pytest.mark.parametrize("form", FORMS)
def test_definitions_that_unfold_exponentially_end(form: Callable[..., object]) -> None:
    """Doubling at each level fills neither memory nor time: it is kept as references or refused."""
    definitions = {
        f"D{i}": {"type": "object", "properties": {key: {"$ref": f"#/$defs/D{i + 1}"} for key in "ab"}}
        for i in range(30)
    }
    schema = {"$ref": "#/$defs/D0", "$defs": {**definitions, "D30": {"type": "string"}}}
    if form is open_api_schema:
        with pytest.raises(ConfigurationError, match="unfolds"):
            form(schema)
    else:
        assert len(json.dumps(form(schema))) < 1_000_000


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, True),
        ({"type": "object"}, True),
        ({"type": "object", "properties": {}, "required": [], "title": "T", "additionalProperties": False}, True),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}, True),
        ({"type": "object", "additionalProperties": {}}, False),
        ({"type": "object", "properties": {"a": {}}}, False),
        ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False}, False),
        ({"type": "object", "minProperties": 1}, False),
        ({"anyOf": [{"type": "object"}]}, True),
        ({"anyOf": [{"type": "object"}, {"type": "string"}]}, False),
        ({"type": "array"}, False),
    ],
)
def test_is_empty_object(schema: dict[str, Any], expected: bool) -> None:
    """Only an object that can have no keys means that there are no arguments."""
    assert is_empty_object(schema) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ok-name_1", "ok-name_1"),
        ("a.b:c", "a_b_c"),
        ("1st", "_1st"),
        ("-x", "_-x"),
        ("", "_"),
        ("é", "_"),
        ("x" * 70, "x" * 64),
    ],
)
def test_function_name(name: str, expected: str) -> None:
    """A wire name has the characters and the length that every provider accepts."""
    assert function_name(name) == expected


def test_wire_names_are_unique() -> None:
    """A good name keeps its own; the others get a number, and none grows too long."""
    names = ["a.b", "a:b", "a_b", "a.b", "y" * 65, "y" * 64]
    assert wire_names(names) == {
        "a.b": "a_b_2",
        "a:b": "a_b_3",
        "a_b": "a_b",
        "y" * 65: "y" * 62 + "_2",
        "y" * 64: "y" * 64,
    }
