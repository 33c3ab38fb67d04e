"""Writes media as parts of `generateContent`."""

from __future__ import annotations

from typing import Final

from gemini_multi._encoding.long_text import joined
from gemini_multi._types.parts import Media
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.media_types import (
    address_scheme,
    bare_base64,
    decoded_size,
    is_inline,
    media_type,
    modality,
    text_of,
)
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import FileReference, JsonValue

_FASTEST: Final = 24.0
_RESULT_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
"""The media types that a function response may hold: https://ai.google.dev/gemini-api/docs/function-calling#multimodal."""


class MediaWriter:
    """Writes the media of one request and adds up their sizes."""

    def __init__(self, target: GenerateTarget, report: EncodingReport) -> None:
        self._target = target
        self._report = report
        self._inputs = target.inputs
        self._bytes = 0

    def part(self, media: Media) -> dict[str, JsonValue]:
        """Write one part."""
        mime_type = media_type(media) or ""
        if mime_type.startswith("application/") and (text := text_of(media)) is not None:
            return {"text": text}
        part = self.data(media, None if self._target.traits.developer_api else media.name)
        kind = modality(mime_type)
        if video := _video(media):
            if kind not in (None, "video"):
                self._report.feature(f"a stretch or a frame rate of {kind} input")
            part["videoMetadata"] = video
        if media.resolution is None:
            return part
        if self._target.model.generation < 3:
            self._report.setting("resolution", "only Gemini 3 and newer take it part by part")
        elif media.resolution == "ultra_high" and kind not in (None, "image"):
            self._report.setting("resolution", "only images take `ultra_high`")
        else:
            part["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{media.resolution.upper()}"}
        return part

    def fits_in_result(self, media: Media) -> bool:
        """Whether a function response can hold the medium."""
        return self._target.model.media_in_tool_results and media_type(media) in _RESULT_TYPES

    def check_size(self) -> None:
        """Note media whose total size is above the provider's limit."""
        if self._bytes > (limit := self._target.traits.inline_limit):
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")

    def data(self, media: Media, name: str | None) -> dict[str, JsonValue]:
        """Write the data or the address, with a display name."""
        mime_type = media_type(media)
        kind = modality(mime_type)
        if kind is not None and kind not in self._inputs:
            self._report.feature(f"{kind} input")
        data: dict[str, JsonValue] = {"mimeType": mime_type} if mime_type else {}
        if name is not None:
            data["displayName"] = name
        if isinstance(media, FileReference) and not is_inline(media):
            if address_scheme(media.uri) == "files" and not self._target.traits.developer_api:
                self._report.feature("files of the Gemini API's Files API")
            return {"fileData": {**data, "fileUri": media.uri}}
        content = bare_base64(media)
        self._bytes += decoded_size(content)
        return {"inlineData": {**data, "data": joined(content)}}


def _video(media: Media) -> dict[str, JsonValue]:
    if media.fps is not None and not 0 < media.fps <= _FASTEST:
        raise ConfigurationError(f"`fps={media.fps}` is out of range: give more than 0 and at most {_FASTEST:g}.")
    video = {"startOffset": _seconds(media.start), "endOffset": _seconds(media.end), "fps": media.fps}
    return {name: value for name, value in video.items() if value is not None}


def _seconds(value: float | None) -> str | None:
    """Write a duration in the form of Protobuf's JSON: `12.5s`."""
    return None if value is None else f"{value:.9f}".rstrip("0").rstrip(".") + "s"
