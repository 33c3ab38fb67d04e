"""Translates the events of a stream to LangChain's chunks, which merge into the same message as a whole answer.

Merging concatenates texts and adds up numbers, so each value is in one chunk only. The last chunk has the values that
are known at the end: usage, model, finish reason, signatures. Only `model_provider` is in every chunk, because
LangChain finds the block translator by it. Merging does not change it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
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
_JSON_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*("|\\\Z|\Z)', re.DOTALL)
"""A text in JSON, or the beginning of one. The group is its end: a quotation mark, a backslash or nothing."""
_ENDS: Final = {'"': "", "\\": '\\"', "": '"'}
"""What is missing at the end of a text."""


class ChunkBuilder:
    """Translates the events of one stream. It remembers the block to which the next piece belongs.

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
        text, signature = event.text, event.signature
        if not self._blocks:
            self._began_plain = self._began_plain or text != ""
            return _piece(text, text) if text else None
        if not text and signature is None:
            return None
        # Signed text is never merged with the unsigned text before it.
        if self._growing is not TextDelta or (signature is not None and text):
            self._texts.append(0)
        self._texts[-1] += len(text)
        self._growing = None if signature else TextDelta
        index = f"lc_txt_{len(self._texts) - (0 if self._began_plain else 1)}"
        return _piece([{"type": "text", "text": text, "index": index, **extras(signature)}], text)

    def _thought(self, event: ThoughtDelta) -> ChatGenerationChunk | None:
        if not event.text:
            return None
        self._thoughts += 0 if self._growing is ThoughtDelta else 1
        self._blocks, self._growing = True, ThoughtDelta
        return _piece([{"type": "reasoning", "reasoning": event.text, "index": f"lc_rs_{self._thoughts - 1}"}], "")

    def _call_delta(self, event: ToolCallDelta) -> ChatGenerationChunk:
        self._growing = None
        begin = {} if event.position in self._started else {"name": event.name, "id": event.id}
        self._started.add(event.position)
        return self._arguments(event.position, event.arguments, {}, **begin)

    def _call(self, event: ToolCallReady) -> ChatGenerationChunk | None:
        self._growing = None
        call, kwargs = event.call, signature_kwargs([event.call])
        broken = call.invalid_arguments
        ending = "" if broken is None else _spoiler(broken)
        if event.position in self._started:
            return self._arguments(event.position, ending, kwargs) if ending or kwargs else None
        arguments = compact(call.arguments) if broken is None else broken + ending
        return self._arguments(event.position, arguments, kwargs, name=call.name, id=call.id)

    def _arguments(self, position: int, arguments: str, kwargs: Block, **begin: str) -> ChatGenerationChunk:
        piece = tool_call_chunk(args=arguments, index=position, **begin)
        return _chunk([] if self._blocks else "", tool_call_chunks=[piece], additional_kwargs=kwargs)

    def _last(self, response: ChatResponse) -> ChatGenerationChunk:
        known = stream_metadata(response, usage=self._usage)
        # Empty pieces add the annotations to the text blocks.
        cited: list[Block] = [
            {"type": "text", "text": "", "annotations": found, "index": f"lc_txt_{position}"}
            for position, found in enumerate(cited_in(self._texts, known.get("citations")))
            if found
        ]
        return _chunk(
            cited if self._blocks and not self._began_plain else "",
            additional_kwargs=outline_kwargs(response.candidate),
            response_metadata=known,
            usage_metadata=usage_metadata(response.usage) if self._usage else None,
            chunk_position="last",
        )


def _chunk(shown: str | list[Block], **fields: object) -> ChatGenerationChunk:
    fields.setdefault("response_metadata", {"model_provider": PROVIDER})
    message = AIMessageChunk(content=shown, **fields)  # type: ignore[arg-type]  # list items are invariant there
    return ChatGenerationChunk(message=message)


def _piece(content: str | list[Block], text: str) -> ChatGenerationChunk:
    """Make a chunk that holds only content. A copy costs half of a new chunk, whose fields are all validated."""
    message: Any = _MESSAGE.__copy__()
    chunk: Any = _CHUNK.__copy__()
    message.__dict__.update(
        content=content,
        additional_kwargs={},
        response_metadata={"model_provider": PROVIDER},
        tool_calls=[],
        invalid_tool_calls=[],
        tool_call_chunks=[],
    )
    chunk.__dict__.update(text=text, message=message)
    return chunk  # type: ignore[no-any-return]  # its attributes are set without validation


_MESSAGE: Final = AIMessageChunk(content="", response_metadata={"model_provider": PROVIDER})
_CHUNK: Final = ChatGenerationChunk(message=_MESSAGE)


def _spoiler(arguments: str) -> str:
    """Return an ending that keeps incomplete arguments unreadable.

    LangChain completes unfinished JSON in chunks, so a call with incomplete arguments would be executed with a part
    of them. An unmatched bracket makes it an `invalid_tool_call`, as in a whole answer.
    """
    open_brackets: list[str] = []
    for bracket in re.findall(r"[][{}]", _JSON_TEXT.sub("", arguments)):
        if bracket in _OPENING:
            open_brackets.append(_OPENING[bracket])
        elif open_brackets[-1:] == [bracket]:
            open_brackets.pop()
    ends: list[str] = _JSON_TEXT.findall(arguments)
    return (_ENDS[ends[-1]] if ends else "") + ("}" if open_brackets[-1:] == ["]"] else "]")
