"""The metadata of a model for LlamaIndex. It comes from the catalog, without a request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from llama_index.core.base.llms.types import LLMMetadata, MessageRole


@lru_cache(maxsize=64)
def described(
    model: str, providers: tuple[str, ...], context_window: int | None, max_tokens: int | None
) -> Mapping[str, object]:
    """Describe a model by the fields of `LLMMetadata`.

    The smallest context window of the providers that may answer is used, unless `context_window` is set.
    """
    from gemini_multi import catalog  # the import of a model class does not need it

    known = catalog.find(model)
    hosted = [known.providers[provider] for provider in providers if provider in known.providers]
    windows = [each.context_window for each in hosted if each.context_window]
    window = context_window or min([known.context_window, *windows])
    limits = [each.max_output_tokens for each in hosted if each.max_output_tokens]
    limit = min([known.max_output_tokens, *limits])
    # LlamaIndex subtracts the tokens of an answer from the window, so they must be fewer than it has.
    tokens = min(limit, window // 4) if max_tokens is None else min(max_tokens, window // 2)
    return LLMMetadata(
        context_window=window,
        num_output=max(1, tokens),
        is_chat_model=True,
        is_function_calling_model=True,
        model_name=model,
        system_role=MessageRole.SYSTEM,
    ).model_dump()
