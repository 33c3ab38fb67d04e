"""Hosted Gemini models for LangChain, over Cloudflare AI, AIMLAPI and Oxen.ai, with failover between them.

    model = ChatGeminiMulti(model="gemini-2.5-flash-lite", providers=["cloudflare", "aimlapi", "oxen"])

Importing this package loads no framework; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gemini_multi import __version__ as __version__
    from langchain_gemini_multi._registration import init_chat_model, register_with_langchain
    from langchain_gemini_multi.chat_models import ChatGeminiMulti
    from langchain_gemini_multi.llms import GeminiMultiLLM

__all__ = ["ChatGeminiMulti", "GeminiMultiLLM", "__version__", "init_chat_model", "register_with_langchain"]

_HOMES: Final = {
    "ChatGeminiMulti": "langchain_gemini_multi.chat_models",
    "GeminiMultiLLM": "langchain_gemini_multi.llms",
    "__version__": "gemini_multi",
    "init_chat_model": "langchain_gemini_multi._registration",
    "register_with_langchain": "langchain_gemini_multi._registration",
}


def __getattr__(name: str) -> object:
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
