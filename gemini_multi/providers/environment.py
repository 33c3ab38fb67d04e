"""The one place that reads the environment."""

from __future__ import annotations

import os


def read(*names: str) -> str | None:
    """Return the first of the variables that is set and not blank, without surrounding white space."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    return None
