"""The settings of a model and of a single call in all forms that users write, and the request made from both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError

from gemini_multi import RetryPolicy, Timeouts
from gemini_multi.bindings.arguments import configuration_error
from gemini_multi.bindings.fields import GenerationFields
from gemini_multi.bindings.tools import AnyTool, built_in_json, read_choice, read_format
from gemini_multi.bindings.values import brief, is_many, is_mapping, items_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import ProvidersArgument
from gemini_multi.types import ChatRequest, JsonObject, Message, SafetySetting

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
        own = vars(self)
        return {name: own[name] for name in CALL_SETTINGS if own[name] is not None}


_REQUEST: Final = ("model", "tools", "tool_choice", "parallel_tool_calls", "response_format")
CALL_SETTINGS: Final = tuple(
    name for name in CallSettings.model_fields if name not in GenerationFields.model_fields and name not in _REQUEST
)
"""The arguments of a single call that do not belong to its request, by the client's names."""


_NOTHING_SET: Final = CallSettings.model_construct()


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
    body: dict[str, Any] = {**(model.get("extra_body") or {}), **(call.get("extra_body") or {})}
    return {**kept, **call, **({"extra_body": body} if body else {})}


def safety_settings(given: object) -> tuple[SafetySetting, ...]:
    """Read `{category: threshold}` or a list of settings. Members of Google's enums are also accepted."""
    if is_mapping(given) and "category" not in given:
        return tuple(SafetySetting(_word(category), _word(threshold)) for category, threshold in given.items())
    if is_mapping(given) or is_many(given):
        return tuple(map(_safety_setting, [given] if is_mapping(given) else given))
    raise ConfigurationError(f"`safety_settings` must be a mapping of category to threshold, not {brief(given)}.")


def _safety_setting(item: object) -> SafetySetting:
    if isinstance(item, SafetySetting):
        return item
    if not is_mapping(item) or not {"category", "threshold"} <= item.keys():
        raise ConfigurationError(
            f"A safety setting needs `category` and `threshold`; {brief(item)} does not have both."
        )
    method = None if item.get("method") is None else _word(item["method"])
    return SafetySetting(_word(item["category"]), _word(item["threshold"]), method=method)


def _word(value: object) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def modalities(value: object) -> tuple[str, ...]:
    """Read the modalities of the answer."""
    items = [value] if isinstance(value, (str, Enum)) else items_of(value)
    return tuple(_word(item).lower() for item in items)


def stops(value: object) -> tuple[str, ...]:
    """Read one or several stop sequences."""
    if isinstance(value, str):
        return (value,)
    texts = tuple(items_of(value))
    if is_many(value) and all(isinstance(text, str) for text in texts):
        return texts
    raise ConfigurationError(f"`stop` must be text or a list of texts, not {brief(value)}.")


READERS: Final[dict[str, Callable[[object], object]]] = {
    "built_in_tools": built_in_json,
    "stop": stops,
    "reasoning_effort": lambda value: _word(value).lower(),
    "safety_settings": safety_settings,
    "modalities": modalities,
}


def plain_settings(given: Mapping[str, object]) -> dict[str, Any]:
    """Write the settings that have several forms as plain JSON, for stored models."""
    return {
        name: _plain(READERS[name](value)) for name, value in given.items() if name in READERS and value is not None
    }


def _plain(value: object) -> object:
    if isinstance(value, SafetySetting):
        return {name: kept for name, kept in asdict(value).items() if kept is not None}
    return list(map(_plain, value)) if is_many(value) else value


_MAKERS: Final = frozenset({"langfuse", "mlflow", "openinference", "opentelemetry", "traceloop"})
"""Packages whose handlers make a span for each model call, with its tokens. Some of them do not make it the current
span, so the context alone does not show it."""


def makes_spans(handlers: Iterable[object]) -> bool:
    """Whether one of a framework's handlers makes a span for each model call."""
    return any(
        type(handler).__module__.partition(".")[0] in _MAKERS
        # LangSmith's handler, if its client writes runs as OpenTelemetry spans
        or getattr(getattr(handler, "client", None), "otel_exporter", None) is not None
        for handler in handlers
    )
