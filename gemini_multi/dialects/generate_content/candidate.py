"""Reads one candidate of an answer, whole or chunk by chunk."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._encoding.media_data import typed
from gemini_multi._types.parts import Blob, CodeResult, DataPart, ExecutableCode, FileReference, Opaque
from gemini_multi.dialects.finish import UNWANTED_CALL, finish_reason
from gemini_multi.dialects.generate_content.calls import CallReader, Declared
from gemini_multi.dialects.generate_content.grounding import GroundingSum, cited, grounded
from gemini_multi.dialects.response_builder import CandidateBuilder, extended
from gemini_multi.types import Candidate, ChatEvent, JsonObject, JsonValue, Signature, ToolCall

_UNRUNNABLE: Final = UNWANTED_CALL | {"MALFORMED_FUNCTION_CALL"}
_READ_ELSEWHERE: Final = frozenset({"index", "content"})
_NOT_FINISHED: Final = "FINISH_REASON_UNSPECIFIED"
_MODIFIERS: Final = ("text", "thought", "thoughtSignature")

_DATA_FIELDS: Final = ("inlineData", "fileData", "executableCode", "codeExecutionResult")


class CandidateReader:
    """Reads one candidate into its builder."""

    def __init__(self, builder: CandidateBuilder, declared: Declared, issuer: str) -> None:
        self._issuer = issuer
        self._builder = builder
        self._calls = CallReader(builder, declared)
        self._metadata: dict[str, JsonValue] = {}
        self._rest: dict[str, list[JsonValue]] = {}
        self._cited: dict[bytes, JsonValue] = {}
        self._grounding = GroundingSum()
        self._has_parts = False
        self._is_blocked = False
        self._finish_message: str | None = None
        self._safety_ratings: tuple[JsonObject, ...] = ()
        self.finish: str | None = None
        """The finish reason."""

    @property
    def has_content(self) -> bool:
        """Whether any content of the answer has arrived."""
        return self._has_parts or self._calls.is_waiting or self._calls.given > 0

    def feed(self, candidate: JsonObject, events: list[ChatEvent]) -> None:
        """Read the candidate's record in one document."""
        content = candidate.get("content")
        if content is not None:
            self._content(content if isinstance(content, dict) else {"parts": content}, events)
        if not candidate.keys() <= _READ_ELSEWHERE:
            self._note(candidate)
        if self.finish is not None and self._calls.is_waiting:
            self.release(events)

    def _content(self, content: dict[str, JsonValue], events: list[ChatEvent]) -> None:
        parts = content.get("parts")
        listed = parts if isinstance(parts, list) else [parts]
        for part in listed:
            if isinstance(part, dict):
                text = part.get("text")
                if len(part) > 1 or not isinstance(text, str):
                    self._part(part, events)
                elif text:
                    self._has_parts = True
                    events.append(self._builder.text(text))
            elif isinstance(part, str):
                self._text(part, None, events, is_thought=False)
            elif part is not None:
                self._note_rest("parts", {"part": part})
        if len(content) > 2:
            self._note_rest("content", content, "parts", "role")

    def release(self, events: list[ChatEvent]) -> None:
        """Release the calls that were held back."""
        self._calls.release(events, is_unwanted=self.finish in _UNRUNNABLE)

    def block(self, reason: str) -> None:
        """Use the block reason of the prompt as the finish reason, if the candidate has none."""
        self.finish = self.finish or reason
        self._is_blocked = True

    def candidate(self) -> Candidate:
        """Return the candidate so far."""
        reason = None if self.finish is None else finish_reason(self.finish, called=self._calls.given > 0)
        metadata = dict(self._metadata)
        if self._calls.dropped:
            metadata["dropped_tool_calls"] = [_call_record(call) for call in self._calls.dropped]
        candidate = Candidate(
            parts=self._builder.parts(),
            finish_reason="content_filter" if self._is_blocked and reason in ("stop", "other") else reason,
            raw_finish_reason=self.finish,
            finish_message=self._finish_message,
            safety_ratings=self._safety_ratings,
            grounding=self._grounding.record or None,
            logprobs=_logprobs(self._metadata.get("logprobsResult")),
            metadata=metadata,
        )
        if candidate.grounding is None and not self._cited:
            return candidate
        passages = grounded(candidate.grounding, candidate.text)
        return replace(candidate, citations=(*cited([*self._cited.values()], candidate.text), *passages))

    def _part(self, part: dict[str, JsonValue], events: list[ChatEvent]) -> None:
        """Read a part that is more than text."""
        given, text, call = text_at(part, "thoughtSignature"), part.get("text"), part.get("functionCall")
        signature = Signature(given, carrier="thoughtSignature", issuer=self._issuer) if given else None
        if isinstance(text, str):
            own = None if isinstance(call, dict) else signature
            self._text(text, own, events, is_thought=bool(part.get("thought")))
        if isinstance(call, dict):
            self._calls.feed(call, signature)
            self._note_rest("parts", part, "functionCall", *_MODIFIERS)
        elif isinstance(text, str):
            self._note_rest("parts", part, *_MODIFIERS)
        else:
            self._data_part(part, signature, events)

    def _text(self, text: str, signature: Signature | None, events: list[ChatEvent], *, is_thought: bool) -> None:
        if text or signature is not None:
            self._has_parts = True
            add = self._builder.thought if is_thought else self._builder.text
            events.append(add(text, signature))

    def _data_part(self, part: dict[str, JsonValue], signature: Signature | None, events: list[ChatEvent]) -> None:
        found: DataPart
        data = {key: value for key, value in part.items() if key != "thoughtSignature" and value is not None}
        if (media := media_part(part, signature)) is not None:
            name, found = media
            self._note_rest("parts", part, name, *_MODIFIERS)
        elif data.keys() - {"thought"}:
            found = Opaque(data, signature=signature)
        else:
            self._text("", signature, events, is_thought=bool(data))
            return
        self._has_parts = True
        events.append(self._builder.part(found))

    def _note_rest(self, name: str, record: dict[str, JsonValue], *known: str) -> None:
        """Keep the fields of a content or a part that were not read."""
        rest: JsonValue = {key: value for key, value in record.items() if key not in known and value is not None}
        if rest:
            self._rest.setdefault(name, []).append(rest)
            self._metadata[name] = self._rest[name]

    def _note(self, candidate: JsonObject) -> None:
        """Keep a document's fields other than the content; later documents extend or replace them."""
        for key, value in candidate.items():
            if key == "finishReason" and isinstance(value, str):
                self.finish = self.finish if value in ("", _NOT_FINISHED) else value
            elif key == "finishMessage" and isinstance(value, str):
                self._finish_message = value
            elif key == "safetyRatings":
                self._safety_ratings = tuple(objects(value)) or self._safety_ratings
            elif key == "groundingMetadata":
                self._grounding.add(value)
            elif key == "citationMetadata":
                self._add_citations(as_object(value))
            elif value is not None and key not in _READ_ELSEWHERE and (value or key not in self._metadata):
                self._metadata[key] = extended(self._metadata.get(key), value) if key == "logprobsResult" else value

    def _add_citations(self, metadata: JsonObject) -> None:
        for field in ("citations", "citationSources"):
            for record in objects(metadata.get(field)):
                self._cited.setdefault(to_json(record), record)


def _logprobs(result: JsonValue) -> JsonValue:
    """Write `logprobsResult` in OpenAI's form."""
    record = as_object(result)
    chosen = record.get("chosenCandidates")
    if not isinstance(chosen, list):
        return None
    content: list[JsonValue] = []
    for entry, top in zip_longest(chosen, as_list(record.get("topCandidates"))[: len(chosen)]):
        others = objects(as_object(top).get("candidates"))
        content.append({**_token(as_object(entry)), "top_logprobs": [_token(other) for other in others]})
    return {"content": content}


def _token(entry: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"token": entry.get("token") or "", "logprob": entry.get("logProbability") or 0.0}


def _call_record(call: ToolCall) -> JsonValue:
    record: dict[str, JsonValue] = {"id": call.id, "name": call.name, "args": dict(call.arguments)}
    if call.signature is not None:
        record["thoughtSignature"] = call.signature.payload
    return record


def media_part(part: JsonObject, signature: Signature | None) -> tuple[str, DataPart] | None:
    """Return the name of the data field and the part, or `None` when no field is known.

    Images that are thoughts are not read: they are not a part of the answer, and the caller keeps them unchanged.
    """
    for name in () if part.get("thought") else _DATA_FIELDS:
        data = part.get(name)
        if isinstance(data, dict) and (found := _media(name, data, signature)) is not None:
            return name, found
    return None


def _media(field: str, data: dict[str, JsonValue], signature: Signature | None) -> DataPart | None:
    content, uri, mime_type = text_at(data, "data"), text_at(data, "fileUri"), text_at(data, "mimeType")
    name, own_id = text_at(data, "displayName"), text_at(data, "id")
    if field == "executableCode":
        code, language = text_at(data, "code") or "", text_at(data, "language") or "PYTHON"
        return ExecutableCode(code, language, id=own_id, signature=signature)
    if field == "codeExecutionResult":
        output, outcome = text_at(data, "output") or "", text_at(data, "outcome") or "OUTCOME_OK"
        return CodeResult(output, outcome, id=own_id, signature=signature)
    if field == "fileData":
        return None if uri is None else FileReference(uri, mime_type, name=name, signature=signature)
    if content is None:
        return None
    return Blob(content, typed(mime_type, content) or "application/octet-stream", name=name, signature=signature)
