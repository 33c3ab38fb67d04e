"""What can be set for every call of a model, and again for a single call, and how it becomes a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from gemini_multi import Timeouts
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, Message, ReasoningEffort, SafetySetting, ToolChoice
from llama_index_gemini_multi._formats import to_core_format
from llama_index_gemini_multi._tools import ToolArgument, to_core_choice, to_core_tool
from llama_index_gemini_multi._typed import is_mapping, sequence

if TYPE_CHECKING:
    from gemini_multi.providers import ProvidersArgument
else:
    # The hosts and their dialects are not needed to import a model class; `resolve` checks what is passed.
    ProvidersArgument = Any

_OTHER_NAMES: Final[Mapping[str, str]] = {"max_output_tokens": "max_tokens", "stop_sequences": "stop"}
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
    seed: int | None = Field(default=None, description="For answers that repeat as far as the host can.")
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
    labels: dict[str, str] | None = Field(default=None, description="Labels for billing, where the host has them.")
    user: str | None = Field(default=None, description="An opaque id of the end user.")
    extra_body: dict[str, Any] | None = Field(default=None, description="Merged into the body last.")
    additional_kwargs: dict[str, Any] | None = Field(default=None, description="The same, by LlamaIndex's usual name.")

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: object) -> object:
        return _with_our_names(given, cls.model_fields) if is_mapping(given) else given

    @field_validator("safety_settings", mode="before")
    @classmethod
    def _accept_core_values(cls, given: object) -> object:
        each_json = [_safety_json(each) if isinstance(each, SafetySetting) else each for each in sequence(given)]
        return each_json or given


class CallSettings(GenerationSettings):
    """What a single call can set: everything about generation, and what belongs to one call only."""

    model_config = ConfigDict(defer_build=False)

    model: str | None = None
    providers: ProvidersArgument = None
    timeout: float | Timeouts | None = None
    deadline: float | None = None
    tools: Any = None
    tool_choice: Any = None
    allow_parallel_tool_calls: bool | None = None
    """LlamaIndex's name: kept here, by taking the first call only, because hosts do not keep it."""
    parallel_tool_calls: bool | None = None
    """OpenAI's name: sent to the host."""
    response_format: Any = None

    @property
    def first_call_only(self) -> bool:
        """Whether further tool calls are left out of the answer."""
        return self.allow_parallel_tool_calls is False

    @property
    def connection(self) -> dict[str, Any]:
        """What the client takes beside the request."""
        return {"providers": self.providers, "timeout": self.timeout, "deadline": self.deadline}


def call_settings(given: Mapping[str, object]) -> CallSettings:
    """Read the keyword arguments of one call.

    Raises:
        ConfigurationError: One of them is unknown or has no usable value.
    """
    try:
        return CallSettings.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors(include_input=False, include_url=False))
        raise ConfigurationError(f"The call's arguments cannot be used: {problems}") from None


def request(model: str, messages: tuple[Message, ...], always: GenerationSettings, call: CallSettings) -> ChatRequest:
    """Write a request; what the call sets wins over what is always set."""
    tools = tuple(to_core_tool(tool) for tool in cast("Sequence[ToolArgument]", call.tools or ()))
    choice = None if call.tool_choice is None else to_core_choice(call.tool_choice, tools)
    return ChatRequest(
        model=call.model or model,
        messages=messages,
        tools=tools,
        # LlamaIndex says `auto` for everything that is not required; hosts do so by themselves.
        tool_choice=None if choice == ToolChoice("auto") else choice,
        parallel_tool_calls=call.parallel_tool_calls,
        response_format=None if call.response_format is None else to_core_format(call.response_format),
        **_generation(always, call),
    )


_OUR_FORMS: Final = frozenset({"stop", "safety_settings", "modalities", "extra_body", "additional_kwargs"})


def _generation(always: GenerationSettings, call: CallSettings) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name in GenerationSettings.model_fields:
        value = getattr(call, name)
        chosen[name] = getattr(always, name) if value is None else value
    stop, safety, modalities = chosen["stop"], chosen["safety_settings"], chosen["modalities"]
    settings = {name: value for name, value in chosen.items() if name not in _OUR_FORMS and value is not None}
    settings["stop"] = (stop,) if isinstance(stop, str) else tuple(stop or ())
    settings["safety_settings"] = _safety(safety)
    settings["modalities"] = tuple(modalities or ())
    settings["extra_body"] = {
        **(always.additional_kwargs or {}),
        **(always.extra_body or {}),
        **(call.additional_kwargs or {}),
        **(call.extra_body or {}),
    }
    return settings


def _safety(given: Mapping[str, str] | Sequence[Mapping[str, str]] | None) -> tuple[SafetySetting, ...]:
    if isinstance(given, Mapping):
        return tuple(SafetySetting(category, threshold) for category, threshold in given.items())
    return tuple(_safety_setting(each) for each in given or ())


def _safety_setting(given: Mapping[str, str]) -> SafetySetting:
    try:
        return SafetySetting(given["category"], given["threshold"], method=given.get("method"))
    except KeyError as missing:
        message = f"The safety setting {dict(given)!r} has no {missing}. Give it a `category` and a `threshold`."
        raise ConfigurationError(message) from None


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
    close = get_close_matches(name, known, n=1)
    hint = (
        f"Did you mean {close[0]!r}?"
        if close
        else "What the host knows and this class does not goes into `extra_body`."
    )
    return f"There is no setting {name!r}. {hint}"


def _problem(detail: ErrorDetails) -> str:
    place = ".".join(str(step) for step in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"].removeprefix("Value error, ")
