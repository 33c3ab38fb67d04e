"""A function that registers the model, so that LlamaIndex's own look-up finds it."""

from __future__ import annotations

from importlib import import_module

from llama_index_gemini_multi.base import GeminiMulti


def register_with_llama_index() -> None:
    """Let LlamaIndex's `load_llm`, and all that it loads from JSON or YAML, rebuild `GeminiMulti` in this process."""
    import_module("llama_index.core.llms.loading").RECOGNIZED_LLMS.setdefault(GeminiMulti.class_name(), GeminiMulti)
