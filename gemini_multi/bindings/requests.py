"""The settings of a single call, and the request made from them and from the settings of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError

from gemini_multi import RetryPolicy, Timeouts
from gemini_multi.bindings.arguments import configuration_error
from gemini_multi.bindings.fields import GenerationFields
from gemini_multi.bindings.settings import READERS
from gemini_multi.bindings.tools import AnyTool, read_choice, read_format
from gemini_multi.bindings.values import is_many
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import ProvidersArgument
from gemini_multi.types import ChatRequest, JsonObject, Message

_THINKING: Final = frozenset({"reasoning_effort", "thinking_budget", "thinking_level"})
"""The names of the thinking settings; a request may have only one of them."""
_GENERATION: Final = tuple(name for name in GenerationFields.model_fields if name != "built_in_tools")


class CallSettings(GenerationFields):
    """The settings that a single call can have: the settings of generation, and settings that only a call has."""

    model_config = ConfigDict(defer_build=False, frozen=True)

    model: str | None = None
    providers: ProvidersArgument = None
    timeout: float | Timeouts | None = None
    deadline: float | None = None
    max_retries: int | None = None
    retry_policy: RetryPolicy | None = None
    failover_on: Any = None
    tracing: bool | None = None
    headers: dict[str, str] | None = Field(default=None, repr=False)
    gateway_metadata: dict[str, str | int | float | bool] | None = None
    gateway_event_id: str | None = None
    include_response_headers: bool | None = None
    tools: Any = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    response_format: Any = None

    @property
    def connection(self) -> dict[str, Any]:
        """The arguments of the client that do not belong to the request."""
        return {name: value for name in CALL_SETTINGS if (value := getattr(self, name)) is not None}


_REQUEST: Final = ("model", "tools", "tool_choice", "parallel_tool_calls", "response_format")
CALL_SETTINGS: Final = tuple(
    name for name in CallSettings.model_fields if name not in GenerationFields.model_fields and name not in _REQUEST
)
"""The arguments of a single call that do not belong to its request, by the client's names."""


_NOTHING_SET: Final = CallSettings()


def call_settings(given: Mapping[str, object]) -> CallSettings:
    """Read the arguments of a call."""
    if not given:  # as in most calls
        return _NOTHING_SET
    try:
        return CallSettings.model_validate(given)
    except ValidationError as error:
        raise configuration_error(error) from None


def to_request(
    messages: tuple[Message, ...],
    model: Mapping[str, Any],
    call: CallSettings,
    to_tools: Callable[[Iterable[object]], tuple[AnyTool, ...]],
    schema_of: Callable[[Any], JsonObject],
) -> ChatRequest:
    """Make the request of a call. A setting of the call takes precedence over a field of the model.

    `to_tools` reads tools in the forms of the framework and in all other forms, `schema_of` the JSON Schema of a class.
    """
    own = vars(call)
    if own["tools"] is not None and not is_many(own["tools"]):
        raise ConfigurationError(f"`tools` must be a list, not {own['tools']!r}.")
    built_in = model["built_in_tools"] if own["built_in_tools"] is None else own["built_in_tools"]
    given = [*(own["tools"] or ()), *(built_in or ())]
    tools = to_tools(given) if given else ()
    choice, response_format = own["tool_choice"], own["response_format"]
    settings = layered(set_fields(model), set_fields(own) if call.model_fields_set else {})
    for name in READERS.keys() & settings.keys():
        settings[name] = READERS[name](settings[name])
    return ChatRequest(
        model=own["model"] or model["model"],
        messages=messages,
        tools=tools,
        tool_choice=None if choice is None else read_choice(choice, tools),
        parallel_tool_calls=own["parallel_tool_calls"],
        response_format=None if response_format is None else read_format(response_format, schema_of),
        **settings,
    )


def set_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of generation that are set."""
    return {name: value for name in _GENERATION if (value := fields[name]) is not None}


def layered(model: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Override a model's settings with a call's.

    A thinking setting of the call replaces all thinking settings of the model. Fields of both `extra_body` are merged.
    """
    if not call:
        return dict(model)
    kept = model if _THINKING.isdisjoint(call) else {name: model[name] for name in model if name not in _THINKING}
    bodies = [body for body in (model.get("extra_body"), call.get("extra_body")) if body]
    merged = {"extra_body": {name: value for body in bodies for name, value in body.items()}} if bodies else {}
    return {**kept, **call, **merged}
