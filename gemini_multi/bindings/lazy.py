"""Imports a package's names at their first use. An error names the extra that they need."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def load(package: str, name: str, homes: Mapping[str, str], extra: str) -> object:
    """Import a public name of a binding from its module.

    Args:
        package: The binding's package.
        name: The name.
        homes: The module of each public name.
        extra: The extra to install when the framework is missing.

    Raises:
        AttributeError: The package has no such name.
        ImportError: The framework is not installed.
    """
    if (home := homes.get(name)) is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    try:
        return getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(package):
            raise
        raise ImportError(
            f'`{package}.{name}` needs {error.name}, which is not installed: pip install "gemini-multi[{extra}]"',
            name=error.name,
        ) from error
