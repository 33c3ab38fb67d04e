"""Writes `generationConfig`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.generate_content.traits import GenerateTarget
from gemini_multi.dialects.thinking import thinking
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, JsonValue

_MOST_STOPS: Final = 5
_MOST_LOGPROBS: Final = 20
_SEEDS: Final = range(-(2**31), 2**31)
_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k"})
_PENALTIES: Final = frozenset({"presence_penalty", "frequency_penalty"})


def generation_config(request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> dict[str, JsonValue]:
    """Write all settings except the response format, and note unsupported settings in `report`."""
    config: dict[str, JsonValue] = {}
    for setting, field, value in _settings(request, report):
        if value is None:
            continue
        if reason := _refusal(setting, target):
            report.setting(setting, reason)
        else:
            config[field] = value
    _add_modalities(config, request, target, report)
    if request.voice is not None:
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": request.voice}}}
    _add_thinking(config, request, target, report)
    return config


def _settings(request: ChatRequest, report: EncodingReport) -> Iterator[tuple[str, str, JsonValue]]:
    yield "temperature", "temperature", request.temperature
    yield "top_p", "topP", request.top_p
    yield "top_k", "topK", request.top_k
    yield "max_tokens", "maxOutputTokens", request.max_tokens
    yield "n", "candidateCount", _candidates(request.n)
    yield "stop", "stopSequences", _stops(request.stop, report)
    yield "seed", "seed", _seed(request.seed, report)
    yield "presence_penalty", "presencePenalty", request.presence_penalty
    yield "frequency_penalty", "frequencyPenalty", request.frequency_penalty
    yield "logprobs", "responseLogprobs", (request.logprobs or request.top_logprobs is not None) or None
    yield "logprobs", "logprobs", top_logprobs(request)
    resolution = request.media_resolution
    yield "media_resolution", "mediaResolution", resolution and f"MEDIA_RESOLUTION_{resolution.upper()}"


def _refusal(setting: str, target: GenerateTarget) -> str | None:
    """Return why the body must omit a setting; `None` when the body may hold it."""
    if setting in target.model.refuses:
        return "the model refuses it"
    if setting in _SAMPLING and "drop_sampling" in target.repairs:
        return "the provider refused it"
    if setting in _PENALTIES and "drop_penalties" in target.repairs:
        return "the provider refused it"
    return None


def top_logprobs(request: ChatRequest) -> int | None:
    """Return the requested number of alternatives for each token.

    Raises:
        ConfigurationError: The number is above Gemini's limit.
    """
    number = request.top_logprobs
    if number is not None and not 0 <= number <= _MOST_LOGPROBS:
        raise ConfigurationError(f"`top_logprobs={number}` is out of range: give 0 to {_MOST_LOGPROBS}.")
    return number


def _candidates(number: int | None) -> int | None:
    if number is not None and number < 1:
        raise ConfigurationError(f"`n={number}` asks for no answer. Give 1 or more.")
    return None if number == 1 else number


def _stops(stop: tuple[str, ...], report: EncodingReport) -> JsonValue:
    if len(stop) > _MOST_STOPS:
        report.feature(f"{len(stop)} stop sequences (at most {_MOST_STOPS})")
    return list(stop) or None


def _seed(seed: int | None, report: EncodingReport) -> int | None:
    if seed is not None and seed not in _SEEDS:
        report.feature(f"`seed={seed}` (a signed 32-bit integer is needed)")
    return seed


def _add_modalities(
    config: dict[str, JsonValue], request: ChatRequest, target: GenerateTarget, report: EncodingReport
) -> None:
    for modality in request.modalities:
        if target.model.is_known and modality not in target.model.outputs:
            report.feature(f"{modality} output")
    if request.modalities:
        config["responseModalities"] = [modality.upper() for modality in request.modalities]


def _add_thinking(
    config: dict[str, JsonValue], request: ChatRequest, target: GenerateTarget, report: EncodingReport
) -> None:
    plan = thinking(request, target.model, report)
    if plan.is_empty:
        return
    if "drop_thinking" in target.repairs:
        report.setting("thinking", "the provider refused it")
        return
    fields: dict[str, JsonValue] = {}
    if plan.include_thoughts is not None:
        fields["includeThoughts"] = plan.include_thoughts
    if plan.budget is not None:
        fields["thinkingBudget"] = plan.budget
    if plan.level is not None:
        fields["thinkingLevel"] = plan.level.upper()
    config["thinkingConfig"] = fields
