"""Packages import from lower layers only; the layer of a module follows from its folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS: list[tuple[str, ...]] = [
    ("_types",),
    ("types",),
    ("errors",),
    ("_encoding",),
    ("_schemas", "_transport", "_catalog"),
    ("catalog", "preference", "rate_limits", "retry", "tokens"),
    ("_storage",),
    ("_history", "archive", "structured"),
    ("dialects",),
    ("providers",),
    ("_routing",),
    ("routing",),
    ("_call",),
    ("client",),
    ("bindings", "_batch"),
    ("batch",),
    ("sandbox", "server"),
    ("cli", "testing"),
]
"""The folders and public modules of the core, lowest layer first: each imports from lower layers only."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
APPLICATIONS = {"sandbox", "server", "cli", "_batch"}
FRAMEWORKS = {
    "langchain",
    "langchain_core",
    "langgraph",
    "llama_index",
    "langchain_gemini_multi",
    "llama_index_gemini_multi",
}
SDKS = {"openai", "google", "litellm", "anthropic"}
PUBLIC = {
    "gemini_multi",
    "gemini_multi.archive",
    "gemini_multi.catalog",
    "gemini_multi.errors",
    "gemini_multi.preference",
    "gemini_multi.providers",
    "gemini_multi.structured",
    "gemini_multi.tokens",
    "gemini_multi.types",
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Name every module that a file imports, also inside functions, but not for type checkers only."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_in(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "gemini_multi").parts[0].removesuffix(".py")


CORE = [path for path in modules("gemini_multi") if path != ROOT / "gemini_multi" / "__init__.py"]
each_module = pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))


@each_module
def test_a_package_imports_from_lower_layers_only(path: Path) -> None:
    """Also inside functions; packages of the same layer do not import each other."""
    own = package_of(path)
    used = {package_in(module) for module in imports(path) if module.startswith("gemini_multi.")} - {own}
    names = {name for name in used if name in RANK}

    assert own in RANK, "a new package needs a layer"
    assert {name for name in names if RANK[name] >= RANK[own]} == set()


def test_nothing_private_lies_at_the_top() -> None:
    """A private module belongs into a package."""
    assert [path.name for path in (ROOT / "gemini_multi").glob("_*.py") if path.name != "__init__.py"] == []


@pytest.mark.parametrize(
    "path", [path for path in modules("gemini_multi") if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_every_package_states_its_rule(path: Path) -> None:
    """The docstring of its `__init__` says what belongs there."""
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", modules("gemini_multi"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_framework_and_no_sdk(path: Path) -> None:
    """And httpx is imported in one module only."""
    tops = {module.split(".")[0] for module in imports(path)}
    is_rim = path.parent.name == "_transport"

    assert not tops & (FRAMEWORKS | SDKS | (set() if is_rim else {"httpx"}))


@pytest.mark.parametrize("path", modules("gemini_multi/sandbox"), ids=lambda path: path.name)
def test_the_sandbox_is_an_independent_check(path: Path) -> None:
    """It shares no code with what it checks."""
    used = {module for module in imports(path) if module.startswith("gemini_multi")}

    assert all(module.startswith("gemini_multi.sandbox") for module in used)


@pytest.mark.parametrize("path", modules("gemini_multi/server"), ids=lambda path: path.name)
def test_the_server_uses_public_names_of_the_core(path: Path) -> None:
    """It could be anybody's program."""
    used = {module for module in imports(path) if module.startswith("gemini_multi")}
    private = [
        module for module in used if any(part.startswith("_") and "__" not in part for part in module.split("."))
    ]

    assert private == []


BINDINGS = [*modules("langchain_gemini_multi"), *modules("llama_index_gemini_multi")]


@pytest.mark.parametrize("path", BINDINGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_binding_uses_public_names_of_the_core(path: Path) -> None:
    """And neither the other binding, an SDK nor an HTTP library."""
    own = path.relative_to(ROOT).parts[0]
    other = {"langchain_gemini_multi": "llama_index", "llama_index_gemini_multi": "langchain"}[own]
    used = set(imports(path))
    core = {
        module.rpartition(".")[0] if module not in PUBLIC else module
        for module in used
        if module.startswith("gemini_multi")
    }

    assert {module for module in core if not module.startswith("gemini_multi.bindings")} <= PUBLIC
    assert not [module for module in used if module.startswith("gemini_multi._") and "__" not in module]
    assert not any(module.split(".")[0] in SDKS | {"httpx"} or module.startswith(other) for module in used)


def test_shared_code_never_names_a_provider() -> None:
    """What differs between providers is data: their names stand in their files, the registry and the catalog."""
    names = ("cloudflare", "aimlapi", "oxen")
    shared = [
        path
        for path in modules("gemini_multi")
        if not {"providers", "sandbox"} & set(path.parts) and not path.name.startswith(("_catalog", "catalog"))
    ]
    compared = [
        f"{path.name}:{node.lineno}"
        for path in shared
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and any(f"'{name}'" in ast.unparse(node).lower() for name in names)
    ]

    assert compared == []
