"""What all tests share: an environment without keys."""

from __future__ import annotations

import os

import pytest

PREFIXES = ("CLOUDFLARE_", "AIMLAPI_", "AIML_", "OXEN_", "GEMINI_MULTI_", "LANGCHAIN_", "LANGSMITH_", "LC_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys and settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
