"""Documents and arguments that are nearly JSON: what is read, what is not, and what reading costs."""

from __future__ import annotations

import pytest

from gemini_multi._encoding import json_text
from gemini_multi._encoding.call_arguments import MOST_CALLS, is_finite, parsed, separated
from gemini_multi.errors import InvalidResponse

READ = [
    ("", {}),
    (" null ", {}),
    ('{"a": "x\n\ty\x00"}', {"a": "x\n\ty\x00"}),
    ('{\n\t"a": "\\"\n\\\\"\n}', {"a": '"\n\\'}),
    ('{"a": "\\ud83d\\ude00 \\ud83d"}', {"a": "\U0001f600 \ufffd"}),
    ('"{\\"a\\": 1}"', {"a": 1}),
    ("[1]", [1]),
    ('{"a": NaN}', None),
    ('{"a": 1e999}', None),
    ('{"a": 1e300}', {"a": 1e300}),
    ('{"a": 1,}', None),
    ("{'a': 1}", None),
    ('{"a": "unfinished', None),
    ("path=a.txt", None),
    ('{"a":' * 10_000 + "1" + "}" * 10_000, None),
]


@pytest.mark.parametrize(("text", "value"), READ, ids=[str(number) for number in range(len(READ))])
def test_arguments_are_read_or_not(text: str, value: object) -> None:
    """Nothing is guessed: `None` is what cannot be read."""
    assert parsed(text) == value


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ('{"a":1}', ['{"a":1}']),
        ('{"a":1}{"b":"}{"} , {"c":[{}]}\n', ['{"a":1}', '{"b":"}{"}', '{"c":[{}]}']),
        ('{"a":1} and {"b":2}', ['{"a":1} and {"b":2}']),
        ('{"a":1}{"b":', ['{"a":1}{"b":']),
        ("[1][2]", ["[1][2]"]),
        ("", [""]),
        ("{}" * (MOST_CALLS + 1), ["{}" * (MOST_CALLS + 1)]),
    ],
    ids=["one", "several", "words between", "cut off", "lists", "nothing", "too many"],
)
def test_glued_objects_are_taken_apart(text: str, objects: list[str]) -> None:
    """What is anything else stays one text."""
    assert separated(text) == objects


def test_what_json_has_no_word_for_is_not_finite() -> None:
    """At any depth; also what is too deep to be looked at."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert is_finite({"a": [1.5, None, "NaN"]})
    assert not is_finite({"a": [{"b": float("nan")}]})
    assert not is_finite(deep)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ['"\\"' * 200_000, '{"a' * 200_000, "{}" * 200_000, "[" * 500_000, '{"a":"' + "\n" * 500_000]
)
def test_hostile_arguments_cost_linear_time(text: str) -> None:
    """They are read once, whatever they are made of."""
    assert parsed(text) is None
    assert separated(text) == [text]


def test_control_characters_in_a_document_mean_themselves() -> None:
    """As in arguments; between values they are white space or an error."""
    assert json_text.read(b'{"a": "x\ty\x01"}') == {"a": "x\ty\x01"}
    with pytest.raises(InvalidResponse):
        json_text.read(b'{"a": \x01 1}')
