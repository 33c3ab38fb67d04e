"""Messages and their parts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

from pydantic import JsonValue

JsonObject: TypeAlias = Mapping[str, JsonValue]
"""A JSON object in a request or response. Treat it as read-only."""

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


SignatureCarrier: TypeAlias = Literal[
    "thoughtSignature", "extra_content", "message.extra_content", "reasoning_details", "thought_signature"
]
"""The field that carried a signature: the first is of the native dialect, the others are of chat completions.

`message.extra_content` is the field of the message if it signs a call; otherwise the field belongs to the part itself.
"""


@dataclass(frozen=True, slots=True)
class Signature:
    """An opaque proof of thought on a part. The provider that sent it requires it unchanged at the same position."""

    payload: JsonValue
    """The provider's exact value: a string for `thoughtSignature`, otherwise the whole carrier object or list."""
    _: KW_ONLY
    carrier: SignatureCarrier
    """The field that carried the signature, so that it is sent in the same field."""
    issuer: str
    """The upstream that issued the signature: `cloudflare`, `aimlapi`, `oxen`, … A signature is valid only there."""

    def thought_signature(self) -> str | None:
        """Return the bare signature text in the payload, or `None` if the carrier holds none."""
        if isinstance(self.payload, str):
            return self.payload
        if isinstance(self.payload, dict):
            # The namespace is `google` or `vertex`, depending on the provider's upstream.
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
    """A source for a range of the answer's text. Offsets count characters of the candidate's text."""

    _: KW_ONLY
    start: int | None = None
    end: int | None = None
    uri: str | None = None
    title: str | None = None
    text: str | None = None
    """The cited text, if the provider sent it."""
    source: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    """The provider's own record, complete."""


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text."""

    text: str
    _: KW_ONLY
    signature: Signature | None = None
    cache_control: JsonObject | None = field(default=None, hash=False, repr=False)
    """A hint for a cache, such as `{"type": "ephemeral"}`; sent if the provider's schema has the field."""


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
    """The start of the video clip in seconds."""
    end: float | None = None
    fps: float | None = None
    signature: Signature | None = None
    cache_control: JsonObject | None = field(default=None, hash=False, repr=False)

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
    cache_control: JsonObject | None = field(default=None, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function that the model requests."""

    id: str
    """Always present and unique in the answer: the provider's own id, or an id that this package made."""
    name: str
    arguments: JsonObject = field(default_factory=dict[str, JsonValue], hash=False)
    _: KW_ONLY
    signature: Signature | None = None
    invalid_arguments: str | None = None
    """The raw text if the provider's arguments are not a JSON object; `arguments` is then empty."""
    synthetic_id: bool = False
    """Whether this package made the id. Such an id is not sent to a provider that refuses ids of other issuers."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a function, for the call with the same id."""

    call_id: str
    name: str
    content: tuple[Text | Blob | FileReference, ...] = ()
    _: KW_ONLY
    value: JsonValue = field(default=None, hash=False)
    """A structured result; sent unchanged if the dialect supports an object, otherwise as JSON text."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ExecutableCode:
    """Code that the model wrote for the provider's own code execution tool."""

    code: str
    language: str = "PYTHON"
    _: KW_ONLY
    id: str | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class CodeResult:
    """The output of the provider's code execution."""

    output: str
    outcome: str = "OUTCOME_OK"
    _: KW_ONLY
    id: str | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A part that only the provider understands (`toolCall`, `toolResponse`, a future kind), kept for the next turn."""

    data: JsonObject = field(hash=False)
    _: KW_ONLY
    signature: Signature | None = None


Media: TypeAlias = Blob | FileReference
DataPart: TypeAlias = Media | ExecutableCode | CodeResult | Opaque
Part: TypeAlias = Text | Thought | ToolCall | ToolResult | DataPart


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
