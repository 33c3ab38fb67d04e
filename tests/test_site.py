"""The pages of the site are true: their code runs, and each page is in the table of contents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gemini_multi.sandbox import Sandbox

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.name not in ("contributing.md", "changelog.md"))


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its blocks run in order, as a reader would run them; the files that they write are not ours."""
    monkeypatch.chdir(tmp_path)
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        namespace: dict[str, object] = {"__name__": "page"}
        for block in blocks(page):
            exec(compile(block, page.name, "exec"), namespace)


def named_by(page: Path) -> set[Path]:
    tables = re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.DOTALL)
    names = [line.strip() for table in tables for line in table.split("\n") if line and not line.startswith(":")]
    return {found for name in names for found in page.parent.glob(f"{name}.md")} - {page}


def test_every_page_is_in_a_table_of_contents() -> None:
    """A reader reaches each page from the index."""
    reached, new = {DOCS / "index.md"}, {DOCS / "index.md"}
    while new:
        new = {found.resolve() for page in new for found in named_by(page)} - reached
        reached |= new

    assert reached == set(DOCS.rglob("*.md"))
