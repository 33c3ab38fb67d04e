"""Reads answers of `generateContent`: a whole answer, or the chunks of a stream.

Every chunk is a full envelope whose parts are increments. Any field may be missing, and no field is lost: a field
without a place of its own goes into the metadata under the provider's name.
"""

from __future__ import annotations

from gemini_multi._encoding.json_values import objects, text_at
from gemini_multi.dialects.base import CHANGE_THE_PROMPT
from gemini_multi.dialects.generate_content.calls import Declared
from gemini_multi.dialects.generate_content.candidate import CandidateReader
from gemini_multi.dialects.generate_content.dialect import GenerateTarget
from gemini_multi.dialects.generate_content.usage import usage
from gemini_multi.dialects.response_builder import CandidateBuilder
from gemini_multi.errors import KEPT_CHARACTERS, PromptBlocked
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, JsonObject, JsonValue


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
        """Read one document.

        Raises:
            PromptBlocked: The provider refused the prompt.
        """
        for key, value in document.items():
            if value is None or key == "candidates":
                continue
            if key == "usageMetadata" and isinstance(value, dict):
                # Counts are cumulative, and some chunks omit some of them: the last value of each counts.
                is_whole = None not in value.values()
                self._usage.update(
                    value if is_whole else {name: count for name, count in value.items() if count is not None}
                )
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
        reader = self._readers.get(index)
        if reader is None:
            reader = CandidateReader(CandidateBuilder(index), self._declared, self._target.issuer)
            self._readers[index] = reader
        return reader

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
