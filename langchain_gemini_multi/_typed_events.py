"""Translates the events of a streamed answer to the typed events of LangChain's `stream_events(version="v3")`.

LangChain can make typed events from chunks, but then each piece costs a message and a translation of blocks. Here each
piece is one event. A block begins with `content-block-start` and ends with `content-block-finish`, which holds the
whole block. The block of a thought or a tool call ends when it is complete. The block of text ends with the answer,
because only then its citations are known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, TypeAlias

from langchain_core.language_models.chat_model_stream import ChatModelStream

from gemini_multi.types import (
    ChatEvent,
    ChatResponse,
    Finished,
    PartReady,
    Signature,
    TextDelta,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
)
from langchain_gemini_multi._results import (
    PROVIDER,
    Block,
    compact,
    extras,
    finish_reasons,
    outline_kwargs,
    signature_kwargs,
    split_calls,
    stream_metadata,
    to_block,
    usage_metadata,
)
from langchain_gemini_multi._translator import cited_in, refusal_block

Event: TypeAlias = dict[str, object]
_Open: TypeAlias = tuple[int, list[str]]
"""A block that is not complete yet: its index and its pieces."""

# In older versions of langchain-core, each delta of a call holds all of its arguments so far.
_ARGUMENTS_ADD_UP: Final = hasattr(ChatModelStream, "_push_tool_call_chunk")
_PAYLOADS: Final = {"base64", "url", "output"}
_EMPTY: Final[Block] = {"args": {}, "value": {}}


class EventBuilder:
    """Translates the events of one stream. It remembers the open blocks."""

    def __init__(self, message_id: str, *, usage: bool = True) -> None:
        """Make a builder for the message with this id, which reports the tokens used or does not."""
        self._usage = usage
        self._events: list[Event] = [
            {"event": "message-start", "role": "ai", "id": message_id, "metadata": {"provider": PROVIDER}}
        ]
        """The events that were not returned yet."""
        self._count = 0
        """The number of blocks so far."""
        self._texts: list[_Open] = []
        self._signatures: dict[int, Signature] = {}
        """The signatures of texts, by index."""
        self._text: _Open | None = None
        """The text to which the next text is added."""
        self._thought: _Open | None = None
        self._calls: dict[int, _Open] = {}
        """The tool calls whose arguments are arriving, by position."""
        self._response: ChatResponse | None = None

    def feed(self, event: ChatEvent) -> list[Event]:
        """Translate an event."""
        if isinstance(event, Finished):
            self._response = event.response
        elif event.candidate == 0:
            self._feed(event)
        events, self._events = self._events, []
        return events

    def _feed(self, event: TextDelta | ThoughtDelta | ToolCallDelta | ToolCallReady | PartReady) -> None:
        match event:
            case TextDelta(text, signature):
                self._add_text(text, signature)
            case ThoughtDelta(text):
                self._add_thought(text)
            case ToolCallDelta():
                self._settle()
                self._add_arguments(event.position, event.id, event.name, event.arguments)
            case ToolCallReady(call):
                self._settle()
                self._finish_call(call, event.position)
            case PartReady(part):
                self._settle()
                if block := to_block(part):
                    self._add_whole(block)

    def _start(self, block: Block) -> _Open:
        self._count += 1
        self._events.append({"event": "content-block-start", "index": self._count - 1, "content": block})
        return self._count - 1, []

    def _delta(self, index: int, delta: Block) -> None:
        self._events.append({"event": "content-block-delta", "index": index, "delta": delta})

    def _finish(self, index: int, block: Block) -> None:
        self._events.append({"event": "content-block-finish", "index": index, "content": block})

    def _settle(self) -> None:
        """End the open thought and the open text, so that the next piece begins a new block."""
        self._text = None
        if self._thought is not None:
            (index, pieces), self._thought = self._thought, None
            self._finish(index, {"type": "reasoning", "reasoning": "".join(pieces)})

    def _add_text(self, text: str, signature: Signature | None) -> None:
        if not text and signature is None:
            return
        # Signed text is never merged with the unsigned text before it.
        if self._text is None or (signature is not None and text):
            self._settle()
            self._text = self._start({"type": "text", "text": ""})
            self._texts.append(self._text)
        index, pieces = self._text
        if text:
            pieces.append(text)
            self._delta(index, {"type": "text-delta", "text": text})
        if signature is not None:
            self._signatures[index], self._text = signature, None

    def _add_thought(self, text: str) -> None:
        if not text:
            return
        self._text = None
        if self._thought is None:
            self._thought = self._start({"type": "reasoning", "reasoning": ""})
        index, pieces = self._thought
        pieces.append(text)
        self._delta(index, {"type": "reasoning-delta", "reasoning": text})

    def _add_arguments(self, position: int, call_id: str, name: str, arguments: str) -> None:
        block: Block = {"type": "tool_call_chunk", "id": call_id, "name": name, "args": "", "index": position}
        if position not in self._calls:
            self._calls[position] = self._start(block)
        index, pieces = self._calls[position]
        if not arguments:
            return
        pieces.append(arguments)
        if _ARGUMENTS_ADD_UP:
            self._delta(index, {"type": "tool-call-delta", "args": arguments})
        else:
            self._delta(index, {"type": "block-delta", "fields": {**block, "args": "".join(pieces)}})

    def _finish_call(self, call: ToolCall, position: int) -> None:
        if position not in self._calls:
            arguments = compact(call.arguments) if call.invalid_arguments is None else call.invalid_arguments
            self._add_arguments(position, call.id, call.name, arguments)
        valid, invalid = split_calls([call])
        index, _ = self._calls.pop(position)
        self._finish(index, {**(valid or invalid)[0], **extras(call.signature)})

    def _add_whole(self, block: Block) -> None:
        shown = {name: _EMPTY.get(name, value) for name, value in block.items() if name not in _PAYLOADS}
        index, _ = self._start(shown)
        self._finish(index, block)

    def _add_refusal(self, refusal: Block) -> None:
        """Show a refusal. Some versions of LangChain drop this block from streams.

        In these versions, the block translator shows the refusal of a message without content. A message with content
        holds the refusal in a `non_standard` block.
        """
        if _streams_keep_refusals():
            self._add_whole(refusal)
        elif self._count:
            self._add_whole({"type": "non_standard", "value": refusal.get("value", refusal)})

    def end(self) -> list[Event]:
        """End the message, if the answer has ended."""
        if (response := self._response) is None:
            return []
        candidate = response.candidate
        self._settle()
        metadata = stream_metadata(response, usage=self._usage)
        if (refusal := refusal_block(candidate.refusal, metadata)) is not None:
            self._add_refusal(refusal)
        wholes = ["".join(pieces) for _, pieces in self._texts]
        sources = cited_in([len(whole) for whole in wholes], metadata.get("citations"))
        for (index, _), whole, cited in zip(self._texts, wholes, sources, strict=True):
            block: Block = {"type": "text", "text": whole, **extras(self._signatures.get(index))}
            self._finish(index, {**block, "annotations": cited} if cited else block)
        finish: Event = {"event": "message-finish", **finish_reasons(candidate), "metadata": metadata}
        if self._usage and (usage := usage_metadata(response.usage)) is not None:
            finish["usage"] = usage
        if kwargs := {**signature_kwargs(candidate.parts), **outline_kwargs(candidate)}:
            finish["additional_kwargs"] = kwargs
        return [*self._events, finish]


@lru_cache(maxsize=1)
def _streams_keep_refusals() -> bool:
    """Whether LangChain's stream keeps the block. Up to 1.8.3 it does not (`_push_content_block_finish`)."""
    stream = ChatModelStream()
    shown: dict[str, Any] = {"index": 0, "content": {"type": "refusal", "refusal": "no"}}
    stream.dispatch({"event": "message-start", "role": "ai", "id": ""})
    stream.dispatch({"event": "content-block-start", **shown})
    stream.dispatch({"event": "content-block-finish", **shown})
    stream.dispatch({"event": "message-finish"})
    return stream.output_message is not None and bool(stream.output_message.content)
