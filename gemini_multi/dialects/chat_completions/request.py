"""Writes the body of a chat completions request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from gemini_multi._history.turns import conversation, sign
from gemini_multi.dialects.base import EncodingReport, merge
from gemini_multi.dialects.chat_completions.media import MediaWriter
from gemini_multi.dialects.chat_completions.messages import MessagesWriter, tool_names
from gemini_multi.dialects.chat_completions.tools import response_format, tool_fields
from gemini_multi.dialects.chat_completions.traits import ChatTarget, ChatTraits
from gemini_multi.dialects.generate_content.config import DROPPED_BY, candidates, top_logprobs
from gemini_multi.dialects.thinking import ThinkingPlan, nearest, thinking
from gemini_multi.types import ChatRequest, JsonValue

_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})
_ABOVE_HIGH: Final = ("xhigh", "max")
"""Efforts that only some providers define. They correspond to no level or budget."""
_BUDGET_EFFORTS: Final[dict[int | None, str]] = {0: "none", 1024: "low", 8192: "medium", 24_576: "high"}
"""The budgets that correspond to the efforts: https://ai.google.dev/gemini-api/docs/openai#thinking."""


def encode(request: ChatRequest, target: ChatTarget, report: EncodingReport, *, stream: bool) -> dict[str, JsonValue]:
    """Write the body.

    Raises:
        UnsupportedFeature: The target does not support a feature of the request.
        ConfigurationError: Gemini does not support something at any provider.
    """
    traits = target.traits
    for feature in traits.unmet:
        report.feature(feature)
    names = tool_names(request)
    wanted, demands = response_format(request, target, report)
    found = conversation(request.messages, target.model)
    distrust = "dummy_signatures" in target.repairs
    turns = sign(
        found.turns, issuer=target.issuer, required=target.model.needs_signatures or distrust, distrust=distrust
    )
    media = MediaWriter(target, report, request.media_resolution)
    body: dict[str, JsonValue] = {
        "model": target.model_id,
        "messages": MessagesWriter(traits, names, media, report).write(found.system, demands, turns),
    }
    body.update(tool_fields(request, target, names, report))
    if wanted is not None:
        body["response_format"] = wanted
    body.update(_sampling(request, target, report))
    body.update(_modalities(request, target, report))
    body.update(_google(request, target, report))
    if stream:
        body["stream"] = True
        if traits.stream_usage:
            body["stream_options"] = {"include_usage": True}
    report.settle(target)
    merge(body, traits.extra)
    merge(body, request.extra_body)
    return body


def _sampling(request: ChatRequest, target: ChatTarget, report: EncodingReport) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    for setting, field, value, is_supported in _settings(request, target.traits):
        if value is None:
            continue
        if reason := _refusal(setting, value, target):
            report.setting(setting, reason)
        elif not is_supported:
            report.feature(f"`{setting}`")
        else:
            fields[field] = value
    if len(request.stop) > target.traits.maximum_stop and "stop" in fields:
        report.feature(f"{len(request.stop)} stop sequences (at most {target.traits.maximum_stop})")
    return fields


def _settings(request: ChatRequest, traits: ChatTraits) -> Iterable[tuple[str, str, JsonValue, bool]]:
    """Return each setting with the name of its field, its value, and whether the provider has the field."""
    logprobs = (request.logprobs or request.top_logprobs is not None) or None
    return (
        ("temperature", "temperature", request.temperature, True),
        ("top_p", "top_p", request.top_p, True),
        ("top_k", "top_k", request.top_k, traits.supports_top_k),
        ("max_tokens", traits.max_tokens_field, request.max_tokens, True),
        ("n", "n", candidates(request.n), traits.supports_n),
        ("stop", "stop", list(request.stop) or None, traits.supports_stop),
        ("seed", "seed", request.seed, traits.supports_seed),
        ("presence_penalty", "presence_penalty", request.presence_penalty, True),
        ("frequency_penalty", "frequency_penalty", request.frequency_penalty, True),
        ("logprobs", "logprobs", logprobs, traits.supports_logprobs),
        ("logprobs", "top_logprobs", top_logprobs(request), traits.supports_logprobs),
        ("user", "user", request.user, True),
    )


def _refusal(setting: str, value: JsonValue, target: ChatTarget) -> str | None:
    """Return why the body must omit a tuning setting; `None` when the body may hold it."""
    traits = target.traits
    if setting in target.model.refuses:
        return "the model refuses it"
    if setting in _PENALTIES and not traits.supports_penalties:
        return "the provider refuses it"
    if DROPPED_BY.get(setting) in target.repairs:
        return "the provider refused it"
    if setting == "user" and not traits.supports_user:
        return "the provider has no field for it"
    minimum = {"seed": traits.minimum_seed, "top_p": traits.minimum_top_p}.get(setting)
    if minimum is not None and isinstance(value, (int, float)) and value < minimum:
        return f"the provider takes {minimum} or more"
    return None


def _modalities(request: ChatRequest, target: ChatTarget, report: EncodingReport) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    wanted = [modality for modality in request.modalities if modality != "text"]
    for modality in wanted:
        is_missing = target.model.is_known and modality not in target.model.outputs
        if is_missing or modality == "image" or not target.traits.modalities:
            report.feature(f"{modality} output")
    if wanted:
        fields["modalities"] = list(request.modalities)
    if request.voice is not None and not target.traits.modalities:
        report.feature("`voice`")
    elif request.voice is not None or "audio" in wanted:
        voice: dict[str, JsonValue] = {} if request.voice is None else {"voice": request.voice}
        fields["audio"] = {**voice, "format": target.traits.audio_format}
    return fields


def _google(request: ChatRequest, target: ChatTarget, report: EncodingReport) -> dict[str, JsonValue]:
    """Write the thinking settings, and the settings that belong in Google's namespace."""
    plan = thinking(request, target.model, report)
    if not plan.is_empty and "drop_thinking" in target.repairs:
        report.setting("thinking", "the provider refused it")
        plan = ThinkingPlan()
    takes_google = target.traits.google_extra
    if request.labels:
        report.feature("`labels`")
    config: dict[str, JsonValue] = {
        "thinking_budget": plan.budget,
        "thinking_level": plan.level,
        "include_thoughts": plan.include_thoughts,
    }
    given: dict[str, JsonValue] = {
        "thinking_config": (_present(config) or None) if takes_google else None,
        "cached_content": request.cached_content,
        "safety_settings": [_present(asdict(setting)) for setting in request.safety_settings] or None,
    }
    google = _present(given)
    if takes_google:
        return {"extra_body": {"google": google}} if google else {}
    for name in google:
        report.feature(f"`{name}`")
    if plan.include_thoughts:
        report.feature("`include_thoughts=True`")
    effort = _effort(request, plan, target, report)
    return {} if effort is None else {"reasoning_effort": effort}


def _present(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in fields.items() if value is not None}


def _effort(request: ChatRequest, plan: ThinkingPlan, target: ChatTarget, report: EncodingReport) -> str | None:
    if plan.budget is None and plan.level is None:
        return None
    given, efforts = request.reasoning_effort, target.traits.reasoning_efforts
    word = given if given in _ABOVE_HIGH and given in efforts else _word(request, plan)
    if word in efforts:
        return word
    if word == "none" and target.model.thinking.default == "off":
        return None
    if given is not None and efforts:
        return nearest(word or "low", efforts)
    level, budget = request.thinking_level, request.thinking_budget
    settings = {"reasoning_effort": given, "thinking_level": level, "thinking_budget": budget}
    report.feature(next(f"`{name}={value!r}`" for name, value in settings.items() if value is not None))
    return None


def _word(request: ChatRequest, plan: ThinkingPlan) -> str | None:
    if plan.level is not None:
        return plan.level
    if request.reasoning_effort is not None:
        is_least = request.reasoning_effort == "none" and plan.budget != 0
        return "minimal" if is_least else request.reasoning_effort
    return request.thinking_level.lower() if request.thinking_level is not None else _BUDGET_EFFORTS.get(plan.budget)
