"""The document's table is what is measured."""

from __future__ import annotations

from pathlib import Path

from gemini_multi.sandbox import Sandbox

from .table import ROWS, table, written


def test_the_documents_table_is_not_stale(sandbox: Sandbox) -> None:
    """`make docs` writes it; every one of the 45 faults is in it."""
    document = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()

    assert len(ROWS) == 45
    assert written(document, table(sandbox)) == document
