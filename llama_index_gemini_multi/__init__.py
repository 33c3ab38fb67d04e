"""Hosted Gemini models as a LlamaIndex LLM, over Cloudflare AI, AIMLAPI and Oxen.ai.

Importing this package loads neither LlamaIndex nor an HTTP library; that waits until a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemini_multi import __version__
    from llama_index_gemini_multi._errors import InvalidStructuredOutput
    from llama_index_gemini_multi._events import AttemptFailedEvent
    from llama_index_gemini_multi.base import GeminiMulti

__all__ = ["AttemptFailedEvent", "GeminiMulti", "InvalidStructuredOutput", "__version__"]


def __getattr__(name: str) -> object:
    if name == "GeminiMulti":
        from llama_index_gemini_multi.base import GeminiMulti

        return GeminiMulti
    if name == "AttemptFailedEvent":
        from llama_index_gemini_multi._events import AttemptFailedEvent

        return AttemptFailedEvent
    if name == "InvalidStructuredOutput":
        from llama_index_gemini_multi._errors import InvalidStructuredOutput

        return InvalidStructuredOutput
    if name == "__version__":
        from gemini_multi import __version__

        return __version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
