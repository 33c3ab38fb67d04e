"""Writes `generationConfig`, and what both dialects write of it alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic_core import to_json

from gemini_multi.dialects.base import EncodingReport, Repair
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.thinking import thinking
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, JsonObject, JsonValue, ResponseFormat

_MOST_STOPS: Final = 5
_MOST_LOGPROBS: Final = 20
_SEEDS: Final = range(-(2**31), 2**31)
DROPPED_BY: Final[Mapping[str, Repair]] = {
    "temperature": "drop_sampling",
    "top_p": "drop_sampling",
    "top_k": "drop_sampling",
    "presence_penalty": "drop_penalties",
    "frequency_penalty": "drop_penalties",
    "thinking": "drop_thinking",
}
"""The settings that a repair removes from the body."""


def generation_config(request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> dict[str, JsonValue]:
    """Write all settings except the response format, and note unsupported settings in `report`."""
    config: dict[str, JsonValue] = {}
    for setting, field, value in _settings(request, target, report):
        if value is None:
            continue
        if setting in target.model.refuses:
            report.setting(setting, "the model refuses it")
        elif DROPPED_BY.get(setting) in target.repairs:
            report.setting(setting, "the provider refused it")
        else:
            config[field] = value
    return config


def _settings(
    request: ChatRequest, target: GenerateTarget, report: EncodingReport
) -> Iterator[tuple[str, str, JsonValue]]:
    yield "temperature", "temperature", request.temperature
    yield "top_p", "topP", request.top_p
    yield "top_k", "topK", request.top_k
    yield "max_tokens", "maxOutputTokens", request.max_tokens
    yield "n", "candidateCount", candidates(request.n)
    if len(request.stop) > _MOST_STOPS:
        report.feature(f"{len(request.stop)} stop sequences (at most {_MOST_STOPS})")
    yield "stop", "stopSequences", list(request.stop) or None
    if request.seed is not None and request.seed not in _SEEDS:
        report.feature(f"`seed={request.seed}` (a signed 32-bit integer is needed)")
    yield "seed", "seed", request.seed
    yield "presence_penalty", "presencePenalty", request.presence_penalty
    yield "frequency_penalty", "frequencyPenalty", request.frequency_penalty
    yield "logprobs", "responseLogprobs", (request.logprobs or request.top_logprobs is not None) or None
    yield "logprobs", "logprobs", top_logprobs(request)
    resolution = request.media_resolution
    yield "media_resolution", "mediaResolution", resolution and f"MEDIA_RESOLUTION_{resolution.upper()}"
    for modality in request.modalities:
        if target.model.is_known and modality not in target.model.outputs:
            report.feature(f"{modality} output")
    if request.modalities:
        yield "modalities", "responseModalities", [modality.upper() for modality in request.modalities]
    if request.voice is not None:
        yield "voice", "speechConfig", {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": request.voice}}}
    yield "thinking", "thinkingConfig", _thinking(request, target, report)


def top_logprobs(request: ChatRequest) -> int | None:
    """Return the requested number of alternatives for each token; a number above Gemini's limit is an error."""
    number = request.top_logprobs
    if number is not None and not 0 <= number <= _MOST_LOGPROBS:
        raise ConfigurationError(f"`top_logprobs={number}` is out of range: give 0 to {_MOST_LOGPROBS}.")
    return number


def candidates(number: int | None) -> int | None:
    """Return the number of candidates to request; `None` for one, the default. A number below 1 is an error."""
    if number is not None and number < 1:
        raise ConfigurationError(f"`n={number}` asks for no answer. Give 1 or more.")
    return None if number == 1 else number


def _thinking(request: ChatRequest, target: GenerateTarget, report: EncodingReport) -> dict[str, JsonValue] | None:
    plan = thinking(request, target.model, report)
    level = plan.level and plan.level.upper()
    fields = {"includeThoughts": plan.include_thoughts, "thinkingBudget": plan.budget, "thinkingLevel": level}
    return {field: value for field, value in fields.items() if value is not None} or None


def format_demand(wanted: ResponseFormat) -> str:
    """Write the response format as a sentence, for models that support no format together with tools."""
    is_enum = wanted.mime_type == "text/x.enum"
    kind = "one of the allowed values, without quotes" if is_enum else "one JSON value, without Markdown"
    demand = f"When you answer in text, answer with nothing but {kind}."
    if wanted.schema is None:
        return demand
    schema = to_json(dict(described(wanted.schema, wanted.description))).decode()
    return f"{demand} It must conform to this JSON Schema:\n{schema}"


def described(schema: JsonObject, description: str | None) -> JsonObject:
    """Return a schema with a description, if it has none of its own."""
    return schema if description is None or "description" in schema else {**schema, "description": description}
