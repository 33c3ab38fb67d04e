"""Local estimates of tokens, because Gemini's tokenizer is not public."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gemini_multi import types

__all__ = ["estimate", "estimate_messages", "most_tokens"]

_ASCII_PER_TOKEN: Final = 4.0
_OTHERS_PER_TOKEN: Final = 1.5
_MEDIA_TOKENS: Final = 258
"""Google's documented figure for one image, and for one page of a document."""
_PER_SECOND: Final = {"audio": (16_000, 32), "video": (250_000, 300)}
"""Usual bytes, and Google's documented tokens."""
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


def estimate_messages(messages: Sequence[types.Message], tools: Sequence[Mapping[str, object]] = ()) -> int:
    """Estimate the tokens of a conversation and of the tools bound to it."""
    parts = sum(_tokens(part, estimate, _media) for message in messages for part in message.parts)
    return parts + sum(estimate(_compact(tool)) for tool in tools)


def most_tokens(request: types.ChatRequest) -> int:
    """Return an upper limit of a request's tokens: a token is at least one byte. Media by address may have any size."""
    parts = sum(_tokens(part, _size, _most_media) for message in request.messages for part in message.parts)
    tools = [[tool.name, tool.description, tool.parameters] for tool in request.tools if isinstance(tool, types.Tool)]
    schema = request.response_format.schema if request.response_format is not None else None
    return parts + _size(_compact([tools, schema]))


def _tokens(part: types.Part, text: Callable[[str], int], media: Callable[[str, int | None], int]) -> int:
    """Count a part by the measures of texts and of media. The size of media by address is not known."""
    match part:
        case types.Blob():
            return media(part.mime_type, len(part.data) * 3 // 4)
        case types.FileReference():
            return media(part.mime_type or "", None)
        case types.ToolResult():
            value = "" if part.value is None else _compact(part.value)
            return text(part.name + value) + sum(_tokens(item, text, media) for item in part.content)
        case types.Text() | types.Thought():
            return text(part.text)
        case types.ToolCall():
            return text(part.name + _compact(dict(part.arguments)) + (part.invalid_arguments or ""))
        case types.ExecutableCode():
            return text(part.code)
        case types.CodeResult():
            return text(part.output)
        case _:
            return text(_compact(dict(part.data)))


def _media(mime_type: str, size: int | None) -> int:
    family = mime_type.partition("/")[0]
    if family in _PER_SECOND:
        size_per_second, tokens_per_second = _PER_SECOND[family]
        return max(1, (size or 0) // size_per_second) * tokens_per_second
    return _MEDIA_TOKENS if family != "text" else max(1, (size or 0) // 4)


def _most_media(mime_type: str, size: int | None) -> int:
    if mime_type.startswith("image/"):
        return _MOST_PER_IMAGE
    size = _ANY if size is None else size
    return size if mime_type.startswith("text/") else max(_MOST_PER_IMAGE, size // _LEAST_BYTES_PER_MEDIA_TOKEN)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
