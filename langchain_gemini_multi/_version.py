"""The version of the distribution that this package is a part of."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("gemini-multi")
    except PackageNotFoundError:
        return "0+unknown"


__version__: str = _installed()
