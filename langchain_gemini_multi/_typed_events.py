"""Translates the events of a streamed answer to the typed events of LangChain's `stream_events(version="v3")`.

LangChain can make typed events from chunks, but then each piece costs a message and a translation of blocks. Here each
piece is one event. A block begins with `content-block-start` and ends with `content-block-finish`, which holds the
whole block. The block of a thought or a tool call ends when it is complete. The block of text ends with the answer,
because only then its citations are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

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

# In older versions of langchain-core, each delta of a call holds all of its arguments so far.
_ARGUMENTS_ADD_UP: Final = hasattr(ChatModelStream, "_push_tool_call_chunk")
_PAYLOADS: Final = {"base64", "url", "output"}
_EMPTY: Final[Block] = {"args": {}, "value": {}}


@dataclass(slots=True)
class _Open:
    """A block that is not complete yet."""

    index: int
    pieces: list[str] = field(default_factory=list[str])
    signature: Signature | None = None

    @property
    def whole(self) -> str:
        return "".join(self.pieces)


class EventBuilder:
    """Translates the events of one stream. It remembers the open blocks."""

    def __init__(self, message_id: str, *, usage: bool = True) -> None:
        """Make a builder for one stream.

        Args:
            message_id: The id of the message that the events describe.
            usage: Whether to report the tokens used.
        """
        self._id = message_id
        self._usage = usage
        self._count = -1
        """The number of blocks so far; -1 before the message has begun."""
        self._texts: list[_Open] = []
        self._growing: _Open | None = None
        """The text block to which the next text is added."""
        self._thought: _Open | None = None
        self._calls: dict[int, _Open] = {}
        """The tool calls whose arguments are arriving, by position."""
        self._response: ChatResponse | None = None

    def feed(self, event: ChatEvent) -> Iterator[Event]:
        """Translate an event."""
        if self._count < 0:
            self._count = 0
            yield {"event": "message-start", "role": "ai", "id": self._id, "metadata": {"provider": PROVIDER}}
        if isinstance(event, Finished):
            self._response = event.response
        elif event.candidate == 0:
            yield from self._piece(event)

    def _piece(self, event: TextDelta | ThoughtDelta | ToolCallDelta | ToolCallReady | PartReady) -> Iterator[Event]:
        match event:
            case TextDelta():
                yield from self._more_text(event)
            case ThoughtDelta():
                yield from self._more_thought(event)
            case ToolCallDelta():
                yield from self._settled()
                yield from self._more_arguments(event.position, event.id, event.name, event.arguments)
            case ToolCallReady():
                yield from self._settled()
                yield from self._call(event.call, event.position)
            case PartReady():
                yield from self._settled()
                if block := to_block(event.part):
                    yield from self._whole(block)

    def _settled(self) -> Iterator[Event]:
        """End the open thought and the open text, so that the next piece begins a new block."""
        self._growing = None
        if (thought := self._thought) is not None:
            self._thought = None
            yield _finish(thought.index, {"type": "reasoning", "reasoning": thought.whole})

    def _started(self, block: Block) -> Event:
        self._count += 1
        return {"event": "content-block-start", "index": self._count - 1, "content": block}

    def _more_text(self, event: TextDelta) -> Iterator[Event]:
        if not event.text and event.signature is None:
            return
        # Signed text is never merged with the unsigned text before it.
        if self._growing is None or (event.signature is not None and event.text):
            yield from self._settled()
            self._growing = _Open(self._count)
            self._texts.append(self._growing)
            yield self._started({"type": "text", "text": ""})
        text = self._growing
        if event.text:
            text.pieces.append(event.text)
            yield _delta(text.index, {"type": "text-delta", "text": event.text})
        if event.signature is not None:
            text.signature, self._growing = event.signature, None

    def _more_thought(self, event: ThoughtDelta) -> Iterator[Event]:
        if not event.text:
            return
        self._growing = None
        if self._thought is None:
            self._thought = _Open(self._count)
            yield self._started({"type": "reasoning", "reasoning": ""})
        self._thought.pieces.append(event.text)
        yield _delta(self._thought.index, {"type": "reasoning-delta", "reasoning": event.text})

    def _more_arguments(self, position: int, call_id: str, name: str, arguments: str) -> Iterator[Event]:
        block: Block = {"type": "tool_call_chunk", "id": call_id, "name": name, "args": "", "index": position}
        if (call := self._calls.get(position)) is None:
            call = self._calls[position] = _Open(self._count)
            yield self._started(block)
        if arguments:
            call.pieces.append(arguments)
            if _ARGUMENTS_ADD_UP:
                yield _delta(call.index, {"type": "tool-call-delta", "args": arguments})
            else:
                yield _delta(call.index, {"type": "block-delta", "fields": {**block, "args": call.whole}})

    def _call(self, call: ToolCall, position: int) -> Iterator[Event]:
        if position not in self._calls:
            arguments = compact(call.arguments) if call.invalid_arguments is None else call.invalid_arguments
            yield from self._more_arguments(position, call.id, call.name, arguments)
        valid, invalid = split_calls([call])
        block: Block = {**(valid or invalid)[0], **extras(call.signature)}
        yield _finish(self._calls.pop(position).index, block)

    def _whole(self, block: Block) -> Iterator[Event]:
        index = self._count
        shown = {name: _EMPTY.get(name, value) for name, value in block.items() if name not in _PAYLOADS}
        yield self._started(shown)
        yield _finish(index, block)

    def _refused(self, refusal: Block) -> Iterator[Event]:
        """Show a refusal. Some versions of LangChain drop this block from streams.

        In these versions, the block translator shows the refusal of a message without content. A message with content
        holds the refusal in a `non_standard` block.
        """
        if _streams_keep_refusals():
            yield from self._whole(refusal)
        elif self._count:
            yield from self._whole({"type": "non_standard", "value": refusal.get("value", refusal)})

    def end(self) -> Iterator[Event]:
        """End the message, if the answer has ended."""
        if (response := self._response) is None:
            return
        candidate = response.candidate
        yield from self._settled()
        metadata = stream_metadata(response, usage=self._usage)
        if (refusal := refusal_block(candidate.refusal, metadata)) is not None:
            yield from self._refused(refusal)
        sources = cited_in([len(text.whole) for text in self._texts], metadata.get("citations"))
        for text, cited in zip(self._texts, sources, strict=True):
            block: Block = {"type": "text", "text": text.whole, **extras(text.signature)}
            yield _finish(text.index, {**block, "annotations": cited} if cited else block)
        finish: Event = {"event": "message-finish", **finish_reasons(candidate), "metadata": metadata}
        if self._usage and (usage := usage_metadata(response.usage)) is not None:
            finish["usage"] = usage
        if kwargs := {**signature_kwargs(candidate.parts), **outline_kwargs(candidate)}:
            finish["additional_kwargs"] = kwargs
        yield finish


@lru_cache(maxsize=1)
def _streams_keep_refusals() -> bool:
    """Whether LangChain's stream keeps the block. Up to 1.8.3 it does not (`_push_content_block_finish`)."""
    stream = ChatModelStream()
    block: Block = {"type": "refusal", "refusal": "no"}
    for event in (
        {"event": "message-start", "role": "ai", "id": ""},
        {"event": "content-block-start", "index": 0, "content": block},
        _finish(0, block),
        {"event": "message-finish"},
    ):
        stream.dispatch(event)
    return stream.output_message is not None and bool(stream.output_message.content)


def _delta(index: int, delta: Block) -> Event:
    return {"event": "content-block-delta", "index": index, "delta": delta}


def _finish(index: int, block: Block) -> Event:
    return {"event": "content-block-finish", "index": index, "content": block}
