"""Translates answers to LangChain's messages: content, tool calls, usage and metadata of each candidate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final, TypeAlias

from langchain_core.messages import AIMessage, InvalidToolCall
from langchain_core.messages import ToolCall as LangChainToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.outputs import ChatGeneration, ChatResult

from gemini_multi import types as core
from gemini_multi.bindings.answers import attempts, candidate_metadata
from gemini_multi.bindings.outline import outline
from gemini_multi.bindings.values import changed, is_mapping, mapping_of

Block: TypeAlias = dict[str, object]

PROVIDER: Final = "gemini_multi"
"""The `model_provider` of this package's messages."""
OPAQUE: Final = "gemini_part"
"""The `type` in a non-standard block with a part that only the provider understands."""
OUTLINE_KEY: Final = "gemini_multi_parts"
"""The key in `additional_kwargs` of the data without a field in LangChain."""
GOOGLE_KEY: Final = "__gemini_function_call_thought_signatures__"
"""The key of `langchain-google-genai` for the signatures of tool calls. Each package can continue the other's
conversations."""

_MESSAGE: Final = AIMessage(
    content="", tool_calls=[], invalid_tool_calls=[], additional_kwargs={}, response_metadata={}, usage_metadata=None
)
"""Copied for each answer: a new message would cost twice as much, to validate values that are made here."""


def to_result(response: core.ChatResponse, *, blocks: bool) -> ChatResult:
    """Translate an answer to one generation for each candidate: the first has the usage, all have `blocks` if asked."""
    generations: list[ChatGeneration] = []
    for candidate in response.candidates or (core.Candidate(),):
        calls, invalid = split_calls(candidate.tool_calls)
        fields = {
            "content": _content(candidate.parts, blocks=blocks),
            "tool_calls": calls,
            "invalid_tool_calls": invalid,
            "additional_kwargs": {**signature_kwargs(candidate.parts), **outline_kwargs(candidate)},
            "response_metadata": metadata(response, candidate),
            "usage_metadata": None if generations else usage_metadata(response.usage),
        }
        information = {"finish_reason": candidate.finish_reason}
        generations.append(ChatGeneration(message=changed(_MESSAGE, **fields), generation_info=information))
    return ChatResult(generations=generations, llm_output=llm_output(response))


def _content(parts: Sequence[core.Part], *, blocks: bool) -> str | list[str | Block]:
    """Return plain text if the parts are only text and calls, else a list of LangChain's standard blocks."""
    if not blocks and all(isinstance(part, (core.Text, core.ToolCall, core.ToolResult)) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, core.Text))
    return [block for part in parts if (block := to_block(part)) is not None]


def to_block(part: core.Part) -> Block | None:
    """Translate a part to a standard block; `None` for tool calls, for which a message has fields."""
    match part:
        case core.Text(text):
            return {"type": "text", "text": text, **extras(part.signature)}
        case core.Thought(text):
            return {"type": "reasoning", "reasoning": text}
        case core.Blob(data, mime_type):
            return {"type": _family(mime_type), "base64": data, "mime_type": mime_type}
        case core.FileReference(uri, mime_type):
            known: Block = {"mime_type": mime_type} if mime_type else {}
            return {"type": _family(mime_type or ""), "url": uri, **known}
        case core.ExecutableCode(code, language):
            call: Block = {"name": "code_interpreter", "args": {"code": code, "language": language}}
            return {"type": "server_tool_call", **call, "id": part.id or ""}
        case core.CodeResult(output, outcome):
            status = "success" if outcome == "OUTCOME_OK" else "error"
            result: Block = {"tool_call_id": part.id or "", "status": status, "output": output}
            return {"type": "server_tool_result", **result, "extras": {"outcome": outcome}}
        case core.Opaque(fields):
            return {"type": "non_standard", "value": {"type": OPAQUE, "part": dict(fields)}}
        case _:
            return None


def extras(signature: core.Signature | None) -> Block:
    """Return Google's bare signature in the form that LangChain documents."""
    bare = signature.thought_signature() if signature else None
    return {"extras": {"signature": bare}} if bare else {}


def _family(mime_type: str) -> str:
    family = mime_type.partition("/")[0]
    return family if family in ("image", "audio", "video") else "file"


def split_calls(calls: Sequence[core.ToolCall]) -> tuple[list[LangChainToolCall], list[InvalidToolCall]]:
    """Separate the tool calls whose arguments are not a JSON object."""
    valid: list[LangChainToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        if (broken := call.invalid_arguments) is None:
            valid.append(tool_call(id=call.id, name=call.name, args=dict(call.arguments)))
        else:
            error = "The arguments are not a JSON object."
            invalid.append(invalid_tool_call(id=call.id, name=call.name, args=broken, error=error))
    return valid, invalid


def signature_kwargs(parts: Sequence[core.Part]) -> Block:
    """Return the bare signatures of the tool calls by call id, under the key of `langchain-google-genai`."""
    calls = [part for part in parts if isinstance(part, core.ToolCall) and part.signature]
    found = {call.id: bare for call in calls if call.signature and (bare := call.signature.thought_signature())}
    return {GOOGLE_KEY: found} if found else {}


def outline_kwargs(candidate: core.Candidate) -> Block:
    """Return the data that a message has no other field for: the outline of its parts, and a refusal."""
    found: Block = {OUTLINE_KEY: entries} if (entries := outline(candidate.parts)) else {}
    return {**found, "refusal": candidate.refusal} if candidate.refusal else found


def stream_metadata(response: core.ChatResponse, *, usage: bool) -> Block:
    """Collect the metadata of the last chunk and all other candidates; with `usage`, the tokens in OpenAI's form."""
    known = {**(llm_output(response) if usage else {}), **metadata(response, response.candidate)}
    others = [{"content": _content(one.parts, blocks=True), **finish_reasons(one)} for one in response.candidates[1:]]
    return {**known, "alternatives": others} if others else known


def finish_reasons(candidate: core.Candidate) -> Block:
    """Return the finish reason, both our name and LangChain's name. Only for tool calls they differ."""
    reason = candidate.finish_reason
    normalized = "refusal" if candidate.refusal else "tool_call" if reason == "tool_calls" else reason
    return {"finish_reason": reason, "normalized_finish_reason": normalized}


def compact(arguments: core.JsonObject) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False)


def metadata(response: core.ChatResponse, candidate: core.Candidate) -> Block:
    """Collect the metadata of an answer as plain JSON, without unknown values."""
    found: Block = {
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


def usage_metadata(usage: core.Usage) -> UsageMetadata | None:
    """Translate token counts. The output includes thoughts, and the details never exceed the totals.

    A provider that reports zero tokens for a prompt did not count them. LangChain would add up the zero, so the result
    is `None` in this case. The known counts are in `response_metadata["token_usage"]`.
    """
    total, entered, generated = usage.total_tokens, usage.input_tokens, usage.output_tokens
    if not entered:
        return None
    found = UsageMetadata(input_tokens=entered, output_tokens=generated, total_tokens=total or entered + generated)
    audio, spoken = usage.input_by_modality.get("audio", 0), usage.output_by_modality.get("audio", 0)
    cached, created = usage.cached_tokens, usage.cache_creation_tokens
    if inputs := _details(entered, cache_read=cached, cache_creation=created, audio=audio):
        found["input_token_details"] = InputTokenDetails(**inputs)  # type: ignore[typeddict-item]  # keys are given above
    if outputs := _details(generated, reasoning=usage.reasoning_tokens, audio=spoken):
        found["output_token_details"] = OutputTokenDetails(**outputs)  # type: ignore[typeddict-item]  # keys are given above
    return found


def _details(total: int, **counts: int) -> dict[str, int]:
    """Keep the positive counts until their sum reaches the total. Cached audio is in two counts, and stays cached."""
    details: dict[str, int] = {}
    for name, count in counts.items():
        if (share := min(count, total)) > 0:
            details[name] = share
            total -= share
    return details


def llm_output(response: core.ChatResponse) -> Block:
    """Summarize a call for callbacks that add up the tokens of a batch. The known tokens have OpenAI's names."""
    usage = response.usage
    tokens: Block = {"completion_tokens": usage.output_tokens} if usage.output_tokens else {}
    if usage.input_tokens:
        tokens = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
        tokens["total_tokens"] = usage.total_tokens
        if usage.cached_tokens:
            tokens["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens:
        tokens["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return {**({"token_usage": tokens} if tokens else {}), "model_name": response.model}


def combined(outputs: Sequence[Block | None]) -> Block:
    """Add up the summaries that `llm_output` made of several calls."""
    known = [output for output in outputs if output]
    counts = [mapping_of(output.get("token_usage")) for output in known]
    tokens: Mapping[str, Any] = reduce(_sum, counts) if counts else {}
    names = [name for output in known if (name := output.get("model_name"))]
    return {**({"token_usage": dict(tokens)} if tokens else {}), **({"model_name": names[-1]} if names else {})}


def _sum(left: Mapping[str, Any], right: Mapping[str, Any]) -> Block:
    """Add up counts. A value may be a mapping of counts."""
    added = {name: left.get(name, 0) + count for name, count in right.items() if isinstance(count, int)}
    nested = {name: _sum(left.get(name, {}), count) for name, count in right.items() if is_mapping(count)}
    return {**left, **added, **nested}
