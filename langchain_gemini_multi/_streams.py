"""Translates the events of a streamed answer to LangChain's chunks, and to the events of `stream_events(version="v3")`.

Merged chunks and assembled events give the same message as a whole answer. LangChain can make its events from chunks,
but then each piece costs a message and a translation of blocks.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from gemini_multi import types as core
from gemini_multi.bindings.values import changed
from langchain_gemini_multi import _results as results
from langchain_gemini_multi._results import PROVIDER, Block
from langchain_gemini_multi._translator import cited_in, refusal_block

Event: TypeAlias = dict[str, object]
_Open: TypeAlias = tuple[int, list[str]]
"""A block that is not complete yet: its index and its pieces."""

# In older versions of langchain-core, each delta of a call holds all of its arguments so far.
_ARGUMENTS_ADD_UP: Final = hasattr(ChatModelStream, "_push_tool_call_chunk")
_PAYLOADS: Final = {"base64", "url", "output"}
_EMPTY: Final[Block] = {"args": {}, "value": {}}


class ChunkBuilder:
    """Translates the events of one stream to chunks. It remembers the block to which the next piece belongs.

    Merging concatenates texts and adds up numbers, so each value is in one chunk only. The last chunk has the values
    that are known at the end: usage, model, finish reason, signatures. Only `model_provider` is in every chunk, because
    LangChain finds the block translator by it. Merging does not change it.

    The content is plain text until anything other than text arrives. From then on it consists of blocks. Each block has
    an index such as `lc_txt_0`. Each kind of block has its own indexes: LangChain merges pieces with the same index.
    """

    def __init__(self, *, blocks: bool, usage: bool = True) -> None:
        """Make a builder whose content consists of blocks from the start, or which reports no usage."""
        self._blocks = blocks
        self._usage = usage
        self._began_plain = False
        """Whether text arrived before the first block. Such text has no index, so the translator adds its citations."""
        self._texts: list[int] = []
        """The length of each text block so far."""
        self._thoughts = self._parts = 0
        self._growing: type[core.TextDelta] | type[core.ThoughtDelta] | None = None
        self._started: set[int] = set()
        """The positions of the calls whose arguments arrive in pieces."""

    def feed(self, event: core.ChatEvent) -> ChatGenerationChunk | None:
        """Translate an event; `None` if a chunk cannot show any of it."""
        if isinstance(event, core.Finished):
            return self._last(event.response)
        if event.candidate != 0:
            return None
        match event:
            case core.TextDelta():
                return self._text(event)
            case core.ThoughtDelta():
                return self._thought(event)
            case core.ToolCallDelta():
                return self._call_delta(event)
            case core.ToolCallReady():
                return self._call(event)
            case core.PartReady():
                self._blocks, self._growing = True, None
                self._parts += 1
                block = results.to_block(event.part)
                return _chunk([{**block, "index": f"lc_part_{self._parts - 1}"}]) if block else None

    def _text(self, event: core.TextDelta) -> ChatGenerationChunk | None:
        text, signature = event.text, event.signature
        if not self._blocks:
            self._began_plain = self._began_plain or text != ""
            return _piece(text, text) if text else None
        if not text and signature is None:
            return None
        # Signed text is never merged with the unsigned text before it.
        if self._growing is not core.TextDelta or (signature is not None and text):
            self._texts.append(0)
        self._texts[-1] += len(text)
        self._growing = None if signature else core.TextDelta
        index = f"lc_txt_{len(self._texts) - (0 if self._began_plain else 1)}"
        return _piece([{"type": "text", "text": text, "index": index, **results.extras(signature)}], text)

    def _thought(self, event: core.ThoughtDelta) -> ChatGenerationChunk | None:
        if not event.text:
            return None
        self._thoughts += 0 if self._growing is core.ThoughtDelta else 1
        self._blocks, self._growing = True, core.ThoughtDelta
        return _piece([{"type": "reasoning", "reasoning": event.text, "index": f"lc_rs_{self._thoughts - 1}"}], "")

    def _call_delta(self, event: core.ToolCallDelta) -> ChatGenerationChunk:
        self._growing = None
        begin = {} if event.position in self._started else {"name": event.name, "id": event.id}
        self._started.add(event.position)
        return self._arguments(event.position, event.arguments, {}, **begin)

    def _call(self, event: core.ToolCallReady) -> ChatGenerationChunk | None:
        self._growing = None
        call, kwargs = event.call, results.signature_kwargs([event.call])
        broken = call.invalid_arguments
        ending = "" if broken is None else _spoiler(broken)
        if event.position in self._started:
            return self._arguments(event.position, ending, kwargs) if ending or kwargs else None
        arguments = results.compact(call.arguments) if broken is None else broken + ending
        return self._arguments(event.position, arguments, kwargs, name=call.name, id=call.id)

    def _arguments(self, position: int, arguments: str, kwargs: Block, **begin: str) -> ChatGenerationChunk:
        piece = tool_call_chunk(args=arguments, index=position, **begin)
        return _chunk([] if self._blocks else "", tool_call_chunks=[piece], additional_kwargs=kwargs)

    def _last(self, response: core.ChatResponse) -> ChatGenerationChunk:
        known = results.stream_metadata(response, usage=self._usage)
        # Empty pieces add the annotations to the text blocks.
        cited: list[Block] = [
            {"type": "text", "text": "", "annotations": found, "index": f"lc_txt_{position}"}
            for position, found in enumerate(cited_in(self._texts, known.get("citations")))
            if found
        ]
        return _chunk(
            cited if self._blocks and not self._began_plain else "",
            additional_kwargs=results.outline_kwargs(response.candidate),
            response_metadata=known,
            usage_metadata=results.usage_metadata(response.usage) if self._usage else None,
            chunk_position="last",
        )


def _chunk(shown: str | list[Block], **fields: object) -> ChatGenerationChunk:
    fields.setdefault("response_metadata", {"model_provider": PROVIDER})
    message = AIMessageChunk(content=shown, **fields)  # type: ignore[arg-type]  # list items are invariant there
    return ChatGenerationChunk(message=message)


def _piece(content: str | list[Block], text: str) -> ChatGenerationChunk:
    """Make a chunk that holds only content. A copy costs half of a new chunk, whose fields are all validated."""
    message = changed(
        _MESSAGE,
        content=content,
        additional_kwargs={},
        response_metadata={"model_provider": PROVIDER},
        tool_calls=[],
        invalid_tool_calls=[],
        tool_call_chunks=[],
    )
    return changed(_CHUNK, text=text, message=message)


_MESSAGE: Final = AIMessageChunk(content="", response_metadata={"model_provider": PROVIDER})
_CHUNK: Final = ChatGenerationChunk(message=_MESSAGE)


def _spoiler(arguments: str) -> str:
    """Return an ending that keeps incomplete arguments unreadable.

    LangChain completes unfinished JSON in chunks, so a call with incomplete arguments would be executed with a part
    of them. An unmatched bracket makes it an `invalid_tool_call`, as in a whole answer. The brackets stand on both
    sides of a quotation mark, so that they are outside of a text even if the arguments end inside of one.
    """
    brackets = "]" * (arguments.count("[") + 1)
    return f'"{brackets}"{brackets}'


class EventBuilder:
    """Translates the events of one stream to LangChain's typed events. It remembers the open blocks.

    A block begins with `content-block-start` and ends with `content-block-finish`, which holds the whole block. The
    block of a thought or a tool call ends when it is complete. The block of text ends with the answer, because only
    then its citations are known.
    """

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
        self._signatures: dict[int, core.Signature] = {}
        """The signatures of texts, by index."""
        self._text: _Open | None = None
        """The text to which the next text is added."""
        self._thought: _Open | None = None
        self._calls: dict[int, _Open] = {}
        """The tool calls whose arguments are arriving, by position."""
        self._response: core.ChatResponse | None = None

    def feed(self, event: core.ChatEvent) -> list[Event]:
        match event:
            case core.Finished(response):
                self._response = response
            case _ if event.candidate != 0:
                pass
            case core.TextDelta():
                self._add_text(event.text, event.signature)
            case core.ThoughtDelta():
                self._add_thought(event.text)
            case core.ToolCallDelta():
                self._settle()
                self._add_arguments(event.position, event.id, event.name, event.arguments)
            case core.ToolCallReady(call):
                self._settle()
                self._finish_call(call, event.position)
            case core.PartReady(part):
                self._settle()
                self._add_whole(results.to_block(part) or {})
        events, self._events = self._events, []
        return events

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

    def _add_text(self, text: str, signature: core.Signature | None) -> None:
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
            delta = {"type": "text-delta", "text": text}
            self._events.append({"event": "content-block-delta", "index": index, "delta": delta})
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

    def _finish_call(self, call: core.ToolCall, position: int) -> None:
        if position not in self._calls:
            arguments = results.compact(call.arguments) if call.invalid_arguments is None else call.invalid_arguments
            self._add_arguments(position, call.id, call.name, arguments)
        valid, invalid = results.split_calls([call])
        index, _ = self._calls.pop(position)
        self._finish(index, {**(valid or invalid)[0], **results.extras(call.signature)})

    def _add_whole(self, block: Block) -> None:
        if shown := {name: _EMPTY.get(name, value) for name, value in block.items() if name not in _PAYLOADS}:
            index, _ = self._start(shown)
            self._finish(index, block)

    def end(self) -> list[Event]:
        """End the message, if the answer has ended."""
        if (response := self._response) is None:
            return []
        candidate = response.candidate
        self._settle()
        metadata = results.stream_metadata(response, usage=self._usage)
        if self._count and (refusal := refusal_block(candidate.refusal, metadata)) is not None:
            # LangChain (up to 1.8.4) drops a `refusal` from streams. The block translator shows the refusal of a
            # message without content.
            self._add_whole({"type": "non_standard", "value": refusal.get("value", refusal)})
        wholes = ["".join(pieces) for _, pieces in self._texts]
        sources = cited_in([len(whole) for whole in wholes], metadata.get("citations"))
        for (index, _), whole, cited in zip(self._texts, wholes, sources, strict=True):
            block: Block = {"type": "text", "text": whole, **results.extras(self._signatures.get(index))}
            self._finish(index, {**block, "annotations": cited} if cited else block)
        finish: Event = {"event": "message-finish", **results.finish_reasons(candidate), "metadata": metadata}
        if self._usage and (usage := results.usage_metadata(response.usage)) is not None:
            finish["usage"] = usage
        if kwargs := {**results.signature_kwargs(candidate.parts), **results.outline_kwargs(candidate)}:
            finish["additional_kwargs"] = kwargs
        return [*self._events, finish]
