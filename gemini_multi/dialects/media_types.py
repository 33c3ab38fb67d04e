"""Facts about media for both dialects: the type (if necessary from the file name), the base64 data and the size.

The standard library's `mimetypes` reads the system's own tables from disk at its first use. That would block an event
loop, and requests would differ between machines.
"""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gemini_multi._encoding.media_data import ACCEPTED, given_data_url, is_data_url, parsed_data_url, shown, typed
from gemini_multi._types.parts import Media
from gemini_multi.catalog import Modality
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob

_FILES_API: Final = re.compile(r"(https://generativelanguage\.googleapis\.com/[^/]+/)?files/[^/]+")

_SAME_TYPE: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mpeg3": "audio/mp3",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/m4a",
    "application/x-pdf": "application/pdf",
}
"""Media types that users write and providers refuse, with the names that providers accept."""

_ENDINGS: Final = {
    "application": "json pdf rtf",
    "audio": "aac aif:aiff aiff flac m4a:mp4 mp3:mpeg oga:ogg ogg wav",
    "image": "bmp gif heic heif jpe:jpeg jpeg jpg:jpeg png tif:tiff tiff webp",
    "text": "css csv htm:html html js:javascript md:markdown py:x-python txt:plain xml",
    "video": "3gp:3gpp avi:x-msvideo flv:x-flv mov:quicktime mp4 mpeg mpg:mpeg webm wmv:x-ms-wmv",
}
"""The endings of file names, each with its media type where that has another name."""
_BY_ENDING: Final = {
    ending: f"{kind}/{name or ending}"
    for kind, endings in _ENDINGS.items()
    for ending, _, name in (entry.partition(":") for entry in endings.split())
}
_TEXTS: Final = frozenset(
    f"application/{kind}"
    for kind in ("javascript", "json", "sql", "toml", "x-javascript", "x-ndjson", "x-python", "x-yaml", "xml", "yaml")
)
"""Media types of text files that do not begin with `text/`."""
_LONGEST_ADDRESS: Final = 64 * 1024
_YOUTUBE: Final = ("youtube.com", "youtu.be")


def guess_type(path: str) -> str | None:
    """Return the media type of a path's suffix, if it is known."""
    name = path.rpartition("/")[2]
    return _BY_ENDING.get(name.rpartition(".")[2].lower()) if "." in name else None


def modality(mime_type: str | None) -> Modality | None:
    """Return the kind of media; `None` if the type does not determine it."""
    match (mime_type or "").partition("/")[0]:
        case "image" | "audio" | "video" as kind:
            return kind
        case _:
            return "document" if mime_type == "application/pdf" else None


def decoded_size(data: str) -> int:
    """Return the number of bytes that base64 text decodes to."""
    return len(data) * 3 // 4 - data[-2:].count("=")


def is_inline(media: Media) -> bool:
    """Whether the media hold their data, not a URL."""
    return isinstance(media, Blob) or is_data_url(media.uri)


def bare_base64(media: Media) -> str:
    """Return the bare base64, without the `data:` prefix and line breaks.

    Raises:
        ConfigurationError: The media hold no data, or their `data:` URL is not base64.
    """
    data = media.data if isinstance(media, Blob) else media.uri
    if is_data_url(data):
        data = given_data_url(data)[1]
    if "\n" in data or " " in data:
        data = "".join(data.split())
    if not data:
        raise ConfigurationError(f"An inline part of type {media.mime_type!r} holds no data. Leave it out.")
    return data


def media_type(media: Media) -> str | None:
    """Return the given media type, or else the type that the data or the URL suggest.

    A type such as `image/*` is used only if neither the data nor the URL give a better one.
    """
    given = media.mime_type
    address = media.data if isinstance(media, Blob) else media.uri
    if not given and is_data_url(address):
        given = parsed_data_url(address)[0]
    if is_inline(media):
        given = typed(given, bare_base64(media))
    elif not given or "/" not in given or given.endswith("/*"):
        location = _split(address)
        is_youtube = (location.hostname or "").removeprefix("www.") in _YOUTUBE
        given = "video/mp4" if is_youtube else guess_type(location.path) or given
    plain = (given or "").lower()
    return _SAME_TYPE.get(plain, plain) or None


def address_scheme(uri: str) -> str:
    """Return the scheme of a media URL; `files` for the Gemini API's Files API, which only the key's owner can read.

    Raises:
        ConfigurationError: No provider could read the URL. A path on this machine is an example.
    """
    scheme = "files" if _FILES_API.fullmatch(uri) else _split(uri).scheme
    if scheme not in ("https", "http", "gs", "files"):
        raise ConfigurationError(f"No provider can read a medium at {shown(uri)}. {ACCEPTED}")
    return scheme


def text_of(media: Media) -> str | None:
    """Return the text of an inline text file; `None` for other media."""
    kind = media_type(media) or ""
    if not is_inline(media) or not (kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml"))):
        return None
    try:
        text = base64.b64decode(bare_base64(media)).decode()
    except ValueError:
        return None
    return f"{media.name}:\n{text}" if media.name else text


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri if len(uri) <= _LONGEST_ADDRESS else "")
    except ValueError:
        return urlsplit("")
