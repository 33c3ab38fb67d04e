"""The command line on a sandbox whose keys are in the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gemini_multi.cli.app import run


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command."""

    def ended(*arguments: str) -> Ended:
        code = run(arguments)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return ended
