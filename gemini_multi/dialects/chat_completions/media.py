"""Writes media as content parts of chat completions, within the provider's limits."""

from __future__ import annotations

from typing import Final, Literal

from gemini_multi._encoding.long_text import joined
from gemini_multi.catalog import Modality
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.chat_completions.traits import ChatTarget
from gemini_multi.dialects.media_types import (
    address_scheme,
    bare_base64,
    decoded_size,
    inputs_at,
    is_files_api,
    is_inline,
    media_type,
    modality,
    text_of,
)
from gemini_multi.types import Blob, FileReference, JsonValue

_AUDIO_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
    "audio/aac": "audio/x-aac",
}
"""OpenAI's short names of audio formats; providers that accept more formats use MIME types."""
_DETAILS: Final = ("low", "high")


class MediaWriter:
    """Writes the media of one request and adds up their sizes.

    A medium that the provider does not support is noted in the report, which makes the body unusable. What is written
    for such a medium does not matter.
    """

    def __init__(
        self,
        target: ChatTarget,
        report: EncodingReport,
        resolution: Literal["low", "medium", "high"] | None,
    ) -> None:
        """Make a writer for `target`. `resolution` applies to media without their own resolution."""
        self._traits = target.traits
        self._report = report
        self._resolution = resolution
        self._inputs = inputs_at(target.model, target.provider)
        self._bytes = 0

    def part(self, media: Blob | FileReference) -> dict[str, JsonValue]:
        """Write one content part."""
        mime_type = media_type(media)
        if isinstance(media, FileReference) and not (is_inline(media) or is_files_api(media.uri)):
            address_scheme(media.uri)
        kind = _kind(mime_type)
        if kind == "document" and not self._takes_document(media, mime_type) and (text := text_of(media)) is not None:
            return {"type": "text", "text": text}
        if kind is None or kind not in self._inputs:
            self._report.feature(f"a file of type {mime_type!r}" if kind is None else f"{kind} input")
            return {}
        self._weigh(media, kind)
        if media.start is not None or media.end is not None or media.fps is not None:
            self._report.feature("a stretch or a frame rate of a video")
        resolution = media.resolution or self._resolution
        if kind == "image":
            return self._image(media, mime_type, resolution)
        if resolution:
            self._report.setting("media_resolution", f"the provider takes none for {kind}")
        write = {"audio": self._audio, "video": self._video, "document": self._document}[kind]
        return write(media, mime_type)

    def check_size(self) -> None:
        """Note media whose total size is above the provider's limit."""
        limit = self._traits.maximum_total_bytes
        if limit is not None and self._bytes > limit:
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")

    def _weigh(self, media: Blob | FileReference, kind: Modality) -> None:
        if is_inline(media):
            size = decoded_size(bare_base64(media))
            self._bytes += size
            if size > (limit := self._traits.maximum_bytes.get(kind, size)):
                self._report.feature(f"{size:,} bytes of {kind} (at most {limit:,})")

    def _image(
        self, media: Blob | FileReference, mime_type: str | None, resolution: str | None
    ) -> dict[str, JsonValue]:
        if not self._traits.image_part:
            self._report.feature("image input")
            return {}
        target: dict[str, JsonValue] = {
            "url": self._url(media, mime_type, "images", remote=self._traits.image_url_remote)
        }
        if resolution in _DETAILS:
            target["detail"] = resolution
        elif resolution:
            self._report.setting("media_resolution", f"chat completions have no `detail` like {resolution!r}")
        return {"type": "image_url", "image_url": target}

    def _audio(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue]:
        traits = self._traits
        if traits.audio_types and mime_type not in traits.audio_types:
            self._report.feature(f"audio of type {mime_type!r}")
        elif traits.audio_part == "audio_url":
            return {"type": "audio_url", "audio_url": {"url": self._url(media, mime_type, "audio")}}
        elif traits.audio_part is None:
            self._report.feature("audio input")
        else:
            is_bare = is_inline(media)
            data = (
                joined(bare_base64(media))
                if is_bare
                else self._url(media, mime_type, "audio", remote=traits.audio_url_remote)
            )
            sound = _AUDIO_FORMATS.get(mime_type or "", mime_type or "wav")
            return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}
        return {}

    def _video(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue]:
        if not self._traits.video_part:
            self._report.feature("video input")
            return {}
        return {"type": "video_url", "video_url": {"url": self._url(media, mime_type, "videos")}}

    def _document(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue]:
        if not self._takes_document(media, mime_type):
            self._report.feature("document input" if is_inline(media) else "documents by address")
            return {}
        url = self._url(media, mime_type, "documents")
        if not is_inline(media):
            return {"type": "file", "file": {"file_url": url}}
        name = media.name or f"document.{(mime_type or 'application/pdf').rpartition('/')[2]}"
        return {"type": "file", "file": {"filename": name, "file_data": url}}

    def _takes_document(self, media: Blob | FileReference, mime_type: str | None) -> bool:
        takes = self._traits.file_data if is_inline(media) else self._traits.file_url
        return takes and mime_type in self._traits.file_mime_types and "document" in self._inputs

    def _url(self, media: Blob | FileReference, mime_type: str | None, plural: str, *, remote: bool = True) -> str:
        if isinstance(media, Blob) or is_inline(media):
            return joined(f"data:{mime_type or 'application/octet-stream'};base64,", bare_base64(media))
        scheme = "" if is_files_api(media.uri) else address_scheme(media.uri)
        if not scheme:
            self._report.feature("files of the Gemini API's Files API")
        elif not remote or scheme == "gs":
            self._report.feature(f"{plural} at {scheme}:" if remote else f"{plural} by address")
        return media.uri


def _kind(mime_type: str | None) -> Modality | None:
    """Return the kind of a medium. A medium without a type is an image: OpenAI's clients send images as bare URLs."""
    if mime_type is None:
        return "image"
    return modality(mime_type) or ("document" if mime_type.startswith(("application/", "text/")) else None)
