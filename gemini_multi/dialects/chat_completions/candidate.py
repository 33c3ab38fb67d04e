"""Reads the choices of one candidate, both whole messages and deltas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json

from gemini_multi.dialects.chat_completions.answer import AudioAccumulator, citation, image, parts_of
from gemini_multi.dialects.chat_completions.calls import Calls, Events, Expectation
from gemini_multi.dialects.chat_completions.reasoning import (
    Thoughts,
    is_flagged,
    remarks,
    signature_in,
    signed_details,
    thought_texts,
    unread,
)
from gemini_multi.dialects.chat_completions.thought_tags import ThoughtTags
from gemini_multi.dialects.finish import MALFORMED, UNWANTED_CALL, finish_reason, word_of
from gemini_multi.dialects.response_builder import CandidateBuilder, extended
from gemini_multi.types import Blob, Citation, FileReference, JsonObject, JsonValue, Opaque, Signature, Text, Thought

_FAILED: Final = MALFORMED | UNWANTED_CALL

_ANY: Final = (str, int, float, list, dict)
_PLAIN: Final = frozenset({"role", "content"})
_CHOICE: Final[Mapping[str, tuple[type, ...]]] = {
    "index": _ANY,
    "delta": (dict,),
    "message": (dict,),
    "finish_reason": _ANY,
    "logprobs": (dict,),
    "usage": (dict,),
}
_MESSAGE: Final[Mapping[str, tuple[type, ...]]] = {
    "role": _ANY,
    "content": _ANY,
    "reasoning": (str, list),
    "reasoning_content": (str, list),
    "reasoning_details": (list,),
    "images": (list,),
    "audio": (dict,),
    "tool_calls": (list, dict),
    "function_call": (dict,),
    "extra_content": _ANY,
    "thought_signature": (str,),
    "refusal": (str,),
    "annotations": (list,),
}
"""The fields of a message that are read, with the types that they may have; all else is kept as metadata."""


class CandidateReader:
    """Reads one candidate into its builder."""

    def __init__(self, builder: CandidateBuilder, expectation: Expectation) -> None:
        self._expectation = expectation
        self._builder = builder
        self._calls = Calls(builder, expectation)
        self._tags = ThoughtTags()
        self._thoughts = Thoughts()
        self._audio = AudioAccumulator()
        self._chunk = 0
        self._has_deltas = False
        self._citations: dict[tuple[int | None, int | None, str | None], Citation] = {}
        self._signatures: set[bytes] = set()
        self._loose: list[JsonValue] = []
        self._refusals: list[str] = []
        self._late: list[Signature] = []
        self.has_content = False

    @property
    def is_complete(self) -> bool:
        """Whether the finish reason has arrived."""
        return self._builder.raw_finish_reason is not None

    @property
    def filtered(self) -> str | None:
        """The finish reason of a candidate that was filtered before its first token; else `None`."""
        self.conclude()
        builder = self._builder
        is_silent = not (self._calls.seen or builder.refusal or builder.candidate().parts)
        return builder.raw_finish_reason if is_silent and builder.finish_reason == "content_filter" else None

    def read(self, choice: JsonObject, events: Events) -> None:
        """Read one element of `choices`."""
        self._chunk += 1
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._has_deltas = True
            self._read_message(delta, events, whole=False)
        if isinstance(message, dict):
            if self._has_deltas and self.has_content:
                self._repeat(message, events)
            else:
                self._read_message(message, events, whole=True)
        self._keep_all(choice, _CHOICE)
        if (reason := choice.get("finish_reason")) is not None and reason != "":
            self._stop(reason if isinstance(reason, str) else str(reason), events)
        if isinstance(logprobs := choice.get("logprobs"), dict):
            self._builder.logprobs = extended(self._builder.logprobs, logprobs)
        if delta is None and "message" in choice:
            self.close(events)

    def _repeat(self, message: JsonObject, events: Events) -> None:
        """Read a whole message that follows its deltas: only content that the deltas did not have."""
        self._release(events)
        streamed = self._builder.candidate()
        whole = _thought_and_text(message)
        for kind, known in (("thought", streamed.thoughts), ("text", streamed.text)):
            if whole[kind].startswith(known) and len(whole[kind]) > len(known):
                self._write(kind, whole[kind][len(known) :], events)
            elif not known.startswith(whole[kind]):
                self._keep("message", {kind: whole[kind]})
        if not any(isinstance(part, (Blob, FileReference)) for part in streamed.parts) and not self._audio.metadata:
            self._media({**message, "content": whole["text"]}, events)
        self._tool_calls(message, events, whole=True, again=True)
        self._sign(message, events)
        is_cited = self._citations or "annotations" in self._builder.metadata
        known_keys = {"annotations"} if is_cited else set[str]()
        known_keys |= {"refusal"} if self._refusals else set[str]()
        self._remark({key: value for key, value in message.items() if key not in known_keys})

    def close(self, events: Events) -> None:
        """Release what waited for the end."""
        self._release(events)
        self._release_audio(events)
        self._settle(events)
        self._calls.ready(events, at_end=True)

    def conclude(self) -> None:
        """Set the fields of the builder that depend on the whole candidate."""
        builder = self._builder
        builder.citations = tuple(self._citations.values())
        builder.refusal = "".join(self._refusals) if self._refusals else None
        if builder.raw_finish_reason is not None:
            builder.finish_reason = finish_reason(builder.raw_finish_reason, called=self._calls.any)
        if self._calls.seen:
            self._conclude_calls(builder.metadata)
        if self._audio.metadata:
            builder.metadata["audio"] = dict(self._audio.metadata)

    def _conclude_calls(self, metadata: dict[str, JsonValue]) -> None:
        self._calls.conclude()
        if dropped := self._calls.dropped():
            metadata["dropped_tool_calls"] = dropped
        if remarks := self._calls.remarks():
            metadata["tool_calls"] = remarks

    def _stop(self, reason: str, events: Events) -> None:
        native = self._builder.metadata.get("native_finish_reason")
        if isinstance(native, str) and word_of(native) in _FAILED:
            # Google's own finish reason, where a gateway translated a failure into a harmless one.
            self._builder.metadata["finish_reason"] = reason
            reason = native
        self._builder.raw_finish_reason = reason
        if word_of(reason) in _FAILED:
            self._calls.refuse()
        self._settle(events)
        self._calls.ready(events, chunk=self._chunk)

    def _read_message(self, message: JsonObject, events: Events, *, whole: bool) -> None:
        if message.keys() <= _PLAIN or _is_plain(message):
            self._content(message.get("content"), events)
        else:
            self._read_fields(message, events, whole=whole)

    def _content(self, content: JsonValue, events: Events) -> None:
        if isinstance(content, str):
            if content:
                self._text(content, events)
            return
        for item in content if isinstance(content, list) else [content]:
            self._content_parts(item, events)
            if isinstance(item, dict):
                self._sign(item, events)

    def _content_parts(self, item: JsonValue, events: Events) -> None:
        for part in parts_of(item):
            if isinstance(part, Text):
                self._text(part.text, events)
            elif isinstance(part, Thought):
                self._think("content", part.text, events)
            elif isinstance(part, Opaque) and isinstance(refusal := part.data.get("refusal"), str):
                self._refusals.append(refusal)
            else:
                self._part(part, events)

    def _text(self, content: str, events: Events) -> None:
        if self._tags.is_plain:
            self.has_content = True
            events.append(self._builder.text(content))
            return
        for kind, piece in self._tags.split(content):
            self._write(kind, piece, events)

    def _write(self, kind: str, piece: str, events: Events) -> None:
        self.has_content = True
        write = self._builder.text if kind == "text" else self._builder.thought
        events.append(write(piece))

    def _think(self, field: str, text: str, events: Events) -> None:
        if added := self._thoughts.new_text(field, text):
            self._write("thought", added, events)

    def _part(self, part: Blob | FileReference | Opaque, events: Events) -> None:
        self._release(events)
        self.has_content = True
        events.append(self._builder.part(part))

    def _read_fields(self, message: JsonObject, events: Events, *, whole: bool) -> None:
        """Read all fields of a message or a delta, in the order in which a model writes them."""
        for field, text in thought_texts(message):
            self._think(field, text, events)
        if is_flagged(message):
            self._tags.hint()
        self._content(message.get("content"), events)
        self._media(message, events)
        self._tool_calls(message, events, whole=whole)
        self._sign(message, events)
        self._remark(message)

    def _media(self, message: JsonObject, events: Events) -> None:
        images = message.get("images")
        for item in images if isinstance(images, list) else []:
            if (found := image(item)) is not None:
                self._part(found, events)
            elif isinstance(item, dict):
                self._part(Opaque(item), events)
        audio = message.get("audio")
        if isinstance(audio, dict) and (transcript := self._audio.add(audio)) and not message.get("content"):
            self._text(transcript, events)

    def _tool_calls(self, message: JsonObject, events: Events, *, whole: bool, again: bool = False) -> None:
        calls = message.get("tool_calls")
        if not calls and isinstance(legacy := message.get("function_call"), dict):
            calls = _from_function_call(legacy)
        if calls:
            self._release(events)
            self._calls.add(calls, self._chunk, events, whole=whole, again=again)
            self.has_content = self.has_content or self._calls.any

    def _sign(self, message: JsonObject, events: Events) -> None:
        for detail in signed_details(message):
            self.has_content = True
            if not self._calls.sign_by_id(detail) and self._is_new(dict(detail)):
                self._loose.append(dict(detail))
        signature = signature_in(message, self._expectation.issuer)
        if signature is None or not self._is_new(signature.payload):
            return
        self.has_content = True
        if self._tags.is_open:
            self._late.append(signature)
        elif not self._calls.sign_first(signature):
            self._sign_text(signature, events)

    def _is_new(self, payload: JsonValue) -> bool:
        """Whether a signature has not arrived before."""
        written = to_json(payload)
        is_new = written not in self._signatures
        self._signatures.add(written)
        return is_new

    def _sign_text(self, signature: Signature, events: Events) -> None:
        self._release(events)
        events.append(self._builder.text("", signature))

    def _settle(self, events: Events) -> None:
        """Attach the signatures that name no call of this answer to the message as a whole."""
        details = [*self._calls.unclaimed(), *self._loose]
        if not details and not self._late:
            return
        self._loose = []
        late, self._late = self._late, []
        if details:
            late.append(Signature(details, carrier="reasoning_details", issuer=self._expectation.issuer))
        for signature in late:
            if not self._calls.sign_first(signature):
                self._sign_text(signature, events)

    def _release(self, events: Events) -> None:
        if self._tags.is_plain:
            return
        for kind, piece in self._tags.end():
            self._write(kind, piece, events)

    def _release_audio(self, events: Events) -> None:
        if (sound := self._audio.blob(self._expectation.audio_format)) is not None:
            self._part(sound, events)

    def _remark(self, message: JsonObject) -> None:
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refusals.append(refusal)
        annotations = message.get("annotations")
        for annotation in annotations if isinstance(annotations, list) else []:
            self._annotate(annotation)
        for remark in remarks(message):
            self._keep("reasoning_details", remark)
        if signature_in(message, "") is None and (extra := unread(message)) is not None:
            self._keep("extra_content", extra)
        self._keep_all(message, _MESSAGE)

    def _annotate(self, annotation: JsonValue) -> None:
        found = citation(annotation) if isinstance(annotation, dict) else None
        if found is None:
            if isinstance(kept := self._builder.metadata.get("annotations"), list):
                kept.append(annotation)
            else:
                self._keep("annotations", [annotation])
        else:
            self._citations.setdefault((found.start, found.end, found.uri), found)

    def _keep_all(self, record: JsonObject, read: Mapping[str, tuple[type, ...]]) -> None:
        for key, value in record.items():
            if value is not None and not isinstance(value, read.get(key, ())):
                self._keep(key, value)

    def _keep(self, key: str, value: JsonValue) -> None:
        known = self._builder.metadata.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            known.update(value)  # a copy that was made here
        else:
            self._builder.metadata[key] = dict(value) if isinstance(value, dict) else value


def _is_plain(message: JsonObject) -> bool:
    """Whether a message or a delta has no field but its content, where `null` counts as absent."""
    return all(value is None or key in _PLAIN for key, value in message.items())


def _thought_and_text(message: JsonObject) -> dict[str, str]:
    """Return the thoughts and the text of a whole message."""
    content, tags = message.get("content"), ThoughtTags()
    if not isinstance(content, str):
        content = "".join(part.text for part in parts_of(content) if isinstance(part, Text))
    pieces = [*tags.split(content), *tags.end()]
    thought = next((text for _, text in thought_texts(message)), "")
    return {
        "thought": thought or "".join(piece for kind, piece in pieces if kind == "thought"),
        "text": "".join(piece for kind, piece in pieces if kind == "text"),
    }


def _from_function_call(legacy: dict[str, JsonValue]) -> JsonValue:
    """Read the older `function_call` as an element of `tool_calls`."""
    return {"function": legacy}
