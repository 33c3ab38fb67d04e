"""Content blocks in all the forms that LangChain users write -> parts.

Taken are LangChain's own blocks (v1 and the older `source_type` form) and those of OpenAI, Anthropic and Google. Hints
for other providers' caches are let go; a block whose content cannot be sent is an error, never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gemini_multi.bindings.values import is_mapping, items_of, mapping_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference, JsonValue, Part, Text, ToolResult
from langchain_gemini_multi._media import clip_of, from_data, from_url, resolution_of, type_of_format

Block: TypeAlias = Mapping[str, object]

_FAMILY: Final = {"image": "image", "audio": "audio", "video": "video"}


def text_of(block: Block, key: str = "text") -> str:
    """Return the text under `key`; a missing or null one is empty."""
    value = block.get(key)
    return value if isinstance(value, str) else ""


def content_parts(content: object) -> list[Part]:
    """Turn the content of a human, system or tool message into parts.

    Raises:
        ConfigurationError: A block is of a kind that cannot be sent.
    """
    if isinstance(content, str):
        return [Text(content)] if content else []
    if is_mapping(content):
        return block_parts(content)
    return [part for item in items_of(content) for part in content_parts(item)]


def block_parts(block: Block) -> list[Part]:
    """Turn one block into parts.

    Raises:
        ConfigurationError: The block is of a kind that cannot be sent.
    """
    kind = block.get("type")
    if isinstance(kind, str) and (read := _READERS.get(kind)) is not None:
        return read(block)
    if kind is None and (read := next((_UNTYPED[key] for key in _UNTYPED if key in block), None)) is not None:
        return read(block)
    raise ConfigurationError(
        f"A content block of type {kind!r} with keys {sorted(map(str, block))!r} cannot be sent to Gemini. "
        "Use a `text`, `image`, `audio`, `video`, `file` or `text-plain` block."
    )


def media_part(block: Block) -> Part | None:
    """Read an `image`, `audio`, `video`, `file` or `media` block in LangChain's, Anthropic's or Google's form."""
    source = block.get("source")
    fields: Block = {**block, **source} if is_mapping(source) else block
    extras = mapping_of(block.get("extras"))
    mime_type = text_of(fields, "mime_type") or text_of(fields, "media_type") or None
    name = next((text for key in ("filename", "title", "name") if (text := text_of({**extras, **fields}, key))), None)
    resolution = resolution_of(extras.get("media_resolution", block.get("media_resolution", block.get("detail"))))
    clip = clip_of({**extras, **fields})
    for key in ("base64", "data"):
        if fields.get(key):
            return from_data(fields[key], mime_type, name=name, resolution=resolution, clip=clip)
    for key in ("url", "file_uri", "file_id"):
        if fields.get(key):
            return from_url(fields[key], mime_type, name=name, resolution=resolution, clip=clip)
    if fields.get("source_type") == "id":
        return from_url(fields.get("id"), mime_type, name=name, resolution=resolution, clip=clip)
    return None


def _text(block: Block) -> list[Part]:
    return [Text(text)] if (text := text_of(block)) else []


def _media(block: Block) -> list[Part]:
    part = media_part(block)
    if part is None:
        raise ConfigurationError(
            f"A block of type {block.get('type')!r} needs `base64`, `url` or `file_id`; "
            f"it has {sorted(map(str, block))!r}."
        )
    return [part]


def _addressed(family: str) -> Callable[[Block], list[Part]]:
    """Make a reader of OpenAI's `image_url`, `video_url` and `audio_url` blocks and of `input_image`."""

    def read(block: Block) -> list[Part]:
        inner = block.get(f"{family}_url", block.get("url"))
        details = mapping_of(inner)
        url = details.get("url") if details else inner
        resolution = resolution_of(details.get("detail", block.get("detail")))
        mime_type = text_of(details, "mime_type") or text_of(block, "mime_type") or None
        return [from_url(url if url is not None else block.get("file_id"), mime_type, resolution=resolution)]

    return read


def _input_audio(block: Block) -> list[Part]:
    audio = mapping_of(block.get("input_audio"))
    return [from_data(audio.get("data"), type_of_format(audio.get("format"), "audio"))]


def _file(block: Block) -> list[Part]:
    """Read LangChain's `file` blocks and OpenAI's `file` and `input_file`."""
    if block.get("source_type") == "text":
        return _plain_text(block)
    inner = mapping_of(block.get("file")) or block
    name = text_of(inner, "filename") or None
    if inner.get("file_data"):
        return [from_data(inner["file_data"], text_of(inner, "mime_type") or None, name=name)]
    if inner.get("file_url"):
        return [from_url(inner["file_url"], name=name)]
    return _media({**inner, "type": "file"}) if inner is not block else _media(block)


def _plain_text(block: Block) -> list[Part]:
    if (text := text_of(block)) == "" and (part := media_part({"mime_type": "text/plain", **block})) is not None:
        return [part]
    heading = [found for key in ("title", "context") if (found := text_of(block, key))]
    return [Text("\n".join([*heading, text]))]


def _document(block: Block) -> list[Part]:
    """Read Anthropic's documents: text, blocks of content, or a file."""
    source = mapping_of(block.get("source"))
    if source.get("type") == "text":
        return _plain_text({"title": block.get("title"), "context": block.get("context"), "text": source.get("data")})
    if source.get("type") == "content":
        return content_parts(source.get("content"))
    return _media(block)


def _search_result(block: Block) -> list[Part]:
    heading = [Text(found) for key in ("title", "source") if (found := text_of(block, key))]
    return [*heading, *content_parts(block.get("content"))]


def _tool_result(block: Block) -> list[Part]:
    """Read Anthropic's `tool_result`, which stands in a message of the user."""
    identity = text_of(block, "tool_use_id") or text_of(block, "tool_call_id")
    return [tool_result(identity, text_of(block, "name"), block.get("content"), is_error=block.get("is_error") is True)]


def _non_standard(block: Block) -> list[Part]:
    return block_parts(mapping_of(block.get("value")))


def _output(block: Block) -> list[Part]:
    """Read what OpenAI's custom tools give."""
    return content_parts(block.get("output"))


def _json(block: Block) -> list[Part]:
    """Read a block that holds a JSON value, as LangChain's tools give it."""
    return [Text(json.dumps(block.get("json"), ensure_ascii=False, default=str))]


def _google(key: str) -> Callable[[Block], list[Part]]:
    """Make a reader of one of Google's own parts, whose kind is the name of its only member."""

    def read(block: Block) -> list[Part]:
        inner = mapping_of(block.get(key))
        spelled = {_GOOGLE_NAMES.get(name, name): value for name, value in inner.items()}
        return _media({**block, **spelled, "type": "media"})

    return read


def _nothing(_: Block) -> list[Part]:
    """Skip a marker that holds no content."""
    return []


def tool_result(call_id: str, name: str, content: object, *, is_error: bool) -> ToolResult:
    """Make the result of a call from the content of a tool message.

    Text that is a JSON object is passed on as the object, so that it is not encoded twice.
    """
    parts = [part for part in content_parts(content) if isinstance(part, (Text, Blob, FileReference))]
    if (value := _object(parts)) is not None:
        return ToolResult(call_id, name, value=value, is_error=is_error)
    return ToolResult(call_id, name, tuple(parts), is_error=is_error)


def _object(parts: list[Text | Blob | FileReference]) -> JsonValue:
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(parts) != 1 or len(texts) != 1 or not texts[0].lstrip().startswith("{"):
        return None
    try:
        value: JsonValue = json.loads(texts[0])
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


_READERS: Final[dict[str, Callable[[Block], list[Part]]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "image": _media,
    "audio": _media,
    "video": _media,
    "media": _media,
    "file_data": _media,
    "file": _file,
    "input_file": _file,
    "image_url": _addressed("image"),
    "input_image": _addressed("image"),
    "video_url": _addressed("video"),
    "audio_url": _addressed("audio"),
    "input_audio": _input_audio,
    "text-plain": _plain_text,
    "document": _document,
    "search_result": _search_result,
    "tool_result": _tool_result,
    "custom_tool_call_output": _output,
    "computer_screenshot": _addressed("image"),
    "json": _json,
    "non_standard": _non_standard,
    "cachePoint": _nothing,
}

_GOOGLE_NAMES: Final = {"mimeType": "mime_type", "fileUri": "file_uri", "displayName": "filename"}
_UNTYPED: Final[dict[str, Callable[[Block], list[Part]]]] = {
    "text": _text,
    "cachePoint": _nothing,
    **{key: _google(key) for key in ("inlineData", "inline_data", "fileData", "file_data")},
}
"""Blocks without a `type`, by the member that tells what they are."""
