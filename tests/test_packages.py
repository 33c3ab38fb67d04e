"""What can be imported, from where, and what is said when an extra is missing."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import gemini_multi
import langchain_gemini_multi
from gemini_multi import GeminiMultiError
from langchain_gemini_multi import errors as langchain_errors

ROOT = Path(__file__).parent.parent
OWN = {"gemini_multi", "langchain_gemini_multi", "llama_index_gemini_multi", "llama_index", "tests"}
INNER = {"dev", "lint", "docs", "demo"}
"""Extras that are for this repository."""

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} or name.startswith({module!r} + "."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
try:
    {statement}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "statement", "message"),
    [
        (
            "langchain_core",
            "from langchain_gemini_multi import ChatGeminiMulti",
            (
                "`langchain_gemini_multi.ChatGeminiMulti` needs langchain_core, which is not installed: "
                'pip install "gemini-multi[langchain]"'
            ),
        ),
        (
            "llama_index.core",
            "from llama_index_gemini_multi import GeminiMulti",
            (
                "`llama_index_gemini_multi.GeminiMulti` needs llama_index.core, which is not installed: "
                'pip install "gemini-multi[llama-index]"'
            ),
        ),
        (
            "llama_index.core",
            "from llama_index.llms.gemini_multi import GeminiMulti",
            (
                "`llama_index_gemini_multi.GeminiMulti` needs llama_index.core, which is not installed: "
                'pip install "gemini-multi[llama-index]"'
            ),
        ),
        (
            "starlette",
            "from gemini_multi.sandbox import Sandbox; Sandbox().__enter__()",
            'The sandbox needs starlette, which is not installed: pip install "gemini-multi[sandbox]"',
        ),
        (
            "starlette",
            "from gemini_multi.server import application",
            'The server needs starlette, which is not installed: pip install "gemini-multi[server]"',
        ),
        (
            "uvicorn",
            "from gemini_multi.server import serve",
            'The server needs uvicorn, which is not installed: pip install "gemini-multi[server]"',
        ),
    ],
)
def test_missing_extra_is_named(module: str, statement: str, message: str) -> None:
    """Without the extra, the error says what to install."""
    code = WITHOUT.format(module=module, statement=statement)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == (message, "")


@pytest.mark.parametrize("package", ["langchain_gemini_multi", "llama_index_gemini_multi"])
def test_unknown_name_is_an_attribute_error(package: str) -> None:
    """As in every package."""
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Nothing'"):
        _ = sys.modules[package].Nothing if package in sys.modules else __import__(package).Nothing


ERRORS = [
    (name, value)
    for name, value in vars(langchain_errors).items()
    if inspect.isclass(value)
    and issubclass(value, GeminiMultiError)
    and value.__module__ == langchain_errors.__name__
    and not name.startswith("_")
]


@pytest.mark.parametrize(("name", "kind"), ERRORS)
def test_error_of_langchain_can_be_imported_and_is_documented(name: str, kind: type[Exception]) -> None:
    """By the name and from the package that a traceback shows."""
    assert getattr(langchain_gemini_multi, name) is kind
    assert name in langchain_gemini_multi.__all__
    assert kind.__module__ == "langchain_gemini_multi.errors"
    assert kind.__doc__


def test_type_checkers_see_every_name_of_the_core_and_no_other() -> None:
    """They read imports that never run."""
    tree = ast.parse(Path(str(gemini_multi.__file__)).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    named = {alias.asname for node in imports for alias in node.names if alias.name != "*"}
    whole = [str(node.module) for node in imports if node.names[0].name == "*"]
    starred = {name for module in whole for name in import_module(module).__all__}

    assert named | starred | {"__version__"} == {*dir(gemini_multi)}
    assert all(hasattr(gemini_multi, name) for name in dir(gemini_multi))


def test_every_package_that_is_imported_is_declared() -> None:
    """What another package happens to bring may go with its next version."""
    declared = {canonicalize_name(Requirement(need).name) for need in declared_requirements()}
    distributions = packages_distributions()
    imported = {
        name.partition(".")[0]
        for package in ("gemini_multi", "langchain_gemini_multi", "llama_index_gemini_multi")
        for path in (ROOT / package).rglob("*.py")
        for name in imported_names(path)
    }
    foreign = {name for name in imported if name in distributions and name not in OWN}

    assert {"httpx", "pydantic", "typing_extensions", "filetype", "llama_index_instrumentation"} <= foreign
    foreign -= {"pytest", "httpx2"}  # the plugin is loaded by pytest itself; httpx2 is the user's choice
    assert [name for name in foreign if not declared & {canonicalize_name(each) for each in distributions[name]}] == []


def declared_requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    return [
        *project["dependencies"],
        *(need for extra, needs in optional.items() if extra not in INNER for need in needs),
    ]


def imported_names(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [*plain, *(node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))]
