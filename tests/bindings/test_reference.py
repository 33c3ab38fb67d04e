"""What the editor and a notebook show of a model class."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

import pytest

from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti
from tests.bindings.frameworks import Framework

CLASSES = [ChatGeminiMulti, GeminiMulti]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "section",
    ["Setup", "Invoke|Complete", "Stream", "Async", "Tools", "Structured output", "Images", "Usage", "Errors"],
)
def test_docstring_has_a_section(kind: type, section: str) -> None:
    """On all that one does with a model."""
    assert re.search(rf"^(?:{section}).*:$", inspect.getdoc(kind) or "", re.MULTILINE)


@pytest.mark.parametrize("kind", CLASSES)
def test_code_of_the_docstring_is_code(kind: type) -> None:
    """Nothing of it is a typo; what it does is run from the README."""
    blocks = re.findall(r"(?:^ {8}\S?.*\n|^\n)+", f"{inspect.getdoc(kind)}\n", re.MULTILINE)
    code = [inspect.cleandoc(block) for block in blocks if block.strip() and "pip install" not in block]

    assert len(code) >= 8
    for block in code:
        compile(block, "docstring", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_field_is_described(kind: type) -> None:
    """By the line below it, as editors show it; also the fields of this package's base classes."""
    silent = []
    for base in kind.__mro__:
        if not base.__module__.partition(".")[0].endswith("gemini_multi"):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        for body in [node.body for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.If))]:
            silent += [
                ast.unparse(node.target)
                for node, following in zip(body, [*body[1:], None], strict=True)
                if isinstance(node, ast.AnnAssign)
                and not ast.unparse(node.target).startswith("_")
                and ast.unparse(node) != "model: str"  # described above, for type checkers
                and not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant))
            ]

    assert silent == []


def test_repr_fits_on_a_line_or_two(framework: Framework) -> None:
    """It tells what is set, and nothing that the frameworks filled in."""
    model = framework.model(model="gemini-2.5-flash", providers=["oxen", "aimlapi"], temperature=0.5)
    name = type(model).__name__

    shown = "temperature=0.5, model='gemini-2.5-flash', providers=['oxen', 'aimlapi'], max_retries=0"
    assert repr(model) == f"{name}({shown})"
