"""Reads the messages of a chat completions request in the forms that callers use, and makes the core's messages.

A field that is not declared here is an error, so that no field of the caller is dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json, to_json

from gemini_multi.dialects.chat_completions.extra_content import is_synthetic, signature_of
from gemini_multi.types import Blob, FileReference, Message, Part, Text, ToolCall, ToolResult

_Object: TypeAlias = dict[str, JsonValue]
_RESOLUTIONS: Final[dict[str, Literal["low", "high"]]] = {"low": "low", "high": "high"}


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


class TextPart(Cached):
    """Text."""

    type: Literal["text"]
    text: str


class RefusalPart(Declared):
    """The text with which the model refused."""

    type: Literal["refusal"]
    refusal: str


class Address(Declared):
    """The URL of a medium. It may be a `data:` URL."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        """Read a bare URL, which some callers send in place of the object."""
        return {"url": value} if isinstance(value, str) else value


class ImagePart(Cached):
    """An image."""

    type: Literal["image_url"]
    image_url: Address


class VideoPart(Cached):
    """A video, in the form of some providers. OpenAI has no video parts."""

    type: Literal["video_url"]
    video_url: Address


class Sound(Declared):
    """Audio in base64."""

    data: str
    format: str


class AudioPart(Cached):
    """Audio."""

    type: Literal["input_audio"]
    input_audio: Sound


class File(Declared):
    """A file in base64 or as a `data:` URL."""

    file_data: str
    filename: str | None = None


class FilePart(Cached):
    """A document."""

    type: Literal["file"]
    file: File


ContentPart: TypeAlias = Annotated[TextPart | ImagePart | VideoPart | AudioPart | FilePart, Field(discriminator="type")]
SpokenPart: TypeAlias = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class SystemMessage(Declared):
    """A message with instructions."""

    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(Declared):
    """A message of the user."""

    role: Literal["user"]
    content: str | list[ContentPart]
    name: str | None = None


class CalledFunction(Declared):
    """A function and its arguments as JSON text."""

    name: str
    arguments: str = ""


class CallParameter(Declared):
    """A tool call that the model made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
    extra_content: _Object | None = None
    index: int | None = None
    """The index in a stream. Callers that merge the chunks of a stream keep it."""


class AssistantMessage(Declared):
    """A message of the model. It may hold summaries of thoughts and annotations, which are not sent again."""

    role: Literal["assistant"]
    content: str | list[SpokenPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[CallParameter] = []
    extra_content: _Object | None = None
    reasoning_content: str | None = None
    annotations: list[JsonValue] = []


class ToolMessage(Declared):
    """The result of a function."""

    role: Literal["tool"]
    tool_call_id: str
    content: str | list[ContentPart]
    name: str | None = None


MessageParameter: TypeAlias = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
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
        place = ".".join(map(str, problem["loc"]))
        raise UnreadableMessages(f"{place}: {problem['msg']}" if place else problem["msg"]) from error
    return messages_of(parameters, issuer)


def messages_of(parameters: Iterable[MessageParameter], issuer: str) -> tuple[Message, ...]:
    """Convert all messages to the core's messages. `issuer` is the issuer of signatures without a stated issuer."""
    names: dict[str, str] = {}
    messages: list[Message] = []
    for parameter in parameters:
        match parameter:
            case SystemMessage():
                messages.append(Message("system", _texts(parameter.content), name=parameter.name))
            case UserMessage():
                messages.append(Message("user", tuple(_parts(parameter.content)), name=parameter.name))
            case AssistantMessage():
                names.update((call.id, call.function.name) for call in parameter.tool_calls)
                messages.append(Message("assistant", _model_parts(parameter, issuer), name=parameter.name))
            case ToolMessage():
                messages.append(Message.tool(_result(parameter, names)))
    return tuple(messages)


def _texts(content: str | Sequence[TextPart]) -> tuple[Text, ...]:
    return (Text(content),) if isinstance(content, str) else tuple(map(_text, content))


def _text(part: TextPart) -> Text:
    return Text(part.text, cache_control=part.cache_control)


def _parts(content: str | Sequence[ContentPart]) -> list[Text | Blob | FileReference]:
    return [Text(content)] if isinstance(content, str) else [_part(part) for part in content]


def _part(part: ContentPart) -> Text | Blob | FileReference:
    return _text(part) if isinstance(part, TextPart) else replace(_medium(part), cache_control=part.cache_control)


def _medium(part: ImagePart | VideoPart | AudioPart | FilePart) -> Blob | FileReference:
    match part:
        case ImagePart():
            return _addressed(part.image_url)
        case AudioPart(input_audio=sound):
            return Blob(sound.data, sound.format if "/" in sound.format else f"audio/{sound.format}")
        case FilePart():
            return _file(part.file)
        case _:
            return FileReference(part.video_url.url, None if part.video_url.url.startswith("data:") else "video/mp4")


def _addressed(image: Address) -> FileReference:
    return FileReference(image.url, resolution=_RESOLUTIONS.get(image.detail))


def _file(file: File) -> Blob | FileReference:
    if ":" in file.file_data[:16]:
        return FileReference(file.file_data, name=file.filename)
    return Blob(file.file_data, "application/pdf", name=file.filename)


def _model_parts(message: AssistantMessage, issuer: str) -> tuple[Part, ...]:
    """Read a message of the model. The message's signature belongs to its text."""
    signature = signature_of(message.extra_content, issuer)
    text = _text_of(message)
    parts: list[Part] = [Text(text, signature=signature)] if text or signature else []
    return (*parts, *(_call(call, issuer) for call in message.tool_calls))


def _text_of(message: AssistantMessage) -> str:
    content = message.content or message.refusal or ""
    if isinstance(content, str):
        return content
    return "".join(part.text if isinstance(part, TextPart) else part.refusal for part in content)


def _call(call: CallParameter, issuer: str) -> ToolCall:
    arguments = _arguments(call.function.arguments)
    return ToolCall(
        call.id,
        call.function.name,
        arguments or {},
        signature=signature_of(call.extra_content, issuer),
        invalid_arguments=call.function.arguments if arguments is None else None,
        synthetic_id=is_synthetic(call.extra_content),
    )


def _arguments(text: str) -> dict[str, JsonValue] | None:
    """Read arguments. Return `None` for text that is not a JSON object, because models sometimes write such text."""
    if not text.strip():
        return {}
    try:
        value: Any = from_json(text)
    except ValueError:
        return None
    return cast("dict[str, JsonValue]", value) if isinstance(value, dict) else None


def _result(message: ToolMessage, names: dict[str, str]) -> ToolResult:
    name = message.name or names.get(message.tool_call_id, "")
    return ToolResult(message.tool_call_id, name, tuple(_parts(message.content)))
