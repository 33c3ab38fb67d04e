"""The page of frameworks is what was measured, and its recipes are the files that were run."""

from __future__ import annotations

from tests.frameworks.page import PAGE, rendered, results
from tests.frameworks.roster import FRAMEWORKS


def test_the_page_is_what_was_measured() -> None:
    """`make test-frameworks` writes both."""
    assert PAGE.read_text() == rendered(results())


def test_every_framework_was_measured() -> None:
    """With all its checks."""
    found = {name: set(result["results"]) for name, result in results().items()}

    assert found == {framework.name: set(framework.checks) for framework in FRAMEWORKS}
