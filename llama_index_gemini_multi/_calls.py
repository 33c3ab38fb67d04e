"""The settings of a single call, and the request that they make. The first call imports this module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage
from pydantic import ConfigDict, Field, ValidationError

from gemini_multi import RetryPolicy, Timeouts
from gemini_multi.bindings.arguments import configuration_error
from gemini_multi.bindings.clients import CALL_SETTINGS
from gemini_multi.bindings.formats import read_format
from gemini_multi.bindings.layers import layered
from gemini_multi.bindings.settings import READERS
from gemini_multi.bindings.tools import read_choice
from gemini_multi.providers import ProvidersArgument
from gemini_multi.types import ChatRequest, Message, ToolChoice
from llama_index_gemini_multi._messages import to_core
from llama_index_gemini_multi._schemas import class_schema
from llama_index_gemini_multi._settings import GenerationSettings
from llama_index_gemini_multi._tools import to_tools


class CallSettings(GenerationSettings):
    """What a single call can set: everything about generation, and what belongs to one call only."""

    model_config = ConfigDict(defer_build=False, frozen=True)

    model: str | None = None
    providers: ProvidersArgument = None
    timeout: float | Timeouts | None = None
    deadline: float | None = None
    max_retries: int | None = Field(default=None, ge=0)
    retry_policy: RetryPolicy | None = None
    failover_on: Any = None
    tracing: bool | None = None
    headers: dict[str, str] | None = Field(default=None, repr=False)
    gateway_metadata: dict[str, str | int | float | bool] | None = None
    gateway_event_id: str | None = None
    include_response_headers: bool | None = None
    tools: Any = None
    tool_choice: Any = None
    allow_parallel_tool_calls: bool | None = None
    """LlamaIndex's name: kept here, by taking the first call only, because providers do not keep it."""
    parallel_tool_calls: bool | None = None
    """OpenAI's name: sent to the provider."""
    response_format: Any = None

    @property
    def first_call_only(self) -> bool:
        """Whether further tool calls are left out of the answer."""
        return self.allow_parallel_tool_calls is False

    @property
    def connection(self) -> dict[str, Any]:
        """What the client takes beside the request."""
        return {name: value for name in CALL_SETTINGS if (value := getattr(self, name)) is not None}


def call_settings(given: Mapping[str, object]) -> CallSettings:
    """Read the keyword arguments of one call.

    Raises:
        ConfigurationError: One of them is unknown or has no usable value.
    """
    return _read(given) if given else _nothing_set()


@cache
def _nothing_set() -> CallSettings:
    """Make the settings of most calls."""
    return CallSettings()


def _read(given: Mapping[str, object]) -> CallSettings:
    try:
        return CallSettings.model_validate(given)
    except ValidationError as error:
        raise configuration_error(error) from None


def asked(
    model: str, messages: Sequence[ChatMessage], always: GenerationSettings, given: Mapping[str, object]
) -> tuple[ChatRequest, CallSettings]:
    """Write the request of a call, and read what belongs to the call alone.

    Raises:
        ConfigurationError: An argument is unknown or has no usable value.
    """
    call = call_settings(given)
    return request(model, to_core(messages), always, call), call


def request(model: str, messages: tuple[Message, ...], always: GenerationSettings, call: CallSettings) -> ChatRequest:
    """Write a request; what the call sets wins over what is always set."""
    built_in = always.built_in_tools if call.built_in_tools is None else call.built_in_tools
    given = [*(call.tools or ()), *(built_in or ())]
    tools = to_tools(given) if given else ()
    choice = None if call.tool_choice is None else read_choice(call.tool_choice, tools)
    return ChatRequest(
        model=call.model or model,
        messages=messages,
        tools=tools,
        # LlamaIndex says `auto` for everything that is not required; providers do so by themselves.
        tool_choice=None if choice == _AUTO else choice,
        parallel_tool_calls=call.parallel_tool_calls,
        response_format=None if call.response_format is None else read_format(call.response_format, class_schema),
        **_generation(always, call),
    )


_AUTO: Final = ToolChoice("auto")
_WRITTEN_APART: Final = ("additional_kwargs", "built_in_tools", "extra_body")
_GENERATION: Final = tuple(name for name in GenerationSettings.model_fields if name not in _WRITTEN_APART)


def _generation(always: GenerationSettings, call: CallSettings) -> dict[str, Any]:
    """Collect what is set, in the core's forms."""
    settings = layered(_given(always), _given(call))
    for name in READERS.keys() & settings.keys():
        settings[name] = READERS[name](settings[name])
    for body in (always.additional_kwargs, always.extra_body, call.additional_kwargs, call.extra_body):
        if body:
            settings["extra_body"] = {**settings.get("extra_body", {}), **body}
    return settings


def _given(settings: GenerationSettings) -> dict[str, Any]:
    values, given = vars(settings), dict[str, Any]()
    for name in _GENERATION:
        if values[name] is not None:
            given[name] = values[name]
    return given
