"""Converts a request to the core's `ChatRequest` and the providers for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gemini_multi import catalog
from gemini_multi.dialects.chat_completions.conversation import messages_of
from gemini_multi.providers import PROVIDERS
from gemini_multi.server.body import AllowedChoice, ChatBody, NamedTool, ObjectFormat, SchemaFormat, ToolParameter
from gemini_multi.server.failures import Refused
from gemini_multi.types import ChatRequest, JsonObject, Message, ResponseFormat, SafetySetting, Tool, ToolChoice

PROVIDER_HEADER: Final = "x-gemini-multi-provider"
_FAMILIES: Final = ("gemini", "gemma")


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of a caller."""

    request: ChatRequest
    providers: tuple[str, ...]
    stream: bool
    include_usage: bool

    def with_messages(self, messages: tuple[Message, ...]) -> Asked:
        """Return the same request with other messages."""
        return replace(self, request=replace(self.request, messages=messages))


def read(body: ChatBody, header: str | None, served: Sequence[str]) -> Asked:
    """Convert a request to the core's form.

    Args:
        body: The body that the caller sent.
        header: The value of `x-gemini-multi-provider`.
        served: The providers that this server is configured for.

    Raises:
        Refused: The model or the provider is unknown, or two parameters contradict each other.
    """
    providers, model = _chosen(body.model, header, served)
    known = catalog.find(model)
    if not known.is_known and not any(family in model.lower() for family in _FAMILIES):
        raise Refused(
            404,
            f"The model {model!r} does not exist here. GET /v1/models lists the models.",
            code="model_not_found",
            param="model",
        )
    return Asked(_request(body, model, providers[0]), providers, body.stream, body.stream_options.include_usage)


def _chosen(model: str, header: str | None, served: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Read the providers and the model. `oxen/gemini-2.5-flash` names both."""
    prefix, _, rest = model.partition("/")
    named = [name.strip().lower() for name in (header or "").split(",") if name.strip()]
    if prefix.lower() in PROVIDERS and rest:
        if named and named != [prefix.lower()]:
            raise Refused(400, f"`model` names {prefix!r}, the header {PROVIDER_HEADER} {header!r}.", param="model")
        named, model = [prefix.lower()], rest
    for name in named:
        if name not in served:
            raise Refused(400, f"There is no provider {name!r} here; there are {', '.join(served)}.", param="model")
    return tuple(named or served), model


def _request(body: ChatBody, model: str, issuer: str) -> ChatRequest:
    google = body.extra_body.google
    thinking = google.thinking_config
    return ChatRequest(
        model=model,
        messages=messages_of(body.messages, issuer),
        tools=tuple(map(_tool, body.tools)),
        tool_choice=_tool_choice(body),
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_response_format(body),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        max_tokens=_max_tokens(body),
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop),
        seed=body.seed,
        n=body.n,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        logprobs=body.logprobs or None,
        top_logprobs=body.top_logprobs,
        reasoning_effort=body.reasoning_effort,
        thinking_budget=thinking.thinking_budget,
        thinking_level=thinking.thinking_level,
        include_thoughts=thinking.include_thoughts,
        safety_settings=tuple(SafetySetting(one.category, one.threshold) for one in google.safety_settings),
        cached_content=google.cached_content,
        modalities=tuple(body.modalities),
        user=body.user,
    )


def _max_tokens(body: ChatBody) -> int | None:
    old, new = body.max_tokens, body.max_completion_tokens
    if old is not None and new is not None and old != new:
        raise Refused(400, f"`max_tokens` is {old}, `max_completion_tokens` {new}: send one.", param="max_tokens")
    return old if new is None else new


def _tool(tool: ToolParameter) -> Tool:
    function = tool.function
    return Tool(
        function.name,
        function.description,
        function.parameters,
        strict=function.strict,
        cache_control=tool.cache_control,
    )


def _tool_choice(body: ChatBody) -> ToolChoice | None:
    choice = body.tool_choice
    if choice is None:
        return None
    if isinstance(choice, NamedTool):
        return ToolChoice("required", _declared([choice.function.name], body))
    if isinstance(choice, AllowedChoice):
        names = _declared([tool.function.name for tool in choice.allowed_tools.tools], body)
        return ToolChoice("required" if choice.allowed_tools.mode == "required" else "validated", names)
    return ToolChoice(choice)


def _declared(names: list[str], body: ChatBody) -> tuple[str, ...]:
    declared = [tool.function.name for tool in body.tools]
    for name in names:
        if name not in declared:
            raise Refused(400, f"`tool_choice` names {name!r}, which is not among `tools`.", param="tool_choice")
    return tuple(names)


def _response_format(body: ChatBody) -> ResponseFormat | None:
    match body.response_format:
        case ObjectFormat():
            return ResponseFormat()
        case SchemaFormat(json_schema=wanted):
            schema: JsonObject | None = wanted.schema_
            return ResponseFormat(schema, name=wanted.name, description=wanted.description, strict=wanted.strict)
        case _:
            return None
