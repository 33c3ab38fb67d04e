"""Imports a package's names at their first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def load(package: str, name: str, homes: Mapping[str, str], extra: str) -> object:
    """Import a public name from its module, which `homes` names, into the package. An error names the `extra`."""
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    try:
        value: object = getattr(import_module(homes[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(package):
            raise
        raise ImportError(
            f'`{package}.{name}` needs {error.name}, which is not installed: pip install "gemini-multi[{extra}]"',
            name=error.name,
        ) from error
    setattr(import_module(package), name, value)
    return value
