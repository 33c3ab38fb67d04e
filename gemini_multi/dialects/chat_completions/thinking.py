"""Writes the thinking settings: exactly, in Google's namespace, or as the nearest `reasoning_effort`."""

from __future__ import annotations

from typing import Final

from gemini_multi.dialects.base import EncodingReport, Target
from gemini_multi.dialects.chat_completions.traits import ChatTraits
from gemini_multi.dialects.thinking import EFFORTS, ThinkingPlan, thinking
from gemini_multi.types import ChatRequest, JsonValue

_ABOVE_HIGH: Final = ("xhigh", "max")
"""Efforts that only some providers define. They correspond to no level or budget."""
_BUDGET_EFFORTS: Final = {0: "none", 1024: "low", 8192: "medium", 24_576: "high"}
"""The budgets that correspond to the efforts: https://ai.google.dev/gemini-api/docs/openai#thinking."""


def thinking_fields(
    request: ChatRequest, target: Target[ChatTraits], report: EncodingReport
) -> tuple[str | None, dict[str, JsonValue]]:
    """Return the `reasoning_effort` and the `thinking_config` of Google's namespace; at most one is not empty."""
    plan = thinking(request, target.model, report)
    if plan.is_empty:
        return None, {}
    if "drop_thinking" in target.repairs:
        report.setting("thinking", "the provider refused it")
        return None, {}
    if target.traits.google_extra:
        return None, _config(plan)
    if plan.include_thoughts:
        report.feature("`include_thoughts=True`")
    return _effort(request, plan, target, report), {}


def _config(plan: ThinkingPlan) -> dict[str, JsonValue]:
    config: dict[str, JsonValue] = {}
    if plan.budget is not None:
        config["thinking_budget"] = plan.budget
    if plan.level is not None:
        config["thinking_level"] = plan.level
    if plan.include_thoughts is not None:
        config["include_thoughts"] = plan.include_thoughts
    return config


def _effort(request: ChatRequest, plan: ThinkingPlan, target: Target[ChatTraits], report: EncodingReport) -> str | None:
    if plan.budget is None and plan.level is None:
        return None
    efforts = target.traits.reasoning_efforts
    if request.reasoning_effort in _ABOVE_HIGH and request.reasoning_effort in efforts:
        return request.reasoning_effort
    word = _word(request, plan)
    if word in efforts:
        return word
    if word == "none" and target.model.thinking.default == "off":
        return None
    if request.reasoning_effort is not None and efforts:
        return _nearest(word or "low", efforts)
    report.feature(_setting(request))
    return None


def _word(request: ChatRequest, plan: ThinkingPlan) -> str | None:
    """Find the effort that expresses the plan."""
    if plan.level is not None:
        return plan.level
    if request.reasoning_effort is not None:
        is_least = request.reasoning_effort == "none" and plan.budget != 0
        return "minimal" if is_least else request.reasoning_effort
    if request.thinking_level is not None:
        return request.thinking_level.lower()
    return None if plan.budget is None else _BUDGET_EFFORTS.get(plan.budget)


def _nearest(word: str, efforts: tuple[str, ...]) -> str:
    """Find the nearest effort; of two, the higher one. Efforts that only providers define come last."""
    known = [effort for effort in efforts if effort in EFFORTS and (effort != "none" or word == "none")]
    if not known or word not in EFFORTS:
        return efforts[-1]
    wanted = EFFORTS.index(word)
    return min(sorted(known, key=EFFORTS.index, reverse=True), key=lambda effort: abs(EFFORTS.index(effort) - wanted))


def _setting(request: ChatRequest) -> str:
    if request.reasoning_effort is not None:
        return f"`reasoning_effort={request.reasoning_effort!r}`"
    if request.thinking_level is not None:
        return f"`thinking_level={request.thinking_level!r}`"
    return f"`thinking_budget={request.thinking_budget}`"
