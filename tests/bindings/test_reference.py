"""What the editor and a notebook show of a model class."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from langchain_gemini_multi import ChatGeminiMulti
from llama_index_gemini_multi import GeminiMulti
from tests.bindings.frameworks import Framework

ROOT = Path(__file__).parent.parent.parent
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


def test_every_field_of_llama_index_has_a_description() -> None:
    """Also those of this package's bases."""
    own = {
        name
        for base in GeminiMulti.__mro__
        if base.__module__.startswith("llama_index_gemini_multi")
        for name in vars(base).get("__annotations__", {})
        if not name.startswith("_")
    }
    fields = GeminiMulti.model_fields

    assert [name for name in own if name in fields and not fields[name].description] == []


def test_every_field_of_langchain_is_described() -> None:
    """By the line below it, as editors show it."""
    silent = []
    for path in ("_model.py", "chat_models.py"):
        tree = ast.parse((ROOT / "langchain_gemini_multi" / path).read_text())
        bodies = [node.body for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.If))]
        for body in bodies:
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

    assert repr(model) == (
        f"{name}(model='gemini-2.5-flash', providers=['oxen', 'aimlapi'], temperature=0.5, max_retries=0)"
        if framework.name == "langchain"
        else f"{name}(temperature=0.5, model='gemini-2.5-flash', providers=['oxen', 'aimlapi'], max_retries=0)"
    )
