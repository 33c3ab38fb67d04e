"""Repair of answers by the schema that was asked for, what is still wrong with them, and JSON in a model's text."""

from __future__ import annotations

import copy
import json
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gemini_multi._schemas.check import validation_errors
from gemini_multi._schemas.repair import json_text, partial_json, repair, strip_prefix

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "nick": {"type": "string"},
        "boss": {"anyOf": [{"$ref": "#/$defs/Person"}, {"type": "null"}]},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
PEOPLE: dict[str, Any] = {**PERSON, "$defs": {"Person": PERSON}}
CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind"]}
DOG = {"type": "object", "properties": {"kind": {"const": "dog"}, "tail": {"type": "number"}}, "required": ["kind"]}
PET = {"anyOf": [CAT, DOG]}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (3.0, {"type": "integer"}, 3),
        (3.5, {"type": "integer"}, 3.5),
        (3.0, {"type": "number"}, 3.0),
        (3.0, {"type": ["integer", "number"]}, 3.0),
        (3.0, {"anyOf": [{"type": "integer"}, {"type": "number"}]}, 3.0),
        (3.0, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3),
        (float("inf"), {"type": "integer"}, float("inf")),
        (2.0, {"type": "INTEGER", "nullable": True}, 2),
        ("12", {"type": "integer"}, 12),
        ("-1.5", {"type": "number"}, -1.5),
        ("7", {"type": "number"}, 7),
        ("true", {"type": "boolean"}, True),
        ("12", {"type": "string"}, "12"),
        ("12", {"type": ["string", "integer"]}, "12"),
        ("12", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "12"),
        ("12", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 12),
        ("012", {"type": "integer"}, "012"),
        (" 12", {"type": "integer"}, " 12"),
        ("NaN", {"type": "number"}, "NaN"),
        ("1.5", {"type": "integer"}, "1.5"),
        ("12", {"type": "boolean"}, "12"),
        ("twelve", {"type": "integer"}, "twelve"),
        (True, {"type": "integer"}, True),
        ("10", {"type": "integer", "enum": [10, 11]}, 10),
        ("10", {"enum": [10, "10"]}, "10"),
        ("true", {"enum": ["auto", True]}, True),
        (10.0, {"enum": [10, 11]}, 10),
        ("12", {"enum": [10, 11]}, "12"),
        (1, {"const": True}, 1),
        ('{"a": "1"}', {"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ('{"a": 2.0}', {"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 2}),
        ("```json\n[1.0]\n```", {"type": "array", "items": {"type": "integer"}}, [1]),
        ('{"a": 1}', {"type": "array"}, '{"a": 1}'),
        ("[1]", {"type": ["string", "array"]}, "[1]"),
        ("x", {"type": "array", "items": {"type": "string"}}, "x"),
        ([1.0, "a"], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, [1, "a"]),
        ([1.0, 2.0], {"type": "array", "items": [{"type": "integer"}, {"type": "number"}]}, [1, 2.0]),
        (1.0, {"allOf": [{"type": "integer"}]}, 1),
        ("1", {}, "1"),
    ],
)
def test_value_is_put_right(value: Any, schema: dict[str, Any], expected: object) -> None:
    """Only what has exactly one reading in the schema changes, down to the type of a number."""
    result = repair(value, schema)
    assert (result, repr(result)) == (expected, repr(expected))


def test_nulls_of_optional_properties_are_removed() -> None:
    """Null goes only where the property may be missing and may not be null."""
    value = {"name": None, "nick": None, "boss": None, "age": 3.0, "other": None}
    assert repair(value, PEOPLE) == {"name": None, "boss": None, "age": 3, "other": None}


def test_references_are_followed_into_the_value() -> None:
    """Recursion ends with the value, and the input stays as it was."""
    value: Any = {"name": "Al", "age": "40", "boss": {"name": "Bo", "age": 50.0, "boss": '{"name": "Cy", "age": 60.0}'}}
    before = copy.deepcopy(value)
    boss = {"name": "Bo", "age": 50, "boss": {"name": "Cy", "age": 60}}
    assert repair(value, PEOPLE) == {"name": "Al", "age": 40, "boss": boss}
    assert value == before


def test_root_may_be_elsewhere() -> None:
    """A part of a schema takes its references from the whole."""
    assert repair({"name": "Al", "age": 4.0}, {"$ref": "#/$defs/Person"}, root=PEOPLE) == {"name": "Al", "age": 4}


def test_alternative_is_found_by_its_constant() -> None:
    """The branch whose constant fits is used, even when something else in it stays wrong."""
    assert repair({"kind": "dog", "tail": "1.5"}, PET) == {"kind": "dog", "tail": 1.5}
    assert repair({"kind": "cat", "lives": 9.0, "x": 1}, PET) == {"kind": "cat", "lives": 9, "x": 1}
    wrong = {"kind": "cat", "lives": "many", "age": 1.0}
    branch = {**CAT, "properties": {**CAT["properties"], "age": {"type": "integer"}}}
    assert repair(wrong, {"anyOf": [branch, DOG]}) == {"kind": "cat", "lives": "many", "age": 1}


def test_what_is_right_is_returned_itself() -> None:
    """A valid value is not even copied."""
    value: Any = {"name": "Al", "age": 4, "boss": {"name": "Bo", "age": 5}}
    assert repair(value, PEOPLE) is value


ODD: list[Any] = [
    {"$ref": "#"},
    {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"allOf": [{"$ref": "#"}]},
    {"type": 3, "enum": "x", "properties": [], "required": 1, "items": 5, "anyOf": {}, "allOf": 1, "minimum": "x"},
    {"type": ["what"], "pattern": "(", "minLength": None, "prefixItems": {}, "$ref": 7},
    {"properties": {"a": None}, "additionalProperties": 0, "enum": [[]]},
    {"$ref": "#/missing/0/~2", "const": {}},
]


@pytest.mark.parametrize("schema", ODD)
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "[", "{}", [], [1, "x"], {"a": 1}])
def test_odd_schemas_never_raise(schema: Any, value: Any) -> None:
    """What cannot be read in a schema asks for nothing: the value stays."""
    assert repair(value, schema) == value
    assert all(isinstance(problem, str) for problem in validation_errors(value, schema))


def test_deep_values_never_raise() -> None:
    """A value that is deeper than the check goes comes back as it was."""
    value: Any = 1.0
    for _ in range(900):
        value = [value]
    schema: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "integer"}]}
    assert repair(value, schema) is value
    assert validation_errors(value, schema) == []


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    )
)
def test_conforming_twice_changes_nothing_more(value: Any) -> None:
    """The repair is complete after one pass, and what was valid is still the same."""
    schema = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}, {"type": "object"}]}
    once = repair(value, schema)
    assert repair(once, schema) == once
    assert validation_errors(value, schema) or once == value


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("x", {"type": "integer"}, ["$: must be an integer, is 'x'"]),
        (True, {"type": ["integer", "null"]}, ["$: must be an integer or null, is true"]),
        (3.0, {"type": "integer"}, []),
        (None, {"type": "string", "nullable": True}, []),
        ({}, {"required": ["a"]}, ["$: 'a' is missing"]),
        ({"b": 1}, {"properties": {}, "additionalProperties": False}, ["$: 'b' is not a known key"]),
        ({"b c": 1}, {"additionalProperties": {"type": "string"}}, ['$["b c"]: must be a string, is 1']),
        ("c", {"enum": ["a", "b"]}, ['$: must be one of ["a", "b"], is \'c\'']),
        (1, {"const": True}, ["$: must be true, is 1"]),
        (0, {"minimum": 1}, ["$: must be at least 1, is 0"]),
        (2, {"maximum": 1}, ["$: must be at most 1, is 2"]),
        (1, {"exclusiveMinimum": 1}, ["$: must be greater than 1, is 1"]),
        (1, {"maximum": 1, "exclusiveMaximum": True}, ["$: must be less than 1, is 1"]),
        ("a", {"minLength": 2}, ["$: must have at least 2 characters, has 1"]),
        ("abc", {"maxLength": 2, "pattern": "c"}, ["$: must have at most 2 characters, has 3"]),
        ("abc", {"pattern": "^b"}, ["$: must match '^b', is 'abc'"]),
        ([], {"minItems": 1}, ["$: must have at least 1 items, has 0"]),
        ([1, 2], {"maxItems": 1}, ["$: must have at most 1 items, has 2"]),
        ([1, "x"], {"items": {"type": "integer"}}, ["$[1]: must be an integer, is 'x'"]),
        ([1, 2], {"prefixItems": [{}], "items": False}, ["$[1]: must not be there"]),
        ({}, {"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, ["$: 'a' is missing", "$: 'b' is missing"]),
        (1, {"anyOf": [{"type": "string"}, {"type": "null"}]}, ["$: fits none of the 2 alternatives, is 1"]),
        ({"kind": "dog", "tail": "x"}, PET, ["$.tail: must be a number, is 'x'"]),
        (
            {"name": "Al", "age": 4, "boss": {"name": "Bo", "age": 150}},
            PEOPLE,
            ["$.boss.age: must be less than 150, is 150"],
        ),
    ],
)
def test_problems_are_told_with_their_path(value: Any, schema: dict[str, Any], expected: list[str]) -> None:
    """Each constraint that Gemini does not enforce is checked and told in words."""
    assert validation_errors(value, schema) == expected


class Order(BaseModel):
    item: str
    count: int
    parts: list[Order] = []
    note: Optional[str] = None  # noqa: UP045  # the older spelling is what users write


def test_conformed_answer_validates_strictly() -> None:
    """A pydantic model in strict mode accepts an answer after its repair."""
    answer: Any = {"item": "a", "count": "2", "parts": [{"item": "b", "count": 3.0, "parts": "[]"}], "note": None}
    schema = Order.model_json_schema()
    assert validation_errors(repair(answer, schema), schema) == []
    order = Order.model_validate(repair(answer, schema), strict=True)
    assert order == Order(item="a", count=2, parts=[Order(item="b", count=3)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("default_api:add", "add"),
        ("default_api.add", "add"),
        ("add", "add"),
        ("default_api:unknown", "default_api:unknown"),
        ("default_api.own", "default_api.own"),
    ],
)
def test_strip_prefix(name: str, expected: str) -> None:
    """The namespace goes only when what remains is declared and the whole name is not."""
    assert strip_prefix(name, {"add", "own", "default_api.own"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (" 42 ", 42),
        ('"text"', "text"),
        ('```json\n{"a": "```"}\n```', {"a": "```"}),
        ("```\n42\n```", 42),
        ("Sure:\n```JSON\n[1]\n```\nDone.", [1]),
        ('Here is the JSON: {"a": [1, 2]}', {"a": [1, 2]}),
        ('{"a": 1}\n\nI hope that helps {you}!', {"a": 1}),
        ('As in [1], use {x}: {"a": {"b": 2}}', {"a": {"b": 2}}),
        ('{"a": "two\nlines\tand a tab"}', {"a": "two\nlines\tand a tab"}),
        ('Here: {"a": "two\nlines"}', {"a": "two\nlines"}),
    ],
)
def test_json_text(text: str, expected: object) -> None:
    """JSON is found bare, fenced, or among words, where the longest value counts."""
    assert json_text(text) == expected


NO_JSON = [
    *("", "no JSON", "{'a': 1}", '{"a": NaN}', '{"a": 1'),
    *(
        '{"whole": {"a": 1}, "cut',
        '[{"a": 1}, {"b": 2}',
        '```json\n{"whole": {"a": 1}, "cut',
        '{"a": "two\nlines", "b": {"c": 1}, "d',
    ),
]


@pytest.mark.parametrize("text", [*NO_JSON, "[" * 100_000, "{" * 5_000])
def test_text_without_json_is_an_error(text: str) -> None:
    """What is not JSON, or not whole, is a `ValueError` that shows the text's beginning."""
    with pytest.raises(ValueError, match="there is no JSON in"):
        json_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("```js", None),
        ("Here", None),
        ("{", {}),
        ('```json\n{"a": "b', {"a": "b"}),
        ('{"a": [1, {"b"', {"a": [1, {}]}),
        ('{"a": 1}\n``', {"a": 1}),
        ('Here is [1]: {"a": tr', {}),
        ('See: {"a": {"b": 1}, "c": "x', {"a": {"b": 1}, "c": "x"}),
    ],
)
def test_partial_json(text: str, expected: object) -> None:
    """As much as has arrived is read."""
    assert partial_json(text) == expected


def test_every_prefix_of_a_stream_reads_and_the_whole_is_right() -> None:
    """No split makes `partial_json` raise, and keys that are read stay."""
    value = {"name": 'Zoë "q"', "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
    text = f"```json\n{json.dumps(value, indent=1)}\n```"
    seen: list[str] = []
    for end in range(len(text) + 1):
        partial = partial_json(text[:end])
        keys = list(partial) if isinstance(partial, dict) else []
        assert keys[: len(seen)] == seen
        seen = keys
    assert partial_json(text) == value
