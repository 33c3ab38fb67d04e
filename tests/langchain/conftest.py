"""What the LangChain tests share: one sandbox for all, its keys in the environment, and no other network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_tests.conftest import base_vcr_config

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import register_with_langchain

PROVIDERS = ("cloudflare", "aimlapi", "oxen")


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Run one sandbox for the whole session."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, _clean_environment: None) -> Sandbox:
    """Point the providers at the sandbox, and begin with nothing planned and nothing recorded."""
    running_sandbox.clear()
    for name, value in running_sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return running_sandbox


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
