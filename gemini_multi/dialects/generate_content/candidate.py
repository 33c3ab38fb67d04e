"""Reads one candidate of an answer, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_core import to_json

from gemini_multi.dialects.finish import UNWANTED_CALL, finish_reason
from gemini_multi.dialects.generate_content.calls import CallReader, Declared
from gemini_multi.dialects.generate_content.grounding import GroundingSum, cited, grounded
from gemini_multi.dialects.generate_content.parts import MediaPart, media_part
from gemini_multi.dialects.response_builder import CandidateBuilder, extended
from gemini_multi.types import ChatEvent, JsonObject, JsonValue, Opaque, Signature, Text, ToolCall

_UNRUNNABLE: Final = UNWANTED_CALL | {"MALFORMED_FUNCTION_CALL"}
_NOT_FINISHED: Final = "FINISH_REASON_UNSPECIFIED"
_OWN_FIELD: Final = frozenset({"safetyRatings", "groundingMetadata", "citationMetadata"})
_MODIFIERS: Final = frozenset({"text", "thought", "thoughtSignature"})


class CandidateReader:
    """Reads one candidate into its builder."""

    def __init__(
        self,
        builder: CandidateBuilder,
        *,
        issuer: str,
        declared: Declared,
        response: Mapping[str, JsonValue],
    ) -> None:
        """Make a reader that fills the builder of a candidate. `response` holds the other fields of the answer."""
        self._issuer = issuer
        self._response = response
        self._builder = builder
        self._calls = CallReader(builder, declared)
        self._metadata: dict[str, JsonValue] = {}
        self._rest: dict[str, list[JsonValue]] = {}
        self._cited: dict[bytes, JsonValue] = {}
        self._grounding = GroundingSum()
        self._part_starts: list[int] = []
        self._spoke = False
        self._is_blocked = False
        self.finish: str | None = None
        """The finish reason."""

    @property
    def has_content(self) -> bool:
        """Whether any content of the answer has arrived."""
        return self._spoke or self._calls.is_waiting or self._calls.given > 0

    def feed(self, candidate: JsonObject, events: list[ChatEvent]) -> None:
        """Read the candidate's record in one document."""
        content = candidate.get("content")
        if content is not None:
            self._content(content if isinstance(content, dict) else {"parts": content}, events)
        if len(candidate) > 1 or content is None:
            self._note(candidate)
        if self.finish is not None and self._calls.is_waiting:
            self.release(events)

    def _content(self, content: dict[str, JsonValue], events: list[ChatEvent]) -> None:
        parts = content.get("parts")
        listed = parts if isinstance(parts, list) else [parts]
        # Sources may refer to a part by its number. The number is known only if all parts are in one document.
        self._part_starts = [] if self.has_content else _text_starts(listed)
        for part in listed:
            if isinstance(part, dict):
                text = part.get("text")
                if len(part) > 1 or not isinstance(text, str):
                    self._part(part, events)
                elif text:
                    self._spoke = True
                    events.append(self._builder.text(text))
            elif isinstance(part, str):
                self._text(part, None, events, is_thought=False)
            elif part is not None:
                self._note_rest("parts", {"part": part}, frozenset())
        if len(content) > 2:
            self._note_rest("content", content, frozenset({"parts", "role"}))

    def release(self, events: list[ChatEvent]) -> None:
        """Release the calls that were held back."""
        self._calls.release(events, self._response.get("responseId"), is_unwanted=self.finish in _UNRUNNABLE)

    def block(self, reason: str) -> None:
        """Use the block reason of the prompt as the finish reason, if the candidate has none."""
        self.finish = self.finish or reason
        self._is_blocked = True

    def settle(self) -> CandidateBuilder:
        """Set the builder's fields other than the parts."""
        builder = self._builder
        builder.raw_finish_reason = self.finish
        if self.finish is not None:
            reason = finish_reason(self.finish, called=self._calls.given > 0)
            builder.finish_reason = "content_filter" if self._is_blocked and reason in ("stop", "other") else reason
        ratings = self._metadata.get("safetyRatings")
        builder.safety_ratings = tuple(objects(ratings))
        grounding = self._metadata.get("groundingMetadata")
        builder.grounding = grounding if isinstance(grounding, dict) and grounding else None
        self._settle_citations(builder)
        builder.logprobs = _logprobs(self._metadata.get("logprobsResult"))
        builder.metadata = {key: value for key, value in self._metadata.items() if key not in _OWN_FIELD}
        if self._calls.dropped:
            builder.metadata["dropped_tool_calls"] = [_call_record(call) for call in self._calls.dropped]
        return builder

    def _settle_citations(self, builder: CandidateBuilder) -> None:
        if builder.grounding is None and not self._cited:
            return
        text = "".join(part.text for part in builder.candidate().parts if isinstance(part, Text))
        builder.citations = cited(list(self._cited.values()), text) + grounded(
            builder.grounding, text, self._part_starts
        )

    def _part(self, part: dict[str, JsonValue], events: list[ChatEvent]) -> None:
        """Read a part that is more than text."""
        text = part.get("text")
        given = part.get("thoughtSignature")
        signature = None
        if isinstance(given, str) and given:
            signature = Signature(given, carrier="thoughtSignature", issuer=self._issuer)
        if isinstance(text, str):
            other = part.keys() - _MODIFIERS
            has_call = isinstance(part.get("functionCall"), dict)
            self._text(text, None if has_call else signature, events, is_thought=bool(part.get("thought")))
            if not has_call:
                if other:
                    self._note_rest("parts", part, _MODIFIERS)
                return
        self._data_part(part, signature, events)

    def _text(self, text: str, signature: Signature | None, events: list[ChatEvent], *, is_thought: bool) -> None:
        if not text and signature is None:
            return
        self._spoke = True
        add = self._builder.thought if is_thought else self._builder.text
        events.append(add(text, signature))

    def _data_part(self, part: dict[str, JsonValue], signature: Signature | None, events: list[ChatEvent]) -> None:
        call = part.get("functionCall")
        if isinstance(call, dict):
            self._calls.feed(call, signature, self._response.get("responseId"))
            if part.keys() - _MODIFIERS != {"functionCall"}:
                self._note_rest("parts", part, _MODIFIERS | {"functionCall"})
            return
        found: MediaPart | Opaque
        if (media := media_part(part, signature)) is not None:
            known, found = media
            if part.keys() - _MODIFIERS != {known}:
                self._note_rest("parts", part, _MODIFIERS | {known})
        else:
            data = {key: value for key, value in part.items() if key != "thoughtSignature" and value is not None}
            if not data.keys() - {"thought"}:
                self._text("", signature, events, is_thought=bool(data))
                return
            found = Opaque(data, signature=signature)
        self._spoke = True
        events.append(self._builder.part(found))

    def _note_rest(self, name: str, record: dict[str, JsonValue], known: frozenset[str]) -> None:
        """Keep the fields of a content or a part that were not read."""
        rest: dict[str, JsonValue] = {
            key: value for key, value in record.items() if key not in known and value is not None
        }
        if rest:
            self._rest.setdefault(name, []).append(rest)
            self._metadata[name] = self._rest[name]

    def _note(self, candidate: JsonObject) -> None:
        """Keep a document's fields other than the content; later documents extend or replace them."""
        for key, value in candidate.items():
            if value is None or key in ("index", "content"):
                continue
            if key == "finishReason" and isinstance(value, str):
                self.finish = self.finish if value in ("", _NOT_FINISHED) else value
            elif key == "finishMessage" and isinstance(value, str):
                self._builder.finish_message = value
            elif key == "citationMetadata":
                self._add_citations(value)
            elif value or key not in self._metadata:
                self._metadata[key] = self._joined(key, value)

    def _joined(self, key: str, value: JsonValue) -> JsonValue:
        """Append to the earlier value of a field that grows with each chunk; return the new value of other fields."""
        if key == "groundingMetadata":
            self._grounding.add(value)
            return self._grounding.record or value
        return extended(self._metadata.get(key), value) if key == "logprobsResult" else value

    def _add_citations(self, metadata: JsonValue) -> None:
        """Collect the citations of all chunks."""
        found = metadata if isinstance(metadata, dict) else {}
        for field in ("citations", "citationSources"):
            for record in objects(found.get(field)):
                self._cited.setdefault(to_json(record), record)
        self._metadata["citationMetadata"] = bool(self._cited)


def _text_starts(parts: Sequence[JsonValue]) -> list[int]:
    """Return, for each part, the position in the candidate's text at which the part begins."""
    starts, length = list[int](), 0
    for part in parts:
        starts.append(length)
        text = part.get("text") if isinstance(part, dict) and not part.get("thought") else None
        length += len(text) if isinstance(text, str) else 0
    return starts


def objects(value: JsonValue) -> list[dict[str, JsonValue]]:
    """Return the objects of a list; an empty list for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _logprobs(result: JsonValue) -> JsonValue:
    """Write `logprobsResult` in OpenAI's form."""
    if not isinstance(result, dict):
        return None
    chosen, top = result.get("chosenCandidates"), result.get("topCandidates")
    if not isinstance(chosen, list):
        return None
    tops = top if isinstance(top, list) else []
    content: list[JsonValue] = []
    for position, entry in enumerate(chosen):
        step = tops[position] if position < len(tops) else None
        others = objects(step.get("candidates")) if isinstance(step, dict) else []
        token = _token(entry if isinstance(entry, dict) else {})
        content.append({**token, "top_logprobs": [_token(other) for other in others]})
    return {"content": content}


def _token(entry: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"token": entry.get("token") or "", "logprob": entry.get("logProbability") or 0.0}


def _call_record(call: ToolCall) -> JsonValue:
    record: dict[str, JsonValue] = {"id": call.id, "name": call.name, "args": dict(call.arguments)}
    if call.signature is not None:
        record["thoughtSignature"] = call.signature.payload
    return record
