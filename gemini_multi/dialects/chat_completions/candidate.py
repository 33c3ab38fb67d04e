"""Reads the choices of one candidate, both whole messages and deltas."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._encoding.media_data import is_data_url, parsed_data_url, typed
from gemini_multi._types.parts import Citation, DataPart, JsonObject, Opaque, Signature, Text, Thought
from gemini_multi.dialects.chat_completions import reasoning
from gemini_multi.dialects.chat_completions.calls import Calls
from gemini_multi.dialects.chat_completions.dialect import Expectation
from gemini_multi.dialects.chat_completions.usage import update
from gemini_multi.dialects.finish import MALFORMED, UNWANTED_CALL, finish_reason, word_of
from gemini_multi.dialects.response_builder import CandidateBuilder, extended
from gemini_multi.types import Blob, Candidate, ChatEvent, FileReference, JsonValue

_THOUGHTS: Final = ("thinking", "reasoning", "reasoning_text", "thought")
_SOUNDS: Final = {"mp3": "mpeg", "pcm16": "pcm"}
"""Audio formats whose media types have other names."""
_FAILED: Final = MALFORMED | UNWANTED_CALL
_PLAIN: Final = frozenset({"role", "content"})
_BARE: Final = frozenset({"index", "delta"})
_CHOICE: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("index", "finish_reason"), (object,)),
    **dict.fromkeys(("delta", "message", "logprobs", "usage"), (dict,)),
}
_MESSAGE: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("role", "content", "extra_content"), (object,)),
    **dict.fromkeys(("thought_signature", "refusal"), (str,)),
    **dict.fromkeys(("images", "annotations"), (list,)),
    **dict.fromkeys(("audio", "function_call"), (dict,)),
    **dict.fromkeys(("reasoning", "reasoning_content", "reasoning_details"), (str, list)),
    "tool_calls": (list, dict),
}
"""The fields of a message that are read, with the types that they may have; all else is kept as metadata."""


class CandidateReader:
    """Reads one candidate. All readers of an answer add their events to one list."""

    def __init__(self, index: int, expectation: Expectation, events: list[ChatEvent]) -> None:
        self._expectation = expectation
        self._builder = CandidateBuilder(index)
        self._events = events
        self._calls = Calls(self._builder, expectation, events)
        self._tags = reasoning.ThoughtTags()
        self._sounds: list[str] = []
        self._has_deltas = False
        self._citations: dict[tuple[int | None, int | None, str | None], Citation] = {}
        self._known: set[bytes] = set()
        """Signatures and annotations, as JSON texts: some providers repeat them."""
        self._late_signatures: list[Signature] = []
        self._refusals: list[str] = []
        self._logprobs: JsonValue = None
        self._metadata: dict[str, JsonValue] = {}
        self.finish: str | None = None
        """The finish reason, in the provider's words."""

    def read(self, choice: JsonObject) -> None:
        """Read one element of `choices`."""
        if self._tags.state == "text" and (text := _text_alone(choice)):
            self._has_deltas = True
            self._events.append(self._builder.text(text))
            return
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._has_deltas = True
            self._read_message(delta, whole=False)
        if isinstance(message, dict):
            if self._has_deltas:
                self._repeat(message)
            else:
                self._read_message(message, whole=True)
        self._keep(choice, _CHOICE)
        if (reason := choice.get("finish_reason")) is not None and reason != "":
            self._stop(reason if isinstance(reason, str) else str(reason))
        if isinstance(logprobs := choice.get("logprobs"), dict):
            self._logprobs = extended(self._logprobs, logprobs)
        if delta is None and "message" in choice:
            self.close()

    def _repeat(self, message: JsonObject) -> None:
        """Read what a whole message has in addition to the deltas before it."""
        again = CandidateReader(self._builder.index, self._expectation, [])
        again._read_message(message, whole=True)
        again.close()
        self._release()
        known, whole = self.candidate(), again.candidate()
        for kind, before, now in (("thought", known.thoughts, whole.thoughts), ("text", known.text, whole.text)):
            if now.startswith(before) and len(now) > len(before):
                self._write(kind, now[len(before) :])
            elif not before.startswith(now):
                update(self._metadata, {"message": {kind: now}})
        if not any(isinstance(part, DataPart) for part in known.parts) and "audio" not in self._metadata:
            for part in whole.parts:
                if isinstance(part, DataPart):
                    self._add(part)
        self._tool_calls(message, whole=True)
        self._sign(message)
        self._remark({**message, "refusal": None} if self._refusals else message)

    def close(self) -> None:
        """Release what waited for the end."""
        self._release()
        if self._sounds:
            asked = text_at(as_object(self._expectation.request.extra_body.get("audio")), "format")
            self._add(_sound(self._sounds, asked or self._expectation.target.traits.audio_format))
            self._sounds = []
        self._settle()
        self._calls.ready(at_end=True)

    def candidate(self) -> Candidate:
        """Return the candidate so far."""
        called, reason = bool(self._calls.placed), self.finish
        metadata = {**self._metadata, **(self._calls.conclude() if self._calls.slots.all else {})}
        return Candidate(
            parts=self._builder.parts(),
            finish_reason=None if reason is None else finish_reason(reason, called=called),
            raw_finish_reason=reason,
            citations=tuple(self._citations.values()),
            logprobs=self._logprobs,
            refusal="".join(self._refusals) if self._refusals else None,
            metadata=metadata,
        )

    @property
    def is_silent(self) -> bool:
        """Whether neither a part, a call nor a refusal has arrived."""
        return not (self._builder.items or self._calls.slots.all or self._refusals)

    def _stop(self, reason: str) -> None:
        native = self._metadata.get("native_finish_reason")
        if isinstance(native, str) and word_of(native) in _FAILED:
            # Google's own finish reason, where a gateway translated a failure into a harmless one.
            self._metadata["finish_reason"] = reason
            reason = native
        self.finish = reason
        if word_of(reason) in _FAILED:
            self._calls.is_refused = True
        self._settle()
        self._calls.ready()

    def _read_message(self, message: JsonObject, *, whole: bool) -> None:
        """Read a message or a delta, its fields in the order in which a model writes them."""
        if message.keys() <= _PLAIN or all(value is None or key in _PLAIN for key, value in message.items()):
            self._content(message.get("content"))
            return
        for thought in reasoning.thought_texts(message):
            self._write("thought", thought)
        if self._tags.state == "text" and reasoning.is_flagged(message):
            self._tags.state = "start"
        self._content(message.get("content"))
        self._media(message)
        self._tool_calls(message, whole=whole)
        self._sign(message)
        self._remark(message)

    def _content(self, content: JsonValue) -> None:
        if isinstance(content, str):
            if content:
                self._text(content)
            return
        for item in content if isinstance(content, list) else [content]:
            if isinstance(item, dict):
                self._add(_typed(item))
                self._sign(item)
            elif item is not None:
                self._text(item if isinstance(item, str) else to_json(item).decode())

    def _add(self, part: Text | Thought | DataPart) -> None:
        if isinstance(part, Text):
            self._text(part.text)
        elif isinstance(part, Thought):
            self._write("thought", part.text)
        elif isinstance(part, Opaque) and isinstance(refusal := part.data.get("refusal"), str):
            self._refusals.append(refusal)
        else:
            self._release()
            self._events.append(self._builder.part(part))

    def _text(self, content: str) -> None:
        if self._tags.state == "text":
            self._events.append(self._builder.text(content))
            return
        for kind, piece in self._tags.split(content):
            self._write(kind, piece)

    def _write(self, kind: str, piece: str) -> None:
        write = self._builder.text if kind == "text" else self._builder.thought
        self._events.append(write(piece))

    def _media(self, message: JsonObject) -> None:
        for item in as_list(message.get("images")):
            if found := _image(item) or (Opaque(item) if isinstance(item, dict) else None):
                self._add(found)
        if isinstance(audio := message.get("audio"), dict):
            if data := text_at(audio, "data"):
                self._sounds.append(data)
            if rest := {key: value for key, value in audio.items() if key not in ("data", "transcript")}:
                update(self._metadata, {"audio": rest})
            if (transcript := text_at(audio, "transcript")) and not message.get("content"):
                self._text(transcript)

    def _tool_calls(self, message: JsonObject, *, whole: bool) -> None:
        calls, legacy = message.get("tool_calls"), message.get("function_call")
        if not calls and isinstance(legacy, dict):
            calls = dict[str, JsonValue](function=legacy)
        if calls:
            self._release()
            self._calls.add(calls, whole=whole)

    def _sign(self, message: JsonObject) -> None:
        """Read the signatures of a message. Details wait for their call, all others for the end of an open thought."""
        for detail in objects(message.get("reasoning_details")):
            if not reasoning.is_signed(detail):
                rest = {key: value for key, value in detail.items() if key not in reasoning.READ_AS_THOUGHTS}
                update(self._metadata, {"reasoning_details": rest} if rest else {})
            elif self._is_new(detail):
                self._calls.add_detail(detail)
        signature = reasoning.signature_in(message, self._expectation.target.issuer)
        if signature is not None and self._is_new(signature.payload):
            self._late_signatures.append(signature)
            if self._tags.state != "thought":
                self._sign_message()

    def _is_new(self, payload: JsonValue) -> bool:
        count = len(self._known)
        self._known.add(to_json(payload))
        return len(self._known) > count

    def _sign_message(self) -> None:
        """Attach the signatures so far to the first call, or to the text if there is no unsigned call."""
        signatures, self._late_signatures = self._late_signatures, []
        for signature in signatures:
            if not self._calls.sign_first(signature):
                self._release()
                self._events.append(self._builder.text("", signature))

    def _settle(self) -> None:
        """Attach the signatures that name no call of this answer to the message as a whole."""
        if details := self._calls.unclaimed_details():
            issuer = self._expectation.target.issuer
            self._late_signatures.append(Signature(details, carrier="reasoning_details", issuer=issuer))
        self._sign_message()

    def _release(self) -> None:
        if self._tags.state != "text":
            for kind, piece in self._tags.end():
                self._write(kind, piece)

    def _remark(self, message: JsonObject) -> None:
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refusals.append(refusal)
        for annotation in as_list(message.get("annotations")):
            if (found := _citation(annotation)) is not None:
                self._citations.setdefault((found.start, found.end, found.uri), found)
            elif self._is_new(annotation):
                extended(self._metadata, {"annotations": [annotation]})
        if (extra := reasoning.unread(message)) is not None:
            update(self._metadata, {"extra_content": extra})
        self._keep(message, _MESSAGE)

    def _keep(self, record: JsonObject, read: Mapping[str, tuple[type, ...]]) -> None:
        """Keep the fields that are not read, or whose type is not read."""
        for key, value in record.items():
            if value is not None and not isinstance(value, read.get(key, ())):
                update(self._metadata, {key: value})


def _text_alone(choice: JsonObject) -> str:
    """Return the text of a delta without anything beside it, which nearly every chunk is; otherwise an empty text."""
    delta = choice.get("delta")
    if not isinstance(delta, dict) or not delta.keys() <= _PLAIN or not isinstance(text := delta.get("content"), str):
        return ""
    for key, value in choice.items():
        if value is not None and key not in _BARE:
            return ""
    return text


def _typed(item: dict[str, JsonValue]) -> Text | Thought | DataPart:
    kind, text = item.get("type"), item.get("text", item.get("thinking"))
    if isinstance(text, str) and kind in _THOUGHTS:
        return Thought(text)
    if isinstance(text, str) and kind in ("text", "output_text", None):
        return Text(text)
    return _image(item) or Opaque(item)


def _image(item: JsonValue) -> Blob | FileReference | None:
    """Read an image of an answer, such as `{"image_url": {"url": …}}`."""
    target = item.get("image_url", item.get("url")) if isinstance(item, dict) else item
    url = target.get("url") if isinstance(target, dict) else target
    if not isinstance(url, str) or not url:
        return None
    if not is_data_url(url) or "," not in url:
        return FileReference(url)
    given, data = parsed_data_url(url)
    return Blob(data, typed(given, data) or "application/octet-stream")


def _citation(annotation: JsonValue) -> Citation | None:
    """Read an annotation of type `url_citation`, nested or flat."""
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    inner = annotation.get("url_citation")
    fields = inner if isinstance(inner, dict) else annotation
    return Citation(
        start=_whole(fields.get("start_index")),
        end=_whole(fields.get("end_index")),
        uri=text_at(fields, "url"),
        title=text_at(fields, "title"),
        source=annotation,
    )


def _sound(pieces: Sequence[str], audio_format: str) -> Blob:
    """Join the audio of an answer. Its data may arrive in pieces, and each piece is a base64 text of its own."""
    data = pieces[0] if len(pieces) == 1 else base64.b64encode(b"".join(map(_decoded, pieces))).decode("ascii")
    return Blob(data, f"audio/{_SOUNDS.get(audio_format, audio_format)}")


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except ValueError:
        return b""


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None
