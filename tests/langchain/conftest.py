"""What the LangChain tests share: registered classes, and the rules by which cassettes match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_tests.conftest import base_vcr_config

from langchain_gemini_multi import register_with_langchain

PROVIDERS = ("cloudflare", "aimlapi", "oxen")


@pytest.fixture(scope="session", autouse=True)
def _registered() -> None:
    """Opt in to what `load` needs, as an application would."""
    register_with_langchain()


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, Any]:
    """Match recorded requests by path and body: the sandbox's port is another each time.

    A cassette that is deleted is recorded anew, from the sandbox, by the next run.
    """
    cassettes = str(Path(__file__).parent / "cassettes")
    return {**base_vcr_config(), "match_on": ["method", "path", "body"], "cassette_library_dir": cassettes}
