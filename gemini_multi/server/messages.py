"""Turns the messages of a request into the core's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, cast

from pydantic_core import from_json

from gemini_multi.server.body import (
    Address,
    AssistantMessage,
    AudioPart,
    CallParameter,
    ContentPart,
    File,
    FilePart,
    ImagePart,
    MessageParameter,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
    VideoPart,
)
from gemini_multi.server.signatures import is_synthetic, signature_in
from gemini_multi.types import Blob, FileReference, JsonValue, Message, Part, Text, ToolCall, ToolResult

_RESOLUTIONS: Final[dict[str, Literal["low", "high"]]] = {"low": "low", "high": "high"}


def messages_of(parameters: Iterable[MessageParameter], issuer: str) -> tuple[Message, ...]:
    """Turn all messages into the core's; signatures that do not say whose they are count as `issuer`'s."""
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
                messages.append(Message("assistant", _said(parameter, issuer), name=parameter.name))
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


def _said(message: AssistantMessage, issuer: str) -> tuple[Part, ...]:
    """Read a turn of the model. The signature of the message closes its text."""
    signature = signature_in(message.extra_content, issuer)
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
        signature=signature_in(call.extra_content, issuer),
        invalid_arguments=call.function.arguments if arguments is None else None,
        synthetic_id=is_synthetic(call.extra_content),
    )


def _arguments(text: str) -> dict[str, JsonValue] | None:
    """Read arguments; `None` for what is no JSON object, as models write it at times."""
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
