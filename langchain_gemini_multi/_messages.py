"""Translates LangChain's messages to the core's messages. Any other integration may have made the messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from gemini_multi import types as core
from gemini_multi.bindings.media import Details, inline, type_of
from gemini_multi.bindings.outline import entries_of, restored
from gemini_multi.bindings.tools import foreign_call
from gemini_multi.bindings.values import fields_of, is_many, is_mapping, is_object, items_of, mapping_of, text_of
from gemini_multi.errors import ConfigurationError
from langchain_gemini_multi._content_blocks import Block, block_parts, content_parts, tool_result
from langchain_gemini_multi._results import GOOGLE_KEY, OPAQUE, OUTLINE_KEY, PROVIDER

_ROLES: Final[dict[core.Role, tuple[str, ...]]] = {
    # A tool result holds the id of its tool call. A chat message has no such id, so it is a message of the user.
    "user": ("user", "human", "tool", "function"),
    "assistant": ("assistant", "ai", "model"),
    "system": ("system", "developer"),
}
_GOOGLE: Final = {PROVIDER, "google_genai", "google_vertexai"}
_CALL_SIGNATURE: Final = "function_call_signature"
_CALL_BLOCKS: Final = {
    "tool_call",
    "tool_call_chunk",
    "invalid_tool_call",
    "tool_use",
    "input_json_delta",
    "function_call",
    "custom_tool_call",
}
_THOUGHTS: Final = ("reasoning", "thinking", "redacted_thinking", "reasoning_content")
_GOOGLE_CALLS: Final = ("functionCall", "function_call")
_SIGNATURES: Final = ("thoughtSignature", "thought_signature")


def to_core(messages: Sequence[BaseMessage] | str) -> tuple[core.Message, ...]:
    """Translate a conversation, or a prompt of the user.

    Nothing is reordered or merged here, because the core knows each provider's turn rules.
    """
    if isinstance(messages, str):
        return (core.Message("user", (core.Text(messages),)),)
    names: dict[str, str] = {}
    translated: list[core.Message] = []
    for message in messages:
        try:
            translated.extend(_translated(message, names))
        except RecursionError:
            raise ConfigurationError("The content of a message nests too deep. Flatten it.") from None
    return tuple(translated)


def _translated(message: BaseMessage, names: dict[str, str]) -> list[core.Message]:
    """Translate one message. `names` collects the function name for each call id."""
    match message:
        case AIMessage():
            parts = assistant_parts(message)
            names.update({call["id"]: call["name"] for call in message.tool_calls if call["id"]})
            return [core.Message("assistant", tuple(parts), name=message.name)]
        case ToolMessage(tool_call_id=call_id, status=status):
            name = message.name or names.get(call_id, "")
            return [core.Message("tool", (tool_result(call_id, name, message.content, is_error=status == "error"),))]
        case FunctionMessage():
            return [core.Message("tool", (tool_result("", message.name, message.content, is_error=False),))]
        case SystemMessage():
            return [core.Message("system", tuple(content_parts(message.content)), name=message.name)]
        case HumanMessage():
            return _user(content_parts(message.content), message.name, names)
        case ChatMessage():
            return [_spoken(message)]
        case _:
            raise ConfigurationError(
                f"A {type(message).__name__} cannot be sent to a model. "
                "Use human, AI, system, tool, function or chat messages."
            )


def _user(parts: list[core.Part], name: str | None, names: Mapping[str, str]) -> list[core.Message]:
    """Separate tool results from a message of the user. Anthropic's format puts them there."""
    found = [part for part in parts if isinstance(part, core.ToolResult)]
    results = [replace(part, name=part.name or names.get(part.call_id, "")) for part in found]
    rest = tuple(part for part in parts if not isinstance(part, core.ToolResult))
    messages = [core.Message("tool", tuple(results))] if results else []
    if rest or not results:
        messages.append(core.Message("user", rest, name=name))
    return messages


def _spoken(message: ChatMessage) -> core.Message:
    """Translate a message by its role. A message of the model may hold parts that only a model writes."""
    role: core.Role | None = next((role for role, names in _ROLES.items() if message.role.lower() in names), None)
    if role is None:
        known = sorted(name for names in _ROLES.values() for name in names)
        raise ConfigurationError(f"The role {message.role!r} of a ChatMessage is not one of {known!r}.")
    if role == "assistant":
        parts = assistant_parts(AIMessage(message.content, additional_kwargs=message.additional_kwargs))
    else:
        parts = content_parts(message.content)
    return core.Message(role, tuple(parts), name=message.name)


def assistant_parts(message: AIMessage) -> list[core.Part]:
    """Translate a message of the model. An unchanged message gives exactly the parts that the provider sent."""
    parts = _Reader(message).parts()
    outlined = entries_of(message.additional_kwargs.get(OUTLINE_KEY))
    return restored(parts, outlined, shows_all=True) if outlined else parts


def _calls(message: AIMessage) -> list[core.ToolCall]:
    """Collect the tool calls from LangChain's fields, or those in forms that LangChain does not parse."""
    calls = [
        core.ToolCall(call["id"] or f"call_{position}", call["name"], call["args"], synthetic_id=True)
        for position, call in enumerate(message.tool_calls)
    ]
    for position, broken in enumerate(message.invalid_tool_calls, start=len(calls)):
        call_id, arguments = broken["id"] or f"call_{position}", broken["args"] or ""
        calls.append(core.ToolCall(call_id, broken["name"] or "", invalid_arguments=arguments, synthetic_id=True))
    if calls:
        return calls
    legacy = message.additional_kwargs.get("function_call")
    found = items_of(message.additional_kwargs.get("tool_calls")) or ([] if legacy is None else [legacy])
    read = (foreign_call(call, f"call_{position}") for position, call in enumerate(found))
    return [call for call in read if call is not None]


def _signatures(message: AIMessage, issuer: str) -> dict[str, core.Signature]:
    """Find the signatures of tool calls that other places than the outline hold, by call id."""
    by_google = {**dict(_signatures_by_position(message)), **mapping_of(message.additional_kwargs.get(GOOGLE_KEY))}
    found: dict[str, core.Signature] = {}
    for call in map(mapping_of, items_of(message.additional_kwargs.get("tool_calls"))):
        if is_object(extra := call.get("extra_content")):
            found[str(call.get("id"))] = core.Signature(extra, carrier="extra_content", issuer=issuer)
    for call_id, payload in by_google.items():
        if isinstance(payload, str) and payload:
            found[str(call_id)] = core.Signature(payload, carrier="thoughtSignature", issuer=issuer)
    return found


def _signatures_by_position(message: AIMessage) -> Iterator[tuple[str, str]]:
    """Read the blocks in which older versions of `langchain-google-genai` keep the signatures of the calls."""
    calls, content = message.tool_calls, message.content
    for block in content if calls and isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == _CALL_SIGNATURE:
            position = block.get("index", 0)
            if isinstance(position, int) and 0 <= position < len(calls):
                yield calls[position]["id"] or f"call_{position}", text_of(block, "signature")


class _Reader:
    """Reads one message: the content in order, and each tool call at its block or else at the end."""

    def __init__(self, message: AIMessage) -> None:
        self._message = message
        maker = message.response_metadata.get("model_provider")
        provider = message.response_metadata.get("provider")
        self._is_google = maker in _GOOGLE
        # A signature is valid only for its issuer. Without the name of one of our providers, Google is the issuer.
        self._issuer = provider if maker == PROVIDER and isinstance(provider, str) else "google"
        self._signatures = _signatures(message, self._issuer)
        self._calls = _calls(message)
        self._made = 0
        """The number of tool calls that only the content holds."""

    def parts(self) -> list[core.Part]:
        """Return the parts in the order of the content, then the tool calls that the content does not mention."""
        parts = list(self._content())
        parts.extend(self._signed(call) for call in self._calls)
        beside = self._message.additional_kwargs
        reasoning = text_of(beside, "reasoning_content") or _summary(mapping_of(beside.get("reasoning")))
        if reasoning and not any(isinstance(part, core.Thought) for part in parts):
            parts.insert(0, core.Thought(reasoning))
        # OpenAI keeps the text of a refusal and the transcript of speech outside the content.
        spoken = text_of(beside, "refusal") or text_of(mapping_of(beside.get("audio")), "transcript")
        return parts or ([core.Text(spoken)] if spoken else [])

    def _content(self) -> Iterator[core.Part]:
        content = self._message.content
        for block in [content] if isinstance(content, str) else content:
            if isinstance(block, str):
                if block:
                    yield core.Text(block)
            elif block.get("type") in _CALL_BLOCKS:
                yield from self._call_at(block)
            elif "type" not in block and (called := next((block[key] for key in _GOOGLE_CALLS if key in block), None)):
                yield from self._call_at({**block, **fields_of(called)})
            elif block.get("type") != _CALL_SIGNATURE and not self._is_shown_elsewhere(block):
                yield from self._block(block)

    def _is_shown_elsewhere(self, block: Block) -> bool:
        """Whether a refusal is also kept outside the content, or is the provider's reason for stopping the answer."""
        shown = mapping_of(block.get("value")) or block
        if shown.get("type") != "refusal":
            return False
        kept = text_of(self._message.additional_kwargs, "refusal")
        return text_of(shown, "refusal") in ("", kept) or "finish_reason" in mapping_of(shown.get("extras"))

    def _call_at(self, block: Block) -> Iterator[core.Part]:
        """Return the tool call that a block stands for. If the message has no such call, the block makes one."""
        identity = text_of(block, "call_id") or text_of(block, "id")
        signature = self._from_extras(block)
        position = next((place for place, call in enumerate(self._calls) if call.id == identity), None)
        if position is not None:
            yield self._signed(self._calls.pop(position), signature)
        elif not self._message.tool_calls and (call := foreign_call(block, f"call_{self._made}")) is not None:
            self._made += 1
            yield self._signed(call, signature)

    def _signed(self, call: core.ToolCall, fallback: core.Signature | None = None) -> core.ToolCall:
        return replace(call, signature=self._signatures.get(call.id) or fallback)

    def _from_extras(self, block: Block) -> core.Signature | None:
        """Read Google's signature from the places that LangChain's documentation and Google itself use."""
        places = (mapping_of(block.get("extras")).get("signature"), *map(block.get, _SIGNATURES))
        payload = next((place for place in places if isinstance(place, str) and place), None)
        if payload is None:
            return None
        return core.Signature(payload, carrier="thoughtSignature", issuer=self._issuer)

    def _block(self, block: Block) -> Iterator[core.Part]:
        kind = block.get("type")
        if kind in _THOUGHTS or (kind is None and block.get("thought") is True):
            yield from self._thought(block)
        elif kind in ("text", "output_text") or (kind is None and "text" in block):
            text, signature = text_of(block), self._from_extras(block)
            if text or signature is not None:
                yield core.Text(text, signature=signature)
        else:
            yield from _other(block)

    def _thought(self, block: Block) -> Iterator[core.Part]:
        nested = mapping_of(block.get("reasoning_content"))
        texts = (text_of(block, "reasoning"), text_of(block, "thinking"), text_of(nested), text_of(block))
        text = next(filter(None, texts), "") or _summary(block)
        # Anthropic's blocks keep a signature of their own next to the text.
        own = {**block, "extras": block} if "signature" in block else block
        signature = self._from_extras(own) if self._is_google else None
        if text or signature is not None:
            yield core.Thought(text, signature=signature)


def _summary(block: Block) -> str:
    """Read OpenAI's reasoning: its summaries, or the whole reasoning if it is shown."""
    shown = items_of(block.get("summary")) or items_of(block.get("content"))
    return "\n".join(text_of(mapping_of(item)) for item in shown)


def _other(block: Block) -> list[core.Part]:
    """Read other parts. Those that only another provider understands become JSON text, so that the model sees them."""
    if block.get("type") == "non_standard":
        block = mapping_of(block.get("value"))
        if block.get("type") == OPAQUE and is_object(data := block.get("part")):
            return [core.Opaque(data)]
    read = _READERS.get(str(block.get("type")))
    if read is not None and (part := read(block)) is not None:
        return [part]
    try:
        return block_parts(block)
    except ConfigurationError:
        return [core.Text(json.dumps(_unsealed(block), ensure_ascii=False, default=str))]


def _unsealed(value: object) -> object:
    """Remove, at any depth, the fields that only OpenAI or Anthropic can read."""
    if is_mapping(value):
        return {name: _unsealed(inner) for name, inner in value.items() if not str(name).startswith("encrypted_")}
    return [_unsealed(inner) for inner in value] if is_many(value) else value


def _code(block: Block) -> core.Part | None:
    """Read code in LangChain's block or in that of `langchain-google-genai`."""
    is_google = block.get("type") == "executable_code"
    fields = {**block, "code": text_of(block, "executable_code")} if is_google else mapping_of(block.get("args"))
    code, language = fields.get("code"), text_of(fields, "language").upper() or "PYTHON"
    return core.ExecutableCode(code, language, id=text_of(block, "id") or None) if isinstance(code, str) else None


def _code_result(block: Block) -> core.Part | None:
    """Read the output of code in LangChain's block or in that of `langchain-google-genai`, with a number as outcome."""
    outcome, output = mapping_of(block.get("extras")).get("outcome"), block.get("output")
    if block.get("type") == "code_execution_result":
        outcome, output = block.get("outcome", 1), text_of(block, "code_execution_result")
    if outcome is None or not isinstance(output, str):
        return None
    if not isinstance(outcome, str):
        names = {1: "OUTCOME_OK", 2: "OUTCOME_FAILED"}
        outcome = names.get(outcome if isinstance(outcome, int) else 0, "OUTCOME_DEADLINE_EXCEEDED")
    return core.CodeResult(output, outcome, id=text_of(block, "tool_call_id") or None)


def _drawn(block: Block) -> core.Part | None:
    """Read an image that OpenAI's model made; `None` if it is unfinished."""
    details = Details(mime_type=type_of({"format": block.get("output_format")}, "image"))
    return inline(picture, details) if (picture := text_of(block, "result")) else None


_READERS: Final[dict[str, Callable[[Block], core.Part | None]]] = {
    "server_tool_call": _code,
    "executable_code": _code,
    "server_tool_result": _code_result,
    "code_execution_result": _code_result,
    "image_generation_call": _drawn,
    "refusal": lambda block: core.Opaque({"type": "refusal", "refusal": text_of(block, "refusal")}),
}
