"""Inline media: the content of a `data:` URL, and the media type from the first bytes."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from gemini_multi._encoding.long_text import encoded
from gemini_multi.errors import ConfigurationError

ACCEPTED: Final = "Give an http(s) address, or the data itself as a base64 `data:` URL (`data:image/png;base64,...`)."
"""The accepted forms of media, for error messages."""

_SCHEME: Final = "data:"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_= \t\r\n"
"""The characters of base64 in both alphabets, and white space, which some tools add."""
_SHOWN: Final = 60
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


def is_data_url(text: str) -> bool:
    """Whether a text is a `data:` URL, in upper or lower case."""
    return text[: len(_SCHEME)].lower() == _SCHEME


def parsed_data_url(url: str) -> tuple[str | None, str]:
    """Return the media type, if it is stated, and the data in base64.

    Raises:
        ConfigurationError: There is no comma before the data.
    """
    head, comma, payload = url.partition(",")
    if not comma:
        raise ConfigurationError(f"The `data:` URL {shown(url)} has no comma before its data. {ACCEPTED}")
    declared, *options = (word.strip() for word in head[len(_SCHEME) :].split(";"))
    if "base64" not in map(str.lower, options):
        payload = base64.b64encode(unquote_to_bytes(payload)).decode()
    return declared.lower() or None, unquote(payload)


def given_data_url(url: str) -> tuple[str | None, str]:
    """Parse the `data:` URL of a request, as `parsed_data_url` does.

    Raises:
        ConfigurationError: There is no comma before the data, or the data are not base64.
    """
    kind, data = parsed_data_url(url)
    if any(piece.translate(None, _BASE64) for piece in encoded(data)):
        raise ConfigurationError(f"The data of the `data:` URL {shown(url)} is not base64. {ACCEPTED}")
    return kind, data


def recognized(data: str) -> str | None:
    """Find the media type of base64 text from its first bytes."""
    try:
        head = base64.b64decode(data[:64].replace("-", "+").replace("_", "/") + "===")
    except ValueError:
        return None
    return next((kind for offset, magic, kind in _MAGIC if head[offset : offset + len(magic)] == magic), None)


def typed(given: str | None, data: str) -> str | None:
    """Return the given media type, or a more specific type that the data show if the given type is generic."""
    if given and "/" in given and not given.endswith(("/*", "/octet-stream")):
        return given
    return recognized(data) or given


def shown(address: str) -> str:
    """Quote the beginning of an address. The user may have passed a whole image by mistake."""
    return repr(address if len(address) <= _SHOWN else f"{address[:_SHOWN]}…")
