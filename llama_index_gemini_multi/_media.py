"""Translates image, audio, video and document blocks to parts and back. URLs are not downloaded."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import Final, TypeAlias

import filetype  # type: ignore[import-untyped]  # it ships no types
from llama_index.core.base.llms.types import AudioBlock, ContentBlock, DocumentBlock, ImageBlock, VideoBlock
from llama_index.core.utils import resolve_binary
from pydantic import AnyUrl, TypeAdapter

from gemini_multi.bindings.media import Details, addressed, inline, resolution_of, type_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference

MediaBlock: TypeAlias = ImageBlock | AudioBlock | VideoBlock | DocumentBlock

_ADDRESS: Final = TypeAdapter(AnyUrl)
_DATA_URL: Final = re.compile(rb"data:[^,]{0,200};\s?base64,", re.IGNORECASE)
_DEFAULT_TITLE: Final = "input_document"
"""The title that `DocumentBlock` gives to a document without one."""


def to_part(block: MediaBlock) -> Blob | FileReference | None:
    """Translate a block to a part; `None` for an empty block.

    Raises:
        ConfigurationError: The media type is neither given nor recognized, or `detail` is unknown.
    """
    match block:
        case ImageBlock():
            details = Details(mime_type=block.image_mimetype, resolution=resolution_of(block.detail))
            return _part(block.image, block.path, block.url, details)
        case AudioBlock():
            details = Details(mime_type=_audio_type(block.format))
            return _part(block.audio, block.path, block.url, details)
        case VideoBlock():
            fps = None if block.fps is None else float(block.fps)
            details = Details(mime_type=block.video_mimetype, resolution=resolution_of(block.detail), fps=fps)
            return _part(block.video, block.path, block.url, details)
        case DocumentBlock():
            name = None if block.title == _DEFAULT_TITLE else block.title
            return _part(block.data, block.path, block.url, Details(mime_type=block.document_mimetype, name=name))


def has_block(part: Blob | FileReference) -> bool:
    """Whether a block can hold the part. LlamaIndex accepts only URLs as references."""
    if isinstance(part, Blob):
        return True
    try:
        _ADDRESS.validate_python(part.uri)
    except ValueError:
        return False
    return True


def to_block(part: Blob | FileReference) -> ContentBlock:
    """Translate a part to the block for its media type. A part of any other type becomes a document."""
    mime_type = (
        part.mime_type or mimetypes.guess_type(part.uri)[0] if isinstance(part, FileReference) else part.mime_type
    )
    kind = (mime_type or "image/*").partition("/")[0]
    data = part.data.encode("ascii", "ignore") if isinstance(part, Blob) else None
    url = part.uri if isinstance(part, FileReference) else None
    match kind:
        case "image":
            return ImageBlock(image=data, url=url, image_mimetype=mime_type)
        case "audio":
            return _audio_block(data, url, (mime_type or "").partition("/")[2] or None)
        case "video":
            return VideoBlock(video=data, url=url, video_mimetype=mime_type)
        case _:
            return DocumentBlock(data=data, url=url, document_mimetype=mime_type, title=part.name)


def _audio_block(data: bytes | None, url: str | None, audio_format: str | None) -> AudioBlock:
    # The code does not pass `url=None`, because cores before 0.14.16 refuse it.
    return AudioBlock(audio=data, format=audio_format) if url is None else AudioBlock(url=url, format=audio_format)


def _part(data: bytes | IOBase | None, path: object, url: object, details: Details) -> Blob | FileReference | None:
    if data is None and path is None:
        return addressed(str(url), details) if url else None
    kind = details.mime_type
    if isinstance(data, bytes) and kind and not kind.startswith("text/") and _is_base64(data):
        # LlamaIndex converts bytes to base64.
        return inline(data.decode("ascii"), details)
    found = _content(data, path)
    if not found:
        return None
    is_text = (kind or "").startswith("text/")
    if isinstance(data, bytes) and is_text and not _is_text(found):
        found = data  # LlamaIndex read a short text as base64
    if not is_text and _DATA_URL.match(found):
        return addressed(found.decode("ascii", "replace"), details)
    return inline(found, details if kind else replace(details, mime_type=_guessed_type(found, path)))


def _content(data: bytes | IOBase | None, path: object) -> bytes:
    if isinstance(data, bytes):
        return resolve_binary(raw_bytes=data).read()
    if data is None:
        return Path(str(path)).read_bytes()
    data.seek(0)
    read = data.read()
    return read if isinstance(read, bytes) else b""


def _is_base64(data: bytes) -> bool:
    try:
        return bool(base64.b64decode(data, validate=True))
    except binascii.Error:
        return False


def _guessed_type(data: bytes, path: object) -> str:
    sniffed: object = filetype.guess_mime(data)  # pyright: ignore[reportUnknownMemberType]  # it ships no types
    guess = sniffed or mimetypes.guess_type(str(path or ""))[0]
    if isinstance(guess, str):
        return guess
    if not _is_text(data):
        message = f"The media type of a block with {len(data)} bytes is not recognized. Set its mime type or format."
        raise ConfigurationError(message)
    return "text/plain"


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _audio_type(audio_format: str | None) -> str | None:
    return type_of({"format": (audio_format or "").lower().removeprefix("audio/")}, "audio")
