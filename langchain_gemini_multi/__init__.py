"""Hosted Gemini models for LangChain, over Cloudflare AI, AIMLAPI and Oxen.ai, with failover between them.

    model = ChatGeminiMulti(model="gemini-2.5-flash-lite", providers=["cloudflare", "aimlapi", "oxen"])

Importing this package loads no framework. The names below are loaded at their first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gemini_multi import __version__ as __version__
    from langchain_gemini_multi.chat_models import ChatGeminiMulti, init_chat_model, register_with_langchain
    from langchain_gemini_multi.errors import *  # noqa: F403  # `__all__` lists its classes
    from langchain_gemini_multi.llms import GeminiMultiLLM

__all__ = [
    "AllModelsFailed",
    "AllModelsLimited",
    "AllModelsMissing",
    "AllModelsOverflowed",
    "AllModelsRejected",
    "AllModelsUnauthenticated",
    "ChatGeminiMulti",
    "GeminiMultiLLM",
    "ModelAnswerUnreadable",
    "ModelAuthenticationFailed",
    "ModelBudgetExceeded",
    "ModelContextOverflowed",
    "ModelFailed",
    "ModelFeatureUnsupported",
    "ModelMisconfigured",
    "ModelMissing",
    "ModelPermissionDenied",
    "ModelPromptBlocked",
    "ModelQuotaExhausted",
    "ModelRateLimited",
    "ModelRequestRejected",
    "ModelServerFailed",
    "ModelStreamInterrupted",
    "ModelTimedOut",
    "ModelUnreachable",
    "StructuredOutputError",
    "StructuredOutputRefused",
    "__version__",
    "init_chat_model",
    "register_with_langchain",
]

_HOMES: Final = {
    "ChatGeminiMulti": "langchain_gemini_multi.chat_models",
    "GeminiMultiLLM": "langchain_gemini_multi.llms",
    "__version__": "gemini_multi",
    "init_chat_model": "langchain_gemini_multi.chat_models",
    "register_with_langchain": "langchain_gemini_multi.chat_models",
}


def __getattr__(name: str) -> object:
    from gemini_multi.bindings.lazy import load

    return load(__name__, name, dict.fromkeys(__all__, "langchain_gemini_multi.errors") | _HOMES, extra="langchain")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
