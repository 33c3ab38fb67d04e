"""The response, and the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pydantic import JsonValue

from gemini_multi._types.parts import Citation, DataPart, JsonObject, Message, Part, Signature, Text, Thought, ToolCall

FinishReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter", "error", "other"]
"""Why generation stopped, normalized. `raw_finish_reason` holds the provider's own value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and cost of one answer. Output includes thoughts; cached tokens are a part of input."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    tool_use_tokens: int = 0
    """Input that the provider's own tools returned to the model; counted in `input_tokens`."""
    input_by_modality: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """Lower-case modality (`text`, `image`, `audio`, `video`, `document`) to tokens. The sum may not be the total."""
    output_by_modality: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    cost_usd: float | None = None
    cost_source: Literal["host", "catalog"] | None = None
    """Whether the provider billed this cost or it was computed from the catalog's prices."""

    def priced(self, cost_usd: float, cost_source: Literal["host", "catalog"]) -> Usage:
        """Return the same tokens with their price."""
        return replace(self, cost_usd=cost_usd, cost_source=cost_source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request on the way to an answer. It was sent, or it could not be sent."""

    provider: str
    model: str
    """The provider's own model id."""
    outcome: Literal["answered", "failed", "cancelled"]
    """`cancelled`: another route was faster, or the caller left."""
    status: int | None = None
    code: str | None = None
    error: str = ""
    """The class of the failure, such as `RateLimited`."""
    message: str = ""
    request_id: str | None = None
    """The provider's id for its logs."""
    wait: float = 0.0
    """Seconds of the wait before the request."""
    first_content: float | None = None
    """Seconds from sending to the first content."""
    duration: float = 0.0
    """Seconds from sending to the end of the answer or to the failure."""
    ignored: tuple[str, ...] = ()
    """The settings that the request omitted because the model or the provider refuses them."""


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
    """Has the form of OpenAI's `logprobs` object: `{"content": [{"token", "logprob", "top_logprobs"}]}`."""
    refusal: str | None = None
    metadata: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """The provider's other data about this candidate, without a field here (`avgLogprobs`, `urlContextMetadata`, …)."""

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
        """The tool calls, in the provider's order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResponse:
    """A whole answer."""

    candidates: tuple[Candidate, ...] = ()
    usage: Usage = Usage()
    provider: str = ""
    """`cloudflare`, `aimlapi` or `oxen`."""
    model: str = ""
    """The model version that the provider reports, or the requested id if the provider does not report one."""
    dialect: str = ""
    response_id: str | None = None
    request_id: str | None = None
    """The provider's id for its logs."""
    attempts: tuple[Attempt, ...] = ()
    prompt_feedback: JsonObject | None = None
    provider_metadata: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """The provider's other data, without a field here, by the provider's own names; includes headers."""

    @property
    def candidate(self) -> Candidate:
        """The first candidate, or an empty one if the provider sent none."""
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
        """The finish reason of the first candidate."""
        return self.candidate.finish_reason

    @property
    def message(self) -> Message:
        """The first candidate as a message for the next request's history."""
        return Message("assistant", self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """The number of tokens of a request, counted by a provider that does not answer the request."""

    total_tokens: int
    cached_tokens: int = 0
    """The tokens in the cached content that the request names."""
    by_modality: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    """Lower-case modality (`text`, `image`, `audio`, `video`, `document`) to tokens, if the provider sends it."""
    provider: str = ""
    model: str = ""
    request_id: str | None = None
    """The provider's id for its logs."""
    attempts: tuple[Attempt, ...] = ()
    provider_metadata: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """Further data of the provider, including headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model in a provider's own list. Values that the provider does not send are `None` or empty."""

    provider: str
    id: str
    """The provider's id, which the `model` setting accepts."""
    name: str | None = None
    """The display name."""
    description: str | None = None
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    inputs: tuple[str, ...] = ()
    """Kinds of media, by the provider's names."""
    outputs: tuple[str, ...] = ()
    request_schema: JsonValue = field(default=None, hash=False)
    """The JSON Schema of requests (`json_request_schema`), if the provider has a schema for each model."""
    record: JsonObject = field(default_factory=dict[str, JsonValue], hash=False, repr=False)
    """The provider's record, unchanged."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More visible text. A delta with a signature and empty text signs the text before it."""

    text: str
    signature: Signature | None = None
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """More text of a thought summary."""

    text: str
    signature: Signature | None = None
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call's arguments. `ToolCallReady` for the same position always follows."""

    position: int
    """The position of the call in the candidate, from 0."""
    id: str
    name: str
    arguments: str
    """The next piece of the arguments' JSON text."""
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallReady:
    """A complete tool call."""

    call: ToolCall
    position: int = 0
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class PartReady:
    """A complete part of another kind than text, thought or tool call: media, code, a code result, an opaque part."""

    part: DataPart
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of the stream, with the whole answer."""

    response: ChatResponse


ChatEvent: TypeAlias = TextDelta | ThoughtDelta | ToolCallDelta | ToolCallReady | PartReady | Finished
