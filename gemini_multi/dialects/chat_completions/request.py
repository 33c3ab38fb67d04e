"""Writes the body of a chat completions request."""

from __future__ import annotations

from typing import Final

from gemini_multi._history.signatures import sign
from gemini_multi._history.turns import conversation
from gemini_multi.dialects.base import EncodingReport, Target
from gemini_multi.dialects.chat_completions.media import MediaWriter
from gemini_multi.dialects.chat_completions.messages import MessagesWriter
from gemini_multi.dialects.chat_completions.names import tool_names
from gemini_multi.dialects.chat_completions.thinking import thinking_fields
from gemini_multi.dialects.chat_completions.tools import response_format, tool_fields
from gemini_multi.dialects.chat_completions.traits import ChatTraits
from gemini_multi.dialects.extra_body import merge
from gemini_multi.dialects.generate_content.config import top_logprobs
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, JsonValue, SafetySetting

_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})


def encode(
    request: ChatRequest, target: Target[ChatTraits], report: EncodingReport, *, stream: bool
) -> dict[str, JsonValue]:
    """Write the body.

    Raises:
        UnsupportedFeature: The target does not support a feature of the request.
        ConfigurationError: Gemini does not support something at any provider.
    """
    for feature in target.traits.unmet:
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
        "messages": MessagesWriter(target.traits, names, media, report).write(found.system, demands, turns),
    }
    body.update(tool_fields(request, target, names, report))
    if wanted is not None:
        body["response_format"] = wanted
    body.update(_sampling(request, target, report))
    body.update(_modalities(request, target, report))
    body.update(_google(request, target, report))
    if stream:
        body["stream"] = True
        if target.traits.stream_usage:
            body["stream_options"] = {"include_usage": True}
    report.settle(target)
    merge(body, target.traits.extra)
    merge(body, request.extra_body)
    return body


def _sampling(request: ChatRequest, target: Target[ChatTraits], report: EncodingReport) -> dict[str, JsonValue]:
    """Write the settings that the model and the provider support."""
    fields: dict[str, JsonValue] = {}
    for setting, field, value in _settings(request, target.traits):
        if value is None:
            continue
        if reason := _refusal(setting, value, target):
            report.setting(setting, reason)
        elif missing := _missing(setting, value, target.traits):
            report.feature(missing)
        else:
            fields[field] = value
    return fields


def _settings(request: ChatRequest, traits: ChatTraits) -> tuple[tuple[str, str, JsonValue], ...]:
    """Yield each setting with the name of its field and its value."""
    if request.n is not None and request.n < 1:
        raise ConfigurationError(f"`n={request.n}` asks for no answer. Give 1 or more.")
    return (
        ("temperature", "temperature", request.temperature),
        ("top_p", "top_p", request.top_p),
        ("top_k", "top_k", request.top_k),
        ("max_tokens", traits.max_tokens_field, request.max_tokens),
        ("n", "n", None if request.n == 1 else request.n),
        ("stop", "stop", list(request.stop) or None),
        ("seed", "seed", request.seed),
        ("presence_penalty", "presence_penalty", request.presence_penalty),
        ("frequency_penalty", "frequency_penalty", request.frequency_penalty),
        ("logprobs", "logprobs", (request.logprobs or request.top_logprobs is not None) or None),
        ("logprobs", "top_logprobs", top_logprobs(request)),
        ("user", "user", request.user),
    )


def _refusal(setting: str, value: JsonValue, target: Target[ChatTraits]) -> str | None:
    """Return why the body must omit a tuning setting; `None` when the body may hold it."""
    traits = target.traits
    if setting in target.model.refuses:
        return "the model refuses it"
    if setting in _SAMPLING and "drop_sampling" in target.repairs:
        return "the provider refused it"
    if setting in _PENALTIES and (not traits.supports_penalties or "drop_penalties" in target.repairs):
        return "the provider refuses it"
    if setting == "user" and not traits.supports_user:
        return "the provider has no field for it"
    minimum = {"seed": traits.minimum_seed, "top_p": traits.minimum_top_p}.get(setting)
    if minimum is not None and isinstance(value, (int, float)) and value < minimum:
        return f"the provider takes {minimum} or more"
    return None


def _missing(setting: str, value: JsonValue, traits: ChatTraits) -> str | None:
    """Describe a setting that the provider has no field for."""
    if setting == "stop" and isinstance(value, list) and traits.supports_stop:
        too_many = len(value) > traits.maximum_stop
        return f"{len(value)} stop sequences (at most {traits.maximum_stop})" if too_many else None
    supported = {
        "stop": traits.supports_stop,
        "n": traits.supports_n,
        "seed": traits.supports_seed,
        "top_k": traits.supports_top_k,
        "logprobs": traits.supports_logprobs,
    }
    return None if supported.get(setting, True) else f"`{setting}`"


def _modalities(request: ChatRequest, target: Target[ChatTraits], report: EncodingReport) -> dict[str, JsonValue]:
    """Write the modalities of an answer that is more than text."""
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


def _google(request: ChatRequest, target: Target[ChatTraits], report: EncodingReport) -> dict[str, JsonValue]:
    """Write the thinking settings, and the settings that belong in Google's namespace."""
    effort, config = thinking_fields(request, target, report)
    google: dict[str, JsonValue] = {"thinking_config": config} if config else {}
    if request.cached_content is not None:
        google["cached_content"] = request.cached_content
    if request.safety_settings:
        google["safety_settings"] = [_safety(setting) for setting in request.safety_settings]
    if request.labels:
        report.feature("`labels`")
    fields: dict[str, JsonValue] = {} if effort is None else {"reasoning_effort": effort}
    if not google:
        return fields
    if not target.traits.google_extra:
        for name in google:
            report.feature(f"`{name}`")
    return {**fields, "extra_body": {"google": google}}


def _safety(setting: SafetySetting) -> JsonValue:
    written: dict[str, JsonValue] = {"category": setting.category, "threshold": setting.threshold}
    if setting.method is not None:
        written["method"] = setting.method
    return written
