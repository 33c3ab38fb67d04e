"""Translates the core's answers and events to LlamaIndex's responses.

Each chunk of a stream is a snapshot: the whole message so far, and the new text in `delta`. Snapshots share no object
that a caller could change. Their messages are made without validation, because `ChatMessage`'s constructor is slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from typing import Final, assert_never

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CitationBlock,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic_core import to_json

from gemini_multi.types import (
    Blob,
    ChatEvent,
    Citation,
    FileReference,
    Finished,
    JsonValue,
    Part,
    PartReady,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    Usage,
)
from gemini_multi.types import ChatResponse as CoreResponse
from llama_index_gemini_multi._media import has_block, to_block
from llama_index_gemini_multi._response_metadata import facts, logprobs, raw
from llama_index_gemini_multi._signatures import NOTE_KEY, pack
from llama_index_gemini_multi._typed import STREAMED_MESSAGE, facts_of


def to_result(response: CoreResponse, *, delta: str | None = None, first_call_only: bool = False) -> ChatResponse:
    """Translate a whole answer. Candidates after the first are in `raw`.

    Args:
        response: The answer.
        delta: The new text, if the response ends a stream.
        first_call_only: Whether to leave out all tool calls after the first.
    """
    blocks = _blocks(response, first_call_only=first_call_only)
    message_class = ChatMessage if delta is None else STREAMED_MESSAGE
    return ChatResponse(
        message=message_class(role=MessageRole.ASSISTANT, blocks=blocks),
        raw=raw(response),
        delta=delta,
        logprobs=logprobs(response.candidate.logprobs),
        additional_kwargs=facts(response),
    )


def to_completion(response: ChatResponse) -> CompletionResponse:
    """Translate a chat response to a completion."""
    return CompletionResponse(
        text=response.message.content or "",
        additional_kwargs=dict(facts_of(response)),
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )


def to_completions(chunks: ChatResponseGen) -> CompletionResponseGen:
    """Make completions from chat chunks."""
    with closing(chunks):
        for chunk in chunks:
            yield to_completion(chunk)


async def to_async_completions(chunks: ChatResponseAsyncGen) -> CompletionResponseAsyncGen:
    """Make completions from chat chunks, asynchronously."""
    async with aclosing(chunks):
        async for chunk in chunks:
            yield to_completion(chunk)


_SHOWN: Final = 64
"""The number of tool calls and of media that a chunk shows. Thousands of them in each chunk would take too long."""
_LEAST_CITED: Final = 1_000_000
_CITED_PER_CHARACTER: Final = 4


class Snapshots:
    """Makes the chunks of one streamed answer from its events.

    The last chunk is complete. The other chunks show the first `_SHOWN` calls and media. They also hold the calls in
    `additional_kwargs`, where LlamaIndex's programs look for them. The last chunk does not, because agents and memories
    keep it, and other integrations would send those calls a second time.
    """

    __slots__ = ("_arguments", "_calls", "_first_call_only", "_media", "_text", "_thoughts")

    def __init__(self, *, first_call_only: bool = False) -> None:
        """Make a builder for one answer.

        Args:
            first_call_only: Whether to leave out all tool calls after the first.
        """
        self._first_call_only = first_call_only
        self._text = ""
        self._thoughts = ""
        self._calls: list[ToolCall] = []
        self._arguments: list[str] = []
        """The arguments of each tool call, as JSON."""
        self._media: list[ContentBlock] = []

    def feed(self, event: ChatEvent) -> ChatResponse | None:
        """Make the chunk for an event; `None` if a chunk cannot show any of it."""
        if isinstance(event, Finished):
            return to_result(event.response, delta="", first_call_only=self._first_call_only)
        return None if event.candidate else self._piece(event)

    def _piece(
        self, event: TextDelta | ThoughtDelta | ToolCallDelta | ToolCallReady | PartReady
    ) -> ChatResponse | None:
        match event:
            case TextDelta(text):
                self._text += text
                return self._chunk(text) if text else None
            case ThoughtDelta(text):
                self._thoughts += text
                return self._chunk("", {"thinking_delta": text}) if text else None
            case ToolCallDelta():
                return self._call_delta(event)
            case ToolCallReady(call):
                if len(self._calls) >= (1 if self._first_call_only else _SHOWN):
                    return None
                self._calls.append(call)
                self._arguments.append(_arguments_json(call))
                return self._chunk("")
            case PartReady(part):
                if not isinstance(part, (Blob, FileReference)) or len(self._media) >= _SHOWN or not has_block(part):
                    return None
                self._media.append(to_block(part))
                return self._chunk("")
            case _:
                assert_never(event)

    def _call_delta(self, event: ToolCallDelta) -> ChatResponse | None:
        if self._first_call_only and event.position:
            return None
        piece = {"position": event.position, "id": event.id, "name": event.name, "arguments": event.arguments}
        return self._chunk("", {"tool_call_delta": piece})

    def _chunk(self, delta: str, extra: dict[str, object] | None = None) -> ChatResponse:
        # A snapshot holds the whole text as a new `str`. Copying a text takes little time, and its memory is held
        # only as long as the caller keeps the snapshot.
        blocks: list[ContentBlock] = []
        if self._thoughts:
            blocks.append(
                ThinkingBlock.model_construct(content=self._thoughts, num_tokens=None, additional_information={})
            )
        if self._text:
            blocks.append(TextBlock(text=self._text))
        told: dict[str, object] = {}
        if self._media:
            blocks += [block.model_copy() for block in self._media]
        if self._calls:
            blocks += map(_call_block, self._calls)
            told["tool_calls"] = self._openai_calls()
        message = ChatMessage.model_construct(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=told)
        return ChatResponse(message=message, delta=delta, additional_kwargs=extra or {})

    def _openai_calls(self) -> list[dict[str, object]]:
        return [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
            for call, arguments in zip(self._calls, self._arguments, strict=True)
        ]


def _blocks(response: CoreResponse, *, first_call_only: bool) -> list[ContentBlock]:
    candidate = response.candidate
    parts = _without_further_calls(candidate.parts) if first_call_only else candidate.parts
    note = pack(parts)
    thoughts = "".join(part.text for part in parts if isinstance(part, Thought))
    text = "".join(part.text for part in parts if isinstance(part, Text)) or candidate.refusal or ""
    blocks: list[ContentBlock] = [TextBlock(text=text)] if text else []
    if thoughts or note:
        # Thoughts precede the text. A block that holds only the note follows it: callers read the first block
        # as the text.
        blocks.insert(0 if thoughts else len(blocks), _thinking(thoughts, note, response.usage))
    blocks.extend(to_block(part) for part in parts if isinstance(part, (Blob, FileReference)) and has_block(part))
    blocks.extend(_call_block(part) for part in parts if isinstance(part, ToolCall))
    blocks.extend(_citations(candidate.citations, text))
    return blocks


def _without_further_calls(parts: Sequence[Part]) -> tuple[Part, ...]:
    first = next((part for part in parts if isinstance(part, ToolCall)), None)
    return tuple(part for part in parts if part is first or not isinstance(part, ToolCall))


def _thinking(thoughts: str, note: dict[str, JsonValue], usage: Usage) -> ThinkingBlock:
    return ThinkingBlock(
        content=thoughts or None,
        # LlamaIndex's memory counts these tokens. A block that holds only signatures must not displace messages.
        num_tokens=(usage.reasoning_tokens or None) if thoughts else None,
        additional_information={NOTE_KEY: note} if note else {},
    )


def _call_block(call: ToolCall) -> ToolCallBlock:
    arguments = dict(call.arguments) if call.invalid_arguments is None else call.invalid_arguments
    return ToolCallBlock.model_construct(tool_call_id=call.id, tool_name=call.name, tool_kwargs=arguments)


def _arguments_json(call: ToolCall) -> str:
    return to_json(dict(call.arguments)).decode() if call.invalid_arguments is None else call.invalid_arguments


def _citations(citations: Sequence[Citation], text: str) -> Iterator[CitationBlock]:
    """Make the blocks of citations, up to a limit of quoted text. Citations beyond the limit are only in `raw`."""
    quotable = max(_LEAST_CITED, _CITED_PER_CHARACTER * len(text))
    for citation in citations:
        cited = citation.text
        if not cited:
            stretch = slice(citation.start or 0, citation.end)
            quotable -= len(range(*stretch.indices(len(text))))
            cited = text[stretch] if quotable >= 0 else None
        if cited and (source := citation.uri or citation.title):
            yield _citation(citation, cited, source)


def _citation(citation: Citation, cited: str, source: str) -> CitationBlock:
    offsets = {"start": citation.start, "end": citation.end}
    return CitationBlock(
        cited_content=TextBlock(text=cited),
        source=source,
        title=citation.title or source,
        additional_location_info={name: offset for name, offset in offsets.items() if offset is not None},
    )
