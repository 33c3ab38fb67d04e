"""Translates LlamaIndex's messages, including histories of other integrations, to the core's messages."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Final

from llama_index.core.base.llms import types
from llama_index.core.llms.llm import ToolSelection
from pydantic_core import to_json

from gemini_multi import types as core
from gemini_multi.bindings.outline import Entries, entries_of, restored
from gemini_multi.bindings.tools import foreign_call, to_call
from gemini_multi.bindings.values import is_mapping, items_of, mapping_of, text_of
from gemini_multi.errors import SettingIgnoredWarning
from llama_index_gemini_multi._media import to_part
from llama_index_gemini_multi.errors import InvalidToolCall

NOTE_KEY: Final = "gemini_multi"
"""The member of `ThinkingBlock.additional_information` with the outline of an answer: what its blocks cannot hold."""
_SHOWN: Final = 200
"""The number of characters of unreadable arguments that a message shows."""
_ROLES: Final[Mapping[types.MessageRole, core.Role]] = {
    types.MessageRole.SYSTEM: "system",
    types.MessageRole.DEVELOPER: "system",
    types.MessageRole.USER: "user",
    types.MessageRole.ASSISTANT: "assistant",
    types.MessageRole.CHATBOT: "assistant",
    types.MessageRole.MODEL: "assistant",
    types.MessageRole.TOOL: "tool",
    types.MessageRole.FUNCTION: "tool",
}


def to_core(messages: Sequence[types.ChatMessage]) -> tuple[core.Message, ...]:
    """Translate a conversation. Messages without content are left out, except messages of the user."""
    reader = _Reader()
    return tuple(message for given in messages if (message := reader.read(given)) is not None)


@dataclass(slots=True)
class _Reader:
    """Reads one conversation in order. It remembers the tool calls, because tool results refer to them."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    """Function names by call id."""
    open_calls: list[str] = field(default_factory=list[str])
    """The ids of the calls without a result."""
    position: int = 0

    def read(self, message: types.ChatMessage) -> core.Message | None:
        role = _ROLES[types.MessageRole(message.role)]
        self.position += 1
        if role == "tool":
            return core.Message("tool", (self._result(message),))
        parts = self._answer(message) if role == "assistant" else tuple(_without_calls(message.blocks))
        if not parts and role != "user":  # without an empty message of the user, another turn would be the last
            return None
        name = message.additional_kwargs.get("name")
        return core.Message(role, parts, name=name if isinstance(name, str) else None)

    def _answer(self, message: types.ChatMessage) -> tuple[core.Part, ...]:
        # A citation quotes a source. If it were sent back, the model would read it as text of its answer.
        blocks = [block for block in message.blocks if not isinstance(block, types.CitationBlock)]
        pairs = zip(blocks, chain(foreign_signatures(message), repeat(None)), strict=False)
        parts = [_signed(part, signature) for block, signature in pairs for part in _parts(block)]
        parts += foreign_calls(message)
        answer = tuple(
            replace(part, id=f"call_{self.position}_{index}")
            if isinstance(part, core.ToolCall) and not part.id
            else part
            for index, part in enumerate(parts)
        )
        notes = [block.additional_information for block in message.blocks if isinstance(block, types.ThinkingBlock)]
        if entries := [entry for note in notes for entry in _entries(note.get(NOTE_KEY))]:
            answer = tuple(restored(answer, entries, shows_all=False))
        calls = [part for part in answer if isinstance(part, core.ToolCall)]
        self.names.update({call.id: call.name for call in calls})
        self.open_calls.extend(call.id for call in calls)
        return answer

    def _result(self, message: types.ChatMessage) -> core.ToolResult:
        extra: Mapping[str, object] = message.additional_kwargs
        name = text_of(extra, "name")
        call_id = self._call_id(text_of(extra, "tool_call_id"), name)
        parts = _without_calls(message.blocks)
        content = tuple(part for part in parts if isinstance(part, (core.Text, core.Blob, core.FileReference)))
        known_name = self.names.get(call_id) or name or "tool"
        return core.ToolResult(call_id, known_name, content, is_error=extra.get("is_error") is True)

    def _call_id(self, given: str, name: str) -> str:
        """Return the id of the tool call that a result belongs to: the given id, or the id of the first open call."""
        candidates = (call_id for call_id in self.open_calls if not name or self.names.get(call_id) == name)
        call_id = given or next(candidates, f"result_{self.position}")
        if call_id in self.open_calls:
            self.open_calls.remove(call_id)
        return call_id


def _entries(note: object) -> Entries:
    """Return the entries of a stored outline. Version 0.2.0 stored the signatures of calls by the calls' ids."""
    if not is_mapping(note):
        return entries_of(note)
    calls = {call_id: mapping_of(call) for call_id, call in mapping_of(note.get("tool_calls")).items()}
    signed = {
        call_id: {"call": call_id, "signature": call.get("signature"), "synthetic_id": not call.get("issued_id")}
        for call_id, call in calls.items()
    }
    parts = [{**entry, "synthetic_id": True} if "call" in entry else entry for entry in entries_of(note.get("parts"))]
    return [signed.get(str(entry.get("call")), entry) for entry in parts] or [*signed.values()]


def _signed(part: core.Part, signature: core.Signature | None) -> core.Part:
    if signature is not None and isinstance(part, (core.Text, core.ToolCall)):
        return replace(part, signature=signature)
    return part


def _without_calls(blocks: Sequence[types.ContentBlock]) -> Iterator[core.Part]:
    """Read the content of a message that is not from the model. A tool call in it becomes text about the call."""
    for part in chain.from_iterable(map(_parts, blocks)):
        if isinstance(part, core.ToolCall):
            arguments = dict(part.arguments) if part.invalid_arguments is None else part.invalid_arguments
            yield core.Text(to_json({"tool_call": {"name": part.name, "arguments": arguments}}).decode())
        else:
            yield part


def _parts(block: types.ContentBlock) -> Iterator[core.Part]:
    match block:
        case types.TextBlock(text=text):
            if text:
                yield core.Text(text)
        case types.ThinkingBlock(content=text):
            if text:
                yield core.Thought(text)
        case types.ToolCallBlock():
            yield block_call(block)
        case types.CitableBlock() | types.CitationBlock():
            yield core.Text(f"Source: {block.title} ({block.source})\n")
            inner = block.content if isinstance(block, types.CitableBlock) else [block.cited_content]
            yield from chain.from_iterable(map(_parts, inner))
        case types.CachePoint():
            message = "Left out a `CachePoint`: Gemini caches long common prefixes by itself; or use `cached_content`."
            warnings.warn(message, SettingIgnoredWarning, stacklevel=2)
        case _:
            part = to_part(block)
            yield from () if part is None else (part,)


def foreign_calls(message: types.ChatMessage) -> Iterator[core.ToolCall]:
    """Read tool calls that are only in `additional_kwargs`, in the forms that other integrations write."""
    if any(isinstance(block, types.ToolCallBlock) for block in message.blocks):
        return
    legacy = message.additional_kwargs.get("function_call")
    calls = items_of(message.additional_kwargs.get("tool_calls")) or ([] if legacy is None else [legacy])
    yield from filter(None, map(foreign_call, calls))


def foreign_signatures(message: types.ChatMessage) -> Iterator[core.Signature | None]:
    """Read the signatures that the google-genai integration keeps by the position of the block."""
    for value in items_of(message.additional_kwargs.get("thought_signatures")):
        text = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        is_signature = isinstance(text, str) and text
        yield core.Signature(text, carrier="thoughtSignature", issuer="google") if is_signature else None


def block_call(block: types.ToolCallBlock) -> core.ToolCall:
    return to_call(block.tool_call_id or "", block.tool_name, block.tool_kwargs)


def tool_selections(response: types.ChatResponse) -> list[ToolSelection]:
    """Read the tool calls of an answer or of a chunk.

    Raises:
        InvalidToolCall: The arguments of a tool call cannot be read. LlamaIndex would run the tool without arguments.
    """
    message = response.message
    calls = [block_call(block) for block in message.blocks if isinstance(block, types.ToolCallBlock)]
    return [_selection(call, position) for position, call in enumerate(calls or foreign_calls(message))]


def _selection(call: core.ToolCall, position: int) -> ToolSelection:
    if call.invalid_arguments is not None:
        raise InvalidToolCall(
            f"The model called the tool {call.name!r} with arguments that cannot be read, so the tool was not run. "
            "Raise `max_tokens` if the answer was cut off, else ask again. The arguments begin with "
            f"{call.invalid_arguments[:_SHOWN]!r}.",
            raw=call.invalid_arguments,
        )
    return ToolSelection(tool_id=call.id or f"call_{position}", tool_name=call.name, tool_kwargs=dict(call.arguments))


def first_call(response: types.ChatResponse) -> types.ToolCallBlock | None:
    return next((block for block in response.message.blocks if isinstance(block, types.ToolCallBlock)), None)


def first_call_only(response: types.ChatResponse) -> types.ChatResponse:
    """Return a copy of the response with the first tool call only."""
    message, first = response.message, first_call(response)
    blocks = [block for block in message.blocks if block is first or not isinstance(block, types.ToolCallBlock)]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks})})
