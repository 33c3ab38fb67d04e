"""Media in its many spellings -> `Blob` and `FileReference`: data URLs, base64, addresses."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from gemini_multi.bindings.values import is_mapping
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference

Resolution: TypeAlias = Literal["low", "medium", "high", "ultra_high"]


class Clip(NamedTuple):
    """Which stretch of a video is meant, and how many frames of a second."""

    start: float | None = None
    end: float | None = None
    fps: float | None = None


WHOLE: Final = Clip()

_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)
_FORMATS: Final = {"mp3": "audio/mpeg", "wav": "audio/wav", "jpg": "image/jpeg", "pdf": "application/pdf"}
_RESOLUTIONS: Final[dict[str, Resolution]] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "ultra_high": "ultra_high",
}


def from_data(
    data: object,
    mime_type: str | None,
    *,
    name: str | None = None,
    resolution: Resolution | None = None,
    clip: Clip = WHOLE,
) -> Blob:
    """Make inline media from bytes or base64 text; a missing media type is told from the first bytes.

    Raises:
        ConfigurationError: The data is empty or its media type is neither given nor recognized.
    """
    text = base64.b64encode(data).decode("ascii") if isinstance(data, (bytes, bytearray)) else data
    if not isinstance(text, str) or not text:
        raise ConfigurationError(f"Inline media needs its bytes or base64 text, not {type(data).__name__}.")
    if text.startswith("data:"):
        return _from_data_url(text, mime_type, name=name, resolution=resolution, clip=clip)
    kind = mime_type or recognized(text)
    if kind is None:
        raise ConfigurationError("Inline media needs a `mime_type`: its first bytes are not of a known kind.")
    return Blob(text, kind, name=name, resolution=resolution, start=clip.start, end=clip.end, fps=clip.fps)


def from_url(
    url: object,
    mime_type: str | None = None,
    *,
    name: str | None = None,
    resolution: Resolution | None = None,
    clip: Clip = WHOLE,
) -> Blob | FileReference:
    """Make media from an address: a `data:` URL becomes inline media, everything else a reference.

    Raises:
        ConfigurationError: The address is not text, or a `data:` URL cannot be read.
    """
    if not isinstance(url, str) or not url:
        raise ConfigurationError(f"The address of media must be text, not {url!r}.")
    if not url.startswith("data:"):
        return FileReference(
            url, mime_type, name=name, resolution=resolution, start=clip.start, end=clip.end, fps=clip.fps
        )
    return _from_data_url(url, mime_type, name=name, resolution=resolution, clip=clip)


def _from_data_url(
    url: str, mime_type: str | None, *, name: str | None, resolution: Resolution | None, clip: Clip
) -> Blob:
    comma = url.find(",")
    if comma < 0:
        raise ConfigurationError(f"{url[:40]!r} is not a `data:` URL: a comma is missing.")
    declared, *options = url[5:comma].split(";")
    payload = url[comma + 1 :]
    if "base64" in options:
        data: object = payload
    else:
        data = unquote_to_bytes(payload)
    return from_data(data, declared or mime_type, name=name, resolution=resolution, clip=clip)


def recognized(data: str) -> str | None:
    """Tell the media type of base64 text from its first bytes."""
    try:
        head = base64.b64decode(data[:64].replace("-", "+").replace("_", "/") + "===")
    except (binascii.Error, ValueError):
        return None
    return next((kind for offset, magic, kind in _MAGIC if head[offset : offset + len(magic)] == magic), None)


def type_of_format(word: object, family: str) -> str | None:
    """Turn OpenAI's short format names (`wav`, `mp3`) into media types."""
    if not isinstance(word, str) or not word:
        return None
    return word if "/" in word else _FORMATS.get(word.lower(), f"{family}/{word.lower()}")


def resolution_of(word: object) -> Resolution | None:
    """Read `low`, `MEDIA_RESOLUTION_LOW` or `{"level": …}`; `auto` and unknown words mean the provider's default."""
    if is_mapping(word):
        return resolution_of(word.get("level"))
    return _RESOLUTIONS.get(word.lower().removeprefix("media_resolution_")) if isinstance(word, str) else None


def clip_of(block: Mapping[str, object]) -> Clip:
    """Read which stretch of a video is meant, in Google's spelling, at the block or in its `video_metadata`."""
    found = block.get("video_metadata")
    source = found if is_mapping(found) else block
    return Clip(*(_seconds(source.get(key)) for key in ("start_offset", "end_offset", "fps")))


def _seconds(value: object) -> float | None:
    """Read a number, or Google's durations (`12.5s`)."""
    if isinstance(value, str):
        value = value.removesuffix("s")
    return float(value) if isinstance(value, (int, float, str)) and value != "" else None
