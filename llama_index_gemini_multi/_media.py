"""Translates image, audio, video and document blocks to parts and back. URLs are not downloaded."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from contextlib import suppress
from dataclasses import replace
from io import IOBase
from pathlib import Path
from typing import Final, TypeAlias, TypeGuard

import filetype  # type: ignore[import-untyped]  # it ships no types
from llama_index.core.base.llms.types import AudioBlock, ContentBlock, DocumentBlock, ImageBlock, VideoBlock
from llama_index.core.utils import resolve_binary
from pydantic import AnyUrl, TypeAdapter

from gemini_multi.bindings.media import Details, addressed, inline, resolution_of, type_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference, Part

MediaBlock: TypeAlias = ImageBlock | AudioBlock | VideoBlock | DocumentBlock

_ADDRESS: Final = TypeAdapter(AnyUrl)
_DATA_URL: Final = re.compile(rb"data:[^,]{0,200};\s?base64,", re.IGNORECASE)
_DEFAULT_TITLE: Final = "input_document"
"""The title that `DocumentBlock` gives to a document without one."""


def to_part(block: MediaBlock) -> Blob | FileReference | None:
    """Translate a block to a part; `None` for an empty block."""
    match block:
        case ImageBlock():
            details = Details(mime_type=block.image_mimetype, resolution=resolution_of(block.detail))
            return _part(block.image, block.path, block.url, details)
        case AudioBlock():
            audio_format = (block.format or "").lower().removeprefix("audio/")
            details = Details(mime_type=type_of({"format": audio_format}, "audio"))
            return _part(block.audio, block.path, block.url, details)
        case VideoBlock():
            fps = None if block.fps is None else float(block.fps)
            details = Details(mime_type=block.video_mimetype, resolution=resolution_of(block.detail), fps=fps)
            return _part(block.video, block.path, block.url, details)
        case DocumentBlock():
            name = None if block.title == _DEFAULT_TITLE else block.title
            return _part(block.data, block.path, block.url, Details(mime_type=block.document_mimetype, name=name))


def has_block(part: Part) -> TypeGuard[Blob | FileReference]:
    """Whether a block of media can hold the part. LlamaIndex accepts only URLs as references."""
    if isinstance(part, FileReference):
        with suppress(ValueError):
            return bool(_ADDRESS.validate_python(part.uri))
    return isinstance(part, Blob)


def to_block(part: Part) -> ContentBlock | None:
    """Translate a medium to the block for its type, or to a document; `None` if no block can hold the part."""
    if not has_block(part):
        return None
    url = part.uri if isinstance(part, FileReference) else None
    data = part.data.encode("ascii", "ignore") if isinstance(part, Blob) else None
    mime_type = part.mime_type or mimetypes.guess_type(url or "")[0]
    family, _, subtype = (mime_type or "image/").partition("/")
    match family:
        case "image":
            return ImageBlock(image=data, url=url, image_mimetype=mime_type)
        case "audio" if url is None:  # cores before 0.14.16 refuse `url=None`
            return AudioBlock(audio=data, format=subtype or None)
        case "audio":
            return AudioBlock(url=url, format=subtype or None)
        case "video":
            return VideoBlock(video=data, url=url, video_mimetype=mime_type)
        case _:
            return DocumentBlock(data=data, url=url, document_mimetype=mime_type, title=part.name)


def _part(data: bytes | IOBase | None, path: object, url: object, details: Details) -> Blob | FileReference | None:
    if data is None and path is None:
        return addressed(str(url), details) if url else None
    is_text = (details.mime_type or "").startswith("text/")
    if isinstance(data, bytes) and details.mime_type and not is_text and _is_base64(data):
        return inline(data.decode("ascii"), details)  # LlamaIndex converts bytes to base64
    found = _content(data, path)
    if not found:
        return None
    if isinstance(data, bytes) and is_text and not _is_text(found):
        found = data  # LlamaIndex read a short text as base64
    if not is_text and _DATA_URL.match(found):
        return addressed(found.decode("ascii", "replace"), details)
    return inline(found, details if details.mime_type else replace(details, mime_type=_guessed_type(found, path)))


def _content(data: bytes | IOBase | None, path: object) -> bytes:
    if isinstance(data, bytes):
        return resolve_binary(raw_bytes=data).read()
    if data is None:
        return Path(str(path)).read_bytes()
    data.seek(0)
    read = data.read()
    return read if isinstance(read, bytes) else b""


def _is_base64(data: bytes) -> bool:
    with suppress(binascii.Error):
        return bool(base64.b64decode(data, validate=True))
    return False


def _guessed_type(data: bytes, path: object) -> str:
    sniffed: object = filetype.guess_mime(data)  # pyright: ignore[reportUnknownMemberType]  # it ships no types
    guess = sniffed or mimetypes.guess_type(str(path or ""))[0] or ("text/plain" if _is_text(data) else None)
    if isinstance(guess, str):
        return guess
    message = f"The media type of a block with {len(data)} bytes is not recognized. Set its mime type or format."
    raise ConfigurationError(message)


def _is_text(data: bytes) -> bool:
    return data.decode("utf-8", "ignore").encode() == data
