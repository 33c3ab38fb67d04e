"""What the tests of both bindings share: each framework in turn, and keys in the environment."""

from __future__ import annotations

import pytest

from langchain_gemini_multi import register_with_langchain
from tests.bindings.frameworks import FRAMEWORKS, KEYS, Framework, Provider


@pytest.fixture(autouse=True)
def _keys(_clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    register_with_langchain()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    """Each framework in turn."""
    found: Framework = request.param
    return found


@pytest.fixture
def provider() -> Provider:
    """A provider that records what it is sent."""
    return Provider()
