"""Turns the four thinking settings of a request into the one setting that the model supports.

Gemini 2.5 uses a budget of tokens, Gemini 3 and newer models use a level. Each refuses the other's setting or only
tolerates it. The portable `reasoning_effort` is mapped by the table of Google's own OpenAI-compatible endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from gemini_multi.catalog import Model, Thinking
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, ReasoningEffort

EFFORTS: Final[tuple[str, ...]] = get_args(ReasoningEffort)
_LEVELS: Final = ("minimal", "low", "medium", "high")

_BUDGETS: Final[Mapping[str, int]] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Source: https://ai.google.dev/gemini-api/docs/openai#thinking."""


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """The thinking settings to send; `None` means that one is not sent. There is never both a budget and a level."""

    budget: int | None = None
    level: str | None = None
    """The level, in lower case."""
    include_thoughts: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.budget is None and self.level is None and self.include_thoughts is None


def thinking(request: ChatRequest, model: Model, report: EncodingReport) -> ThinkingPlan:
    """Plan the model's thinking, and note settings that the model does not support in `report`.

    Raises:
        ConfigurationError: Two settings exclude each other, or the effort is unknown.
    """
    _check_exclusive(request)
    if request.reasoning_effort not in (None, *EFFORTS):
        raise ConfigurationError(
            f"`reasoning_effort` must be one of {', '.join(EFFORTS)}, not {request.reasoning_effort!r}."
        )
    control = model.thinking.control
    if control == "none":
        return _without_thinking(request, report)
    plan = _by_budget(request, model.thinking, report) if control == "budget" else _by_level(request, model, report)
    if request.include_thoughts is None:
        return plan
    return ThinkingPlan(plan.budget, plan.level, request.include_thoughts)


def _check_exclusive(request: ChatRequest) -> None:
    given = [
        f"`{name}={value!r}`"
        for name, value in (
            ("reasoning_effort", request.reasoning_effort),
            ("thinking_budget", request.thinking_budget),
            ("thinking_level", request.thinking_level),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise ConfigurationError(f"{' and '.join(given)} exclude each other: Gemini takes only one. Give one of them.")


def _without_thinking(request: ChatRequest, report: EncodingReport) -> ThinkingPlan:
    """Note a request to think for a model that does not think; a request not to think needs no setting."""
    if request.reasoning_effort not in (None, "none"):
        report.feature(f"`reasoning_effort={request.reasoning_effort!r}` (the model does not think)")
    if request.thinking_budget:
        report.feature(f"`thinking_budget={request.thinking_budget}` (the model does not think)")
    if request.thinking_level is not None:
        report.feature(f"`thinking_level={request.thinking_level!r}` (the model does not think)")
    if request.include_thoughts:
        report.feature("`include_thoughts=True` (the model does not think)")
    return ThinkingPlan()


def _by_budget(request: ChatRequest, traits: Thinking, report: EncodingReport) -> ThinkingPlan:
    if (budget := request.thinking_budget) is not None:
        return ThinkingPlan(budget if _is_possible(budget, traits, report) else None)
    if (level := request.thinking_level) is not None:
        # These models refuse a level with a 400, but Google documents a budget for the effort with the same name.
        if level.lower() in _BUDGETS:
            return ThinkingPlan(_clamped(_BUDGETS[level.lower()], traits))
        report.feature(f"`thinking_level={level!r}` (the levels are {', '.join(_LEVELS)})")
        return ThinkingPlan()
    return _budget_for_effort(request.reasoning_effort, traits)


def _is_possible(budget: int, traits: Thinking, report: EncodingReport) -> bool:
    low, high = traits.minimum_budget, traits.maximum_budget
    if budget == -1 or (low <= budget <= high and budget > 0):
        return True
    if budget == 0:
        if traits.can_disable:
            return True
        report.feature(f"`thinking_budget=0` (the model always thinks; its smallest budget is {low})")
        return False
    zero = "0, " if traits.can_disable else ""
    report.feature(f"`thinking_budget={budget}` (the model takes -1, {zero}or {max(low, 1)} to {high})")
    return False


def _clamped(budget: int, traits: Thinking) -> int:
    return max(traits.minimum_budget, min(budget, traits.maximum_budget))


def _budget_for_effort(effort: str | None, traits: Thinking) -> ThinkingPlan:
    if effort is None:
        return ThinkingPlan()
    if effort == "none":
        if traits.can_disable:
            return ThinkingPlan(0)
        return ThinkingPlan(traits.minimum_budget, include_thoughts=False)
    return ThinkingPlan(_clamped(_BUDGETS.get(effort, traits.maximum_budget), traits))


def _by_level(request: ChatRequest, model: Model, report: EncodingReport) -> ThinkingPlan:
    if request.thinking_budget is not None:
        return _level_model_with_budget(request.thinking_budget, model, report)
    levels = model.thinking.levels
    if (level := request.thinking_level) is not None:
        if level.lower() in levels or not model.is_known:
            return ThinkingPlan(level=level.lower())
        report.feature(f"`thinking_level={level!r}` (the model takes {', '.join(levels)})")
        return ThinkingPlan()
    effort = request.reasoning_effort
    if effort is None or not levels:
        return ThinkingPlan()
    if effort == "none":
        return ThinkingPlan(level=levels[0], include_thoughts=False)
    return ThinkingPlan(level=_nearest(effort, levels))


def _level_model_with_budget(budget: int, model: Model, report: EncodingReport) -> ThinkingPlan:
    """Apply a budget to a model that uses levels.

    Gemini 3 accepts budgets for compatibility, so the exact budget is sent. Later generations do not document this, so
    the budget becomes the nearest level of Google's table.
    """
    if budget < -1:
        report.feature(f"`thinking_budget={budget}` (a budget is -1, 0 or more)")
        return ThinkingPlan()
    if budget == -1:
        return ThinkingPlan()
    if budget == 0:
        if "minimal" in model.thinking.levels:
            return ThinkingPlan(level="minimal")
        report.feature("`thinking_budget=0` (the model always thinks; `reasoning_effort='none'` asks for the least)")
        return ThinkingPlan()
    if model.generation < 4:
        return ThinkingPlan(budget)
    word = min(("low", "medium", "high"), key=lambda name: abs(_BUDGETS[name] - budget))
    return ThinkingPlan(level=_nearest(word, model.thinking.levels))


def _nearest(effort: str, levels: tuple[str, ...]) -> str:
    """Find the supported level nearest to the effort; of two, the higher one."""
    wanted = _LEVELS.index(effort) if effort in _LEVELS else len(_LEVELS)
    known = [level for level in levels if level in _LEVELS]
    if not known or wanted == len(_LEVELS):
        return levels[-1]
    return min(reversed(known), key=lambda level: abs(_LEVELS.index(level) - wanted))
