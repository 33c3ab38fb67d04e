"""Turns the four thinking settings of a request into the one setting that the model supports.

Gemini 2.5 uses a budget of tokens, Gemini 3 and newer models use a level. Each refuses the other's setting or only
tolerates it. The portable `reasoning_effort` is mapped by the table of Google's own OpenAI-compatible endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args

from gemini_multi.catalog import Model, Thinking
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, ReasoningEffort

EFFORTS: Final[tuple[str, ...]] = get_args(ReasoningEffort)
_BUDGETS: Final[Mapping[str, int]] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Source: https://ai.google.dev/gemini-api/docs/openai#thinking."""


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """The thinking settings to send; `None` means that one is not sent. There is never both a budget and a level."""

    budget: int | None = None
    level: str | None = None
    """The level, in lower case."""
    include_thoughts: bool | None = None


def thinking(request: ChatRequest, model: Model, report: EncodingReport) -> ThinkingPlan:
    """Plan the model's thinking, and note settings that the model does not support in `report`.

    Raises:
        ConfigurationError: Two settings exclude each other, or the effort is unknown.
    """
    effort, budget, level = request.reasoning_effort, request.thinking_budget, request.thinking_level
    settings = {"reasoning_effort": effort, "thinking_budget": budget, "thinking_level": level}
    given = [f"`{name}={value!r}`" for name, value in settings.items() if value is not None]
    if len(given) > 1:
        raise ConfigurationError(f"{' and '.join(given)} exclude each other: Gemini takes only one. Give one of them.")
    if effort not in (None, *EFFORTS):
        raise ConfigurationError(f"`reasoning_effort` must be one of {', '.join(EFFORTS)}, not {effort!r}.")
    if model.thinking.control == "none":
        if effort not in (None, "none") or budget or level is not None:
            report.feature(f"{given[0]} (the model does not think)")
        if request.include_thoughts:
            report.feature("`include_thoughts=True` (the model does not think)")
        return ThinkingPlan()
    plan = (_by_budget if model.thinking.control == "budget" else _by_level)(request, model, report)
    return plan if request.include_thoughts is None else replace(plan, include_thoughts=request.include_thoughts)


def _by_budget(request: ChatRequest, model: Model, report: EncodingReport) -> ThinkingPlan:
    traits, effort = model.thinking, request.reasoning_effort
    if (budget := request.thinking_budget) is not None:
        if reason := _refusal(budget, traits):
            report.feature(f"`thinking_budget={budget}` ({reason})")
        return ThinkingPlan(None if reason else budget)
    if (level := request.thinking_level) is not None and level.lower() not in _BUDGETS:
        report.feature(f"`thinking_level={level!r}` (the levels are {', '.join(_BUDGETS)})")
        return ThinkingPlan()
    # These models refuse a level with a 400, but Google documents a budget for the effort with the same name.
    word = effort if level is None else level.lower()
    if word is None:
        return ThinkingPlan()
    if word == "none":
        return ThinkingPlan(0) if traits.can_disable else ThinkingPlan(traits.minimum_budget, include_thoughts=False)
    wanted = _BUDGETS.get(word, traits.maximum_budget)
    return ThinkingPlan(max(traits.minimum_budget, min(wanted, traits.maximum_budget)))


def _refusal(budget: int, traits: Thinking) -> str | None:
    """Return why a model that takes budgets refuses this one; `None` if it takes it."""
    low, high = traits.minimum_budget, traits.maximum_budget
    if budget == -1 or (low <= budget <= high and budget > 0) or (budget == 0 and traits.can_disable):
        return None
    if budget == 0:
        return f"the model always thinks; its smallest budget is {low}"
    return f"the model takes -1, {'0, ' if traits.can_disable else ''}or {max(low, 1)} to {high}"


def _by_level(request: ChatRequest, model: Model, report: EncodingReport) -> ThinkingPlan:
    if request.thinking_budget is not None:
        return _level_model_with_budget(request.thinking_budget, model, report)
    levels, effort = model.thinking.levels, request.reasoning_effort
    if (level := request.thinking_level) is not None:
        if level.lower() in levels or not model.is_known:
            return ThinkingPlan(level=level.lower())
        report.feature(f"`thinking_level={level!r}` (the model takes {', '.join(levels)})")
    if effort is None or not levels:
        return ThinkingPlan()
    if effort == "none":
        return ThinkingPlan(level=levels[0], include_thoughts=False)
    return ThinkingPlan(level=nearest(effort, levels))


def _level_model_with_budget(budget: int, model: Model, report: EncodingReport) -> ThinkingPlan:
    """Apply a budget: Gemini 3 accepts it for compatibility; for later generations it becomes the nearest level."""
    if budget > 0:
        if model.generation < 4:
            return ThinkingPlan(budget)
        word = min(("low", "medium", "high"), key=lambda name: abs(_BUDGETS[name] - budget))
        return ThinkingPlan(level=nearest(word, model.thinking.levels))
    if budget == 0 and "minimal" in model.thinking.levels:
        return ThinkingPlan(level="minimal")
    if budget == 0:
        report.feature("`thinking_budget=0` (the model always thinks; `reasoning_effort='none'` asks for the least)")
    elif budget < -1:
        report.feature(f"`thinking_budget={budget}` (a budget is -1, 0 or more)")
    return ThinkingPlan()


def nearest(word: str, choices: tuple[str, ...]) -> str:
    """Find the choice nearest to an effort or level; of two, the higher one. A word of a provider alone comes last."""
    known = [choice for choice in EFFORTS if choice in choices and (choice != "none" or word == "none")]
    if not known or word not in EFFORTS:
        return choices[-1]
    return min(reversed(known), key=lambda choice: abs(EFFORTS.index(choice) - EFFORTS.index(word)))
