"""The metadata of a model for LlamaIndex. It comes from the catalog, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from llama_index.core.base.llms.types import LLMMetadata, MessageRole


def metadata(
    model: str, providers: Iterable[str], *, context_window: int | None = None, max_tokens: int | None = None
) -> LLMMetadata:
    """Describe a model as the given providers serve it.

    Args:
        model: A catalog name or a provider's own id.
        providers: The providers that may answer. The smallest of their context windows is used.
        context_window: The context window to report instead.
        max_tokens: The output limit of a request, if it is set.
    """
    from gemini_multi import catalog  # the import of a model class does not need it

    known = catalog.find(model)
    hosted = [known.providers[provider] for provider in providers if provider in known.providers]
    windows = [each.context_window for each in hosted if each.context_window]
    window = context_window or min([known.context_window, *windows])
    limits = [each.max_output_tokens for each in hosted if each.max_output_tokens]
    return LLMMetadata(
        context_window=window,
        num_output=_num_output(window, max_tokens, min([known.max_output_tokens, *limits])),
        is_chat_model=True,
        is_function_calling_model=True,
        model_name=model,
        system_role=MessageRole.SYSTEM,
    )


@lru_cache(maxsize=64)
def described(
    model: str, providers: tuple[str, ...], context_window: int | None, max_tokens: int | None
) -> Mapping[str, object]:
    """Describe a model as plain values for the trace of each call. The arguments are those of `metadata`."""
    return metadata(model, providers, context_window=context_window, max_tokens=max_tokens).model_dump()


def _num_output(window: int, max_tokens: int | None, model_limit: int) -> int:
    """Return the tokens to reserve for an answer: less than the window, because LlamaIndex subtracts them from it."""
    if max_tokens is not None:
        return max(1, min(max_tokens, window // 2))
    return max(1, min(model_limit, window // 4))
