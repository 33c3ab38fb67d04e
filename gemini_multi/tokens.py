"""Local estimates of tokens, because Gemini's tokenizer is not public."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from gemini_multi.types import (
    Blob,
    ChatRequest,
    CodeResult,
    ExecutableCode,
    FileReference,
    Message,
    Opaque,
    Part,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
)

__all__ = ["estimate", "estimate_messages", "most_tokens"]

_ASCII_PER_TOKEN: Final = 4.0
_OTHERS_PER_TOKEN: Final = 1.5
_MEDIA: Final = {"image": 258, "application": 258}
"""Google's documented figures for one image and for one page of a document."""
_AUDIO_TOKENS_PER_SECOND: Final = 32
_VIDEO_TOKENS_PER_SECOND: Final = 300
_BYTES_PER_SECOND: Final = {"audio": 16_000, "video": 250_000}
_ANY: Final = 1 << 40
"""More than any context window. Callers limit it to the model's window."""
_MOST_PER_IMAGE: Final = 5_000
"""More than the tokens of any resolution and tiling that Google documents."""
_LEAST_BYTES_PER_MEDIA_TOKEN: Final = 16
"""Fewer bytes per token than in any real audio, video or page."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text: about four Latin characters per token, fewer of other scripts."""
    if not text:
        return 0
    plain = len(text.encode("ascii", "ignore"))
    return max(1, round(plain / _ASCII_PER_TOKEN + (len(text) - plain) / _OTHERS_PER_TOKEN))


def estimate_messages(messages: Sequence[Message], tools: Sequence[Mapping[str, object]] = ()) -> int:
    """Estimate the tokens of a conversation and of the tools bound to it."""
    parts = sum(_part(part) for message in messages for part in message.parts)
    return parts + sum(estimate(_compact(tool)) for tool in tools)


def most_tokens(request: ChatRequest) -> int:
    """Return an upper limit of a request's tokens: a token is at least one byte. Media by address may have any size."""
    parts = sum(_most(part) for message in request.messages for part in message.parts)
    tools = [[tool.name, tool.description, tool.parameters] for tool in request.tools if isinstance(tool, Tool)]
    schema = request.response_format.schema if request.response_format is not None else None
    return parts + _size(_compact([tools, schema]))


def _most(part: Part) -> int:
    match part:
        case Text() | Thought():
            return _size(part.text)
        case Blob():
            return _most_media(part.mime_type, len(part.data) * 3 // 4)
        case FileReference():
            return _most_media(part.mime_type or "", _ANY)
        case ToolCall():
            return _size(part.name + _compact(dict(part.arguments)) + (part.invalid_arguments or ""))
        case ToolResult():
            return _size(part.name + _compact(part.value)) + sum(_most(item) for item in part.content)
        case ExecutableCode() | CodeResult() | Opaque():
            return _size(_content_text(part))


def _most_media(mime_type: str, size: int) -> int:
    if mime_type.startswith("image/"):
        return _MOST_PER_IMAGE
    return size if mime_type.startswith("text/") else max(_MOST_PER_IMAGE, size // _LEAST_BYTES_PER_MEDIA_TOKEN)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _part(part: Part) -> int:
    match part:
        case Text() | Thought():
            return estimate(part.text)
        case Blob():
            return _media(part.mime_type, len(part.data) * 3 // 4)
        case FileReference():
            return _media(part.mime_type or "image/*", 0)
        case ToolCall():
            return estimate(part.name + _compact(dict(part.arguments)) + (part.invalid_arguments or ""))
        case ToolResult():
            value = "" if part.value is None else _compact(part.value)
            return estimate(part.name + value) + sum(_part(item) for item in part.content)
        case ExecutableCode() | CodeResult() | Opaque():
            return estimate(_content_text(part))


def _content_text(part: ExecutableCode | CodeResult | Opaque) -> str:
    match part:
        case ExecutableCode():
            return part.code
        case CodeResult():
            return part.output
        case Opaque():
            return _compact(dict(part.data))


def _media(mime_type: str, size: int) -> int:
    family = mime_type.partition("/")[0]
    if family in _BYTES_PER_SECOND:
        seconds = max(1, size // _BYTES_PER_SECOND[family])
        return seconds * (_AUDIO_TOKENS_PER_SECOND if family == "audio" else _VIDEO_TOKENS_PER_SECOND)
    return _MEDIA.get(family, 258) if family != "text" else max(1, size // 4)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
