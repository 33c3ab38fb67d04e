"""The generation settings of a model, which a single call can override."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gemini_multi import ReasoningEffort
from gemini_multi.bindings.values import is_mapping


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
    presence_penalty: float | None = Field(default=None, description="A penalty on tokens that were used already.")
    frequency_penalty: float | None = Field(default=None, description="A penalty on often used tokens.")
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
        from gemini_multi.bindings.arguments import named
        from gemini_multi.bindings.serialization import revived
        from gemini_multi.bindings.settings import plain_settings
        from gemini_multi.bindings.strings import read_model

        read = read_model(named(given, cls.model_fields))
        return {**read, **revived(read), **plain_settings(read)}

    @field_validator("built_in_tools", mode="before")
    @classmethod
    def _accept_built_in_tools(cls, given: object) -> object:
        from llama_index_gemini_multi._tools import built_in_json

        return None if given is None else built_in_json(given)
