"""A sandbox whose keys are in the environment, and files of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_multi.sandbox import Sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Three providers that answer."""
    with Sandbox() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


class Files:
    """A folder with an input and its results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.input = folder / "in.jsonl"
        self.output = folder / "out.jsonl"

    def write(self, *rows: dict[str, Any] | str) -> Path:
        """Write rows; a text is a line as it is."""
        self.input.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return self.input

    def prompts(self, count: int) -> Path:
        """Write rows with numbers for ids."""
        return self.write(*({"id": number, "prompt": f"Say {number}"} for number in range(count)))

    def results(self, suffix: str = ".jsonl") -> list[dict[str, Any]]:
        """Read what was written."""
        path = self.output.with_suffix(suffix)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def answered(self) -> list[Any]:
        """The ids with an answer, sorted."""
        return sorted(result["id"] for result in self.results())

    @property
    def rejected(self) -> list[tuple[int, str]]:
        """Line and reason of each row that was not asked."""
        return [(entry["line"], entry["reason"]) for entry in self.results(".rejected.jsonl")]

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The rows without an answer."""
        return self.results(".failures.jsonl")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
