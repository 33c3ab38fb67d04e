"""The fixture that users test their own chains with, seen from their side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

THEIRS = """
import pytest
from gemini_multi import ChatRequest, Client, Message
from gemini_multi.sandbox import Answer

PORTS = []

def ask(text):
    with Client() as client:
        return client.chat(ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user(text),)))

def test_models_ask_it_without_being_told(gemini_sandbox):
    gemini_sandbox.script(None, [Answer("Scripted."), Answer("Left over.")])
    assert ask("Hello").text == "Scripted."
    assert [request.provider for request in gemini_sandbox.requests] == ["cloudflare"]
    PORTS.append(gemini_sandbox.port)

def test_nothing_is_left_of_other_tests(gemini_sandbox):
    assert gemini_sandbox.requests == []
    assert "sandbox" in ask("Hello").text
    PORTS.append(gemini_sandbox.port)

def test_connections_stay_warm(gemini_sandbox):
    assert PORTS == [gemini_sandbox.port] * 2

def test_the_environment_is_as_before(monkeypatch):
    import os
    assert "OXEN_API_KEY" not in os.environ
"""


PAGE = re.findall(r"```python\n(.*?)```", (Path(__file__).parent.parent / "docs/testing.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(("tests", "passed"), [(THEIRS, 4), (PAGE[0], 1)], ids=["every promise", "the page's example"])
def test_the_fixture_works_as_a_plugin(pytester: pytest.Pytester, tests: str, passed: int) -> None:
    """Warnings are errors there too."""
    pytester.makepyfile(tests)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error")
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:langsmith_plugin")

    result.assert_outcomes(passed=passed)
