"""Reads the parts of a chat completion other than text and tool calls: media, annotations, log probabilities."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final, TypeAlias

from pydantic_core import to_json

from gemini_multi._encoding.json_values import text_at
from gemini_multi._encoding.media_data import is_data_url, parsed_data_url, typed
from gemini_multi.types import Blob, Citation, FileReference, JsonObject, JsonValue, Opaque, Text, Thought

AnswerPart: TypeAlias = Text | Thought | Blob | FileReference | Opaque

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


class AudioAccumulator:
    """Collects the audio of an answer. Its data may arrive in pieces, and each piece is a base64 text of its own."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self.metadata: dict[str, JsonValue] = {}

    def add(self, audio: JsonObject) -> str:
        """Add a piece and return the text that it adds to the transcript."""
        for key, value in audio.items():
            if key not in ("data", "transcript") and value is not None:
                self.metadata[key] = value
        if data := text_at(audio, "data"):
            self._data.append(data)
        return text_at(audio, "transcript") or ""

    def blob(self, audio_format: str) -> Blob | None:
        """Return the audio so far and remove it; `None` when there is none."""
        pieces, self._data = self._data, []
        if not pieces:
            return None
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
