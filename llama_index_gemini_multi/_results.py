"""Translates the core's answers and events to LlamaIndex's responses.

Each chunk of a stream is a snapshot: the whole message so far, and the new text in `delta`. Snapshots share no object
that a caller could change. Their messages are made without validation, because `ChatMessage`'s constructor is slow.

A whole answer has its metadata in `raw`, as plain JSON, and the most important fields in `additional_kwargs`.
LlamaIndex's token counter reads `raw["usage"]` in OpenAI's form, and fails if a count is not an integer. MLflow and
others read the same counts from `additional_kwargs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from llama_index.core.base.llms import types
from pydantic_core import to_json

from gemini_multi import types as core
from gemini_multi.bindings.answers import attempts, candidate_metadata
from gemini_multi.bindings.outline import outline
from gemini_multi.bindings.values import changed, items_of
from llama_index_gemini_multi._media import has_block, to_block
from llama_index_gemini_multi._messages import NOTE_KEY
from llama_index_gemini_multi._typed import STREAMED_MESSAGE

if TYPE_CHECKING:
    from gemini_multi.client import AsyncEventStream, EventStream


def to_result(
    response: core.ChatResponse, *, delta: str | None = None, first_call_only: bool = False
) -> types.ChatResponse:
    """Translate a whole answer. Candidates after the first are in `raw`.

    `delta` is the new text, if the response ends a stream. `first_call_only` leaves out all tool calls after the first.
    """
    blocks = _blocks(response, first_call_only=first_call_only)
    return changed(
        _RESPONSE,
        message=changed(_MESSAGE if delta is None else _STREAMED, blocks=blocks, additional_kwargs={}),
        raw=_raw(response),
        delta=delta,
        logprobs=_logprobs(response.candidate.logprobs),
        additional_kwargs=_facts(response),
    )


_SHOWN: Final = 64
"""The number of tool calls and of media that a chunk shows. Thousands of them in each chunk would take too long."""
_LEAST_CITED: Final = 1_000_000
_CITED_PER_CHARACTER: Final = 4
_MESSAGE: Final = types.ChatMessage(role=types.MessageRole.ASSISTANT, blocks=[], additional_kwargs={})
_STREAMED: Final = STREAMED_MESSAGE(role=types.MessageRole.ASSISTANT, blocks=[], additional_kwargs={})
_RESPONSE: Final = types.ChatResponse(message=_MESSAGE, raw=None, delta=None, logprobs=None, additional_kwargs={})
_CHUNK: Final = types.ChatResponse(message=_MESSAGE, delta="", additional_kwargs={})
_TEXT: Final = types.TextBlock(text="")
_THINKING: Final = types.ThinkingBlock(content="", additional_information={})


class Snapshots:
    """Makes the chunks of one streamed answer from its events.

    The last chunk is complete. The other chunks show the first `_SHOWN` calls and media. They also hold the calls in
    `additional_kwargs`, where LlamaIndex's programs look for them. The last chunk does not, because agents and memories
    keep it, and other integrations would send those calls a second time.
    """

    __slots__ = ("_calls", "_first_call_only", "_media", "_openai_calls", "_text", "_thoughts")

    def __init__(self, *, first_call_only: bool = False) -> None:
        """Make a builder for one answer; `first_call_only` leaves out all tool calls after the first."""
        self._first_call_only = first_call_only
        self._text = self._thoughts = ""
        self._calls: list[core.ToolCall] = []
        self._openai_calls: list[tuple[str, str, str]] = []
        """The id, the name and the arguments as JSON of each tool call."""
        self._media: list[types.ContentBlock] = []

    def whole(self, response: core.ChatResponse, delta: str | None = None) -> types.ChatResponse:
        return to_result(response, delta=delta, first_call_only=self._first_call_only)

    def of(self, events: EventStream) -> types.ChatResponseGen:
        with events:
            yield from filter(None, map(self.feed, events))

    async def of_async(self, events: AsyncEventStream) -> types.ChatResponseAsyncGen:
        async with events:
            async for event in events:
                if (chunk := self.feed(event)) is not None:
                    yield chunk

    def feed(self, event: core.ChatEvent) -> types.ChatResponse | None:
        """Make the chunk for an event; `None` if a chunk cannot show any of it."""
        if isinstance(event, core.Finished):
            return self.whole(event.response, delta="")
        if event.candidate:
            return None
        if isinstance(event, core.TextDelta):
            self._text += event.text
            return self._chunk(event.text, {}) if event.text else None
        extra = self._add(event)
        return None if extra is None else self._chunk("", extra)

    def _add(
        self, event: core.ThoughtDelta | core.ToolCallDelta | core.ToolCallReady | core.PartReady
    ) -> dict[str, object] | None:
        """Add an event to the message. Return the chunk's `additional_kwargs`, or `None` if there is no chunk."""
        match event:
            case core.ThoughtDelta(text):
                self._thoughts += text
                return {"thinking_delta": text} if text else None
            case core.ToolCallDelta():
                piece = {"position": event.position, "id": event.id, "name": event.name, "arguments": event.arguments}
                return None if self._first_call_only and event.position else {"tool_call_delta": piece}
            case core.ToolCallReady(call) if len(self._calls) < (1 if self._first_call_only else _SHOWN):
                self._calls.append(call)
                self._openai_calls.append((call.id, call.name, _arguments_json(call)))
                return {}
            case core.PartReady(part) if len(self._media) < _SHOWN and (block := to_block(part)) is not None:
                self._media.append(block)
                return {}
            case _:
                return None

    def _chunk(self, delta: str, extra: dict[str, object]) -> types.ChatResponse:
        # A snapshot holds the whole text as a new `str`. Copying a text takes little time, and its memory is held
        # only as long as the caller keeps the snapshot.
        blocks: list[types.ContentBlock] = []
        if self._thoughts:
            blocks.append(changed(_THINKING, content=self._thoughts, additional_information={}))
        if self._text:
            blocks.append(changed(_TEXT, text=self._text))
        known: dict[str, object] = {}
        if self._media:
            blocks += [block.model_copy() for block in self._media]
        if self._calls:
            blocks += map(_call_block, self._calls)
            known["tool_calls"] = [
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call_id, name, arguments in self._openai_calls
            ]
        message = changed(_MESSAGE, blocks=blocks, additional_kwargs=known)
        return changed(_CHUNK, message=message, delta=delta, additional_kwargs=extra)


def _blocks(response: core.ChatResponse, *, first_call_only: bool) -> list[types.ContentBlock]:
    candidate = response.candidate
    parts: Sequence[core.Part] = candidate.parts
    if first_call_only:
        first = next(iter(response.tool_calls), None)
        parts = [part for part in parts if part is first or not isinstance(part, core.ToolCall)]
    note = outline(parts, has_block)
    thoughts = "".join(part.text for part in parts if isinstance(part, core.Thought))
    text = "".join(part.text for part in parts if isinstance(part, core.Text)) or candidate.refusal or ""
    blocks: list[types.ContentBlock] = [changed(_TEXT, text=text)] if text else []
    if thoughts or note:
        # LlamaIndex's memory counts the tokens. A block that holds only signatures must not displace messages.
        tokens = (response.usage.reasoning_tokens or None) if thoughts else None
        kept = {NOTE_KEY: note} if note else {}
        thinking = types.ThinkingBlock(content=thoughts or None, num_tokens=tokens, additional_information=kept)
        # Thoughts precede the text. A block that holds only the note follows it: callers read the first block
        # as the text.
        blocks.insert(0 if thoughts else len(blocks), thinking)
    blocks.extend(block for part in parts if (block := to_block(part)) is not None)
    blocks.extend(_call_block(part) for part in parts if isinstance(part, core.ToolCall))
    blocks.extend(_citations(candidate.citations, text))
    return blocks


def _call_block(call: core.ToolCall) -> types.ToolCallBlock:
    arguments = dict(call.arguments) if call.invalid_arguments is None else call.invalid_arguments
    return types.ToolCallBlock.model_construct(tool_call_id=call.id, tool_name=call.name, tool_kwargs=arguments)


def _arguments_json(call: core.ToolCall) -> str:
    return to_json(dict(call.arguments)).decode() if call.invalid_arguments is None else call.invalid_arguments


def _citations(citations: Sequence[core.Citation], text: str) -> Iterator[types.CitationBlock]:
    """Make the blocks of citations, up to a limit of quoted text. Citations beyond the limit are only in `raw`."""
    quotable = max(_LEAST_CITED, _CITED_PER_CHARACTER * len(text))
    for citation in citations:
        cited = citation.text
        if not cited:
            stretch = slice(citation.start or 0, citation.end)
            quotable -= len(range(*stretch.indices(len(text))))
            cited = text[stretch] if quotable >= 0 else None
        if cited and (source := citation.uri or citation.title):
            offsets = {"start": citation.start, "end": citation.end}
            yield types.CitationBlock(
                cited_content=types.TextBlock(text=cited),
                source=source,
                title=citation.title or source,
                additional_location_info={name: offset for name, offset in offsets.items() if offset is not None},
            )


def _raw(response: core.ChatResponse) -> dict[str, core.JsonValue]:
    """Write all of the answer except the message as plain JSON."""
    found: dict[str, core.JsonValue] = {
        "id": response.response_id,
        "provider": response.provider,
        "model": response.model,
        "dialect": response.dialect,
        "request_id": response.request_id,
        "usage": _usage(response.usage),
        "cost_usd": response.usage.cost_usd,
        "cost_source": response.usage.cost_source,
        "attempts": attempts(response),
        **_candidate(response.candidate),
    }
    if response.prompt_feedback is not None:
        found["prompt_feedback"] = dict(response.prompt_feedback)
    if len(response.candidates) > 1:
        found["candidates"] = [{"text": each.text, **_candidate(each)} for each in response.candidates]
    if response.provider_metadata:
        found["provider_metadata"] = dict(response.provider_metadata)
    return found


def _facts(response: core.ChatResponse) -> dict[str, core.JsonValue]:
    usage = response.usage
    return {
        "provider": response.provider,
        "model_name": response.model,
        "finish_reason": response.finish_reason,
        "cost_usd": usage.cost_usd,
        "attempts": attempts(response),
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "thoughts_tokens": usage.reasoning_tokens,
        "cached_tokens": usage.cached_tokens,
        "cached_content_tokens": usage.cached_tokens,
    }


def _usage(usage: core.Usage) -> dict[str, core.JsonValue]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_creation_tokens": usage.cache_creation_tokens,
            "tool_use_tokens": usage.tool_use_tokens,
            **{f"{modality}_tokens": count for modality, count in usage.input_by_modality.items()},
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            **{f"{modality}_tokens": count for modality, count in usage.output_by_modality.items()},
        },
    }


def _candidate(candidate: core.Candidate) -> dict[str, core.JsonValue]:
    optional: dict[str, core.JsonValue] = {
        **candidate_metadata(candidate),
        "refusal": candidate.refusal,
        "code_execution": list(_code_execution(candidate.parts)),
        "metadata": dict(candidate.metadata),
    }
    found = {name: value for name, value in optional.items() if value}
    return {"finish_reason": candidate.finish_reason, "raw_finish_reason": candidate.raw_finish_reason, **found}


def _code_execution(parts: Sequence[core.Part]) -> Iterator[core.JsonValue]:
    """Write the code that the provider ran, and its results, with Google's names."""
    for part in parts:
        if isinstance(part, core.ExecutableCode):
            yield {"executable_code": {"language": part.language, "code": part.code}}
        elif isinstance(part, core.CodeResult):
            yield {"code_execution_result": {"outcome": part.outcome, "output": part.output}}


def _logprobs(value: core.JsonValue) -> list[list[types.LogProb]] | None:
    """Read log probabilities in OpenAI's form: for each token its alternatives, or the token itself without any."""
    if not isinstance(value, Mapping):
        return None
    tokens = items_of(value.get("content"))
    try:
        return [[_logprob(each) for each in token.get("top_logprobs") or [token]] for token in tokens] or None
    except (AttributeError, TypeError, ValueError):  # the value has another form
        return None


def _logprob(token: Mapping[str, Any]) -> types.LogProb:
    logprob = token.get("logprob", 0.0)
    return types.LogProb(token=token.get("token", ""), logprob=logprob, bytes=token.get("bytes") or [])
