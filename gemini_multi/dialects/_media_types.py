"""Media types told from a file name's ending.

The standard library's `mimetypes` reads the machine's own tables from disk at its first use: that would block an event
loop and make requests depend on the machine.
"""

from __future__ import annotations

import re
from typing import Final

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
"""Names in use that hosts refuse, and the ones that they take."""

_BY_ENDING: Final = {
    "aac": "audio/aac",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "avi": "video/x-msvideo",
    "bmp": "image/bmp",
    "css": "text/css",
    "csv": "text/csv",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "htm": "text/html",
    "html": "text/html",
    "jpe": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "py": "text/x-python",
    "rtf": "application/rtf",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/x-ms-wmv",
    "xml": "text/xml",
    "3gp": "video/3gpp",
}


def guess_type(path: str) -> str | None:
    """Return the media type that a path's ending stands for, if it is known."""
    name = path.rpartition("/")[2]
    return _BY_ENDING.get(name.rpartition(".")[2].lower()) if "." in name else None


def is_files_api(uri: str) -> bool:
    """Whether the address is one of the Gemini API's file store, which only the owner of a Google key can read."""
    return _FILES_API.fullmatch(uri) is not None


def decoded_size(data: str) -> int:
    """Return how many bytes are in base64."""
    return len(data) * 3 // 4 - data[-2:].count("=")


def usual_type(mime_type: str) -> str:
    """Return the name under which hosts know a media type."""
    plain = mime_type.lower()
    return _SAME_TYPE.get(plain, plain)
