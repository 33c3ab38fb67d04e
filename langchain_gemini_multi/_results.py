"""Translates answers to LangChain's messages: content, tool calls, usage and metadata of each candidate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from langchain_core.messages import AIMessage, InvalidToolCall
from langchain_core.messages import ToolCall as LangChainToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from gemini_multi.bindings.metadata import attempts, candidate_metadata
from gemini_multi.bindings.outline import outline
from gemini_multi.bindings.values import mapping_of
from gemini_multi.types import (
    Blob,
    Candidate,
    ChatResponse,
    CodeResult,
    ExecutableCode,
    FileReference,
    FinishReason,
    JsonObject,
    Opaque,
    Part,
    Signature,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Usage,
)
from langchain_gemini_multi._message_keys import (
    GOOGLE_KEY,
    OUTLINE_KEY,
    PROVIDER,
    google_signatures,
    is_plain,
    opaque_block,
)

_FAMILIES: Final = ("image", "audio", "video")
_NORMALIZED: Final[dict[FinishReason | None, str]] = {"tool_calls": "tool_call"}
"""Our names of finish reasons that differ in LangChain. All other names are the same."""


def to_result(response: ChatResponse, *, blocks: bool) -> ChatResult:
    """Translate a whole answer to one generation for each candidate. The first one has the usage of all.

    Args:
        response: The answer.
        blocks: Whether the content consists of blocks even if it is only text.
    """
    candidates = response.candidates or (Candidate(),)
    generations = [
        ChatGeneration(
            message=to_message(response, candidate, blocks=blocks, usage=position == 0),
            generation_info={"finish_reason": candidate.finish_reason},
        )
        for position, candidate in enumerate(candidates)
    ]
    return ChatResult(generations=generations, llm_output=llm_output(response))


def to_message(response: ChatResponse, candidate: Candidate, *, blocks: bool, usage: bool = True) -> AIMessage:
    """Translate one candidate."""
    calls, invalid = split_calls(candidate.tool_calls)
    return AIMessage(
        content=content(candidate.parts, blocks=blocks),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        additional_kwargs={**signature_kwargs(candidate.parts), **outline_kwargs(candidate)},
        response_metadata=metadata(response, candidate),
        usage_metadata=usage_metadata(response.usage) if usage else None,
    )


def content(parts: Sequence[Part], *, blocks: bool) -> str | list[str | dict[str, object]]:
    """Return the content: plain text if it is only text, else a list of LangChain's standard blocks."""
    shown = [part for part in parts if not isinstance(part, (ToolCall, ToolResult))]
    if not blocks and all(isinstance(part, Text) for part in shown):
        return "".join(part.text for part in shown if isinstance(part, Text))
    return [block for part in shown if (block := to_block(part)) is not None]


def to_block(part: Part) -> dict[str, object] | None:
    """Translate a part to a standard block; `None` for tool calls, for which a message has fields."""
    match part:
        case Text():
            return _text(part)
        case Thought():
            return {"type": "reasoning", "reasoning": part.text}
        case Blob() | FileReference():
            return _media(part)
        case ExecutableCode():
            arguments: dict[str, object] = {"code": part.code, "language": part.language}
            return {"type": "server_tool_call", "name": "code_interpreter", "args": arguments, "id": part.id or ""}
        case CodeResult():
            return _code_result(part)
        case Opaque():
            return opaque_block(part.data)
        case ToolCall() | ToolResult():
            return None


def _text(part: Text) -> dict[str, object]:
    return {"type": "text", "text": part.text, **extras(part.signature)}


def extras(signature: Signature | None) -> dict[str, object]:
    """Return Google's bare signature in the form that LangChain documents."""
    bare = signature.thought_signature() if signature else None
    return {"extras": {"signature": bare}} if bare else {}


def _media(part: Blob | FileReference) -> dict[str, object]:
    if isinstance(part, Blob):
        return {"type": _family(part.mime_type), "base64": part.data, "mime_type": part.mime_type}
    block: dict[str, object] = {"type": _family(part.mime_type or ""), "url": part.uri}
    return {**block, "mime_type": part.mime_type} if part.mime_type else block


def _code_result(part: CodeResult) -> dict[str, object]:
    return {
        "type": "server_tool_result",
        "tool_call_id": part.id or "",
        "status": "success" if part.outcome == "OUTCOME_OK" else "error",
        "output": part.output,
        "extras": {"outcome": part.outcome},
    }


def _family(mime_type: str) -> str:
    family = mime_type.partition("/")[0]
    return family if family in _FAMILIES else "file"


def split_calls(calls: Sequence[ToolCall]) -> tuple[list[LangChainToolCall], list[InvalidToolCall]]:
    """Separate the tool calls whose arguments are not a JSON object."""
    valid: list[LangChainToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        if call.invalid_arguments is None:
            valid.append({"type": "tool_call", "id": call.id, "name": call.name, "args": dict(call.arguments)})
        else:
            error = "The arguments are not a JSON object."
            invalid.append(
                {
                    "type": "invalid_tool_call",
                    "id": call.id,
                    "name": call.name,
                    "args": call.invalid_arguments,
                    "error": error,
                }
            )
    return valid, invalid


def signature_kwargs(parts: Sequence[Part]) -> dict[str, object]:
    """Return the bare signatures of the tool calls, under the key of `langchain-google-genai`."""
    found = google_signatures(parts)
    return {GOOGLE_KEY: found} if found else {}


def outline_kwargs(candidate: Candidate) -> dict[str, object]:
    """Return the data that a message has no other field for: the outline of its parts, and a refusal."""
    found: dict[str, object] = {} if is_plain(candidate.parts) else {OUTLINE_KEY: outline(candidate.parts)}
    if candidate.refusal:
        found["refusal"] = candidate.refusal
    return found


def stream_metadata(response: ChatResponse, *, usage: bool) -> dict[str, object]:
    """Collect the metadata of a stream's last chunk: the metadata of the first candidate, and all other candidates.

    Args:
        response: The answer.
        usage: Whether to write the tokens in OpenAI's form, as LangChain does for whole answers.
    """
    known = {**(llm_output(response) if usage else {}), **metadata(response, response.candidate)}
    if others := response.candidates[1:]:
        known["alternatives"] = [
            {"content": content(other.parts, blocks=True), **finish_reasons(other)} for other in others
        ]
    return known


def finish_reasons(candidate: Candidate) -> dict[str, object]:
    """Return the finish reason, both our name and LangChain's name."""
    normalized = "refusal" if candidate.refusal else _NORMALIZED.get(candidate.finish_reason, candidate.finish_reason)
    return {"finish_reason": candidate.finish_reason, "normalized_finish_reason": normalized}


def compact(arguments: JsonObject) -> str:
    """Write a tool call's arguments as JSON text."""
    return json.dumps(dict(arguments), ensure_ascii=False)


def metadata(response: ChatResponse, candidate: Candidate) -> dict[str, object]:
    """Collect the metadata of an answer as plain JSON, without unknown values."""
    found: dict[str, object] = {
        "model_name": response.model,
        "model_provider": PROVIDER,
        "provider": response.provider,
        "dialect": response.dialect,
        **finish_reasons(candidate),
        "raw_finish_reason": candidate.raw_finish_reason,
        "response_id": response.response_id,
        "request_id": response.request_id,
        "cost_usd": response.usage.cost_usd,
        "cost_source": response.usage.cost_source,
        "attempts": attempts(response),
        "prompt_feedback": dict(response.prompt_feedback or {}),
        **candidate_metadata(candidate),
        "candidate_metadata": dict(candidate.metadata),
        "provider_metadata": dict(response.provider_metadata),
    }
    return {key: value for key, value in found.items() if value or value == 0}


def usage_metadata(usage: Usage) -> UsageMetadata | None:
    """Translate token counts. The output includes thoughts, and the details never exceed the totals.

    A provider that reports zero tokens for a prompt did not count them. LangChain would add up the zero, so the result
    is `None` in this case. The known counts are in `response_metadata["token_usage"]`.
    """
    if not usage.input_tokens:
        return None
    found = UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens or usage.input_tokens + usage.output_tokens,
    )
    inputs = _details(
        usage.input_tokens,
        cache_read=usage.cached_tokens,
        cache_creation=usage.cache_creation_tokens,
        audio=usage.input_by_modality.get("audio", 0),
    )
    outputs = _details(
        usage.output_tokens,
        reasoning=usage.reasoning_tokens,
        audio=usage.output_by_modality.get("audio", 0),
    )
    if inputs:
        found["input_token_details"] = InputTokenDetails(**inputs)  # type: ignore[typeddict-item]  # keys are given above
    if outputs:
        found["output_token_details"] = OutputTokenDetails(**outputs)  # type: ignore[typeddict-item]  # keys are given above
    return found


def _details(total: int, **counts: int) -> dict[str, int]:
    """Keep the positive counts until their sum reaches the total. Cached audio is in two counts, and stays cached."""
    details: dict[str, int] = {}
    rest = total
    for name, count in counts.items():
        if (share := min(count, rest)) > 0:
            details[name] = share
            rest -= share
    return details


def llm_output(response: ChatResponse) -> dict[str, object]:
    """Summarize a call for callbacks that add up the tokens of a batch."""
    tokens = _token_usage(response.usage)
    return {**({"token_usage": tokens} if tokens else {}), "model_name": response.model}


def _token_usage(usage: Usage) -> dict[str, object]:
    """Return the known token counts in OpenAI's form."""
    tokens: dict[str, object] = {}
    if usage.input_tokens:
        tokens = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
        tokens["total_tokens"] = usage.total_tokens
    elif usage.output_tokens:
        tokens = {"completion_tokens": usage.output_tokens}
    if usage.input_tokens and usage.cached_tokens:
        tokens["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens:
        tokens["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return tokens


def combined(outputs: Sequence[dict[str, object] | None]) -> dict[str, object]:
    """Add up the summaries that `llm_output` made of several calls."""
    tokens: dict[str, object] = {}
    found: dict[str, object] = {}
    for output in outputs:
        used = mapping_of((output or {}).get("token_usage"))
        tokens = _sum(tokens, used) if tokens else dict(used)
        if output and output.get("model_name"):
            found["model_name"] = output["model_name"]
    return {"token_usage": tokens, **found} if tokens else found


def _sum(left: Mapping[str, object], right: Mapping[str, object]) -> dict[str, object]:
    """Add up counts. A value may be a mapping of counts."""
    added = dict(left)
    for name, count in right.items():
        before = added.get(name)
        if isinstance(count, int):
            added[name] = count + (before if isinstance(before, int) else 0)
        else:
            added[name] = _sum(mapping_of(before), mapping_of(count))
    return added
