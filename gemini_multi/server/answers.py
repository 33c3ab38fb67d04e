"""Writes whole answers in OpenAI's form, and the fields that whole and streamed answers share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic_core import to_json

from gemini_multi.dialects.chat_completions.conversation import extra_content
from gemini_multi.types import (
    Attempt,
    Blob,
    Candidate,
    ChatResponse,
    Citation,
    CodeResult,
    ExecutableCode,
    FileReference,
    FinishReason,
    JsonValue,
    Part,
    Signature,
    Text,
    Thought,
    ToolCall,
    Usage,
)

# OpenAI's clients check the finish reason. The provider's own reason is in `native_finish_reason`.
_REASONS: Final[Mapping[FinishReason, str]] = {"error": "stop", "other": "stop"}


def new_id() -> str:
    """Make the id of an answer without an id."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def now() -> int:
    """Return the time in OpenAI's form."""
    return int(time.time())


def json_of(document: Mapping[str, JsonValue]) -> bytes:
    """Write a document as JSON. Infinite numbers become `null`, because JSON has none."""
    return to_json(document, inf_nan_mode="null")


def completion(response: ChatResponse) -> dict[str, JsonValue]:
    """Write a whole answer."""
    return {
        "id": response.response_id or new_id(),
        "object": "chat.completion",
        "created": now(),
        "model": response.model,
        "choices": [_choice(position, candidate) for position, candidate in enumerate(response.candidates)],
        "usage": usage(response.usage),
        "gemini_multi": facts(response),
    }


def _choice(position: int, candidate: Candidate) -> dict[str, JsonValue]:
    return {"index": position, "message": _message(candidate), "logprobs": candidate.logprobs, **ending(candidate)}


def ending(candidate: Candidate) -> dict[str, JsonValue]:
    """Write the finish reason of an answer."""
    reason = candidate.finish_reason or "stop"
    return {
        "finish_reason": _REASONS.get(reason, reason),
        "native_finish_reason": candidate.raw_finish_reason,
    }


def _message(candidate: Candidate) -> dict[str, JsonValue]:
    text = spoken(candidate.parts)
    calls = candidate.tool_calls
    message: dict[str, JsonValue] = {
        "role": "assistant",
        "content": text or (None if calls or candidate.refusal else ""),
        "refusal": candidate.refusal,
    }
    if candidate.thoughts:
        message["reasoning_content"] = candidate.thoughts
    if calls:
        message["tool_calls"] = [call_of(call) for call in calls]
    return {**message, **attachments(candidate)}


def spoken(parts: Iterable[Part]) -> str:
    """Return the visible text. Code that the provider wrote and ran is in code fences."""
    return "".join(part.text if isinstance(part, Text) else as_text(part) for part in parts)


def as_text(part: Part) -> str:
    """Write code and its result as text; any other part gives an empty text."""
    if isinstance(part, ExecutableCode):
        return f"\n```{part.language.lower()}\n{part.code}\n```\n"
    return f"\n```\n{part.output}\n```\n" if isinstance(part, CodeResult) else ""


def call_of(call: ToolCall) -> dict[str, JsonValue]:
    """Write a tool call. Arguments that cannot be read stay unchanged, so that the caller's parser refuses them too."""
    broken = call.invalid_arguments
    arguments = to_json(dict(call.arguments)).decode() if broken is None else broken
    written: dict[str, JsonValue] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
    extra = extra_content(call.signature, synthetic_id=call.synthetic_id)
    return written if extra is None else {**written, "extra_content": extra}


def attachments(candidate: Candidate) -> dict[str, JsonValue]:
    """Write what follows text and calls in an answer: sources, media, and the signature of the last text."""
    extra = extra_content(_closing_signature(candidate.parts))
    media = [_medium(part) for part in candidate.parts if isinstance(part, (Blob, FileReference))]
    found: dict[str, JsonValue] = {
        "annotations": [_annotation(citation) for citation in candidate.citations],
        "images": list(media),
        "extra_content": extra,
    }
    return {name: value for name, value in found.items() if value}


def _closing_signature(parts: Sequence[Part]) -> Signature | None:
    return next((part.signature for part in reversed(parts) if isinstance(part, (Text, Thought))), None)


def _medium(part: Blob | FileReference) -> JsonValue:
    url = part.uri if isinstance(part, FileReference) else f"data:{part.mime_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _annotation(citation: Citation) -> JsonValue:
    source: dict[str, JsonValue] = {
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
        "title": citation.title or "",
        "url": citation.uri or "",
    }
    return {"type": "url_citation", "url_citation": source}


def usage(used: Usage) -> dict[str, JsonValue]:
    """Write the tokens, and the cost if it is known."""
    written: dict[str, JsonValue] = {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }
    return written if used.cost_usd is None else {**written, "cost_usd": used.cost_usd}


def facts(response: ChatResponse) -> dict[str, JsonValue]:
    """Return the provider and the model that answered, the number of attempts and the cost."""
    return {
        "provider": response.provider,
        "model": response.model,
        "attempts": len(response.attempts),
        "cost_usd": response.usage.cost_usd,
    }


def headers(response: ChatResponse) -> dict[str, str]:
    """Write `facts` as headers, and the names of the settings that were not sent."""
    return {**attempt_headers(response.attempts), **_headers(facts(response))}


def attempt_headers(attempts: Sequence[Attempt]) -> dict[str, str]:
    """Write the facts that are known when a stream begins as headers. The last attempt is the one that answers."""
    answering = attempts[-1]
    return _headers(
        {
            "provider": answering.provider,
            "model": answering.model,
            "attempts": len(attempts),
            "ignored": ", ".join(answering.ignored) or None,
        }
    )


def _headers(fields: Mapping[str, JsonValue]) -> dict[str, str]:
    named = {f"x-gemini-multi-{name.replace('_', '-')}": value for name, value in fields.items()}
    return {name: _printable(f"{value}") for name, value in named.items() if value is not None}


def _printable(text: str) -> str:
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in text)
