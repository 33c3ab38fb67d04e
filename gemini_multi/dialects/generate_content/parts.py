"""Reads the parts of an answer other than text and tool calls."""

from __future__ import annotations

from typing import TypeAlias

from gemini_multi._encoding.media_data import typed
from gemini_multi.types import Blob, CodeResult, ExecutableCode, FileReference, JsonObject, JsonValue, Signature

MediaPart: TypeAlias = Blob | FileReference | ExecutableCode | CodeResult


def media_part(part: JsonObject, signature: Signature | None) -> tuple[str, MediaPart] | None:
    """Return the name of the data field and the part, or `None` when no field is known.

    Images that are thoughts are not read: they are not a part of the answer, and the caller keeps them unchanged.
    """
    if part.get("thought"):
        return None
    for name, read in _READERS.items():
        data = part.get(name)
        if isinstance(data, dict) and (found := read(data, signature)) is not None:
            return name, found
    return None


def _blob(data: dict[str, JsonValue], signature: Signature | None) -> Blob | None:
    content = data.get("data")
    if not isinstance(content, str):
        return None
    mime_type = typed(_text(data, "mimeType"), content) or "application/octet-stream"
    return Blob(content, mime_type, name=_text(data, "displayName"), signature=signature)


def _file(data: dict[str, JsonValue], signature: Signature | None) -> FileReference | None:
    uri = _text(data, "fileUri")
    if uri is None:
        return None
    return FileReference(uri, _text(data, "mimeType"), name=_text(data, "displayName"), signature=signature)


def _code(data: dict[str, JsonValue], signature: Signature | None) -> ExecutableCode:
    language = _text(data, "language") or "PYTHON"
    return ExecutableCode(_text(data, "code") or "", language, id=_text(data, "id"), signature=signature)


def _result(data: dict[str, JsonValue], signature: Signature | None) -> CodeResult:
    outcome = _text(data, "outcome") or "OUTCOME_OK"
    return CodeResult(_text(data, "output") or "", outcome, id=_text(data, "id"), signature=signature)


def _text(data: dict[str, JsonValue], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


_READERS = {"inlineData": _blob, "fileData": _file, "executableCode": _code, "codeExecutionResult": _result}
