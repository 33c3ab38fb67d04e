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
def test_the_code_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its blocks run in order, as a reader would run them."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        namespace: dict[str, object] = {"__name__": "page"}
        for block in blocks(page):
            exec(compile(block, page.name, "exec"), namespace)


def test_every_page_is_in_the_table_of_contents() -> None:
    """The index names each page, and no page that is missing."""
    index = (DOCS / "index.md").read_text()
    tables = re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
    named = {line.strip() for table in tables for line in table.split("\n") if line and not line.startswith(":")}
    written = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")} - {"index"}

    assert {name for name in written if not name.startswith("decisions/")} == named - {"decisions/index"}
