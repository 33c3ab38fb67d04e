"""What all tests share: an environment without keys, and garbage that is looked for among their own objects only."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gemini_multi.sandbox import Sandbox

PREFIXES = (
    "CLOUDFLARE_",
    "AIMLAPI_",
    "AIML_",
    "OXEN_",
    "GEMINI_MULTI_",
    "GOOGLE_API_KEY",
    "LANGCHAIN_",
    "LANGSMITH_",
    "LC_",
)

INTERPRETER = (
    "test_architecture.py",
    "test_documents.py",
    "call",
    "encoding",
    "transport",
    "sandbox",
    "langchain/test_conversations.py",
    "langchain/test_imports.py",
    "langchain/test_model.py",
    "langchain/test_structured_output.py",
    "langchain/test_tools.py",
    "llama_index/test_model.py",
    "llama_index/test_package.py",
    "llama_index/test_settings.py",
    "llama_index/test_structured.py",
    "llama_index/test_tools.py",
)
"""What can differ between versions of Python: sockets, loops, imports, annotations, docstrings, pickles."""


def pytest_configure() -> None:
    """Let Ctrl-C interrupt, also where a shell in the background has told its commands to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is run on every supported version of Python."""
    here = Path(__file__).parent
    parts = {here / name for name in INTERPRETER}
    for item in items:
        if parts.intersection((item.path, *item.path.parents)):
            item.add_marker(pytest.mark.interpreter)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys and settings out of the tests; which transport they use may be chosen."""
    for name in list(os.environ):
        if name.startswith(PREFIXES) and name != "GEMINI_MULTI_TRANSPORT":
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while all modules are imported: there is little, and looking takes a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture(autouse=True, scope="module")
def _settled_heap() -> Iterator[None]:
    """Keep what exists before a module's tests out of their collections, and leave no garbage to the next module.

    All frameworks, all tests and all parameters are a million objects, which every `gc.collect()` would look at.
    """
    gc.freeze()
    yield
    gc.collect()


def pytest_sessionfinish() -> None:
    """Look at everything once more; pytest's own collections that follow need not do it again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Run one sandbox for all tests that need no other."""
    from gemini_multi.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, _clean_environment: None) -> Sandbox:
    """Point the providers at the sandbox, and begin with nothing planned and nothing recorded."""
    running_sandbox.clear()
    for name, value in running_sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return running_sandbox


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Record spans for one test, and give those that have ended."""
    from opentelemetry import trace

    from tests.recording import EXPORTER, PROVIDER

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", PROVIDER)
    EXPORTER.clear()
    return lambda: list(EXPORTER.get_finished_spans())


@pytest.fixture
def thread_loop() -> Iterator[None]:
    """Give the thread an event loop: LlamaIndex makes one if there is none, and never closes it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
