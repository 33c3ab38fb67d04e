"""The body of a chat completion as a caller may send it. What is not declared here is refused, never dropped."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from gemini_multi.types import ReasoningEffort

_Object: TypeAlias = dict[str, JsonValue]


class _Declared(BaseModel):
    """An object with no other fields than its own; `null` is the same as leaving a field out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        sent = cast("_Object", value)  # it comes from JSON
        return {name: item for name, item in sent.items() if item is not None}


class _Cached(_Declared):
    """What may carry a hint for a cache, as some callers send with every long prompt."""

    cache_control: _Object | None = None


class TextPart(_Cached):
    """Text."""

    type: Literal["text"]
    text: str


class RefusalPart(_Declared):
    """What the model said when it refused."""

    type: Literal["refusal"]
    refusal: str


class Address(_Declared):
    """Where a medium is: an address or a `data:` URL."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(_Cached):
    """An image."""

    type: Literal["image_url"]
    image_url: Address


class VideoPart(_Cached):
    """A video, as some providers take it; OpenAI has none."""

    type: Literal["video_url"]
    video_url: Address


class Sound(_Declared):
    """Audio in base64."""

    data: str
    format: str


class AudioPart(_Cached):
    """Audio."""

    type: Literal["input_audio"]
    input_audio: Sound


class File(_Declared):
    """A file in base64 or as a `data:` URL."""

    file_data: str
    filename: str | None = None


class FilePart(_Cached):
    """A document."""

    type: Literal["file"]
    file: File


ContentPart: TypeAlias = Annotated[TextPart | ImagePart | VideoPart | AudioPart | FilePart, Field(discriminator="type")]
SpokenPart: TypeAlias = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class SystemMessage(_Declared):
    """Instructions."""

    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(_Declared):
    """What the user says."""

    role: Literal["user"]
    content: str | list[ContentPart]
    name: str | None = None


class CalledFunction(_Declared):
    """A function and its arguments as JSON text."""

    name: str
    arguments: str = ""


class CallParameter(_Declared):
    """A tool call of the model."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
    extra_content: _Object | None = None
    index: int | None = None
    """Callers that put a stream together leave it in."""


class AssistantMessage(_Declared):
    """What the model said. Summaries of thoughts and annotations of an answer may come back; they say nothing new."""

    role: Literal["assistant"]
    content: str | list[SpokenPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[CallParameter] = []
    extra_content: _Object | None = None
    reasoning_content: str | None = None
    annotations: list[JsonValue] = []


class ToolMessage(_Declared):
    """What a function returned."""

    role: Literal["tool"]
    tool_call_id: str
    content: str | list[ContentPart]
    name: str | None = None


MessageParameter: TypeAlias = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class Function(_Declared):
    """A function that may be called."""

    name: str
    description: str = ""
    parameters: _Object = {}
    strict: bool | None = None


class ToolParameter(_Cached):
    """A tool; only functions are supported."""

    type: Literal["function"]
    function: Function


class Named(_Declared):
    """The name of a function."""

    name: str


class NamedTool(_Declared):
    """A function that must be called."""

    type: Literal["function"]
    function: Named


class AllowedTools(_Declared):
    """The functions that may, or of which one must, be called."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class AllowedChoice(_Declared):
    """A choice among some of the functions."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


class Schema(_Declared):
    """A JSON Schema for the answer."""

    name: str = "response"
    description: str | None = None
    schema_: _Object | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextFormat(_Declared):
    """An answer of any form."""

    type: Literal["text"]


class ObjectFormat(_Declared):
    """An answer in JSON."""

    type: Literal["json_object"]


class SchemaFormat(_Declared):
    """An answer in JSON by a schema."""

    type: Literal["json_schema"]
    json_schema: Schema


class StreamOptions(_Declared):
    """What a stream carries beside the answer."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class ThinkingConfig(_Declared):
    """Google's settings of thinking, as on Google's own OpenAI endpoint."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Safety(_Declared):
    """How much of one kind of harm is let through."""

    category: str
    threshold: str


class GoogleSettings(_Declared):
    """What Google's own OpenAI endpoint takes in `extra_body.google`."""

    thinking_config: ThinkingConfig = ThinkingConfig()
    cached_content: str | None = None
    safety_settings: list[Safety] = []


class ExtraBody(_Declared):
    """Settings that OpenAI has no name for."""

    google: GoogleSettings = GoogleSettings()


class ChatBody(_Declared):
    """A request. `top_k` and `extra_body` are Google's; the last four fields take the values that change nothing."""

    model: str = Field(min_length=1)
    messages: list[MessageParameter] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    tools: list[ToolParameter] = []
    tool_choice: Literal["auto", "none", "required"] | NamedTool | AllowedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: int | None = Field(default=None, ge=1)
    stop: str | list[str] = []
    seed: int | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    reasoning_effort: ReasoningEffort | None = None
    user: str | None = None
    modalities: list[Literal["text", "image"]] = []
    extra_body: ExtraBody = ExtraBody()
    store: Literal[False] = False
    service_tier: Literal["auto", "default"] = "auto"
    logit_bias: dict[str, JsonValue] = Field(default={}, max_length=0)
    metadata: dict[str, JsonValue] = Field(default={}, max_length=0)
