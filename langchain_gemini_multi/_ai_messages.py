"""Translates messages of the model to parts. This package or any other integration may have made the messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from langchain_core.messages import AIMessage

from gemini_multi.bindings.calls import foreign_call
from gemini_multi.bindings.media import Details, inline, type_of
from gemini_multi.bindings.outline import Rebuild, signed
from gemini_multi.bindings.values import fields_of, is_many, is_mapping, is_object, items_of, mapping_of, text_of
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import (
    CodeResult,
    ExecutableCode,
    Opaque,
    Part,
    Signature,
    Text,
    Thought,
    ToolCall,
)
from langchain_gemini_multi._content_blocks import Block, block_parts
from langchain_gemini_multi._message_keys import OPAQUE, PROVIDER, call_signatures, entries

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
_GOOGLE_CALLS: Final = ("functionCall", "function_call")
_SIGNATURES: Final = ("thoughtSignature", "thought_signature")
_SEALED: Final = "encrypted_"
"""Prefixes of the names of fields that only OpenAI or Anthropic can read."""


def assistant_parts(message: AIMessage) -> list[Part]:
    """Translate a message of the model. An unchanged message gives exactly the parts that the provider sent."""
    parts = _Reader(message).parts()
    if not (outlined := entries(message.additional_kwargs)):
        return parts
    rebuild = Rebuild(parts, outlined)
    # The content shows every part, because the parts that only the outline holds were removed from it.
    return list(rebuild.parts) if rebuild.is_exact and not rebuild.added else signed(parts, outlined)


def calls_of(message: AIMessage) -> list[ToolCall]:
    """Collect the tool calls of a message from LangChain's fields. Invalid calls keep their raw arguments."""
    calls = [
        ToolCall(call["id"] or f"call_{position}", call["name"], call["args"], synthetic_id=True)
        for position, call in enumerate(message.tool_calls)
    ]
    for position, broken in enumerate(message.invalid_tool_calls, start=len(calls)):
        identity = broken["id"] or f"call_{position}"
        calls.append(
            ToolCall(identity, broken["name"] or "", invalid_arguments=broken["args"] or "", synthetic_id=True)
        )
    return calls or list(_unparsed(message.additional_kwargs))


def _unparsed(beside: Mapping[str, object]) -> Iterator[ToolCall]:
    """Read tool calls in forms that LangChain does not parse."""
    legacy = beside.get("function_call")
    found = items_of(beside.get("tool_calls")) or ([] if legacy is None else [legacy])
    yield from filter(None, (foreign_call(call, f"call_{position}") for position, call in enumerate(found)))


class _Reader:
    """Reads one message: the content in order, and each tool call at its block or else at the end."""

    def __init__(self, message: AIMessage) -> None:
        self._message = message
        maker = message.response_metadata.get("model_provider")
        provider = message.response_metadata.get("provider")
        self._is_google = maker in _GOOGLE
        # A signature is valid only for its issuer. Without the name of one of our providers, Google is the issuer.
        self._issuer = provider if maker == PROVIDER and isinstance(provider, str) else "google"
        self._signatures = {
            **dict(self._signatures_by_position()),
            **call_signatures(message.additional_kwargs, self._issuer),
        }
        self._calls = calls_of(message)
        self._made = 0
        """The number of tool calls that only the content holds."""

    def parts(self) -> list[Part]:
        """Return the parts in the order of the content, then the tool calls that the content does not mention."""
        parts = list(self._content())
        parts.extend(self._signed(call) for call in self._calls)
        self._calls = []
        beside = self._message.additional_kwargs
        reasoning = text_of(beside, "reasoning_content") or _summary(mapping_of(beside.get("reasoning")))
        if reasoning and not any(isinstance(part, Thought) for part in parts):
            parts.insert(0, Thought(reasoning))
        # OpenAI keeps the text of a refusal and the transcript of speech outside the content.
        spoken = text_of(beside, "refusal") or text_of(mapping_of(beside.get("audio")), "transcript")
        return parts or ([Text(spoken)] if spoken else [])

    def _signatures_by_position(self) -> Iterator[tuple[str, Signature]]:
        """Read the blocks in which older versions of `langchain-google-genai` keep the signatures of the calls."""
        calls, content = self._message.tool_calls, self._message.content
        for block in content if calls and isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") == _CALL_SIGNATURE:
                position, payload = block.get("index", 0), text_of(block, "signature")
                if payload and isinstance(position, int) and 0 <= position < len(calls):
                    identity = calls[position]["id"] or f"call_{position}"
                    yield identity, Signature(payload, carrier="thoughtSignature", issuer=self._issuer)

    def _content(self) -> Iterator[Part]:
        content = self._message.content
        for block in [content] if isinstance(content, str) else content:
            if isinstance(block, str):
                if block:
                    yield Text(block)
            elif block.get("type") in _CALL_BLOCKS:
                yield from self._call_at(block)
            elif "type" not in block and (called := next((block[key] for key in _GOOGLE_CALLS if key in block), None)):
                yield from self._call_at({**block, **fields_of(called)})
            elif not self._shows_refusal(block):
                yield from self._block(block)

    def _shows_refusal(self, block: Block) -> bool:
        """Whether a block only shows the refusal that the message also keeps outside its content."""
        shown = mapping_of(block.get("value")) or block
        kept = text_of(self._message.additional_kwargs, "refusal")
        return shown.get("type") == "refusal" and kept != "" and text_of(shown, "refusal") == kept

    def _call_at(self, block: Block) -> Iterator[Part]:
        """Return the tool call that a block stands for. If the message has no such call, the block makes one."""
        identity = text_of(block, "call_id") or text_of(block, "id")
        signature = self._from_extras(block)
        position = next((place for place, call in enumerate(self._calls) if call.id == identity), None)
        if position is not None:
            yield self._signed(self._calls.pop(position), signature)
        elif not self._message.tool_calls and (call := foreign_call(block, f"call_{self._made}")) is not None:
            self._made += 1
            yield self._signed(call, signature)

    def _signed(self, call: ToolCall, fallback: Signature | None = None) -> ToolCall:
        return replace(call, signature=self._signatures.get(call.id) or fallback)

    def _from_extras(self, block: Block) -> Signature | None:
        """Read Google's signature from the places that LangChain's documentation and Google itself use."""
        places = (mapping_of(block.get("extras")).get("signature"), *map(block.get, _SIGNATURES))
        payload = next((place for place in places if isinstance(place, str) and place), None)
        if payload is None:
            return None
        return Signature(payload, carrier="thoughtSignature", issuer=self._issuer)

    def _block(self, block: Block) -> Iterator[Part]:
        kind = str(block.get("type"))
        if kind == "None" and block.get("thought") is True:
            yield from self._thought({"reasoning": text_of(block), **block})
        elif kind in ("text", "output_text") or (kind == "None" and "text" in block):
            text, signature = text_of(block), self._from_extras(block)
            if text or signature is not None:
                yield Text(text, signature=signature)
        elif kind in ("reasoning", "thinking", "redacted_thinking"):
            yield from self._thought(block)
        elif kind == "reasoning_content":
            yield from self._thought({"reasoning": text_of(mapping_of(block.get(kind)))})
        elif (read := _READERS.get(kind)) is not None:
            yield from read(block)
        else:
            yield from _other(block)

    def _thought(self, block: Block) -> Iterator[Part]:
        text = text_of(block, "reasoning") or text_of(block, "thinking") or _summary(block)
        # Anthropic's blocks keep a signature of their own next to the text.
        own = {**block, "extras": block} if "signature" in block else block
        signature = self._from_extras(own) if self._is_google else None
        if text or signature is not None:
            yield Thought(text, signature=signature)


def _summary(block: Block) -> str:
    """Read OpenAI's reasoning: its summaries, or the whole reasoning if it is shown."""
    shown = items_of(block.get("summary")) or items_of(block.get("content"))
    return "\n".join(text_of(mapping_of(item)) for item in shown)


def _other(block: Block) -> Iterator[Part]:
    """Read media. Media that only another provider understands become JSON text, so that the model still sees them."""
    try:
        yield from block_parts(block)
    except ConfigurationError:
        yield Text(json.dumps(_unsealed(block), ensure_ascii=False, default=str))


def _unsealed(value: object) -> object:
    """Remove, at any depth, the fields that only the provider that wrote them understands."""
    if is_mapping(value):
        return {name: _unsealed(inner) for name, inner in value.items() if not str(name).startswith(_SEALED)}
    return [_unsealed(inner) for inner in items_of(value)] if is_many(value) else value


def _non_standard(block: Block) -> Iterator[Part]:
    value = mapping_of(block.get("value"))
    data = value.get("part")
    if value.get("type") == OPAQUE and is_object(data):
        yield Opaque(data)
    elif (read := _READERS.get(str(value.get("type")))) is not None:
        yield from read(value)
    else:
        yield from _other(value)


def _server_call(block: Block) -> Iterator[Part]:
    arguments = mapping_of(block.get("args"))
    code = arguments.get("code")
    if not isinstance(code, str):
        yield from _other(block)
    else:
        language = text_of(arguments, "language") or "PYTHON"
        yield ExecutableCode(code, language.upper(), id=text_of(block, "id") or None)


def _server_result(block: Block) -> Iterator[Part]:
    outcome = mapping_of(block.get("extras")).get("outcome")
    output = block.get("output")
    if outcome is None or not isinstance(output, str):
        yield from _other(block)
    else:
        yield CodeResult(output, _outcome(outcome), id=text_of(block, "tool_call_id") or None)


def _outcome(value: object) -> str:
    """Read Google's outcome by name or by the number that `langchain-google-genai` keeps."""
    return (
        value
        if isinstance(value, str)
        else {1: "OUTCOME_OK", 2: "OUTCOME_FAILED"}.get(
            value if isinstance(value, int) else 0, "OUTCOME_DEADLINE_EXCEEDED"
        )
    )


def _nothing(_: Block) -> Iterator[Part]:
    """Skip a block that was read elsewhere."""
    yield from ()


def _code(block: Block) -> Iterator[Part]:
    """Read the code blocks of `langchain-google-genai`."""
    yield ExecutableCode(text_of(block, "executable_code"), text_of(block, "language").upper() or "PYTHON")


def _code_result(block: Block) -> Iterator[Part]:
    yield CodeResult(text_of(block, "code_execution_result"), _outcome(block.get("outcome", 1)))


def _drawn(block: Block) -> Iterator[Part]:
    """Read an image that OpenAI's model made. An unfinished image becomes a text about it."""
    if picture := text_of(block, "result"):
        yield inline(picture, Details(mime_type=type_of({"format": block.get("output_format")}, "image")))
    else:
        yield from _other(block)


def _refusal(block: Block) -> Iterator[Part]:
    # The provider wrote this reason for stopping the answer, not the model.
    if "finish_reason" not in mapping_of(block.get("extras")) and (text := text_of(block, "refusal")):
        yield Opaque({"type": "refusal", "refusal": text})


_READERS: Final[dict[str, Callable[[Block], Iterator[Part]]]] = {
    "non_standard": _non_standard,
    "server_tool_call": _server_call,
    "server_tool_result": _server_result,
    "executable_code": _code,
    "code_execution_result": _code_result,
    "image_generation_call": _drawn,
    "refusal": _refusal,
    _CALL_SIGNATURE: _nothing,
}
