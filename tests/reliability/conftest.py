"""One sandbox for all, its keys in the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gemini_multi.sandbox import Sandbox


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
