"""Writes a repaired history, with its media, as the `contents` of `generateContent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.long_text import joined
from gemini_multi._history.turns import DUMMY, plain_text, signature_of
from gemini_multi._schemas.translate import function_name
from gemini_multi._types.parts import CodeResult, ExecutableCode, Media, Opaque
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.media_types import (
    address_scheme,
    bare_base64,
    decoded_size,
    is_inline,
    media_type,
    modality,
    text_of,
)
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import FileReference, JsonValue, Message, Part, Text, Thought, ToolCall, ToolResult

_FASTEST: Final = 24.0
_RESULT_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
"""The media types that a function response may hold: https://ai.google.dev/gemini-api/docs/function-calling#multimodal."""
_DEVELOPER_PARTS: Final = frozenset({"toolCall", "toolResponse"})
"""Kinds of parts that Vertex AI refuses with `Cannot find field`."""


class ContentsWriter:
    """Writes the turns of one request."""

    def __init__(self, target: GenerateTarget, names: Mapping[str, str], report: EncodingReport) -> None:
        self._target = target
        self._names = names
        self._report = report
        self._inputs = target.inputs
        self._bytes = 0
        self._sendable: frozenset[str] = frozenset()
        """The ids of the last step's calls that the provider knows."""

    def write(self, turns: Sequence[Message]) -> list[JsonValue]:
        """Write all turns, in order."""
        self._check_names(turns)
        contents: list[JsonValue] = []
        for message in turns:
            if message.role == "tool":
                contents.extend(self._results(message))
            elif text := plain_text(message):
                self._sendable = frozenset()
                contents.append({"role": "user" if message.role == "user" else "model", "parts": [{"text": text}]})
            else:
                self._note_ids(message)
                parts: list[JsonValue] = [
                    written for part in message.parts if (written := self._part(part, message)) is not None
                ]
                if parts and message.role == "assistant":
                    contents.append({"role": "model", "parts": parts})
                elif parts:
                    contents.append({"role": "user", "parts": [*parts, *self._missing_text(message)]})
        if self._bytes > (limit := self._target.traits.inline_limit):
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")
        return contents

    def _check_names(self, turns: Sequence[Message]) -> None:
        """Note names that distinguish speakers of one role. A name that all messages share has no effect."""
        users = {turn.name for turn in turns if turn.role == "user"}
        agents = {turn.name for turn in turns if turn.role == "assistant" and turn.name}
        if len(users) > 1 or len(agents) > 1:
            self._report.setting("name", "`generateContent` has no field for it; say in the text who speaks")

    def _missing_text(self, message: Message) -> list[JsonValue]:
        """Return the shortest text for a turn of media only: Vertex AI may refuse it for lack of `a text parameter`."""
        is_wordless = all(isinstance(part, Media) for part in message.parts)
        return [{"text": " "}] if self._target.traits.needs_text and is_wordless else []

    def _name(self, name: str) -> str:
        return self._names.get(name) or function_name(name)  # the tool need not be declared any more

    def _note_ids(self, message: Message) -> None:
        """Remember which ids may be sent. Vertex AI answers an id that it did not issue with a 400."""
        accepts_all = self._target.traits.accepts_synthetic_ids
        if not accepts_all and not any(map(self._is_native, message.parts)):
            self._sendable = frozenset()
            return
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        self._sendable = frozenset([call.id for call in calls if accepts_all or not call.synthetic_id])

    def _is_native(self, part: Part) -> bool:
        """Whether the part shows that its step came from this provider in this dialect."""
        signature = signature_of(part)
        if signature is None or signature.payload == DUMMY:
            return False
        return (signature.carrier, signature.issuer) == ("thoughtSignature", self._target.issuer)

    def _part(self, part: Part, message: Message) -> JsonValue:
        if isinstance(part, ToolResult):
            return None
        if isinstance(part, ToolCall) and message.role == "user":
            self._report.feature("a tool call in a message of the user")
            return None
        written = self._opaque(part, message) if isinstance(part, Opaque) else self._data(part)
        if written is not None and part.signature and (signature := part.signature.thought_signature()) is not None:
            written["thoughtSignature"] = signature
        return written

    def _data(
        self, part: Text | Thought | ToolCall | Media | ExecutableCode | CodeResult
    ) -> dict[str, JsonValue] | None:
        if isinstance(part, Text):
            return {"text": part.text}
        if isinstance(part, Thought):
            # A summary without text is refused, and its signature is not required.
            return {"text": part.text, "thought": True} if part.text else None
        if isinstance(part, ToolCall):
            return {"functionCall": {**self._id(part.id), "name": self._name(part.name), "args": dict(part.arguments)}}
        if isinstance(part, (ExecutableCode, CodeResult)):
            written: dict[str, JsonValue] = {} if part.id is None else {"id": part.id}
            if isinstance(part, ExecutableCode):
                return {"executableCode": {**written, "language": part.language, "code": part.code}}
            return {"codeExecutionResult": {**written, "outcome": part.outcome, "output": part.output}}
        return self._media_part(part)

    def _opaque(self, part: Opaque, message: Message) -> dict[str, JsonValue] | None:
        """Write a part that only its own provider understands, unless that part clearly came from another provider."""
        if part.data.get("type") == "refusal" and message.role == "assistant":
            return {"text": part.data.get("refusal")}
        if "type" in part.data:
            foreign = f"a content part of type {part.data['type']!r}"
            if message.role == "user":
                self._report.feature(foreign)
            else:
                self._report.setting(foreign, "`generateContent` has no such part")
            return None
        if not self._target.traits.developer_api and not _DEVELOPER_PARTS.isdisjoint(part.data):
            return None
        return dict(part.data)

    def _id(self, call_id: str) -> dict[str, JsonValue]:
        return {"id": call_id} if call_id in self._sendable else {}

    def _results(self, message: Message) -> list[JsonValue]:
        """Write one content with all results. Write a second one for media that results cannot hold."""
        rest: list[JsonValue] = []
        responses = [self._result(result, rest) for result in message.parts if isinstance(result, ToolResult)]
        return [{"role": "user", "parts": parts} for parts in (responses, rest) if parts]

    def _result(self, result: ToolResult, rest: list[JsonValue]) -> JsonValue:
        name = self._name(result.name)
        response: dict[str, JsonValue] = {**self._id(result.call_id), "name": name, "response": _response(result)}
        media = [part for part in result.content if not isinstance(part, Text)]
        if inside := [part for part in media if self._fits_in_result(part)]:
            response["parts"] = [
                self._media_data(part, part.name or f"{name}_{position}") for position, part in enumerate(inside, 1)
            ]
        if outside := [part for part in media if not self._fits_in_result(part)]:
            rest.append({"text": f"Returned by the function `{name}`:"})
            rest.extend(self._media_part(part) for part in outside)
        return {"functionResponse": response}

    def _media_part(self, media: Media) -> dict[str, JsonValue]:
        mime_type = media_type(media) or ""
        if mime_type.startswith("application/") and (text := text_of(media)) is not None:
            return {"text": text}
        part = self._media_data(media, None if self._target.traits.developer_api else media.name)
        kind = modality(mime_type)
        if video := _video(media):
            if kind not in (None, "video"):
                self._report.feature(f"a stretch or a frame rate of {kind} input")
            part["videoMetadata"] = video
        if media.resolution is None:
            return part
        if self._target.model.generation < 3:
            self._report.setting("resolution", "only Gemini 3 and newer take it part by part")
        elif media.resolution == "ultra_high" and kind not in (None, "image"):
            self._report.setting("resolution", "only images take `ultra_high`")
        else:
            part["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{media.resolution.upper()}"}
        return part

    def _fits_in_result(self, media: Media) -> bool:
        return self._target.model.media_in_tool_results and media_type(media) in _RESULT_TYPES

    def _media_data(self, media: Media, name: str | None) -> dict[str, JsonValue]:
        """Write the data or the address, with a display name."""
        mime_type = media_type(media)
        kind = modality(mime_type)
        if kind is not None and kind not in self._inputs:
            self._report.feature(f"{kind} input")
        data: dict[str, JsonValue] = {"mimeType": mime_type} if mime_type else {}
        if name is not None:
            data["displayName"] = name
        if isinstance(media, FileReference) and not is_inline(media):
            if address_scheme(media.uri) == "files" and not self._target.traits.developer_api:
                self._report.feature("files of the Gemini API's Files API")
            return {"fileData": {**data, "fileUri": media.uri}}
        content = bare_base64(media)
        self._bytes += decoded_size(content)
        return {"inlineData": {**data, "data": joined(content)}}


def _video(media: Media) -> dict[str, JsonValue]:
    if media.fps is not None and not 0 < media.fps <= _FASTEST:
        raise ConfigurationError(f"`fps={media.fps}` is out of range: give more than 0 and at most {_FASTEST:g}.")
    video = {"startOffset": _seconds(media.start), "endOffset": _seconds(media.end), "fps": media.fps}
    return {name: value for name, value in video.items() if value is not None}


def _seconds(value: float | None) -> str | None:
    """Write a duration in the form of Protobuf's JSON: `12.5s`."""
    return None if value is None else f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def _response(result: ToolResult) -> dict[str, JsonValue]:
    """Write a result as the object that Gemini requires."""
    value = result.value
    if value is None:
        value = "\n".join(part.text for part in result.content if isinstance(part, Text))
    elif b'"$ref":' in (written := _json_text(value)):
        # Gemini reads `$ref` as a pointer to a part of the response.
        value = written.decode()
    if result.is_error:
        return {"error": value}
    return dict(value) if isinstance(value, dict) else {"output": value}


def _json_text(value: JsonValue) -> bytes:
    try:
        return to_json(value)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"A tool's result cannot be written as JSON: {error}. Pass a value made of JSON values, or text."
        ) from error
