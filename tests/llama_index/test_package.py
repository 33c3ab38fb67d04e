"""Importing costs little, and both names are the same class."""

from __future__ import annotations

import subprocess
import sys

import llama_index.core
import pytest
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM

import llama_index_gemini_multi
from llama_index_gemini_multi import GeminiMulti


def loaded(code: str) -> set[str]:
    """Run the code in a new interpreter and return the names of the modules that it loads."""
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_package_loads_no_framework() -> None:
    """Neither LlamaIndex nor an HTTP library."""
    modules = loaded("import llama_index_gemini_multi")
    assert modules.isdisjoint({"llama_index.core", "httpx", "pydantic"})


def test_importing_the_class_adds_little_to_llama_index() -> None:
    """At most 20 modules: what a call is made of, an HTTP library, SDKs and other frameworks are not among them."""
    core = loaded("import llama_index.core")
    ours = loaded("from llama_index_gemini_multi import GeminiMulti") - core
    assert len(ours) <= 20
    waiting = {"gemini_multi.types", "gemini_multi.catalog", "gemini_multi.providers", "gemini_multi.client"}
    assert ours.isdisjoint(waiting | {"httpx", "openai", "google.genai", "litellm", "langchain_core", "starlette"})


def test_namespace_package_gives_the_same_class() -> None:
    """`llama_index.llms.gemini_multi` is LlamaIndex's usual place."""
    from llama_index.llms.gemini_multi import GeminiMulti as InNamespace

    assert InNamespace is GeminiMulti
    assert llama_index.core.__version__


def test_class_is_a_function_calling_llm() -> None:
    """Agents and programs ask for it."""
    names = [base.__name__ for base in GeminiMulti.__mro__]
    assert issubclass(GeminiMulti, FunctionCallingLLM)
    assert BaseLLM.__name__ in names


def test_package_lists_its_names() -> None:
    """All of them can be had, and no other."""
    classes = ["AttemptFailedEvent", "GeminiMulti", "InvalidStructuredOutput", "InvalidToolCall"]
    assert llama_index_gemini_multi.__all__ == [*classes, "__version__", "register_with_llama_index"]
    assert set(llama_index_gemini_multi.__all__) <= set(dir(llama_index_gemini_multi))
    assert llama_index_gemini_multi.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'Gemini'"):
        _ = llama_index_gemini_multi.Gemini
