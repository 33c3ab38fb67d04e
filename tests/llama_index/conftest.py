"""Models on the sandbox, one per host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

MODELS = {"cloudflare": "gemini-3-flash-preview", "aimlapi": "gemini-2.5-flash", "oxen": "gemini-2.5-flash"}

Make = Callable[..., GeminiMulti]


@pytest.fixture(scope="session")
def _running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A running sandbox with nothing planned, whose addresses and keys are in the environment."""
    for name, value in _running.environment().items():
        monkeypatch.setenv(name, value)
    _running.clear()
    return _running


@pytest.fixture(params=sorted(MODELS))
def provider(request: pytest.FixtureRequest) -> str:
    """Each host in turn."""
    return str(request.param)


@pytest.fixture
def make(sandbox: Sandbox, provider: str) -> Make:
    """Make a model of the host."""

    def build(**settings: Any) -> GeminiMulti:
        return GeminiMulti(**{"model": MODELS[provider], "providers": provider, **settings})

    return build


@pytest.fixture
def llm(make: Make) -> GeminiMulti:
    """A model of the host without any settings."""
    return make()
