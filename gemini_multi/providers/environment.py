"""The only module that reads the environment."""

from __future__ import annotations

import os
from typing import Final

_OFF: Final = ("0", "false", "no", "off")


def read(*names: str) -> str | None:
    """Return the first of the variables that is set and not blank, without surrounding white space."""
    found = first_set(*names)
    return os.environ[found].strip() if found else None


def first_set(*names: str) -> str | None:
    """Return the name of the first of the variables that is set and not blank."""
    return next((name for name in names if os.environ.get(name, "").strip()), None)


def switch(name: str) -> bool:
    """Whether a feature is on. It is on unless the variable is `0`, `false`, `no` or `off`."""
    return (read(name) or "").lower() not in _OFF
