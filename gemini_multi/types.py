"""Neutral values that every dialect, provider and framework binding speaks.

A request is a `ChatRequest`: messages made of parts, tools and generation settings. An answer is a sequence of
`ChatEvent` values that ends with `Finished`, which carries the whole `ChatResponse`. Nothing here knows a host, a wire
or a framework. All values are frozen; two values with equal content are equal.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

from pydantic import JsonValue

__all__ = [
    "Attempt",
    "Blob",
    "BuiltInTool",
    "Candidate",
    "ChatEvent",
    "ChatRequest",
    "ChatResponse",
    "Citation",
    "CodeResult",
    "ExecutableCode",
    "FileReference",
    "FinishReason",
    "Finished",
    "JsonObject",
    "JsonValue",
    "Message",
    "Opaque",
    "Part",
    "PartReady",
    "ReasoningEffort",
    "ResponseFormat",
    "Role",
    "SafetySetting",
    "Signature",
    "Text",
    "TextDelta",
    "Thought",
    "ThoughtDelta",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolChoice",
    "ToolResult",
    "Usage",
]

JsonObject: TypeAlias = Mapping[str, JsonValue]
"""A JSON object as the wires carry it. Treat it as read-only."""

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

FinishReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter", "error", "other"]
"""Why generation stopped, normalized. The host's own word is kept beside it as `raw_finish_reason`."""

ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Signature:
    """An opaque proof of thought that a host attached to a part and wants back unchanged, in the same position."""

    payload: JsonValue
    """Exactly what the host sent: a string for `thoughtSignature`, else the whole carrier object or list."""
    _: KW_ONLY
    carrier: Literal["thoughtSignature", "extra_content", "reasoning_details", "thought_signature"]
    """The field that carried it: the first on the native dialect, the others on chat completions."""
    issuer: str
    """The upstream that issued it. A signature is valid only there: `cloudflare`, `aimlapi`, `oxen`, …"""

    def thought_signature(self) -> str | None:
        """Return the bare signature text inside the payload, or `None` when the carrier holds none."""
        if isinstance(self.payload, str):
            return self.payload
        if isinstance(self.payload, dict):
            # The namespace is `google` or `vertex`, depending on who stands behind the host.
            for namespace in self.payload.values():
                if isinstance(namespace, dict) and isinstance(found := namespace.get("thought_signature"), str):
                    return found
        if isinstance(self.payload, list):
            for detail in self.payload:
                if isinstance(detail, dict) and detail.get("type") == "reasoning.encrypted":
                    data = detail.get("data")
                    return data if isinstance(data, str) else None
        return None


@dataclass(frozen=True, slots=True)
class Citation:
    """A source for a stretch of the answer's text; offsets count characters of the candidate's text."""

    _: KW_ONLY
    start: int | None = None
    end: int | None = None
    uri: str | None = None
    title: str | None = None
    text: str | None = None
    """The cited stretch, when the host gave it."""
    source: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """The host's own record, whole."""


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text."""

    text: str
    _: KW_ONLY
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """A summary of the model's reasoning. It is never part of the answer's text."""

    text: str
    _: KW_ONLY
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """Inline media: an image, audio, video or document."""

    data: str = field(repr=False)
    """The bytes in standard base64, without a `data:` prefix."""
    mime_type: str
    _: KW_ONLY
    name: str | None = None
    resolution: Literal["low", "medium", "high", "ultra_high"] | None = None
    """How many tokens an image or a frame may cost."""
    start: float | None = None
    """Seconds into a video at which to begin."""
    end: float | None = None
    fps: float | None = None
    signature: Signature | None = None

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str, *, name: str | None = None) -> Blob:
        """Encode raw bytes."""
        return cls(base64.b64encode(data).decode("ascii"), mime_type, name=name)


@dataclass(frozen=True, slots=True)
class FileReference:
    """Media by address: an https URL, a `gs://` URI, a YouTube link or a Files API URI."""

    uri: str
    mime_type: str | None = None
    _: KW_ONLY
    name: str | None = None
    resolution: Literal["low", "medium", "high", "ultra_high"] | None = None
    start: float | None = None
    end: float | None = None
    fps: float | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a function to be called."""

    id: str
    """Always present and unique in the answer: the host's own id, else one of ours."""
    name: str
    arguments: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    _: KW_ONLY
    signature: Signature | None = None
    invalid_arguments: str | None = None
    """The raw text when the host's arguments are not a JSON object; `arguments` is then empty."""
    synthetic_id: bool = False
    """Whether the id is ours. Such ids stay local where the host refuses ids that it did not issue."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a function returned, for the call with the same id."""

    call_id: str
    name: str
    content: tuple[Text | Blob | FileReference, ...] = ()
    _: KW_ONLY
    value: JsonValue = field(default=None, hash=False)
    """A structured result; sent as is where the dialect can carry an object, else as JSON text."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ExecutableCode:
    """Code that the model wrote for the host's own code execution tool."""

    code: str
    language: str = "PYTHON"
    _: KW_ONLY
    id: str | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What the host's code execution gave."""

    output: str
    outcome: str = "OUTCOME_OK"
    _: KW_ONLY
    id: str | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A part that only the host understands (`toolCall`, `toolResponse`, a future kind), kept for the next turn."""

    data: JsonObject = field(hash=False)
    _: KW_ONLY
    signature: Signature | None = None


Part: TypeAlias = Text | Thought | Blob | FileReference | ToolCall | ToolResult | ExecutableCode | CodeResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    _: KW_ONLY
    name: str | None = None

    @classmethod
    def user(cls, *parts: Part | str) -> Message:
        """Make a user message; strings become `Text`."""
        return cls("user", _parts(parts))

    @classmethod
    def system(cls, text: str) -> Message:
        """Make a system message."""
        return cls("system", (Text(text),))

    @classmethod
    def assistant(cls, *parts: Part | str) -> Message:
        """Make a message of the model; strings become `Text`."""
        return cls("assistant", _parts(parts))

    @classmethod
    def tool(cls, *results: ToolResult) -> Message:
        """Make a message that answers tool calls."""
        return cls("tool", results)


def _parts(parts: Sequence[Part | str]) -> tuple[Part, ...]:
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask to be called."""

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """JSON Schema of the arguments; empty for a function without any."""
    _: KW_ONLY
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class BuiltInTool:
    """A tool that the host runs itself, such as `google_search`, `url_context` or `code_execution`."""

    kind: str
    """The snake_case name of the member of Gemini's `Tool` message."""
    options: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether and which functions must be called."""

    mode: Literal["auto", "required", "none", "validated"] = "auto"
    names: tuple[str, ...] = ()
    """With `required` or `validated`: the only functions allowed."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """Ask for JSON, with a schema or without one, or for a bare enum member."""

    schema: JsonObject | None = field(default=None, hash=False)
    _: KW_ONLY
    name: str = "response"
    description: str | None = None
    strict: bool | None = None
    mime_type: Literal["application/json", "text/x.enum"] = "application/json"


@dataclass(frozen=True, slots=True)
class SafetySetting:
    """How much of one kind of harm is let through."""

    category: str
    """Such as `HARM_CATEGORY_HARASSMENT`."""
    threshold: str
    """Such as `BLOCK_ONLY_HIGH` or `OFF`."""
    _: KW_ONLY
    method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What to ask. `None` means: not set, so not sent."""

    model: str
    """A catalog name such as `gemini-2.5-flash-lite`, or a host's own id."""
    messages: tuple[Message, ...]
    tools: tuple[Tool | BuiltInTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    """The most tokens to generate, thoughts included."""
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
    """Tokens for thoughts; 0 turns them off, -1 lets the model decide. Gemini 2.5."""
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
    """Merged into the body last, object by object, for what has no name here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money of one answer. Output includes thoughts; cached tokens are a part of input."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    tool_use_tokens: int = 0
    """Input that the host's own tools fed back to the model; counted in `input_tokens`."""
    input_by_modality: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """Lower-case modality (`text`, `image`, `audio`, `video`, `document`) to tokens; need not add up to the total."""
    output_by_modality: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    cost_usd: float | None = None
    cost_source: Literal["host", "catalog"] | None = None
    """Whether the host billed this figure or it was computed from the catalog's prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request that was sent, or could not be, on the way to an answer."""

    provider: str
    model: str
    """The host's own model id."""
    outcome: Literal["answered", "failed"]
    status: int | None = None
    code: str | None = None
    message: str = ""
    wait: float = 0.0
    """Seconds waited before it."""
    duration: float = 0.0
    """Seconds from sending to the first content or the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One alternative answer."""

    parts: tuple[Part, ...] = ()
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    finish_message: str | None = None
    safety_ratings: tuple[JsonObject, ...] = ()
    grounding: JsonObject | None = None
    citations: tuple[Citation, ...] = ()
    logprobs: JsonValue = None
    """In the form of OpenAI's `logprobs` object: `{"content": [{"token", "logprob", "top_logprobs"}]}`."""
    refusal: str | None = None
    metadata: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """What the host said of this candidate and has no field here (`avgLogprobs`, `urlContextMetadata`, …)."""

    @property
    def text(self) -> str:
        """The visible text, without thoughts."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thoughts(self) -> str:
        """The thought summaries, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Thought))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls asked for, in the host's order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResponse:
    """A whole answer."""

    candidates: tuple[Candidate, ...] = ()
    usage: Usage = Usage()
    provider: str = ""
    """`cloudflare`, `aimlapi` or `oxen`."""
    model: str = ""
    """The model version that the host says answered; the requested id when it says nothing."""
    dialect: str = ""
    response_id: str | None = None
    request_id: str | None = None
    """The host's id for its logs."""
    attempts: tuple[Attempt, ...] = ()
    prompt_feedback: JsonObject | None = None
    provider_metadata: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """All that the host said beside and has no field here, by the host's own names; headers included."""

    @property
    def candidate(self) -> Candidate:
        """The first candidate; an empty one when the host gave none."""
        return self.candidates[0] if self.candidates else Candidate()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The first candidate's parts."""
        return self.candidate.parts

    @property
    def text(self) -> str:
        """The first candidate's visible text."""
        return self.candidate.text

    @property
    def thoughts(self) -> str:
        """The first candidate's thought summaries."""
        return self.candidate.thoughts

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The first candidate's tool calls."""
        return self.candidate.tool_calls

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the first candidate stopped."""
        return self.candidate.finish_reason

    @property
    def message(self) -> Message:
        """The first candidate as a message for the next request's history."""
        return Message("assistant", self.parts)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More visible text. With a signature and empty text: the signature closes the text before it."""

    text: str
    signature: Signature | None = None
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """More of a thought summary."""

    text: str
    signature: Signature | None = None
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call's arguments as it arrives. `ToolCallReady` for the same position always follows."""

    position: int
    """Which call of the candidate, from 0."""
    id: str
    name: str
    arguments: str
    """The next piece of the arguments' JSON text."""
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallReady:
    """A whole tool call."""

    call: ToolCall
    position: int = 0
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class PartReady:
    """A whole part that is not text, thought or tool call: media, code, a code result, an opaque part."""

    part: Blob | FileReference | ExecutableCode | CodeResult | Opaque
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The end, with the whole answer."""

    response: ChatResponse


ChatEvent: TypeAlias = TextDelta | ThoughtDelta | ToolCallDelta | ToolCallReady | PartReady | Finished
