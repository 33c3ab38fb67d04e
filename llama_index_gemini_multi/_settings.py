"""What can be set for every call of a model, and again for a single call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gemini_multi import ReasoningEffort
from gemini_multi.errors import ConfigurationError
from llama_index_gemini_multi._typed import is_mapping, listed, sequence

if TYPE_CHECKING:
    from gemini_multi.types import SafetySetting

_OTHER_NAMES: Final[Mapping[str, str]] = {
    "api_base": "base_url",
    "async_http_client": "http_async_client",
    "built_in_tool": "built_in_tools",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
}
"""Names that other integrations use, and ours."""


class GenerationSettings(BaseModel):
    """How to generate. Only what is set is sent."""

    # Base classes are never made, so that building their validators would only slow the import down. What is made says
    # `defer_build=False`: two threads that make the first one at the same time must not both build.
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True, defer_build=True)

    temperature: float | None = Field(default=None, ge=0.0, le=2.0, description="Randomness, from 0 to 2.")
    top_p: float | None = Field(
        default=None, description="Sample from the likeliest tokens with this total probability."
    )
    top_k: int | None = Field(default=None, description="Sample from this many of the likeliest tokens.")
    max_tokens: int | None = Field(
        default=None, gt=0, description="The most tokens to generate, thoughts included. Also `max_output_tokens`."
    )
    stop: str | list[str] | None = Field(default=None, description="Texts at which to stop.")
    seed: int | None = Field(default=None, description="For answers that repeat as far as the provider can.")
    n: int | None = Field(default=None, gt=0, description="How many candidates to generate; all of them are in `raw`.")
    presence_penalty: float | None = Field(default=None, description="Against tokens that were used already.")
    frequency_penalty: float | None = Field(default=None, description="Against tokens by how often they were used.")
    logprobs: bool | None = Field(default=None, description="Whether to return log probabilities.")
    top_logprobs: int | None = Field(default=None, description="How many alternatives to return for each token.")
    reasoning_effort: ReasoningEffort | None = Field(default=None, description="From `none` to `max`, for every model.")
    thinking_budget: int | None = Field(
        default=None, description="Tokens for thoughts, on Gemini 2.5; 0 off, -1 dynamic."
    )
    thinking_level: str | None = Field(default=None, description="`minimal` to `high`, on Gemini 3 and newer.")
    include_thoughts: bool | None = Field(default=None, description="Whether to return thought summaries.")
    safety_settings: dict[str, str] | list[dict[str, str]] | None = Field(
        default=None, description="Thresholds by harm category, as a mapping or as a list of category and threshold."
    )
    cached_content: str | None = Field(default=None, description="The name of a cached content to build on.")
    media_resolution: Literal["low", "medium", "high"] | None = Field(
        default=None, description="`low`, `medium` or `high`: tokens per image or frame."
    )
    modalities: list[Literal["text", "image", "audio"]] | None = Field(
        default=None, description="Kinds of output: `text`, `image`, `audio`."
    )
    voice: str | None = Field(default=None, description="The voice of spoken answers.")
    built_in_tools: list[dict[str, Any]] | None = Field(
        default=None,
        description="What the provider runs itself, beside functions: `google_search`, `code_execution`, … A call may "
        "choose others, or none: `[]`.",
    )
    labels: dict[str, str] | None = Field(default=None, description="Labels for billing, where the provider has them.")
    user: str | None = Field(default=None, description="An opaque id of the end user.")
    extra_body: dict[str, Any] | None = Field(default=None, description="Merged into the body last.")
    additional_kwargs: dict[str, Any] | None = Field(default=None, description="The same, by LlamaIndex's usual name.")

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: object) -> object:
        if not is_mapping(given):
            return given
        named = _with_our_names(given, cls.model_fields)
        from gemini_multi.bindings.serialization import revived

        return {**named, **revived(named)}

    @field_validator("safety_settings", mode="before")
    @classmethod
    def _accept_core_values(cls, given: object) -> object:
        from gemini_multi.types import SafetySetting

        each_json = [_safety_json(each) if isinstance(each, SafetySetting) else each for each in sequence(given)]
        return each_json or given

    @field_validator("built_in_tools", mode="before")
    @classmethod
    def _accept_built_in_tools(cls, given: object) -> object:
        from llama_index_gemini_multi._tools import built_in_json

        return None if given is None else [built_in_json(each) for each in listed(given)]


def _safety_json(setting: SafetySetting) -> dict[str, str]:
    told = {"category": setting.category, "threshold": setting.threshold}
    return told if setting.method is None else {**told, "method": setting.method}


def _with_our_names(given: Mapping[str, object], known: Iterable[str]) -> dict[str, object]:
    named: dict[str, object] = {}
    for name, value in given.items():
        ours = _OTHER_NAMES.get(name, name)
        if ours in named and named[ours] != value:
            raise ConfigurationError(f"`{ours}` is given twice, once as {name!r}. Give it once.")
        named[ours] = value
    names = list(known)
    if unknown := [name for name in named if name not in names]:
        raise ConfigurationError(" ".join(_unknown_name(name, names) for name in unknown))
    return named


def _unknown_name(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # for a mistake only

    close = get_close_matches(name, known, n=1)
    hint = (
        f"Did you mean {close[0]!r}?"
        if close
        else "What the provider knows and this class does not goes into `extra_body`."
    )
    return f"There is no setting {name!r}. {hint}"
