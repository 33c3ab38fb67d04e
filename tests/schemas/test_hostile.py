"""Texts and schemas made to do harm: each ends in a value or an error of ours, after a bounded amount of work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gemini_multi._schemas.translate import chat_schema, json_schema, open_api_schema, strict_schema
from gemini_multi.errors import ConfigurationError, InvalidResponse
from gemini_multi.structured import partial_json, read, validation_errors
from gemini_multi.types import JsonObject, JsonValue

FORMS = (json_schema, open_api_schema, chat_schema, strict_schema)
OBJECT: JsonObject = {"type": "object", "properties": {"a": {"type": "number"}}}


def text_with(pattern: str) -> JsonObject:
    return {"type": "string", "pattern": pattern}


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_are_searched_in_linear_time(pattern: str) -> None:
    """The text is a model's and the pattern may be a stranger's: no pair of them keeps the process busy for years."""
    assert len(validation_errors("a" * 50_000 + "!", text_with(pattern))) == 1


@pytest.mark.parametrize(
    ("pattern", "value", "is_right"),
    [
        (r"^\d{4}-\d{2}$", "2026-11", True),
        (r"^\d{4}-\d{2}$", "2026-1", False),
        ("b", "abc", True),
        ("^x", "x\ud800", True),
        ("(?=a)b", "c", True),
        ("(", "c", True),
    ],
)
def test_patterns_mean_what_json_schema_says(pattern: str, value: str, is_right: bool) -> None:
    """They are searched for anywhere; what the engine cannot read, such as look-around, restricts nothing."""
    assert (validation_errors(value, text_with(pattern)) == []) is is_right


UNREADABLE = {
    "too deep": "[" * 100_000 + "]" * 100_000,
    "never closed": "{" * 100_000,
    "not a number": '{"a": NaN}',
    "beyond the largest number": '{"a": 1e400}',
    "a hundred thousand digits": "9" * 100_000,
}


@pytest.mark.parametrize("label", UNREADABLE)
def test_what_is_no_json_is_an_invalid_response(label: str) -> None:
    """The error is typed, and its text is short."""
    with pytest.raises(InvalidResponse) as caught:
        read(UNREADABLE[label], OBJECT)
    assert len(str(caught.value)) < 1_000


def test_halves_of_characters_are_replaced() -> None:
    """A lone surrogate is no character, so that no reader takes it."""
    assert read('{"b": "\ud800"}', OBJECT) == {"b": "?"}
    assert partial_json('{"b": "\ud800') == {"b": "?"}


LIST = {"$ref": "#/$defs/L"}
TREE: JsonObject = {
    **LIST,
    "$defs": {"L": {"anyOf": [{"type": "array", "items": LIST, "minItems": 2}, {"type": "array", "items": LIST}]}},
}
"""Each level of an array with one item doubles the work of whoever tries all alternatives."""
DOUBLED: JsonObject = {
    "$ref": "#/$defs/d0",
    "$defs": {
        **{f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(30)},
        "d30": {"type": "string"},
    },
}


def nested(levels: int) -> JsonValue:
    value: JsonValue = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(("value", "schema"), [(nested(40), TREE), (1, DOUBLED)], ids=["alternatives", "conjunctions"])
def test_checks_stop_after_a_bounded_amount_of_work(value: JsonValue, schema: JsonObject) -> None:
    """What is too much to check counts as right, and errors are counted up to a hundred."""
    assert len(validation_errors(value, schema)) <= 100


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/Missing"}}},
        {"properties": {"a": {"type": "array", "items": {"$ref": "#/$defs/Missing"}}}},
        {"allOf": [{"$ref": "#/$defs/Missing"}]},
        {"$ref": "#/$defs/Missing", "$defs": {"Other": {}}},
    ],
)
def test_a_reference_that_leads_to_nothing_is_named(form: Callable[[JsonObject], object], schema: JsonObject) -> None:
    """The error is ours, and comes before anything is sent."""
    with pytest.raises(ConfigurationError, match="'#/\\$defs/Missing', which is not in it"):
        form(schema)


@pytest.mark.parametrize("form", FORMS)
def test_a_property_may_be_called_like_a_keyword(form: Callable[[JsonObject], dict[str, JsonValue]]) -> None:
    """`$ref` among the properties is a name."""
    translated = form({"type": "object", "properties": {"$ref": {"type": "string"}}})
    assert isinstance(properties := translated["properties"], dict)
    assert list(properties) == ["$ref"]
