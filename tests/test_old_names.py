"""Public names that were renamed work for one version more, with a warning that says the new name."""

from __future__ import annotations

import importlib

import pytest

RENAMED = [
    ("gemini_multi", "KnobIgnored", "SettingIgnoredWarning"),
    ("gemini_multi.errors", "KnobIgnored", "SettingIgnoredWarning"),
    ("gemini_multi.structured", "conform", "repair"),
    ("gemini_multi.structured", "problems", "validation_errors"),
]


@pytest.mark.parametrize(("module", "old", "new"), RENAMED)
def test_an_old_name_still_works(module: str, old: str, new: str) -> None:
    """It is the same object."""
    with pytest.warns(DeprecationWarning, match=f"`{old}` is now called `{new}`"):
        found = getattr(importlib.import_module(module), old)

    assert found is getattr(importlib.import_module(module), new)


@pytest.mark.parametrize("module", sorted({module for module, _, _ in RENAMED}))
def test_a_name_that_never_was_is_no_attribute(module: str) -> None:
    """As with any module."""
    assert not hasattr(importlib.import_module(module), "never_was")
