"""A call's settings over a model's."""

from __future__ import annotations

import pytest

from gemini_multi.bindings.requests import layered

CASES = {
    "other settings stay": ({"temperature": 1, "n": 2}, {"n": 3}, {"temperature": 1, "n": 3}),
    "one name of thinking replaces another": ({"thinking_level": "low"}, {"reasoning_effort": "high"}, None),
    "a budget replaces an effort": ({"reasoning_effort": "high", "n": 2}, {"thinking_budget": 0}, None),
    "a level replaces an effort": ({"reasoning_effort": "high"}, {"thinking_level": "low"}, None),
    "thoughts may be shown at any effort": (
        {"reasoning_effort": "high"},
        {"include_thoughts": True},
        {"reasoning_effort": "high", "include_thoughts": True},
    ),
}


@pytest.mark.parametrize("label", CASES)
def test_what_the_call_says_wins(label: str) -> None:
    """Also where the call and the model use different names of one control."""
    own, call, expected = CASES[label]
    kept = {"n": own["n"]} if "n" in own else {}
    assert layered(own, call) == ({**kept, **call} if expected is None else expected)
