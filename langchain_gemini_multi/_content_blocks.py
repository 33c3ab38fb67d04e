"""Translates content blocks to parts.

The blocks of LangChain (v1 and the older `source_type` form), OpenAI, Anthropic and Google are accepted. A block with
content that cannot be sent raises an error. It is never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from pydantic_core import from_json

from gemini_multi.bindings.media import Details, addressed, folded, inline
from gemini_multi.bindings.values import brief, fields_of, is_mapping, is_object, items_of, mapping_of, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference, JsonValue, Part, Text, ToolResult

Block: TypeAlias = Mapping[str, object]


def content_parts(content: object) -> list[Part]:
    """Turn the content of a human, system or tool message into parts. See `block_parts`."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    if is_mapping(content):
        return block_parts(content)
    return [part for item in items_of(content) for part in content_parts(item)]


def block_parts(block: Block) -> list[Part]:
    """Turn one block into parts."""
    kind = block.get("type")
    if isinstance(kind, str) and (read := _READERS.get(kind)) is not None:
        return read(block)
    if kind is None and (read := next((_UNTYPED[key] for key in _UNTYPED if key in block), None)) is not None:
        return read(block)
    raise ConfigurationError(
        f"A content block of type {brief(kind)} with keys {sorted(map(str, block))!r} cannot be sent to Gemini. "
        "Use a `text`, `image`, `audio`, `video`, `file` or `text-plain` block."
    )


def media_part(block: Block) -> Part | None:
    """Read an `image`, `audio`, `video`, `file` or `media` block in LangChain's, Anthropic's or Google's form."""
    fields = folded(fields_of(block.get("source")), block)
    kind = str(block.get("type"))
    details = Details.of(fields, kind if kind in ("image", "audio", "video") else "application")
    for key in ("base64", "data"):
        if fields.get(key):
            return inline(fields[key], details)
    names = ("url", "file_uri", "file_id", *(("id",) if fields.get("source_type") == "id" else ()))
    address = next((fields[key] for key in names if fields.get(key)), None)
    return None if address is None else addressed(address, details)


def _text(block: Block) -> list[Part]:
    hint = block.get("cache_control")  # Anthropic's, which AIMLAPI accepts too
    return [Text(text, cache_control=hint if is_object(hint) else None)] if (text := text_of(block)) else []


def _media(block: Block, key: str = "") -> list[Part]:
    """Read media, whose fields are under a key in Google's form."""
    part = media_part(folded({"type": "media"}, fields_of(block[key]), block) if key else block)
    if part is None:
        raise ConfigurationError(
            f"A block of type {block.get('type')!r} needs `base64`, `url` or `file_id`; "
            f"it has {sorted(map(str, block))!r}."
        )
    return [part]


def _addressed(family: str, block: Block) -> list[Part]:
    """Read OpenAI's `image_url`, `video_url`, `audio_url` or `input_image`."""
    inner = block.get(f"{family}_url", block.get("url"))
    fields = folded(inner if is_mapping(inner) else {"url": inner}, block)
    return [addressed(fields.get("url", fields.get("file_id")), Details.of(fields, family))]


def _input_audio(block: Block) -> list[Part]:
    fields = folded(fields_of(block.get("input_audio")), block)
    return [inline(fields.get("data"), Details.of(fields, "audio"))]


def _file(block: Block) -> list[Part]:
    """Read LangChain's `file` blocks and OpenAI's `file` and `input_file`."""
    if block.get("source_type") == "text":
        return _plain_text(block)
    fields = folded(fields_of(block.get("file")), block)
    if fields.get("file_data"):
        return [inline(fields["file_data"], Details.of(fields))]
    if fields.get("file_url"):
        return [addressed(fields["file_url"], Details.of(fields))]
    return _media(fields)


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
        return [*_heading(block, "title", "context"), *content_parts(source.get("content"))]
    return [*_heading(block, "context"), *_media(block)]


def _heading(block: Block, *keys: str) -> list[Part]:
    return [Text(found) for key in keys if (found := text_of(block, key))]


def _tool_result(block: Block) -> list[Part]:
    """Read Anthropic's `tool_result`, which is part of a message of the user."""
    identity = text_of(block, "tool_use_id") or text_of(block, "tool_call_id")
    return [tool_result(identity, text_of(block, "name"), block.get("content"), is_error=block.get("is_error") is True)]


def _google_result(key: str, block: Block) -> list[Part]:
    """Read Google's result of a tool call, which is part of a message of the user."""
    inner = fields_of(block.get(key))
    media = tuple(part for part in content_parts(inner.get("parts")) if isinstance(part, (Blob, FileReference)))
    return [ToolResult(text_of(inner, "id"), text_of(inner, "name"), media, value=inner.get("response"))]


def tool_result(call_id: str, name: str, content: object, *, is_error: bool) -> ToolResult:
    """Make the result of a call from the content of a tool message.

    If the text is a JSON object, the result holds the object, so that it is not encoded twice.
    """
    found = content_parts(content)
    parts = [held for part in found for held in _held(part)]
    is_error = is_error or any(isinstance(part, ToolResult) and part.is_error for part in found)
    if (value := _object(parts)) is not None:
        return ToolResult(call_id, name, value=value, is_error=is_error)
    return ToolResult(call_id, name, tuple(parts), is_error=is_error)


def _held(part: Part) -> list[Text | Blob | FileReference]:
    """Return the content of a part of a tool message. A result in Anthropic's or Google's form is unwrapped."""
    if isinstance(part, ToolResult):
        value = [] if part.value is None else [Text(json.dumps(part.value, ensure_ascii=False, default=str))]
        return [*value, *part.content]
    return [part] if isinstance(part, (Text, Blob, FileReference)) else []


def _object(parts: list[Text | Blob | FileReference]) -> JsonValue:
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(parts) != 1 or len(texts) != 1 or not texts[0].lstrip().startswith("{"):
        return None
    try:
        value: JsonValue = from_json(texts[0])
    except ValueError:  # the text is not JSON, or its nesting is too deep
        return None
    return value if isinstance(value, dict) else None


_READERS: Final[dict[str, Callable[[Block], list[Part]]]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _text),
    **dict.fromkeys(("image", "audio", "video", "media", "file_data"), _media),
    **dict.fromkeys(("file", "input_file"), _file),
    **dict.fromkeys(("image_url", "input_image", "computer_screenshot"), partial(_addressed, "image")),
    "video_url": partial(_addressed, "video"),
    "audio_url": partial(_addressed, "audio"),
    "input_audio": _input_audio,
    "text-plain": _plain_text,
    "document": _document,
    "search_result": lambda block: [*_heading(block, "title", "source"), *content_parts(block.get("content"))],
    "tool_result": _tool_result,
    "custom_tool_call_output": lambda block: content_parts(block.get("output")),
    "json": lambda block: [Text(json.dumps(block.get("json"), ensure_ascii=False, default=str))],
    "non_standard": lambda block: block_parts(mapping_of(block.get("value"))),
    "cachePoint": lambda _: [],
}
_UNTYPED: Final[dict[str, Callable[[Block], list[Part]]]] = {
    "text": _text,
    "cachePoint": lambda _: [],
    **{key: partial(_google_result, key) for key in ("functionResponse", "function_response")},
    **{key: partial(_media, key=key) for key in ("inlineData", "inline_data", "fileData", "file_data")},
}
"""Blocks without a `type`, by the field that identifies them."""
