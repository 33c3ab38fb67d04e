"""The names of arguments: of a model's, of a call's, and who reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ALIASES: Final = {
    "model_name": "model",
    "max_output_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
    "response_modalities": "modalities",
    "frequencyPenalty": "frequency_penalty",
}
PLAIN: Final = (
    "model",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "thinking_budget",
    "thinking_level",
    "include_thoughts",
    "cached_content",
    "media_resolution",
    "voice",
    "labels",
    "user",
    "extra_body",
    "parallel_tool_calls",
)
"""Settings that are passed on as they are."""

CALL_ONLY: Final = ("tools", "tool_choice", "response_format")
TRANSPORT: Final = ("providers", "timeout", "deadline", "max_retries", "retry_policy")
"""Arguments of the call itself, not of the request."""

MODEL_ONLY: Final = (
    "api_key",
    "base_url",
    "strategy",
    "hedging",
    "max_cost_usd",
    "on_attempt",
    "http_client",
    "http_async_client",
)
"""What a model's clients are made from, beside what a call may change."""

LANGCHAIN: Final = ("stream", "stream_usage", "ls_structured_output_format", "structured_output_format")
"""What LangChain's own machinery puts among a call's arguments; nothing of it is for the provider."""


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that an argument is unknown, and which one may have been meant."""
    import difflib  # for a mistake only

    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"There is no argument {name!r}.{hint} What a provider takes and has no name here goes into `extra_body`."
