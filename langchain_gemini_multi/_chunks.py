"""Translates the events of a stream to LangChain's chunks, which merge into the same message as a whole answer.

Merging concatenates texts and adds up numbers, so each value is in one chunk only. The last chunk has the values that
are known at the end: usage, model, finish reason, signatures. Only `model_provider` is in every chunk, because
LangChain finds the block translator by it. Merging does not change it.
"""

from __future__ import annotations

from typing import Final

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from gemini_multi.types import (
    ChatEvent,
    ChatResponse,
    Finished,
    PartReady,
    TextDelta,
    ThoughtDelta,
    ToolCallDelta,
    ToolCallReady,
)
from langchain_gemini_multi._results import (
    PROVIDER,
    Block,
    compact,
    extras,
    outline_kwargs,
    signature_kwargs,
    stream_metadata,
    to_block,
    usage_metadata,
)
from langchain_gemini_multi._translator import cited_in

_OPENING: Final = {"{": "}", "[": "]"}


class ChunkBuilder:
    """Translates the events of one stream. It remembers the block to which the next piece belongs.

    The content is plain text until anything other than text arrives. From then on it consists of blocks. Each block has
    an index such as `lc_txt_0`. Each kind of block has its own indexes: LangChain merges pieces with the same index.
    """

    def __init__(self, *, blocks: bool, usage: bool = True) -> None:
        """Make a builder for one stream.

        Args:
            blocks: Whether the content consists of blocks from the start.
            usage: Whether to report the tokens used.
        """
        self._blocks = blocks
        self._usage = usage
        self._texts: list[int] = []
        """The length of each text block so far."""
        self._began_plain = False
        """Whether text arrived before the first block. Such text has no index, so the translator adds its citations."""
        self._thoughts = 0
        self._parts = 0
        self._growing: type[TextDelta] | type[ThoughtDelta] | None = None
        self._started: set[int] = set()
        """The positions of the calls whose arguments arrive in pieces."""

    def feed(self, event: ChatEvent) -> ChatGenerationChunk | None:
        """Translate an event; `None` if a chunk cannot show any of it."""
        if isinstance(event, Finished):
            return self._last(event.response)
        if event.candidate != 0:
            return None
        match event:
            case TextDelta():
                return self._text(event)
            case ThoughtDelta():
                return self._thought(event)
            case ToolCallDelta():
                return self._call_delta(event)
            case ToolCallReady():
                return self._call(event)
            case PartReady():
                self._blocks, self._growing = True, None
                self._parts += 1
                block = to_block(event.part)
                return _chunk([{**block, "index": f"lc_part_{self._parts - 1}"}]) if block else None

    def _text(self, event: TextDelta) -> ChatGenerationChunk | None:
        if not event.text and event.signature is None:
            return None
        is_new = not self._texts or (self._blocks and (self._growing is not TextDelta or _opens(event)))
        if is_new:
            self._texts.append(0)
        self._texts[-1] += len(event.text)
        self._growing = None if event.signature and self._blocks else TextDelta
        if not self._blocks:
            self._began_plain = True
            return _plain(event.text) if event.text else None
        index = f"lc_txt_{len(self._texts) - 1}"
        return _chunk([{"type": "text", "text": event.text, "index": index, **extras(event.signature)}])

    def _thought(self, event: ThoughtDelta) -> ChatGenerationChunk | None:
        if not event.text:
            return None
        self._blocks = True
        if self._growing is not ThoughtDelta:
            self._thoughts += 1
        self._growing = ThoughtDelta
        index = f"lc_rs_{self._thoughts - 1}"
        return _chunk([{"type": "reasoning", "reasoning": event.text, "index": index}])

    def _call_delta(self, event: ToolCallDelta) -> ChatGenerationChunk:
        self._growing = None
        is_first = event.position not in self._started
        self._started.add(event.position)
        piece = tool_call_chunk(
            name=event.name if is_first else None,
            id=event.id if is_first else None,
            args=event.arguments,
            index=event.position,
        )
        return self._calls([piece])

    def _call(self, event: ToolCallReady) -> ChatGenerationChunk | None:
        self._growing = None
        call, kwargs = event.call, signature_kwargs([event.call])
        broken = call.invalid_arguments
        if event.position in self._started:
            rest = "" if broken is None else _spoiler(broken)
            if not rest and not kwargs:
                return None
            return self._calls([tool_call_chunk(args=rest, index=event.position)], kwargs)
        arguments = compact(call.arguments) if broken is None else broken + _spoiler(broken)
        piece = tool_call_chunk(name=call.name, id=call.id, args=arguments, index=event.position)
        return self._calls([piece], kwargs)

    def _calls(self, pieces: list[ToolCallChunk], kwargs: dict[str, object] | None = None) -> ChatGenerationChunk:
        return _chunk([] if self._blocks else "", tool_call_chunks=pieces, additional_kwargs=kwargs or {})

    def _last(self, response: ChatResponse) -> ChatGenerationChunk:
        candidate = response.candidate
        known = stream_metadata(response, usage=self._usage)
        return _chunk(
            self._annotated(known.get("citations")) if self._blocks and not self._began_plain else "",
            additional_kwargs=outline_kwargs(candidate),
            response_metadata=known,
            usage_metadata=usage_metadata(response.usage) if self._usage else None,
            chunk_position="last",
        )

    def _annotated(self, citations: object) -> list[Block]:
        """Make empty pieces that add the annotations to the text blocks."""
        return [
            {"type": "text", "text": "", "annotations": found, "index": f"lc_txt_{position}"}
            for position, found in enumerate(cited_in(self._texts, citations))
            if found
        ]


def _opens(event: TextDelta) -> bool:
    """Whether the text begins a new block, because signed text is never merged with the unsigned text before it."""
    return event.signature is not None and bool(event.text)


def _chunk(shown: str | list[Block], **fields: object) -> ChatGenerationChunk:
    fields.setdefault("response_metadata", {"model_provider": PROVIDER})
    message = AIMessageChunk(content=shown, **fields)  # type: ignore[arg-type]  # list items are invariant there
    return ChatGenerationChunk(message=message)


def _plain(text: str) -> ChatGenerationChunk:
    """Make a chunk that holds only text. A copy costs half as much as a new chunk, whose fields are all validated."""
    message = _MESSAGE.model_copy(
        update={
            "content": text,
            "additional_kwargs": {},
            "response_metadata": {"model_provider": PROVIDER},
            "tool_calls": [],
            "invalid_tool_calls": [],
            "tool_call_chunks": [],
        }
    )
    return _CHUNK.model_copy(update={"text": text, "message": message})


_MESSAGE: Final = AIMessageChunk(content="", response_metadata={"model_provider": PROVIDER})
_CHUNK: Final = ChatGenerationChunk(message=_MESSAGE)


def _spoiler(arguments: str) -> str:
    """Return an ending that keeps incomplete arguments unreadable.

    LangChain completes unfinished JSON in chunks, so a call with incomplete arguments would be executed with a part
    of them. An unmatched bracket makes it an `invalid_tool_call`, as in a whole answer.
    """
    open_brackets: list[str] = []
    is_text = is_escaped = False
    for character in arguments:
        if is_text:
            is_text = character != '"' or is_escaped
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            is_text = True
        elif character in _OPENING:
            open_brackets.append(_OPENING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
    wrong = "]" if open_brackets[-1:] != ["]"] else "}"
    return ("\\" if is_escaped else "") + ('"' if is_text else "") + wrong
