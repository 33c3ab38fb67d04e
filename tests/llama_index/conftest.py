"""Models on the sandbox, one per provider."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from llama_index.core.memory import Memory

from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

MODELS = {"cloudflare": "gemini-3-flash-preview", "aimlapi": "gemini-2.5-flash", "oxen": "gemini-2.5-flash"}

Make = Callable[..., GeminiMulti]


@pytest.fixture(params=sorted(MODELS))
def provider(request: pytest.FixtureRequest) -> str:
    """Each provider in turn."""
    return str(request.param)


@pytest.fixture
def make(sandbox: Sandbox, provider: str) -> Make:
    """Make a model of the provider."""

    def build(**settings: Any) -> GeminiMulti:
        return GeminiMulti(**{"model": MODELS[provider], "providers": provider, **settings})

    return build


@pytest.fixture
def llm(make: Make) -> GeminiMulti:
    """A model of the provider without any settings."""
    return make()


@pytest.fixture
async def stored_memory() -> AsyncIterator[Memory]:
    """LlamaIndex's newer memory, which keeps messages as JSON in a database."""
    memory = Memory.from_defaults(session_id="s", token_limit=40_000)
    yield memory
    # LlamaIndex leaves sessions and their connections to the garbage collector.
    gc.collect()
    if memory.sql_store._async_engine is not None:
        await memory.sql_store._async_engine.dispose()
