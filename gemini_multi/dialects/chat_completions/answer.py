"""Reads the parts of a chat completion other than text and tool calls: media, annotations, log probabilities."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from pydantic_core import to_json

from gemini_multi._encoding.json_values import text_at
from gemini_multi._encoding.media_data import is_data_url, parsed_data_url, typed
from gemini_multi._types.parts import DataPart
from gemini_multi.types import Blob, Citation, FileReference, JsonValue, Opaque, Text, Thought

AnswerPart: TypeAlias = Text | Thought | DataPart

_THOUGHTS: Final = ("thinking", "reasoning", "reasoning_text", "thought")
_SOUNDS: Final = {"mp3": "mpeg", "pcm16": "pcm"}
"""Audio formats whose media types have other names."""


def parts_of(content: JsonValue) -> Iterator[AnswerPart]:
    """Read content that is not a plain string: a list of typed parts, or one part."""
    for item in content if isinstance(content, list) else [content]:
        if isinstance(item, dict):
            yield _typed(item)
        elif item is not None:
            yield Text(item if isinstance(item, str) else to_json(item).decode())


def _typed(item: dict[str, JsonValue]) -> AnswerPart:
    kind, text = item.get("type"), item.get("text", item.get("thinking"))
    if isinstance(text, str) and kind in _THOUGHTS:
        return Thought(text)
    if isinstance(text, str) and kind in ("text", "output_text", None):
        return Text(text)
    return image(item) or Opaque(item)


def image(item: JsonValue) -> Blob | FileReference | None:
    """Read an image of an answer, such as `{"image_url": {"url": …}}`."""
    target = item.get("image_url", item.get("url")) if isinstance(item, dict) else item
    url = target.get("url") if isinstance(target, dict) else target
    if not isinstance(url, str) or not url:
        return None
    if not is_data_url(url) or "," not in url:
        return FileReference(url)
    given, data = parsed_data_url(url)
    return Blob(data, typed(given, data) or "application/octet-stream")


def citation(annotation: JsonValue) -> Citation | None:
    """Read an annotation of type `url_citation`, nested or flat."""
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    inner = annotation.get("url_citation")
    fields = inner if isinstance(inner, dict) else annotation
    return Citation(
        start=_whole(fields.get("start_index")),
        end=_whole(fields.get("end_index")),
        uri=text_at(fields, "url"),
        title=text_at(fields, "title"),
        source=annotation,
    )


def sound(pieces: Sequence[str], audio_format: str) -> Blob:
    """Join the audio of an answer. Its data may arrive in pieces, and each piece is a base64 text of its own."""
    data = pieces[0] if len(pieces) == 1 else base64.b64encode(b"".join(map(_decoded, pieces))).decode("ascii")
    return Blob(data, f"audio/{_SOUNDS.get(audio_format, audio_format)}")


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""


def _whole(value: JsonValue) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None
