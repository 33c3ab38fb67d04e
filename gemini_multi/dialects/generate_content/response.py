"""Reads answers of `generateContent`: a whole answer, or the chunks of a stream.

Every chunk is a full envelope whose parts are increments. Any field may be missing, and no field is lost: a field
without a place of its own goes into the metadata under the provider's name.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import Final

from pydantic_core import to_json

from gemini_multi._encoding.json_values import as_list, as_object, objects, text_at
from gemini_multi._encoding.media_data import typed
from gemini_multi._types.parts import Blob, CodeResult, DataPart, ExecutableCode, FileReference, Opaque
from gemini_multi.dialects.base import CHANGE_THE_PROMPT
from gemini_multi.dialects.finish import UNWANTED_CALL, finish_reason
from gemini_multi.dialects.generate_content.calls import CallReader, Declared
from gemini_multi.dialects.generate_content.dialect import GenerateTarget, usage
from gemini_multi.dialects.generate_content.grounding import GroundingSum, cited, grounded
from gemini_multi.dialects.response_builder import CandidateBuilder, extended
from gemini_multi.errors import KEPT_CHARACTERS, PromptBlocked
from gemini_multi.types import (
    Candidate,
    ChatEvent,
    ChatRequest,
    ChatResponse,
    JsonObject,
    JsonValue,
    Signature,
    ToolCall,
)

_UNRUNNABLE: Final = UNWANTED_CALL | {"MALFORMED_FUNCTION_CALL"}
_READ_ELSEWHERE: Final = frozenset({"index", "content"})
_NOT_FINISHED: Final = "FINISH_REASON_UNSPECIFIED"
_MODIFIERS: Final = ("text", "thought", "thoughtSignature")


class GenerateContentDecoder:
    """Decodes one answer."""

    def __init__(self, request: ChatRequest, target: GenerateTarget) -> None:
        self._target = target
        self._readers: dict[int, CandidateReader] = {}
        self._metadata: dict[str, JsonValue] = {}
        self._declared = Declared(request, self._metadata)
        self._usage: dict[str, JsonValue] = {}
        self._feedback: dict[str, JsonValue] | None = None

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read one document. A refused prompt is a `PromptBlocked`."""
        for key, value in document.items():
            if value is None or key == "candidates":
                continue
            if key == "usageMetadata" and isinstance(value, dict):
                # Counts are cumulative, and some chunks omit some of them: the last value of each counts.
                self._usage.update((name, count) for name, count in value.items() if count is not None)
            elif key == "promptFeedback" and isinstance(value, dict):
                self._feedback = {} if self._feedback is None else self._feedback
                self._feedback.update(value)  # in place: a copy for each chunk would take quadratic time
            else:
                self._metadata[key] = value
        events: list[ChatEvent] = []
        candidates = document.get("candidates")
        for position, candidate in enumerate(candidates if isinstance(candidates, list) else [candidates]):
            if isinstance(candidate, dict):
                self._reader(candidate, position).feed(candidate, events)
        if self._feedback is not None:
            self._check_prompt(self._feedback, events)
        return events

    def close(self) -> list[ChatEvent]:
        """Return the calls that waited for a finish reason that never arrived."""
        events: list[ChatEvent] = []
        for reader in self._readers.values():
            reader.release(events)
        return events

    @property
    def is_complete(self) -> bool:
        """Whether every candidate has its finish reason."""
        return bool(self._readers) and all(reader.finish is not None for reader in self._readers.values())

    def response(self) -> ChatResponse:
        """The answer so far."""
        metadata = dict(self._metadata)
        model = _pop_text(metadata, "modelVersion")
        response_id = _pop_text(metadata, "responseId")
        if self._usage:
            metadata["usageMetadata"] = dict(self._usage)
        return ChatResponse(
            candidates=tuple(self._readers[index].candidate() for index in sorted(self._readers)),
            usage=usage(self._usage),
            provider=self._target.provider,
            model=model or self._target.model_id,
            dialect="generate_content",
            response_id=response_id,
            prompt_feedback=None if self._feedback is None else dict(self._feedback),
            provider_metadata=metadata,
        )

    def _reader(self, candidate: JsonObject, position: int) -> CandidateReader:
        """Find the candidate's reader. Vertex AI omits the index; the position in the list is used instead."""
        given = candidate.get("index")
        index = given if isinstance(given, int) else position
        if index not in self._readers:
            self._readers[index] = CandidateReader(CandidateBuilder(index), self._declared, self._target.issuer)
        return self._readers[index]

    def _check_prompt(self, feedback: JsonObject, events: list[ChatEvent]) -> None:
        reason = feedback.get("blockReason")
        message = feedback.get("blockReasonMessage")
        is_vague = reason is None or reason == "BLOCKED_REASON_UNSPECIFIED"
        if not (reason or message) or (is_vague and self._readers):
            return
        if events or (self.is_complete and any(reader.has_content for reader in self._readers.values())):
            # Content together with a block reason means an answer that was stopped, not a refused prompt.
            for reader in self._readers.values():
                reader.block(str(reason))
            return
        why = f"{reason or 'no reason given'}{f' ({message})' if message else ''}"[:KEPT_CHARACTERS]
        raise PromptBlocked(
            f"{self._target.provider} refused the prompt for {self._target.model_id!r}: {why}. {CHANGE_THE_PROMPT}",
            block_reason=None if reason is None else str(reason),
            safety_ratings=objects(feedback.get("safetyRatings")),
            response=self.response(),
            provider=self._target.provider,
            model=self._target.model_id,
        )


def _pop_text(metadata: dict[str, JsonValue], key: str) -> str | None:
    """Remove a text from the metadata and return it. A value of another type stays there."""
    text = text_at(metadata, key)
    if text is not None:
        del metadata[key]
    return text or None


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
        for part in parts if isinstance(parts, list) else [parts]:
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
                lists = map(as_object(value).get, ("citations", "citationSources"))
                self._cited |= {to_json(record): record for found in lists for record in objects(found)}
            elif value is not None and key not in _READ_ELSEWHERE and (value or key not in self._metadata):
                self._metadata[key] = extended(self._metadata.get(key), value) if key == "logprobsResult" else value


def _logprobs(result: JsonValue) -> JsonValue:
    """Write `logprobsResult` in OpenAI's form."""
    record = as_object(result)
    chosen = record.get("chosenCandidates")
    if not isinstance(chosen, list):
        return None
    tops = zip_longest(chosen, as_list(record.get("topCandidates"))[: len(chosen)])
    content: list[JsonValue] = [
        {**_token(as_object(entry)), "top_logprobs": [*map(_token, objects(as_object(top).get("candidates")))]}
        for entry, top in tops
    ]
    return {"content": content}


def _token(entry: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"token": entry.get("token") or "", "logprob": entry.get("logProbability") or 0.0}


def _call_record(call: ToolCall) -> JsonValue:
    record: dict[str, JsonValue] = {"id": call.id, "name": call.name, "args": dict(call.arguments)}
    if call.signature is not None:
        record["thoughtSignature"] = call.signature.payload
    return record


def media_part(part: dict[str, JsonValue], signature: Signature | None) -> tuple[str, DataPart] | None:
    """Return the name of the data field and the part, or `None` when no field is known.

    Images that are thoughts are not read: they are not a part of the answer, and the caller keeps them unchanged.
    """
    match {} if part.get("thought") else part:
        case {"inlineData": dict(data)} if (content := text_at(data, "data")) is not None:
            kind, name = typed(text_at(data, "mimeType"), content), text_at(data, "displayName")
            return "inlineData", Blob(content, kind or "application/octet-stream", name=name, signature=signature)
        case {"fileData": dict(data)} if (uri := text_at(data, "fileUri")) is not None:
            kind, name = text_at(data, "mimeType"), text_at(data, "displayName")
            return "fileData", FileReference(uri, kind, name=name, signature=signature)
        case {"executableCode": dict(data)}:
            code, language = text_at(data, "code") or "", text_at(data, "language") or "PYTHON"
            return "executableCode", ExecutableCode(code, language, id=text_at(data, "id"), signature=signature)
        case {"codeExecutionResult": dict(data)}:
            output, outcome = text_at(data, "output") or "", text_at(data, "outcome") or "OUTCOME_OK"
            return "codeExecutionResult", CodeResult(output, outcome, id=text_at(data, "id"), signature=signature)
        case _:
            return None
