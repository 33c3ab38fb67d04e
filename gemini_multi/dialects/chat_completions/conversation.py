"""Reads the messages of a chat completions request in the forms that callers use, and makes the core's messages.

A field that is not declared here is an error, so that no field of the caller is dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Final, Literal, TypeAlias, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator
from pydantic_core import to_json

from gemini_multi._encoding.call_arguments import parsed
from gemini_multi._encoding.json_values import as_object
from gemini_multi.types import Blob, FileReference, Message, Signature, SignatureCarrier, Text, ToolCall, ToolResult

_Object: TypeAlias = dict[str, JsonValue]
_OURS: Final = "gemini_multi"
"""The namespace, inside `extra_content`, for values that Google's own form has no field for."""
_CARRIERS: Final[dict[str, SignatureCarrier]] = {carrier: carrier for carrier in get_args(SignatureCarrier)}


class Declared(BaseModel):
    """An object that has only its declared fields; `null` means the same as a missing field."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        sent = cast("_Object", value)  # `value` comes from JSON
        return {name: item for name, item in sent.items() if item is not None}


class Cached(Declared):
    """An object that may hold a hint for a cache, which some callers send with every long prompt."""

    cache_control: _Object | None = None


class _TextPart(Cached):
    type: Literal["text"]
    text: str


class _RefusalPart(Declared):
    type: Literal["refusal"]
    refusal: str


class _Address(Declared):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class _ImagePart(Cached):
    type: Literal["image_url"]
    image_url: _Address


class _VideoPart(Cached):
    type: Literal["video_url"]
    video_url: _Address


class _Sound(Declared):
    data: str
    format: str


class _AudioPart(Cached):
    type: Literal["input_audio"]
    input_audio: _Sound


class _File(Declared):
    file_data: str
    """Base64, or a `data:` URL."""
    filename: str | None = None


class _FilePart(Cached):
    type: Literal["file"]
    file: _File


_AnyPart: TypeAlias = _TextPart | _ImagePart | _VideoPart | _AudioPart | _FilePart
_ContentPart: TypeAlias = Annotated[_AnyPart, Field(discriminator="type")]
_SpokenPart: TypeAlias = Annotated[_TextPart | _RefusalPart, Field(discriminator="type")]


class _SystemMessage(Declared):
    role: Literal["system", "developer"]
    content: str | list[_TextPart]
    name: str | None = None


class _UserMessage(Declared):
    role: Literal["user"]
    content: str | list[_ContentPart]
    name: str | None = None


class _CalledFunction(Declared):
    name: str
    arguments: str = ""


class _CallParameter(Declared):
    id: str
    type: Literal["function"] = "function"
    function: _CalledFunction
    extra_content: _Object | None = None
    index: int | None = None
    """The index in a stream. Callers that merge the chunks of a stream keep it."""

    def call(self, issuer: str) -> ToolCall:
        text = self.function.arguments
        arguments = parsed(text)
        ours = (self.extra_content or {}).get(_OURS)
        return ToolCall(
            self.id,
            self.function.name,
            arguments if isinstance(arguments, dict) else {},
            signature=signature_of(self.extra_content, issuer),
            invalid_arguments=None if isinstance(arguments, dict) else text,
            # This library made the id, or the origin of the id is unknown.
            synthetic_id=not isinstance(ours, dict) or ours.get("synthetic_id") is True,
        )


class _AssistantMessage(Declared):
    role: Literal["assistant"]
    content: str | list[_SpokenPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[_CallParameter] = []
    extra_content: _Object | None = None
    reasoning_content: str | None = None
    annotations: list[JsonValue] = []
    """Annotations, like summaries of thoughts, are not sent again."""

    def parts(self, issuer: str) -> tuple[Text | ToolCall, ...]:
        # The message's signature belongs to its text.
        signature = signature_of(self.extra_content, issuer)
        text = self.content or self.refusal or ""
        if not isinstance(text, str):
            text = "".join(part.text if isinstance(part, _TextPart) else part.refusal for part in text)
        texts = [Text(text, signature=signature)] if text or signature else []
        return (*texts, *(call.call(issuer) for call in self.tool_calls))


class _ToolMessage(Declared):
    role: Literal["tool"]
    tool_call_id: str
    content: str | list[_ContentPart]
    name: str | None = None


MessageParameter: TypeAlias = Annotated[
    _SystemMessage | _UserMessage | _AssistantMessage | _ToolMessage, Field(discriminator="role")
]


class UnreadableMessages(ValueError):
    """The messages do not have the form of chat completions. The text of the error names the place and the reason."""


@cache
def _adapter() -> TypeAdapter[list[MessageParameter]]:
    return TypeAdapter(Annotated[list[MessageParameter], Field(min_length=1)])


def read_messages(given: object, issuer: str = "") -> tuple[Message, ...]:
    """Read messages from JSON text or plain Python values.

    Raises:
        UnreadableMessages: The messages do not have the form of chat completions.
    """
    try:
        parameters = _adapter().validate_json(given if isinstance(given, str) else to_json(given))
    except ValidationError as error:
        # If a value may have several forms, the error with the longest path is about the form that the caller meant.
        problem = max(error.errors(include_url=False), key=lambda problem: len(problem["loc"]))
        place = ".".join(str(step) for step in problem["loc"] if not str(step).startswith("list["))
        raise UnreadableMessages(f"{place}: {problem['msg']}" if place else problem["msg"]) from error
    return messages_of(parameters, issuer)


def messages_of(parameters: Iterable[MessageParameter], issuer: str) -> tuple[Message, ...]:
    """Convert all messages to the core's messages. `issuer` is the issuer of signatures without a stated issuer."""
    names: dict[str, str] = {}
    messages: list[Message] = []
    for parameter in parameters:
        match parameter:
            case _SystemMessage() | _UserMessage():
                role: Literal["user", "system"] = "user" if parameter.role == "user" else "system"
                messages.append(Message(role, _parts(parameter.content), name=parameter.name))
            case _AssistantMessage():
                names.update((call.id, call.function.name) for call in parameter.tool_calls)
                messages.append(Message("assistant", parameter.parts(issuer), name=parameter.name))
            case _ToolMessage(tool_call_id=call_id):
                name = parameter.name or names.get(call_id, "")
                messages.append(Message.tool(ToolResult(call_id, name, _parts(parameter.content))))
    return tuple(messages)


def _parts(content: str | Sequence[_AnyPart]) -> tuple[Text | Blob | FileReference, ...]:
    return (Text(content),) if isinstance(content, str) else tuple(map(_part, content))


def _part(part: _AnyPart) -> Text | Blob | FileReference:
    hint = part.cache_control
    match part:
        case _TextPart(text=text):
            return Text(text, cache_control=hint)
        case _ImagePart(image_url=image):
            resolution = None if image.detail == "auto" else image.detail
            return FileReference(image.url, resolution=resolution, cache_control=hint)
        case _VideoPart(video_url=video):
            mime_type = None if video.url.startswith("data:") else "video/mp4"
            return FileReference(video.url, mime_type, cache_control=hint)
        case _AudioPart(input_audio=sound):
            mime_type = sound.format if "/" in sound.format else f"audio/{sound.format}"
            return Blob(sound.data, mime_type, cache_control=hint)
        case _FilePart(file=file) if ":" in file.file_data[:16]:
            return FileReference(file.file_data, name=file.filename, cache_control=hint)
        case _FilePart(file=file):
            return Blob(file.file_data, "application/pdf", name=file.filename, cache_control=hint)


def extra_content(signature: Signature | None, *, synthetic_id: bool = False) -> dict[str, JsonValue] | None:
    """Write a signature in the form of Google's OpenAI endpoint, with its issuer and its carrier in our namespace."""
    ours: dict[str, JsonValue] = {"synthetic_id": True} if synthetic_id else {}
    if signature is None:
        return {_OURS: ours} if ours else None
    ours |= {"carrier": signature.carrier, "issuer": signature.issuer}
    if signature.carrier == "extra_content" and isinstance(signature.payload, dict):
        return {**signature.payload, _OURS: ours}
    bare = signature.thought_signature()
    if not isinstance(signature.payload, str):
        ours["payload"] = signature.payload
    return {_OURS: ours} if bare is None else {"google": {"thought_signature": bare}, _OURS: ours}


def signature_of(extra: Mapping[str, JsonValue] | None, issuer: str) -> Signature | None:
    """Read a signature from `extra_content`. `issuer` is the issuer of a signature without a stated issuer."""
    if not extra:
        return None
    ours = as_object(extra.get(_OURS))
    payload: JsonValue = {name: value for name, value in extra.items() if name != _OURS}
    carrier = _CARRIERS.get(str(ours.get("carrier")), "extra_content")
    if carrier != "extra_content":
        bare = Signature(payload, carrier="extra_content", issuer="").thought_signature()
        payload = ours.get("payload", bare)
    return Signature(payload, carrier=carrier, issuer=str(ours.get("issuer") or issuer)) if payload else None
