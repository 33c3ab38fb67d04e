"""Run the README's Python blocks, each by itself and with nothing but the extra that it names.

A comment above each block says what it needs: `<!-- extra: langchain -->`, `<!-- extra: langchain,sandbox -->`, none,
or further packages after a plus sign. The sandbox answers in place of the providers.

`python tools/readme_blocks.py` makes an environment for each combination and runs the blocks there (`make readme`).
The tests run them in their own environment and hide everything that the extra would not install.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"<!-- extra: (?P<needs>[^>]*?) -->\n```python\n(?P<code>.*?)```", re.DOTALL)
_HIDING = """
import json, os, sys

class Hidden:
    names = frozenset(json.loads(os.environ.pop("HIDDEN_MODULES")))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}: the extra does not bring it", name=name)

sys.meta_path.insert(0, Hidden())
"""


@dataclass(frozen=True)
class Block:
    """One block, and what it needs."""

    code: str
    extras: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def label(self) -> str:
        """The environment's name."""
        return "+".join((*self.extras, *self.packages)) or "none"


def blocks() -> list[Block]:
    """Read the README's blocks; every one of them says what it needs."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [_block(match["needs"], match["code"]) for match in _BLOCK.finditer(text)]
    if len(found) != text.count("```python\n"):
        raise ValueError("A Python block of README.md has no comment such as `<!-- extra: langchain -->` above it.")
    return found


def _block(needs: str, code: str) -> Block:
    extras, _, packages = needs.partition("+")
    named = [name for name in _names(extras) if name != "none"]
    return Block(code, tuple(named), tuple(_names(packages)))


def _names(text: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", text) if name]


def installed_by(block: Block) -> set[str]:
    """Name the distributions that a block's extras install, with all that these need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional: Mapping[str, list[str]] = project["optional-dependencies"]
    wanted = [*project["dependencies"], *block.packages, *(need for extra in block.extras for need in optional[extra])]
    found: set[str] = set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name not in found:
            found.add(name)
        wanted += [need for need in _needs(requirement) if canonicalize_name(Requirement(need).name) not in found]
    return found


def _needs(requirement: Requirement) -> Iterator[str]:
    try:
        needs = requires(requirement.name) or []
    except PackageNotFoundError:
        needs = []
    for need in needs:
        marker = Requirement(need).marker
        extras = [{"extra": extra} for extra in ("", *requirement.extras)]
        if marker is None or any(marker.evaluate(extra) for extra in extras):
            yield need


def hidden_modules(block: Block) -> list[str]:
    """Name the top-level modules that are installed here and would not be with the block's extras."""
    installed = installed_by(block)
    own = {"gemini_multi", "langchain_gemini_multi", "llama_index_gemini_multi", "llama_index"}
    return sorted(
        module
        for module, names in packages_distributions().items()
        if module not in own and not any(canonicalize_name(name) in installed for name in names)
    )


def run(
    block: Block, python: str | Path, environment: Mapping[str, str], *, hide: bool
) -> subprocess.CompletedProcess[str]:
    """Run a block in a process of its own, away from the repository."""
    more = {"HIDDEN_MODULES": json.dumps(hidden_modules(block))} if hide else {}
    code = f"{_HIDING}\n{block.code}" if hide else block.code
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [python, "-c", code],
            cwd=folder,
            env={**environment, **more},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


def main() -> None:
    """Run every block in an environment that has just its extras, and say what failed."""
    from gemini_multi.sandbox import Sandbox

    failed = 0
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "PYTHONUTF8": "1", **sandbox.environment()}
        for number, block in enumerate(blocks(), start=1):
            done = run(block, _python(Path(folder) / block.label, block), environment, hide=False)
            print(f"block {number} ({block.label}): {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
            if done.returncode != 0:
                failed += 1
                print(done.stdout, done.stderr, sep="\n")
    sys.exit(1 if failed else 0)


def _python(folder: Path, block: Block) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {block.label} ...", flush=True)
        venv.create(folder, with_pip=True)
        extras = f"[{','.join(block.extras)}]" if block.extras else ""
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{ROOT}{extras}"]
        subprocess.run([*install, *block.packages], check=True)
    return python


if __name__ == "__main__":
    main()
