"""Translates content blocks to parts.

The blocks of LangChain (v1 and the older `source_type` form), OpenAI, Anthropic and Google are accepted. A block with
content that cannot be sent raises an error. It is never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from pydantic_core import from_json

from gemini_multi.bindings.media import Details, addressed, folded, inline
from gemini_multi.bindings.values import brief, fields_of, is_mapping, is_object, items_of, mapping_of, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import Blob, FileReference, JsonValue, Part, Text, ToolResult

Block: TypeAlias = Mapping[str, object]
_CONTENTS: Final = ("base64", "data", "file_data")
_ADDRESSES: Final = ("url", "file_uri", "file_url", "file_id")
"""The fields that hold media and addresses of media."""


def content_parts(content: object) -> list[Part]:
    """Turn the content of a human, system or tool message into parts. See `block_parts`."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    if is_mapping(content):
        return block_parts(content)
    return [part for item in items_of(content) for part in content_parts(item)]


def block_parts(block: Block) -> list[Part]:
    kind = block.get("type")
    if isinstance(kind, str) and (read := _READERS.get(kind)) is not None:
        return read(block)
    if kind is None and (read := next((_UNTYPED[key] for key in _UNTYPED if key in block), None)) is not None:
        return read(block)
    raise ConfigurationError(
        f"A content block of type {brief(kind)} with keys {sorted(map(str, block))!r} cannot be sent to Gemini. "
        "Use a `text`, `image`, `audio`, `video`, `file` or `text-plain` block."
    )


def media_part(block: Block, kind: str = "") -> Part | None:
    """Read media in LangChain's, OpenAI's, Anthropic's or Google's form. `kind` replaces the `type` of the block."""
    kind = kind or str(block.get("type"))
    family = next((family for family in ("image", "audio", "video") if family in kind), "application")
    address = block.get(f"{family}_url")
    nested = ({"url": address} if isinstance(address, str) else address, *map(block.get, (kind, "file", "source")))
    fields = folded(*map(fields_of, nested), {name: value for name, value in block.items() if name != kind})
    if data := next((fields[key] for key in _CONTENTS if fields.get(key)), None):
        return inline(data, Details.of(fields, family))
    names = (*_ADDRESSES, *(("id",) if fields.get("source_type") == "id" else ()))
    found = next((fields[key] for key in names if fields.get(key)), None)
    return None if found is None else addressed(found, Details.of(fields, family))


def _text(block: Block) -> list[Part]:
    hint = block.get("cache_control")  # Anthropic's, which AIMLAPI accepts too
    return [Text(text, cache_control=hint if is_object(hint) else None)] if (text := text_of(block)) else []


def _media(block: Block, kind: str = "") -> list[Part]:
    if (part := media_part(block, kind)) is None:
        raise ConfigurationError(
            f"A block of type {block.get('type')!r} needs `base64`, `url` or `file_id`; "
            f"it has {sorted(map(str, block))!r}."
        )
    return [part]


def _file(block: Block) -> list[Part]:
    return _plain_text(block) if block.get("source_type") == "text" else _media(block)


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
    is_error = is_error or any(isinstance(part, ToolResult) and part.is_error for part in found)
    parts = [held for part in found for held in _held(part)]
    value = _object(parts)
    return ToolResult(call_id, name, tuple(parts) if value is None else (), value=value, is_error=is_error)


def _held(part: Part) -> list[Text | Blob | FileReference]:
    """Return the content of a part of a tool message. A result in Anthropic's or Google's form is unwrapped."""
    if isinstance(part, ToolResult):
        value = [] if part.value is None else [Text(json.dumps(part.value, ensure_ascii=False, default=str))]
        return [*value, *part.content]
    return [part] if isinstance(part, (Text, Blob, FileReference)) else []


def _object(parts: list[Text | Blob | FileReference]) -> JsonValue:
    if len(parts) == 1 and isinstance(part := parts[0], Text) and part.text.lstrip().startswith("{"):
        with suppress(ValueError):  # the text is not JSON, or its nesting is too deep
            value: JsonValue = from_json(part.text)
            return value if isinstance(value, dict) else None
    return None


_READERS: Final[dict[str, Callable[[Block], list[Part]]]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _text),
    **dict.fromkeys(("image", "audio", "video", "media", "file_data"), _media),
    **dict.fromkeys(("image_url", "input_image", "video_url", "audio_url", "input_audio"), _media),
    "computer_screenshot": partial(_media, kind="image"),
    **dict.fromkeys(("file", "input_file"), _file),
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
    **{key: partial(_media, kind=key) for key in ("inlineData", "inline_data", "fileData", "file_data")},
}
"""Blocks without a `type`, by the field that identifies them."""
