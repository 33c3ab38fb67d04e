"""Reads chat completions, whole or streamed, in the forms that the providers of Gemini send.

A whole answer is a stream of one document. Providers omit, repeat, misplace and rename nearly every field, so each
field may be missing, null or of another type. A field that `ChatResponse` lacks is kept under the provider's name.
"""

from __future__ import annotations

from typing import Final

from gemini_multi._encoding.json_values import text_at
from gemini_multi.dialects.base import CHANGE_THE_PROMPT
from gemini_multi.dialects.chat_completions import usage as usage
from gemini_multi.dialects.chat_completions.candidate import CandidateReader
from gemini_multi.dialects.chat_completions.dialect import ChatTarget, Expectation
from gemini_multi.dialects.chat_completions.messages import tool_names
from gemini_multi.dialects.finish import finish_reason
from gemini_multi.errors import KEPT_CHARACTERS, PromptBlocked
from gemini_multi.types import ChatEvent, ChatRequest, ChatResponse, JsonObject, JsonValue, Tool

_ENVELOPE: Final = frozenset({"id", "object", "choices", "model", "usage"})
_USUAL: Final = _ENVELOPE | {"created"}
"""The fields of nearly every chunk. `created` belongs to the metadata, but is the same in all chunks of an answer."""


class ChatDecoder:
    """Decodes one answer."""

    def __init__(self, request: ChatRequest, target: ChatTarget) -> None:
        self._readers: dict[int, CandidateReader] = {}
        self._events: list[ChatEvent] = []
        """The events of the current document, to which all readers add."""
        functions = [tool for tool in request.tools if isinstance(tool, Tool)]
        names = tool_names(request) if functions else {}
        self._expectation = Expectation(request, target, {names[tool.name]: tool for tool in functions})
        self._target = target
        self._model = ""
        self._id: str | None = None
        self._usage: dict[str, JsonValue] = {}
        self._metadata: dict[str, JsonValue] = {}

    def feed(self, document: JsonObject) -> list[ChatEvent]:
        """Read one document."""
        choices = document.get("choices")
        for position, choice in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(choice, dict):
                if "usage" in choice:
                    self._count(choice["usage"])
                key = index if type(index := choice.get("index")) is int else position
                if (reader := self._readers.get(key)) is None:
                    reader = self._readers[key] = CandidateReader(key, self._expectation, self._events)
                reader.read(choice)
        if not document.keys() <= _USUAL or document.get("created") != self._metadata.get("created"):
            rest = {key: value for key, value in document.items() if value is not None and key not in _ENVELOPE}
            usage.update(self._metadata, rest)
        if document.get("model") != self._model or document.get("id") != self._id:
            self._model = text_at(document, "model") or self._model
            self._id = text_at(document, "id") or self._id
        if "usage" in document:
            self._count(document["usage"])
        events = self._events.copy()
        self._events.clear()
        return events

    def _count(self, counts: JsonValue) -> None:
        if isinstance(counts, dict):
            usage.update(self._usage, counts)
        elif counts is not None:
            self._metadata["usage"] = counts

    def close(self) -> list[ChatEvent]:
        """Return the events that waited for the end.

        Raises:
            PromptBlocked: The provider refused the prompt.
        """
        for reader in self._readers.values():
            reader.close()
        self._check_prompt()
        events = self._events.copy()
        self._events.clear()
        return events

    def _check_prompt(self) -> None:
        """Raise `PromptBlocked` for a refused prompt: every candidate was filtered before its first token."""
        reason = ""
        for reader in self._readers.values():
            reason = reader.finish or ""
            if not reader.is_silent or finish_reason(reason, called=False) != "content_filter":
                return
        response = self.response()
        # Google's own reasons also mean a refused prompt if no token was counted.
        if not reason or not (self._usage or ":" in reason) or response.usage.output_tokens:
            return
        word = reason.rpartition(":")[2].strip()[:KEPT_CHARACTERS]
        raise PromptBlocked(
            f"{self._target.provider} refused the prompt for {self._target.model_id!r}: {word}. {CHANGE_THE_PROMPT}",
            block_reason=word,
            response=response,
            provider=self._target.provider,
            model=self._target.model_id,
        )

    @property
    def is_complete(self) -> bool:
        """Whether every candidate has its finish reason."""
        return bool(self._readers) and all(reader.finish is not None for reader in self._readers.values())

    def response(self) -> ChatResponse:
        """The answer so far."""
        meta = self._metadata.get("meta")
        bill = meta.get("usage") if isinstance(meta, dict) else None
        counts: dict[str, JsonValue] = {"usage": dict(self._usage)} if self._usage else {}
        return ChatResponse(
            candidates=tuple(self._readers[key].candidate() for key in sorted(self._readers)),
            usage=usage.read(self._usage, bill, self._target.traits.credits_per_usd),
            model=self._model or self._target.model_id,
            dialect="chat_completions",
            response_id=self._id,
            provider_metadata={**self._metadata, **counts},
        )
