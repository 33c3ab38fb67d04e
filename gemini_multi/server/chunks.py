"""Writes the events of an answer as OpenAI's chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gemini_multi.server.answers import as_text, attachments, call_of, ending, facts, json_of, new_id, now, usage
from gemini_multi.types import (
    ChatEvent,
    ChatResponse,
    Finished,
    JsonValue,
    PartReady,
    TextDelta,
    ThoughtDelta,
    ToolCallReady,
)

DONE = b"data: [DONE]\n\n"


def event(document: Mapping[str, JsonValue]) -> bytes:
    """Write a document as a server-sent event."""
    return b"data: " + json_of(document) + b"\n\n"


class ChunkWriter:
    """Writes the chunks of one answer.

    A tool call is sent in one chunk: Gemini sends it complete, and the schema can repair only complete arguments.
    """

    def __init__(self, model: str, *, include_usage: bool) -> None:
        """Make a writer for a caller who requested `model`."""
        self._model = model
        self._include_usage = include_usage
        self._id = new_id()
        self._created = now()
        self._begun: set[int] = set()

    def write(self, happened: ChatEvent) -> Iterator[bytes]:
        """Write one event as chunks. `[DONE]` follows the last chunk."""
        if isinstance(happened, Finished):
            yield from self._end(happened.response)
        elif (delta := _delta(happened)) is not None:
            yield self._chunk([self._choice(happened.candidate, delta)])

    def _choice(self, candidate: int, delta: dict[str, JsonValue], **more: JsonValue) -> JsonValue:
        if candidate not in self._begun:
            self._begun.add(candidate)
            delta = {"role": "assistant", **delta}
        return {"index": candidate, "delta": delta, "finish_reason": None, **more}

    def _chunk(self, choices: list[JsonValue], **more: JsonValue) -> bytes:
        chunk: dict[str, JsonValue] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        return event({**chunk, **more})

    def _end(self, response: ChatResponse) -> Iterator[bytes]:
        for position, candidate in enumerate(response.candidates):
            delta = attachments(candidate)
            if candidate.refusal:
                delta["refusal"] = candidate.refusal
            choice = self._choice(position, delta, logprobs=candidate.logprobs, **ending(candidate))
            yield self._chunk([choice], gemini_multi=facts(response))
        if self._include_usage:
            yield self._chunk([], usage=usage(response.usage))
        yield DONE


def _delta(happened: ChatEvent) -> dict[str, JsonValue] | None:
    """Write the delta of an event; `None` if the content of the event is sent at the end."""
    match happened:
        case TextDelta(text=text) if text:
            return {"content": text}
        case ThoughtDelta(text=text) if text:
            return {"reasoning_content": text}
        case ToolCallReady(call=call, position=position):
            return {"tool_calls": [{"index": position, **call_of(call)}]}
        case PartReady(part=part) if text := as_text(part):
            return {"content": text}
        case _:
            return None
