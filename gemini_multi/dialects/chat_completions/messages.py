"""Writes a repaired history as the `messages` of chat completions, with its media within the provider's limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from gemini_multi._encoding import json_text
from gemini_multi._encoding.long_text import joined
from gemini_multi._history.turns import plain_text
from gemini_multi._schemas.translate import function_name, wire_names
from gemini_multi._types.parts import CodeResult, ExecutableCode, Media, Message, Opaque, Part, Signature, Text, Thought
from gemini_multi.catalog import Modality
from gemini_multi.dialects import media_types
from gemini_multi.dialects.base import EncodingReport
from gemini_multi.dialects.chat_completions.dialect import ChatTarget
from gemini_multi.types import Blob, ChatRequest, FileReference, JsonValue, Tool, ToolCall, ToolResult

_AUDIO_FORMATS: Final = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/aac": "audio/x-aac"}
"""OpenAI's short names of audio formats; providers that accept more formats use MIME types."""
_DETAILS: Final = ("low", "high")
_PLURALS: Final[dict[Modality, str]] = {"image": "images", "video": "videos", "document": "documents"}


class MessagesWriter:
    """Writes the turns of one request."""

    def __init__(
        self, request: ChatRequest, target: ChatTarget, names: Mapping[str, str], report: EncodingReport
    ) -> None:
        self._traits = target.traits
        self._names = names
        self._media = _MediaWriter(target, report, request.media_resolution)
        self._report = report
        self._ids: list[str] = []
        """The ids of the last turn's calls, in order."""
        self._invented = 0

    def write(self, system: Sequence[Message], demands: Sequence[str], turns: Iterable[Message]) -> list[JsonValue]:
        """Write the system messages, then our own `demands`, then all turns, in order."""
        messages: list[JsonValue] = []
        if system or demands:
            messages.extend(self._system([*system, *map(Message.system, demands)]))
        for turn in turns:
            if turn.role == "tool":
                messages.extend(self._results(turn))
            elif turn.role == "assistant":
                message = self._assistant(turn)
                # Gemini refuses an empty turn.
                messages.extend([message] if message["content"] or "tool_calls" in message else [])
            else:
                messages.append(self._user(turn))
        self._media.check_size()
        return messages

    def _system(self, messages: Sequence[Message]) -> Iterator[dict[str, JsonValue]]:
        """Write one system message. Write several messages if the caller named them."""
        is_named = any(message.name for message in messages)
        for group in [[message] for message in messages] if is_named else [messages]:
            parts = [part for message in group for part in message.parts]
            content = self._content(parts)
            is_marked = any("cache_control" in part for part in content if isinstance(part, dict))
            text = "\n\n".join(part.text for part in parts if isinstance(part, Text))
            yield {**_head(self._traits.system_role, group[0]), "content": content if is_marked else text}

    def _user(self, turn: Message) -> dict[str, JsonValue]:
        match turn.parts:
            case (Text() as only,) if not (only.cache_control and self._traits.cache_control):
                return {**_head("user", turn), "content": only.text}
            case parts:
                return {**_head("user", turn), "content": self._content(parts)}

    def _content(self, parts: Iterable[Part]) -> list[JsonValue]:
        if self._traits.media_first:
            parts = sorted(parts, key=lambda part: isinstance(part, Text))
        return [self._part(part) for part in parts]

    def _part(self, part: Part) -> dict[str, JsonValue]:
        if isinstance(part, (Text, Thought)):
            return {**_text(part.text), **self._hint(part)}
        if isinstance(part, Media):
            return {**self._media.part(part), **self._hint(part)}
        if isinstance(part, Opaque):
            if "type" not in part.data:
                self._report.feature(f"a native part ({', '.join(part.data)})")
            return dict(part.data)
        if isinstance(part, (ExecutableCode, CodeResult)):
            return _text(_code_text(part))
        self._report.feature("a tool call in a message of the user")
        return {}

    def _hint(self, part: Text | Thought | Media) -> dict[str, JsonValue]:
        hint = None if isinstance(part, Thought) or not self._traits.cache_control else part.cache_control
        return {"cache_control": dict(hint)} if hint else {}

    def _assistant(self, turn: Message) -> dict[str, JsonValue]:
        if not turn.name and (text := plain_text(turn)):
            self._ids = []
            return {"role": "assistant", "content": text}
        message = {**_head("assistant", turn), "content": self._model_content(turn.parts)}
        calls = [part for part in turn.parts if isinstance(part, ToolCall)]
        self._ids = self._own_ids(calls)
        if calls:
            message["tool_calls"] = [self._call(call, own) for call, own in zip(calls, self._ids, strict=True)]
        if self._traits.reasoning_details and (details := _details(turn.parts)):
            message["reasoning_details"] = details
        if self._traits.message_extra_content and (extra := self._message_extra_content(turn.parts)):
            message["extra_content"] = extra
        return message

    def _message_extra_content(self, parts: Sequence[Part]) -> JsonValue:
        """Write the signature of the text, or a tool call's signature that arrived on the message."""
        written = (
            self._extra_content(part.signature)
            for part in reversed(parts)
            if isinstance(part, (Text, Thought)) or (isinstance(part, ToolCall) and self._is_on_message(part))
        )
        return next((extra for extra in written if extra), None)

    def _is_on_message(self, call: ToolCall) -> bool:
        is_of_message = call.signature is not None and call.signature.carrier == "message.extra_content"
        return is_of_message and self._traits.call_signature_on_message

    def _model_content(self, parts: Iterable[Part]) -> JsonValue:
        """Write the model's content: one string, or parts if there is more than text."""
        written: list[JsonValue] = []
        text = ""
        for part in parts:
            if isinstance(part, Media):
                self._report.feature("media in the model's own turns")
            elif isinstance(part, Opaque) and part.data.get("type") == "refusal" and not self._traits.refusal_part:
                written.append(_text(str(part.data.get("refusal"))))
            elif isinstance(part, Opaque):
                # Data without a type are from a provider of the other dialect.
                written.extend([dict(part.data)] if "type" in part.data else [])
            elif isinstance(part, (Text, ExecutableCode, CodeResult)):
                text += part.text if isinstance(part, Text) else _code_text(part)
        if written:
            return [_text(text), *written] if text else written
        return text or (None if self._traits.assistant_null_content else "")

    def _own_ids(self, calls: Iterable[ToolCall]) -> list[str]:
        """Give each call of a turn its own id: providers refuse empty and repeated ids."""
        ids: list[str] = []
        for call in calls:
            own = call.id
            while not own or own in ids:
                self._invented += 1
                own = f"call_{self._invented}"
            ids.append(own)
        return ids

    def _call(self, call: ToolCall, own: str) -> JsonValue:
        function: dict[str, JsonValue] = {"name": self._name(call.name), "arguments": _json(dict(call.arguments))}
        written: dict[str, JsonValue] = {"id": own, "type": "function", "function": function}
        may_sign = self._traits.call_extra_content and not self._is_on_message(call)
        if may_sign and (extra := self._extra_content(call.signature)) is not None:
            written["extra_content"] = extra
        return written

    def _extra_content(self, signature: Signature | None) -> JsonValue:
        """Write a signature in its original form, or in Google's namespace if it arrived in another field."""
        if signature is None:
            return None
        if signature.carrier in ("extra_content", "message.extra_content"):
            return signature.payload
        if signature.carrier == "reasoning_details" and self._traits.reasoning_details:
            return None
        bare = signature.thought_signature()
        return None if bare is None else {"google": {"thought_signature": bare}}

    def _results(self, turn: Message) -> Iterator[dict[str, JsonValue]]:
        """Write one message per result. A tool message holds text only, so all media follow in a user message."""
        rest: list[JsonValue] = []
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        for result, own in zip(results, self._ids, strict=True):
            message: dict[str, JsonValue] = {"role": "tool", "tool_call_id": own, "content": self._result(result)}
            if self._traits.tool_name and result.name:
                message["name"] = self._name(result.name)
            yield message
            media = [self._media.part(part) for part in result.content if not isinstance(part, Text)]
            if media and self._traits.media_first:
                rest.extend((*media, _text(f"Above is what the function `{result.name}` returned.")))
            elif media:
                rest.extend((_text(f"Returned by the function `{result.name}`:"), *media))
        if rest:
            yield {"role": "user", "content": rest}

    def _result(self, result: ToolResult) -> JsonValue:
        texts = [part.text for part in result.content if isinstance(part, Text)]
        value = "\n".join(texts) if result.value is None else result.value
        if result.is_error:
            return _json({"error": value})
        if not isinstance(value, str):
            return _json(value)
        if len(texts) > 1 and result.value is None and self._traits.tool_content == "parts":
            return [_text(text) for text in texts]
        return value

    def _name(self, name: str) -> str:
        return self._names.get(name) or function_name(name)


def tool_names(request: ChatRequest) -> dict[str, str]:
    """Return the wire name of every function that the request declares or that its history calls."""
    declared = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    parts = (part for message in request.messages for part in message.parts)
    called = [part.name for part in parts if isinstance(part, (ToolCall, ToolResult)) and part.name]
    return wire_names([*declared, *called]) if declared or called else {}


def _head(role: str, message: Message) -> dict[str, JsonValue]:
    return {"role": role, "name": message.name} if message.name else {"role": role}


def _text(text: str) -> dict[str, JsonValue]:
    return {"type": "text", "text": text}


def _code_text(part: ExecutableCode | CodeResult) -> str:
    """Write code that a provider wrote and ran as text, because chat completions have no field for it."""
    if isinstance(part, ExecutableCode):
        return f"\n```{part.language.lower()}\n{part.code}\n```\n"
    return f"\n```\n{part.output}\n```\n"


def _details(parts: Iterable[Part]) -> list[JsonValue]:
    """Collect the `reasoning_details` of a message in order, without repetitions."""
    details: list[JsonValue] = []
    for part in parts:
        signature = None if isinstance(part, ToolResult) else part.signature
        if signature is not None and signature.carrier == "reasoning_details" and isinstance(signature.payload, list):
            details.extend(detail for detail in signature.payload if detail not in details)
    return details


def _json(value: JsonValue) -> str:
    return json_text.written(value, "A tool's arguments or result").decode()


class _MediaWriter:
    """Writes the media of one request and adds up their sizes. `resolution` applies to media without their own.

    A medium that the provider does not support is noted in the report, which makes the body unusable.
    """

    def __init__(
        self, target: ChatTarget, report: EncodingReport, resolution: Literal["low", "medium", "high"] | None
    ) -> None:
        self._traits = target.traits
        self._report = report
        self._resolution = resolution
        self._inputs = target.inputs
        self._bytes = 0

    def part(self, media: Media) -> dict[str, JsonValue]:
        """Write one content part."""
        mime_type = media_types.media_type(media)
        if isinstance(media, FileReference) and not media_types.is_inline(media):
            media_types.address_scheme(media.uri)  # refuses an address that no provider can read
        kind = _kind(mime_type)
        missing = f"a file of type {mime_type!r}" if kind is None else self._missing(media, mime_type, kind)
        if missing and kind == "document" and (text := media_types.text_of(media)) is not None:
            return {"type": "text", "text": text}
        if kind is not None and kind in self._inputs:
            self._check(media, kind)
        if missing or kind is None:
            self._report.feature(missing)
            return {}
        return self._written(media, mime_type, kind)

    def check_size(self) -> None:
        """Note media whose total size is above the provider's limit."""
        limit = self._traits.maximum_total_bytes
        if limit is not None and self._bytes > limit:
            self._report.feature(f"{self._bytes:,} bytes of inline media (at most {limit:,})")

    def _missing(self, media: Media, mime_type: str | None, kind: Modality) -> str:
        traits = self._traits
        supported = {"image": traits.image_part, "audio": traits.audio_part is not None, "video": traits.video_part}
        if kind not in self._inputs or not supported.get(kind, True):
            return f"{kind} input"
        if kind == "audio" and traits.audio_types and mime_type not in traits.audio_types:
            return f"audio of type {mime_type!r}"
        takes_document = traits.file_data if media_types.is_inline(media) else traits.file_url
        if kind == "document" and not (takes_document and mime_type in traits.file_mime_types):
            return "document input" if media_types.is_inline(media) else "documents by address"
        return ""

    def _check(self, media: Media, kind: Modality) -> None:
        """Note a medium that is too large, and options that no chat completions provider has."""
        if media.start is not None or media.end is not None or media.fps is not None:
            self._report.feature("a stretch or a frame rate of a video")
        if media_types.is_inline(media):
            size = media_types.decoded_size(media_types.bare_base64(media))
            self._bytes += size
            if size > (limit := self._traits.maximum_bytes.get(kind, size)):
                self._report.feature(f"{size:,} bytes of {kind} (at most {limit:,})")

    def _written(self, media: Media, mime_type: str | None, kind: Modality) -> dict[str, JsonValue]:
        detail = self._detail(media, kind)
        if kind == "audio" and self._traits.audio_part == "input_audio":
            is_inline = media_types.is_inline(media)
            data = joined(media_types.bare_base64(media)) if is_inline else self._url(media, mime_type, kind)
            sound = _AUDIO_FORMATS.get(mime_type or "", mime_type or "wav")
            return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}
        url = self._url(media, mime_type, kind)
        if kind != "document":
            return {"type": f"{kind}_url", f"{kind}_url": {"url": url, **detail}}
        if not media_types.is_inline(media):
            return {"type": "file", "file": {"file_url": url}}
        name = media.name or f"document.{(mime_type or 'application/pdf').rpartition('/')[2]}"
        return {"type": "file", "file": {"filename": name, "file_data": url}}

    def _detail(self, media: Media, kind: Modality) -> dict[str, JsonValue]:
        resolution = media.resolution or self._resolution
        if kind == "image" and resolution in _DETAILS:
            return {"detail": resolution}
        if resolution:
            none = f"chat completions have no `detail` like {resolution!r}"
            self._report.setting("media_resolution", none if kind == "image" else f"the provider takes none for {kind}")
        return {}

    def _url(self, media: Media, mime_type: str | None, kind: Modality) -> str:
        if isinstance(media, Blob) or media_types.is_inline(media):
            return joined(f"data:{mime_type or 'application/octet-stream'};base64,", media_types.bare_base64(media))
        traits, plural = self._traits, _PLURALS.get(kind, kind)
        is_bare_audio = kind == "audio" and traits.audio_part == "input_audio"
        takes_address = traits.audio_url_remote if is_bare_audio else kind != "image" or traits.image_url_remote
        scheme = media_types.address_scheme(media.uri)
        if scheme == "files":
            self._report.feature("files of the Gemini API's Files API")
        elif not takes_address:
            self._report.feature(f"{plural} by address")
        elif scheme == "gs":
            self._report.feature(f"{plural} at gs:")
        return media.uri


def _kind(mime_type: str | None) -> Modality | None:
    """Return the kind of a medium. A medium without a type is an image: OpenAI's clients send images as bare URLs."""
    if mime_type is None:
        return "image"
    return media_types.modality(mime_type) or ("document" if mime_type.startswith(("application/", "text/")) else None)
