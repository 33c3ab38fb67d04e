"""Thinking settings become the one setting that each model family has."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gemini_multi.catalog import find
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.thinking import ThinkingPlan, thinking
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, Message

PRO, FLASH, LITE = "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"
LEVELS, FROM_LOW, NEWEST = "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-4-argon"
PLAIN, UNKNOWN = "gemini-2.0-flash", "gemini-9-flash"
NOTHING = ThinkingPlan()


@dataclass(frozen=True)
class Case:
    model: str
    given: dict[str, object]
    plan: ThinkingPlan = NOTHING
    lost: list[str] = field(default_factory=list)


CASES = [
    Case(LITE, {}),
    Case(LEVELS, {}),
    Case(LITE, {"include_thoughts": True}, ThinkingPlan(include_thoughts=True)),
    Case(FLASH, {"reasoning_effort": "none"}, ThinkingPlan(0)),
    Case(PRO, {"reasoning_effort": "none"}, ThinkingPlan(128, include_thoughts=False)),
    Case(PRO, {"reasoning_effort": "none", "include_thoughts": True}, ThinkingPlan(128, include_thoughts=True)),
    Case(LITE, {"reasoning_effort": "minimal"}, ThinkingPlan(1024)),
    Case(LITE, {"reasoning_effort": "low"}, ThinkingPlan(1024)),
    Case(LITE, {"reasoning_effort": "medium"}, ThinkingPlan(8192)),
    Case(PRO, {"reasoning_effort": "high"}, ThinkingPlan(24_576)),
    Case(PRO, {"reasoning_effort": "xhigh"}, ThinkingPlan(32_768)),
    Case(FLASH, {"reasoning_effort": "max"}, ThinkingPlan(24_576)),
    Case(LEVELS, {"reasoning_effort": "none"}, ThinkingPlan(level="minimal", include_thoughts=False)),
    Case(FROM_LOW, {"reasoning_effort": "none"}, ThinkingPlan(level="low", include_thoughts=False)),
    Case(LEVELS, {"reasoning_effort": "minimal"}, ThinkingPlan(level="minimal")),
    Case(NEWEST, {"reasoning_effort": "minimal"}, ThinkingPlan(level="low")),
    Case(NEWEST, {"reasoning_effort": "medium"}, ThinkingPlan(level="medium")),
    Case(LEVELS, {"reasoning_effort": "max"}, ThinkingPlan(level="high")),
    Case(FLASH, {"thinking_budget": 0}, ThinkingPlan(0)),
    Case(FLASH, {"thinking_budget": -1}, ThinkingPlan(-1)),
    Case(LITE, {"thinking_budget": 512}, ThinkingPlan(512)),
    Case(LITE, {"thinking_budget": 100}, lost=["`thinking_budget=100` (the model takes -1, 0, or 512 to 24576)"]),
    Case(PRO, {"thinking_budget": 40_000}, lost=["`thinking_budget=40000` (the model takes -1, or 128 to 32768)"]),
    Case(
        PRO, {"thinking_budget": 0}, lost=["`thinking_budget=0` (the model always thinks; its smallest budget is 128)"]
    ),
    Case(LITE, {"thinking_level": "HIGH"}, ThinkingPlan(24_576)),
    Case(
        LITE, {"thinking_level": "ultra"}, lost=["`thinking_level='ultra'` (the levels are minimal, low, medium, high)"]
    ),
    Case(LEVELS, {"thinking_level": "Low"}, ThinkingPlan(level="low")),
    Case(
        NEWEST, {"thinking_level": "minimal"}, lost=["`thinking_level='minimal'` (the model takes low, medium, high)"]
    ),
    Case(UNKNOWN, {"thinking_level": "ultra"}, ThinkingPlan(level="ultra")),
    Case(LEVELS, {"thinking_budget": 2000}, ThinkingPlan(2000)),
    Case(LEVELS, {"thinking_budget": -1}),
    Case(LEVELS, {"thinking_budget": -2}, lost=["`thinking_budget=-2` (a budget is -1, 0 or more)"]),
    Case(LEVELS, {"thinking_budget": 0}, ThinkingPlan(level="minimal")),
    Case(
        FROM_LOW,
        {"thinking_budget": 0},
        lost=["`thinking_budget=0` (the model always thinks; `reasoning_effort='none'` asks for the least)"],
    ),
    Case(NEWEST, {"thinking_budget": 2000}, ThinkingPlan(level="low")),
    Case(NEWEST, {"thinking_budget": 30_000}, ThinkingPlan(level="high")),
    Case(PLAIN, {"reasoning_effort": "none", "include_thoughts": False}),
    Case(PLAIN, {"thinking_budget": 0}),
    Case(PLAIN, {"reasoning_effort": "low"}, lost=["`reasoning_effort='low'` (the model does not think)"]),
    Case(PLAIN, {"thinking_budget": 9}, lost=["`thinking_budget=9` (the model does not think)"]),
    Case(PLAIN, {"thinking_level": "low"}, lost=["`thinking_level='low'` (the model does not think)"]),
    Case(PLAIN, {"include_thoughts": True}, lost=["`include_thoughts=True` (the model does not think)"]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model} {case.given}")
def test_thinking_speaks_the_family_s_language(case: Case) -> None:
    """Each setting becomes the family's own setting, or is refused with what the model takes instead."""
    report = EncodingReport()
    request = ChatRequest(model=case.model, messages=(Message.user("Hi"),), **case.given)
    plan = thinking(request, find(case.model), report)
    assert (plan, report.features) == (case.plan, case.lost)


@pytest.mark.parametrize(
    "given",
    [
        {"thinking_budget": 1024, "thinking_level": "low"},
        {"thinking_budget": 1024, "reasoning_effort": "low"},
        {"thinking_level": "low", "reasoning_effort": "low"},
    ],
)
def test_thinking_refuses_two_answers_to_one_question(given: dict[str, object]) -> None:
    """Gemini takes one of effort, budget and level; which one was meant cannot be guessed."""
    request = ChatRequest(model=LITE, messages=(Message.user("Hi"),), **given)
    with pytest.raises(ConfigurationError, match="exclude each other"):
        thinking(request, find(LITE), EncodingReport())
