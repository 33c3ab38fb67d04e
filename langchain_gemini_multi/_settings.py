"""Generation settings, from the model's fields and from each call's arguments -> the arguments of `ChatRequest`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from gemini_multi import FailoverOn, Provider, RetryPolicy, Timeouts
from gemini_multi.bindings.arguments import PLAIN, named
from gemini_multi.bindings.clients import CALL_SETTINGS
from gemini_multi.bindings.formats import read_format
from gemini_multi.bindings.layers import layered
from gemini_multi.bindings.settings import READERS
from gemini_multi.bindings.tools import read_choice
from gemini_multi.bindings.values import is_many
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, Message, ResponseFormat, SafetySetting
from langchain_gemini_multi._schemas import json_schema_of
from langchain_gemini_multi._tools import to_tools

CALL_ONLY: Final = ("tools", "tool_choice", "response_format", "gateway_metadata_from")
LANGCHAIN: Final = ("stream", "stream_usage", "ls_structured_output_format", "structured_output_format")
"""What LangChain's own machinery puts among a call's arguments; nothing of it is for the provider."""

SafetyArgument: TypeAlias = Mapping[Any, Any] | Sequence[Mapping[str, Any] | SafetySetting] | None


def to_request(
    messages: tuple[Message, ...],
    fields: Mapping[str, object],
    given: Mapping[str, object],
    stop: Sequence[str] | None,
) -> ChatRequest:
    """Make the request: a call's arguments go before the model's fields; what is `None` in both is not sent.

    Args:
        messages: The conversation.
        fields: The model's settings that are set.
        given: The call's settings, tools and format, by our names.
        stop: The call's stop sequences.

    Raises:
        ConfigurationError: An argument cannot be used.
    """
    settings = layered(fields, given)
    if stop is not None:
        settings["stop"] = stop
    if not isinstance(settings.get("model"), str):
        raise ConfigurationError(f"`model` must be a model's name, not {settings.get('model')!r}.")
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name in _PLAIN:
            found[name] = value
        elif (read := _READ.get(name)) is not None:
            found[name] = read(value)
    if "tools" in found:
        found["tool_choice"] = read_choice(settings.get("tool_choice"), found["tools"])
    else:
        read_choice(settings.get("tool_choice"), ())
    return ChatRequest(messages=messages, **found)


def call_arguments(arguments: Mapping[str, object]) -> dict[str, Any]:
    """Bring a call's arguments to our names; `None` is not given.

    Raises:
        ConfigurationError: Some cannot be used.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    return named(given, _KNOWN) if given else given


def _tools(value: object) -> tuple[object, ...]:
    if not is_many(value):
        raise ConfigurationError(f"`tools` must be a list, not {value!r}.")
    return to_tools(list(value))


def _format(value: object) -> ResponseFormat | None:
    return read_format(value, json_schema_of)


_READ: Final[dict[str, Callable[[object], object]]] = {
    **READERS,
    "tools": _tools,
    "response_format": _format,
}

_PLAIN: Final = frozenset(PLAIN)
_KNOWN: Final = frozenset({*PLAIN, *_READ, *CALL_ONLY, *CALL_SETTINGS, *LANGCHAIN})
"""What a call may be given."""


def transport(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the arguments of the call itself.

    Raises:
        ConfigurationError: One of them is of no kind that can be used.
    """
    found = {name: value for name, value in arguments.items() if name in _KINDS and value is not None}
    for name, value in found.items():
        kinds, told = _KINDS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ConfigurationError(f"`{name}` must be {told}, not {value!r}.")
    return found


_KINDS: Final[dict[str, tuple[tuple[Any, ...], str]]] = {
    "providers": ((str, Provider, Sequence), "a provider, its name, or several in a list"),
    "timeout": ((int, float, Timeouts), "a number of seconds or `Timeouts`"),
    "deadline": ((int, float), "a number of seconds"),
    "max_retries": ((int,), "a whole number"),
    "retry_policy": ((RetryPolicy,), "a `RetryPolicy`"),
    "failover_on": ((str, Callable, Sequence, Mapping, FailoverOn), "conditions, such as `'refusal'`, or `FailoverOn`"),
    "tracing": ((bool,), "`True` or `False`"),
    "headers": ((Mapping,), "a mapping of names to texts"),
    "gateway_metadata": ((Mapping,), "a mapping of names to texts, numbers or booleans"),
    "gateway_event_id": ((str,), "a text"),
    "include_response_headers": ((bool,), "`True` or `False`"),
}
