"""The body of a chat completions request of a caller. A field that is not declared here is refused, never dropped."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue

from gemini_multi.dialects.chat_completions.conversation import Cached, Declared, MessageParameter
from gemini_multi.types import ReasoningEffort

_Object: TypeAlias = dict[str, JsonValue]


class Function(Declared):
    """A function that the model may call."""

    name: str
    description: str = ""
    parameters: _Object = Field(default={})
    strict: bool | None = None


class ToolParameter(Cached):
    """A tool. Only functions are supported."""

    type: Literal["function"]
    function: Function


class Named(Declared):
    """The name of a function."""

    name: str


class NamedTool(Declared):
    """A function that the model must call."""

    type: Literal["function"]
    function: Named


class AllowedTools(Declared):
    """The functions that the model may call, or of which it must call one."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class AllowedChoice(Declared):
    """A tool choice that allows some of the functions."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


class Schema(Declared):
    """A JSON Schema for the answer."""

    name: str = "response"
    description: str | None = None
    schema_: _Object | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextFormat(Declared):
    """An answer of any form."""

    type: Literal["text"]


class ObjectFormat(Declared):
    """An answer in JSON."""

    type: Literal["json_object"]


class SchemaFormat(Declared):
    """An answer in JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: Schema


class StreamOptions(Declared):
    """The data of a stream besides the answer."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class ThinkingConfig(Declared):
    """Google's thinking settings, in the form of Google's own OpenAI endpoint."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Safety(Declared):
    """The threshold for one category of harmful content."""

    category: str
    threshold: str


class GoogleSettings(Declared):
    """The settings that Google's own OpenAI endpoint accepts in `extra_body.google`."""

    thinking_config: ThinkingConfig = ThinkingConfig()
    cached_content: str | None = None
    safety_settings: list[Safety] = Field(default=[])


class ExtraBody(Declared):
    """Settings without a field in OpenAI's API."""

    google: GoogleSettings = GoogleSettings()


class ChatBody(Declared):
    """A request. `top_k` and `extra_body` are Google's. The last four fields accept only values that have no effect."""

    model: str = Field(min_length=1)
    messages: list[MessageParameter] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    tools: list[ToolParameter] = Field(default=[])
    tool_choice: Literal["auto", "none", "required"] | NamedTool | AllowedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: int | None = Field(default=None, ge=1)
    stop: str | list[str] = Field(default=[])
    seed: int | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    reasoning_effort: ReasoningEffort | None = None
    user: str | None = None
    modalities: list[Literal["text", "image"]] = Field(default=[])
    extra_body: ExtraBody = ExtraBody()
    store: Literal[False] = False
    service_tier: Literal["auto", "default"] = "auto"
    logit_bias: dict[str, JsonValue] = Field(default={}, max_length=0)
    metadata: dict[str, JsonValue] = Field(default={}, max_length=0)
