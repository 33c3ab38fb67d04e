"""The request, its tools and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from pydantic import JsonValue

from gemini_multi._types.efforts import ReasoningEffort
from gemini_multi._types.parts import JsonObject, Message


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """JSON Schema of the arguments; empty for a function without arguments."""
    _: KW_ONLY
    strict: bool | None = None
    cache_control: JsonObject | None = field(default=None, hash=False, repr=False)
    """A hint for a cache, such as `{"type": "ephemeral"}`; sent if the provider's schema has the field."""


@dataclass(frozen=True, slots=True)
class BuiltInTool:
    """A tool that the provider runs itself, such as `google_search`, `url_context` or `code_execution`."""

    kind: str
    """The snake_case name of the field of Gemini's `Tool` message."""
    options: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether functions must be called, and which."""

    mode: Literal["auto", "required", "none", "validated"] = "auto"
    names: tuple[str, ...] = ()
    """With `required` or `validated`: the only functions allowed."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """A request for JSON, with or without a schema, or for one value of an enum."""

    schema: JsonObject | None = field(default=None, hash=False)
    _: KW_ONLY
    name: str = "response"
    description: str | None = None
    strict: bool | None = None
    mime_type: Literal["application/json", "text/x.enum"] = "application/json"


@dataclass(frozen=True, slots=True)
class SafetySetting:
    """The threshold for one category of harm."""

    category: str
    """Such as `HARM_CATEGORY_HARASSMENT`."""
    threshold: str
    """Such as `BLOCK_ONLY_HIGH` or `OFF`."""
    _: KW_ONLY
    method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request to a model. A setting that is `None` is not sent."""

    model: str
    """A catalog name such as `gemini-2.5-flash-lite`, or a provider's own id."""
    messages: tuple[Message, ...]
    tools: tuple[Tool | BuiltInTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """The maximum number of tokens to generate, including thoughts."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int | None = None
    """How many candidates to generate."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: ReasoningEffort | None = None
    thinking_budget: int | None = None
    """Tokens for thoughts; 0 turns thoughts off, -1 lets the model decide. Gemini 2.5."""
    thinking_level: str | None = None
    """`minimal`, `low`, `medium` or `high`. Gemini 3 and newer."""
    include_thoughts: bool | None = None
    safety_settings: tuple[SafetySetting, ...] = ()
    cached_content: str | None = None
    media_resolution: Literal["low", "medium", "high"] | None = None
    modalities: tuple[Literal["text", "image", "audio"], ...] = ()
    voice: str | None = None
    """The voice of spoken answers."""
    labels: Mapping[str, str] | None = field(default=None, hash=False)
    user: str | None = None
    extra_body: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """Fields that this class does not have. They are merged into the body last, object by object."""
