"""Writes an answer's metadata: `raw` as plain JSON, the short `additional_kwargs`, and log probabilities.

LlamaIndex's token counter reads `raw["usage"]` in OpenAI's form, and fails if a count is not an integer. MLflow and
others read the same counts from `additional_kwargs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import LogProb

from gemini_multi.bindings.metadata import attempts, candidate_metadata
from gemini_multi.bindings.values import items_of
from gemini_multi.types import Candidate, ChatResponse, CodeResult, ExecutableCode, JsonValue, Usage


def raw(response: ChatResponse) -> dict[str, JsonValue]:
    """Write all of the answer except the message as plain JSON."""
    candidate = response.candidate
    found: dict[str, JsonValue] = {
        "id": response.response_id,
        "provider": response.provider,
        "model": response.model,
        "dialect": response.dialect,
        "request_id": response.request_id,
        "usage": _usage(response.usage),
        "cost_usd": response.usage.cost_usd,
        "cost_source": response.usage.cost_source,
        "attempts": attempts(response),
        **_candidate(candidate),
    }
    if response.prompt_feedback is not None:
        found["prompt_feedback"] = dict(response.prompt_feedback)
    if len(response.candidates) > 1:
        found["candidates"] = [{"text": each.text, **_candidate(each)} for each in response.candidates]
    if response.provider_metadata:
        found["provider_metadata"] = dict(response.provider_metadata)
    return found


def facts(response: ChatResponse) -> dict[str, JsonValue]:
    """Write the provider, the finish reason, the cost and the tokens, which are kept with each response."""
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


def _usage(usage: Usage) -> dict[str, JsonValue]:
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


def _candidate(candidate: Candidate) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {
        "finish_reason": candidate.finish_reason,
        "raw_finish_reason": candidate.raw_finish_reason,
    }
    optional: dict[str, JsonValue] = {
        **candidate_metadata(candidate),
        "refusal": candidate.refusal,
        "code_execution": [_code(part) for part in candidate.parts if isinstance(part, (ExecutableCode, CodeResult))],
        "metadata": dict(candidate.metadata),
    }
    return found | {name: value for name, value in optional.items() if value}


def _code(part: ExecutableCode | CodeResult) -> JsonValue:
    """Write code that the provider ran, or its result, with Google's names."""
    if isinstance(part, ExecutableCode):
        return {"executable_code": {"language": part.language, "code": part.code}}
    return {"code_execution_result": {"outcome": part.outcome, "output": part.output}}


def logprobs(value: JsonValue) -> list[list[LogProb]] | None:
    """Read log probabilities in OpenAI's form: for each token its alternatives, or the token itself without any."""
    if not isinstance(value, Mapping):
        return None
    tokens = items_of(value.get("content"))
    try:
        return [[_logprob(each) for each in token.get("top_logprobs") or [token]] for token in tokens] or None
    except (AttributeError, TypeError, ValueError):  # the value has another form
        return None


def _logprob(token: Mapping[str, Any]) -> LogProb:
    return LogProb(token=token.get("token", ""), logprob=token.get("logprob", 0.0), bytes=token.get("bytes") or [])
