"""Reads media in the forms of frameworks and their users: inline data, URLs and details."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from math import isfinite
from typing import Any, Final, Literal, TypeAlias, get_args

from gemini_multi._encoding.media_data import ACCEPTED, given_data_url, is_data_url, recognized
from gemini_multi.bindings.values import brief, fields_of, is_mapping, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference

Resolution: TypeAlias = Literal["low", "medium", "high", "ultra_high"]

_RESOLUTIONS: Final[Mapping[str, Resolution | None]] = {
    "auto": None,
    "unspecified": None,
    **{resolution: resolution for resolution in get_args(Resolution)},
}
_PREFIXES: Final = re.compile("^(file|image_url|video_url|audio_url|audio)_")
"""The prefixes that frameworks add to the names of details in their `extras`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The details of a medium other than its data or URL."""

    mime_type: str | None = None
    name: str | None = None
    resolution: Resolution | None = None
    start: float | None = None
    end: float | None = None
    fps: float | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any], family: str = "application") -> Details:
        """Read the details of an object that `folded` made. `family` begins the type of a format such as `wav`."""
        clip, video = fields, fields.get("video_metadata")
        if video is not None:
            if not (found := fields_of(video)) and video != {}:
                raise ConfigurationError(
                    "`video_metadata` must be an object with `start_offset`, `end_offset` or `fps`, not "
                    f"{brief(video)}."
                )
            clip = folded(found)
        names = (text_of(fields, key) for key in ("filename", "title", "display_name", "name"))
        return cls(
            mime_type=text_of(fields, "mime_type") or text_of(fields, "media_type") or type_of(fields, family),
            name=next(filter(None, names), None),
            resolution=resolution_of(fields.get("media_resolution", fields.get("detail"))),
            start=_seconds("start_offset", clip),
            end=_seconds("end_offset", clip),
            fps=_seconds("fps", clip),
        )


def folded(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Merge objects into one, of which an earlier one takes precedence.

    `mimeType`, and `file_mime_type` in the `extras`, get the same name.
    """
    found: dict[str, Any] = {}
    for source in reversed(sources):
        found |= {_snake(name): value for name, value in source.items() if value is not None}
    extras = fields_of(found.get("extras"))
    return {_PREFIXES.sub("", _snake(name)): value for name, value in extras.items()} | found


def inline(data: object, details: Details) -> Blob:
    """Make inline media from bytes, base64 or a `data:` URL. The first bytes determine a missing media type."""
    text = base64.b64encode(data).decode("ascii") if isinstance(data, (bytes, bytearray)) else data
    if not isinstance(text, str) or not text:
        raise ConfigurationError(f"Inline media needs its bytes or base64 text, not {brief(data)}.")
    kind = details.mime_type
    if is_data_url(text):
        declared, text = given_data_url(text)
        kind = declared or kind
    if not (kind := kind or recognized(text)):
        raise ConfigurationError("Inline media needs a `mime_type`: its first bytes are not of a known kind.")
    return Blob(text, kind, **_written(details))


def addressed(url: object, details: Details) -> Blob | FileReference:
    """Make media from a URL: a `data:` URL becomes inline media, any other URL a reference."""
    if not isinstance(url, str) or not url:
        raise ConfigurationError(f"The address of media must be text, not {brief(url)}. {ACCEPTED}")
    return inline(url, details) if is_data_url(url) else FileReference(url, details.mime_type, **_written(details))


def _written(details: Details) -> dict[str, Any]:
    return {name: getattr(details, name) for name in ("name", "resolution", "start", "end", "fps")}


def type_of(fields: Mapping[str, object], family: str) -> str | None:
    """Make a media type from a `format`, which is a media type or a short name such as `wav`."""
    word = text_of(fields, "format").lower()
    if not word or "/" in word:
        return word or None
    from gemini_multi.dialects.media_types import guess_type  # rarely needed

    known = guess_type(f".{word}") or ""
    return known if known.startswith(family) else f"{family}/{word.removeprefix('x-')}"


def resolution_of(word: object) -> Resolution | None:
    """Read `low`, `MEDIA_RESOLUTION_LOW`, a member of Google's enum or `{"level": …}`; `auto` is the default."""
    if word is None:
        return None
    if is_mapping(word):
        return resolution_of(word.get("level"))
    text = word.name if isinstance(word, Enum) else word
    level = text.lower().removeprefix("media_resolution_") if isinstance(text, str) else ""
    if level not in _RESOLUTIONS:
        known = sorted(set(_RESOLUTIONS) - {"unspecified"})
        raise ConfigurationError(f"The resolution (`detail`) {brief(word)} is not known. Use one of {known}.")
    return _RESOLUTIONS[level]


def _seconds(name: str, clip: Mapping[str, Any]) -> float | None:
    """Read a number, a duration in Google's form (`12.5s`, `{"seconds": 12, "nanos": …}`) or a `timedelta`."""
    given = clip.get(name)
    if given is None or given == "":
        return None
    with suppress(TypeError, ValueError):
        if isinstance(given, timedelta):
            number = given.total_seconds()
        elif is_mapping(given):
            number = float(given.get("seconds", 0)) + float(given.get("nanos", 0)) / 1e9
        else:
            number = float(given.removesuffix("s") if isinstance(given, str) else given)
        if isfinite(number) and number >= 0:
            return number
    raise ConfigurationError(f"`{name}` of a video must be a number, or seconds as in '12.5s', not {brief(given)}.")


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z0-9])[A-Z]", lambda upper: "_" + upper[0].lower(), name)
