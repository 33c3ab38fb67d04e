"""Writes media as content parts of chat completions, within the provider's limits."""

from __future__ import annotations

from typing import Final, Literal

from gemini_multi._encoding.long_text import joined
from gemini_multi.catalog import Modality
from gemini_multi.dialects import media_types
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.chat_completions.dialect import ChatTarget
from gemini_multi.types import Blob, FileReference, JsonValue

_AUDIO_FORMATS: Final = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/aac": "audio/x-aac"}
"""OpenAI's short names of audio formats; providers that accept more formats use MIME types."""
_DETAILS: Final = ("low", "high")
_PLURALS: Final[dict[Modality, str]] = {"image": "images", "video": "videos", "document": "documents"}


class MediaWriter:
    """Writes the media of one request and adds up their sizes. `resolution` applies to media without their own.

    A medium that the provider does not support is noted in the report, which makes the body unusable.
    """

    def __init__(
        self, target: ChatTarget, report: EncodingReport, resolution: Literal["low", "medium", "high"] | None
    ) -> None:
        self._traits = target.traits
        self._report = report
        self._resolution = resolution
        self._inputs = target.inputs
        self._bytes = 0

    def part(self, media: Blob | FileReference) -> dict[str, JsonValue]:
        """Write one content part."""
        mime_type = media_types.media_type(media)
        if isinstance(media, FileReference) and not media_types.is_inline(media):
            media_types.address_scheme(media.uri)  # refuses an address that no provider can read
        kind = _kind(mime_type)
        missing = f"a file of type {mime_type!r}" if kind is None else self._missing(media, mime_type, kind)
        if missing and kind == "document" and (text := media_types.text_of(media)) is not None:
            return {"type": "text", "text": text}
        if kind is not None and kind in self._inputs:
            self._check(media, kind)
        if missing or kind is None:
            self._report.feature(missing)
            return {}
        return self._written(media, mime_type, kind)

    def check_size(self) -> None:
        """Note media whose total size is above the provider's limit."""
        limit = self._traits.maximum_total_bytes
        if limit is not None and self._bytes > limit:
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")

    def _missing(self, media: Blob | FileReference, mime_type: str | None, kind: Modality) -> str:
        traits = self._traits
        supported = {"image": traits.image_part, "audio": traits.audio_part is not None, "video": traits.video_part}
        if kind not in self._inputs or not supported.get(kind, True):
            return f"{kind} input"
        if kind == "audio" and traits.audio_types and mime_type not in traits.audio_types:
            return f"audio of type {mime_type!r}"
        takes_document = traits.file_data if media_types.is_inline(media) else traits.file_url
        if kind == "document" and not (takes_document and mime_type in traits.file_mime_types):
            return "document input" if media_types.is_inline(media) else "documents by address"
        return ""

    def _check(self, media: Blob | FileReference, kind: Modality) -> None:
        """Note a medium that is too large, and options that no chat completions provider has."""
        if media.start is not None or media.end is not None or media.fps is not None:
            self._report.feature("a stretch or a frame rate of a video")
        if media_types.is_inline(media):
            size = media_types.decoded_size(media_types.bare_base64(media))
            self._bytes += size
            if size > (limit := self._traits.maximum_bytes.get(kind, size)):
                self._report.feature(f"{size:,} bytes of {kind} (at most {limit:,})")

    def _written(self, media: Blob | FileReference, mime_type: str | None, kind: Modality) -> dict[str, JsonValue]:
        detail = self._detail(media, kind)
        if kind == "audio" and self._traits.audio_part == "input_audio":
            is_inline = media_types.is_inline(media)
            data = joined(media_types.bare_base64(media)) if is_inline else self._url(media, mime_type, kind)
            sound = _AUDIO_FORMATS.get(mime_type or "", mime_type or "wav")
            return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}
        url = self._url(media, mime_type, kind)
        if kind != "document":
            return {"type": f"{kind}_url", f"{kind}_url": {"url": url, **detail}}
        if not media_types.is_inline(media):
            return {"type": "file", "file": {"file_url": url}}
        name = media.name or f"document.{(mime_type or 'application/pdf').rpartition('/')[2]}"
        return {"type": "file", "file": {"filename": name, "file_data": url}}

    def _detail(self, media: Blob | FileReference, kind: Modality) -> dict[str, JsonValue]:
        resolution = media.resolution or self._resolution
        if kind == "image" and resolution in _DETAILS:
            return {"detail": resolution}
        if resolution:
            none = f"chat completions have no `detail` like {resolution!r}"
            self._report.setting("media_resolution", none if kind == "image" else f"the provider takes none for {kind}")
        return {}

    def _url(self, media: Blob | FileReference, mime_type: str | None, kind: Modality) -> str:
        if isinstance(media, Blob) or media_types.is_inline(media):
            return joined(f"data:{mime_type or 'application/octet-stream'};base64,", media_types.bare_base64(media))
        traits, plural = self._traits, _PLURALS.get(kind, kind)
        is_bare_audio = kind == "audio" and traits.audio_part == "input_audio"
        takes_address = traits.audio_url_remote if is_bare_audio else kind != "image" or traits.image_url_remote
        scheme = media_types.address_scheme(media.uri)
        if scheme == "files":
            self._report.feature("files of the Gemini API's Files API")
        elif not takes_address:
            self._report.feature(f"{plural} by address")
        elif scheme == "gs":
            self._report.feature(f"{plural} at gs:")
        return media.uri


def _kind(mime_type: str | None) -> Modality | None:
    """Return the kind of a medium. A medium without a type is an image: OpenAI's clients send images as bare URLs."""
    if mime_type is None:
        return "image"
    return media_types.modality(mime_type) or ("document" if mime_type.startswith(("application/", "text/")) else None)
