"""Writes media as content parts of chat completions, within the provider's limits."""

from __future__ import annotations

from typing import Final, Literal

from gemini_multi._encoding.long_text import joined
from gemini_multi.catalog import Modality
from gemini_multi.dialects.base import EncodingReport, Target
from gemini_multi.dialects.chat_completions.traits import ChatTraits
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
    """Writes the media of one request and adds up their sizes."""

    def __init__(
        self,
        target: Target[ChatTraits],
        report: EncodingReport,
        resolution: Literal["low", "medium", "high"] | None,
    ) -> None:
        """Make a writer for `target`. `resolution` applies to media without their own resolution."""
        self._traits = target.traits
        self._report = report
        self._resolution = resolution
        self._inputs = inputs_at(target.model, target.provider)
        self._bytes = 0

    def part(self, media: Blob | FileReference) -> dict[str, JsonValue] | None:
        """Write one content part; `None` for media that the provider does not support."""
        mime_type = media_type(media)
        media = _readable(media, mime_type)
        kind = _kind(mime_type)
        if kind == "document" and not self._takes_document(media, mime_type) and (text := text_of(media)) is not None:
            return {"type": "text", "text": text}
        if kind is None or kind not in self._inputs:
            self._report.feature(f"a file of type {mime_type!r}" if kind is None else f"{kind} input")
            return None
        self._weigh(media, kind)
        self._note_details(media, kind)
        if kind == "image":
            return self._image(media, mime_type)
        if kind == "audio":
            return self._audio(media, mime_type)
        return self._video(media, mime_type) if kind == "video" else self._document(media, mime_type)

    def _note_details(self, media: Blob | FileReference, kind: Modality) -> None:
        if media.start is not None or media.end is not None or media.fps is not None:
            self._report.feature("a stretch or a frame rate of a video")
        if kind != "image" and (media.resolution or self._resolution):
            self._report.setting("media_resolution", f"the provider takes none for {kind}")

    def check_size(self) -> None:
        """Note media whose total size is above the provider's limit."""
        limit = self._traits.maximum_total_bytes
        if limit is not None and self._bytes > limit:
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")

    def _weigh(self, media: Blob | FileReference, kind: Modality) -> None:
        if isinstance(media, FileReference):
            return
        size = decoded_size(bare_base64(media))
        self._bytes += size
        limit = self._traits.maximum_bytes.get(kind)
        if limit is not None and size > limit:
            self._report.feature(f"{size:,} bytes of {kind} (at most {limit:,})")

    def _image(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue] | None:
        if not self._traits.image_part:
            self._report.feature("image input")
            return None
        url = self._url(media, mime_type, "images", remote=self._traits.image_url_remote)
        if url is None:
            return None
        target: dict[str, JsonValue] = {"url": url}
        if resolution := media.resolution or self._resolution:
            if resolution in _DETAILS:
                target["detail"] = resolution
            else:
                self._report.setting("media_resolution", f"chat completions have no `detail` like {resolution!r}")
        return {"type": "image_url", "image_url": target}

    def _audio(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue] | None:
        if self._traits.audio_types and mime_type not in self._traits.audio_types:
            self._report.feature(f"audio of type {mime_type!r}")
            return None
        if self._traits.audio_part == "audio_url":
            url = self._url(media, mime_type, "audio", remote=True)
            return None if url is None else {"type": "audio_url", "audio_url": {"url": url}}
        sound = _AUDIO_FORMATS.get(mime_type or "", mime_type or "wav")
        if self._traits.audio_part is None:
            self._report.feature("audio input")
            return None
        if isinstance(media, FileReference):
            data = self._url(media, mime_type, "audio", remote=self._traits.audio_url_remote)
        else:
            data = joined(bare_base64(media))
        return None if data is None else {"type": "input_audio", "input_audio": {"data": data, "format": sound}}

    def _video(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue] | None:
        if not self._traits.video_part:
            self._report.feature("video input")
            return None
        url = self._url(media, mime_type, "videos", remote=True)
        return None if url is None else {"type": "video_url", "video_url": {"url": url}}

    def _document(self, media: Blob | FileReference, mime_type: str | None) -> dict[str, JsonValue] | None:
        if not self._takes_document(media, mime_type):
            self._report.feature("document input" if isinstance(media, Blob) else "documents by address")
            return None
        url = self._url(media, mime_type, "documents", remote=True)
        if isinstance(media, FileReference):
            return None if url is None else {"type": "file", "file": {"file_url": url}}
        name = media.name or f"document.{(mime_type or 'application/pdf').rpartition('/')[2]}"
        return {"type": "file", "file": {"filename": name, "file_data": url}}

    def _takes_document(self, media: Blob | FileReference, mime_type: str | None) -> bool:
        takes = self._traits.file_data if isinstance(media, Blob) else self._traits.file_url
        return takes and mime_type in self._traits.file_mime_types and "document" in self._inputs

    def _url(self, media: Blob | FileReference, mime_type: str | None, plural: str, *, remote: bool) -> str | None:
        if isinstance(media, Blob):
            return joined(f"data:{mime_type or 'application/octet-stream'};base64,", bare_base64(media))
        if is_files_api(media.uri):
            self._report.feature("files of the Gemini API's Files API")
            return None
        scheme = address_scheme(media.uri)
        if remote and scheme in ("https", "http"):
            return media.uri
        self._report.feature(f"{plural} by address" if not remote else f"{plural} at {scheme}:")
        return None


def _readable(media: Blob | FileReference, mime_type: str | None) -> Blob | FileReference:
    """Read a `data:` URL as inline media, and refuse a URL that no provider can read."""
    if isinstance(media, Blob):
        return media
    if is_inline(media):
        return Blob(
            media.uri,
            mime_type or "application/octet-stream",
            name=media.name,
            resolution=media.resolution,
            start=media.start,
            end=media.end,
            fps=media.fps,
        )
    if not is_files_api(media.uri):
        address_scheme(media.uri)
    return media


def _kind(mime_type: str | None) -> Modality | None:
    """Return the kind of a medium. A medium without a type is an image: OpenAI's clients send images as bare URLs."""
    if mime_type is None:
        return "image"
    return modality(mime_type) or ("document" if mime_type.startswith(("application/", "text/")) else None)
