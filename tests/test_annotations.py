"""Annotations of public names can be read at run time: LangChain's fallbacks look for runnables among them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_type_hints

import pytest

PACKAGES = ("gemini_multi", "langchain_gemini_multi", "llama_index_gemini_multi")
PUBLIC = [
    (package, name) for package in PACKAGES for name in import_module(package).__all__ if not name.startswith("__")
]


def members(kind: type[Any]) -> Iterator[object]:
    """Give a class, its constructor, and its public methods and properties, as far as they are ours."""
    yield kind
    for owner in kind.__mro__:
        if owner.__module__.partition(".")[0] in PACKAGES:
            for name, member in list(vars(owner).items()):
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if inspect.isfunction(function) and (name == "__init__" or not name.startswith("_")):
                    yield function


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_annotations_of_a_public_name_resolve(package: str, name: str) -> None:
    """Of classes, their methods, and functions; what is needed for it is imported by it."""
    value = getattr(import_module(package), name)
    subjects = members(value) if inspect.isclass(value) else filter(inspect.isfunction, [value])

    for subject in subjects:
        get_type_hints(subject)
