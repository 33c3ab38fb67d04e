"""Writes the body of a chat completions request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from gemini_multi._history.turns import conversation, sign
from gemini_multi._schemas.translate import chat_schema, function_name, is_empty_object, strict_schema
from gemini_multi.dialects.base import EncodingReport, merge
from gemini_multi.dialects.chat_completions.dialect import ChatTarget, ChatTraits
from gemini_multi.dialects.chat_completions.messages import MessagesWriter, tool_names
from gemini_multi.dialects.generate_content.config import DROPPED_BY, candidates, format_demand, top_logprobs
from gemini_multi.dialects.thinking import ThinkingPlan, nearest, thinking
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import BuiltInTool, ChatRequest, JsonObject, JsonValue, Tool, ToolChoice

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
    wanted, demands = _response_format(request, target, report)
    found = conversation(request.messages, target.model)
    distrust = "dummy_signatures" in target.repairs
    required = target.model.needs_signatures or distrust
    turns = sign(found.turns, issuer=target.issuer, required=required, distrust=distrust)
    messages = MessagesWriter(request, target, names, report).write(found.system, demands, turns)
    body: dict[str, JsonValue] = {"model": target.model_id, "messages": messages}
    body.update(_tools(request, target, names, report))
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
    if "drop_thinking" in target.repairs and plan != ThinkingPlan():
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


def _tools(
    request: ChatRequest, target: ChatTarget, names: Mapping[str, str], report: EncodingReport
) -> dict[str, JsonValue]:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`."""
    traits, choice = target.traits, request.tool_choice
    for kind in [tool.kind for tool in request.tools if isinstance(tool, BuiltInTool)]:
        report.feature(f"the built-in tool `{kind}`")
    declared = [tool for tool in request.tools if isinstance(tool, Tool)]
    if not declared:
        if choice is not None and choice.mode == "required":
            raise ConfigurationError("`tool_choice` asks for a call, but there is no function to call. Pass `tools`.")
        return {}
    if not traits.supports_tools:
        report.feature("functions")
        return {}
    allowed = _allowed(declared, choice)
    if len(allowed) > traits.maximum_tools:
        report.feature(f"{len(allowed)} functions (at most {traits.maximum_tools})")
    fields: dict[str, JsonValue] = {"tools": [_declaration(tool, target, names, report) for tool in allowed]}
    if choice is not None:
        fields["tool_choice"] = _chosen(choice, traits, names, report)
    if traits.parallel_tool_calls and request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _allowed(declared: list[Tool], choice: ToolChoice | None) -> list[Tool]:
    """Omit the functions that must not be called, because the dialect's tool choice can name only one function."""
    if choice is None or not choice.names or choice.mode not in ("required", "validated"):
        return declared
    names = [tool.name for tool in declared]
    if missing := [name for name in choice.names if name not in names]:
        raise ConfigurationError(
            f"`tool_choice` names {', '.join(map(repr, missing))}, but the tools are {', '.join(map(repr, names))}."
        )
    if choice.mode == "required" and len(choice.names) == 1:
        return declared
    return [tool for tool in declared if tool.name in choice.names]


def _declaration(tool: Tool, target: ChatTarget, names: Mapping[str, str], report: EncodingReport) -> JsonValue:
    traits = target.traits
    function: dict[str, JsonValue] = {"name": names[tool.name]}
    if tool.description:
        function["description"] = tool.description
    if not is_empty_object(tool.parameters):
        function["parameters"] = _schema(tool.parameters, target, is_strict=bool(tool.strict) and traits.strict_tools)
    elif traits.tool_parameters_required:
        function["parameters"] = {"type": "object", "properties": {}}
    if tool.strict is not None and traits.strict_tools:
        function["strict"] = tool.strict
    elif tool.strict:
        report.setting("strict", "the provider has no strict functions")
    declaration: dict[str, JsonValue] = {"type": "function", "function": function}
    if tool.cache_control and traits.cache_control:
        declaration["cache_control"] = dict(tool.cache_control)
    return declaration


def _chosen(choice: ToolChoice, traits: ChatTraits, names: Mapping[str, str], report: EncodingReport) -> JsonValue:
    if choice.mode != "required":
        return "none" if choice.mode == "none" else "auto"
    if not traits.tool_choice_required:
        report.feature("a forced tool call")
    if len(choice.names) == 1:
        return {"type": "function", "function": {"name": names[choice.names[0]]}}
    return "required"


def _response_format(
    request: ChatRequest, target: ChatTarget, report: EncodingReport
) -> tuple[dict[str, JsonValue] | None, Sequence[str]]:
    """Write the response format: the field, and the text for the system message that replaces or completes it."""
    wanted = request.response_format
    if wanted is None:
        return None, ()
    if wanted.mime_type == "text/x.enum":
        report.feature("answers of the type `text/x.enum`")
        return None, ()
    if request.tools and not target.model.tools_with_json:
        return None, (format_demand(wanted),)
    if wanted.schema is None or not target.traits.json_schema:
        demand = () if wanted.schema is None and target.traits.json_object else (format_demand(wanted),)
        return ({"type": "json_object"} if target.traits.json_object else None), demand
    named: dict[str, JsonValue] = {
        "name": function_name(wanted.name),
        "description": wanted.description,
        "schema": _schema(wanted.schema, target, is_strict=bool(wanted.strict)),
        "strict": wanted.strict,
    }
    return {"type": "json_schema", "json_schema": _present(named)}, ()


def _schema(schema: JsonObject, target: ChatTarget, *, is_strict: bool) -> dict[str, JsonValue]:
    translate = strict_schema if is_strict else chat_schema
    return translate(schema, enums_in_words="enums_in_words" in target.repairs)
