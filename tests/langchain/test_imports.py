"""Importing the package costs nothing, and building a model little."""

from __future__ import annotations

import subprocess
import sys

import pytest

import langchain_gemini_multi

HEAVY = ("langchain_core", "langchain", "httpx", "pydantic", "starlette", "openai", "google")


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_package_import_loads_no_framework() -> None:
    """`import langchain_gemini_multi` alone is free."""
    assert not loaded_by("import langchain_gemini_multi") & set(HEAVY)


def test_model_loads_no_http_library_before_its_first_call() -> None:
    """A model can be built without httpx, unless LangChain itself loads it."""
    modules = loaded_by(
        "from langchain_gemini_multi import ChatGeminiMulti\n"
        "ChatGeminiMulti(model='gemini-2.5-flash', providers='oxen', api_key='k')"
    ) - loaded_by("import langchain_core.language_models.chat_models")
    assert not modules & {"httpx", "starlette", "openai", "google.genai", "langchain"}


def test_model_class_adds_few_modules_to_those_of_langchain() -> None:
    """Clients, providers and dialects are loaded by the first model."""
    added = loaded_by("from langchain_gemini_multi import ChatGeminiMulti") - loaded_by(
        "import langchain_core.language_models.chat_models"
    )

    assert len(added) <= 30, sorted(added)


@pytest.mark.parametrize("name", langchain_gemini_multi.__all__)
def test_public_name_is_there(name: str) -> None:
    """Every name of `__all__` can be had, and is listed."""
    assert getattr(langchain_gemini_multi, name) is not None
    assert name in dir(langchain_gemini_multi)


def test_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError):
        _ = langchain_gemini_multi.nothing  # type: ignore[attr-defined]
