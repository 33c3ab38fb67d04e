"""Hosted Gemini models as a LlamaIndex LLM, over Cloudflare AI, AIMLAPI and Oxen.ai.

Importing this package loads neither LlamaIndex nor an HTTP library. They are loaded when a name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gemini_multi import __version__
    from llama_index_gemini_multi._typed import AttemptFailedEvent
    from llama_index_gemini_multi.base import GeminiMulti, register_with_llama_index
    from llama_index_gemini_multi.errors import InvalidStructuredOutput, InvalidToolCall

__all__ = [
    "AttemptFailedEvent",
    "GeminiMulti",
    "InvalidStructuredOutput",
    "InvalidToolCall",
    "__version__",
    "register_with_llama_index",
]


_HOMES: Final = {
    "AttemptFailedEvent": "llama_index_gemini_multi._typed",
    "GeminiMulti": "llama_index_gemini_multi.base",
    "InvalidStructuredOutput": "llama_index_gemini_multi.errors",
    "InvalidToolCall": "llama_index_gemini_multi.errors",
    "__version__": "gemini_multi",
    "register_with_llama_index": "llama_index_gemini_multi.base",
}


def __getattr__(name: str) -> object:
    from gemini_multi.bindings.lazy import load

    return load(__name__, name, _HOMES, extra="llama-index")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
