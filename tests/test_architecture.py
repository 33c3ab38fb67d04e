"""The arrows between the rings, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RINGS: list[tuple[str, ...]] = [
    ("_parts", "_version", "_words", "_environment", "_long_text"),
    ("_request", "_response"),
    ("types",),
    ("errors", "_halves"),
    (
        "_keys",
        "_json",
        "_sse",
        "_wire",
        "_inflate",
        "_totals",
        "_transcript",
        "_schema_check",
        "_conform",
        "catalog",
        "preference",
        "retry",
    ),
    ("_health", "_telemetry", "tokens"),
    ("archive", "structured"),
    ("_catalog_hosts", "_catalog_rows", "_catalog_rows_2", "_catalog_rows_3", "_catalog_rows_gemma"),
    ("_pricing", "_history", "_signing"),
    ("dialects",),
    ("providers",),
    ("routing",),
    ("_schedule",),
    ("_counting",),
    ("_attempt_log",),
    ("_runner",),
    ("_new_call",),
    ("_clients", "_http1"),
    ("_sockets",),
    ("_connections",),
    ("_http",),
    ("_streams",),
    ("_race",),
    ("_asker",),
    ("client",),
    ("sandbox",),
]
RANK = {name: rank for rank, names in enumerate(RINGS) for name in names}
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


def ring(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


@pytest.mark.parametrize("path", modules("gemini_multi"), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_inward(path: Path) -> None:
    """A module of the core imports only from its own ring or from inner ones."""
    own = path.relative_to(ROOT / "gemini_multi").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    used = {ring(module) for module in imports(path) if module.startswith("gemini_multi.")} & RANK.keys()

    outer = {name for name in used if name != own and RANK[name] > RANK[own]}
    # The catalog's rows are read on first use, from inside a function.
    assert not (outer - ({"_catalog_rows"} if own == "catalog" else set()))


@pytest.mark.parametrize("path", modules("gemini_multi"), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_ring(path: Path) -> None:
    """A new module says where it stands."""
    own = path.relative_to(ROOT / "gemini_multi").parts[0].removesuffix(".py")

    assert own in RANK or own == "__init__"


@pytest.mark.parametrize("path", modules("gemini_multi"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_framework_and_no_sdk(path: Path) -> None:
    """And httpx is imported in one module only."""
    tops = {module.split(".")[0] for module in imports(path)}
    is_rim = path.name == "_connections.py"

    assert not tops & (FRAMEWORKS | SDKS | (set() if is_rim else {"httpx"}))


@pytest.mark.parametrize("path", modules("gemini_multi/sandbox"), ids=lambda path: path.name)
def test_the_sandbox_is_an_independent_check(path: Path) -> None:
    """It shares no code with what it checks."""
    used = {module for module in imports(path) if module.startswith("gemini_multi")}

    assert all(module.startswith("gemini_multi.sandbox") for module in used)


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

    assert core <= PUBLIC
    assert not any(module.split(".")[0] in SDKS | {"httpx"} or module.startswith(other) for module in used)


def test_shared_code_never_names_a_host() -> None:
    """What differs between hosts is data: their names stand in their files, the registry and the catalog."""
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
