"""A pytest plugin: the fixture `gemini_sandbox`, for tests of chains, agents and indices without a key or a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gemini_multi.sandbox import Sandbox

__all__ = ["gemini_sandbox", "gemini_sandbox_server"]


@pytest.fixture(scope="session")
def gemini_sandbox_server() -> Iterator[Sandbox]:
    """One sandbox for the whole session, so that tests reuse its connections. Tests use `gemini_sandbox`."""
    from gemini_multi.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def gemini_sandbox(gemini_sandbox_server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox of the three providers without the state of other tests.

    The environment holds its keys and addresses while the test runs, so that models and clients that are made without
    an explicit provider use the sandbox.
    """
    gemini_sandbox_server.clear()
    for name, value in gemini_sandbox_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GEMINI_MULTI_PROVIDERS", raising=False)
    yield gemini_sandbox_server
    gemini_sandbox_server.clear()
