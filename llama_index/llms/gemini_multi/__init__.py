"""`GeminiMulti` under LlamaIndex's own name space; the same class as `llama_index_gemini_multi.GeminiMulti`."""

from __future__ import annotations

from llama_index_gemini_multi import GeminiMulti, InvalidStructuredOutput

__all__ = ["GeminiMulti", "InvalidStructuredOutput"]
