"""The rivals' environments: `.bench/FIELD`, made on first use and again when the packages change."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .processes import ROOT
from .roster import Field

FOLDER: Final = ROOT / ".bench"
PACKAGES: Final[dict[Field, tuple[str, ...]]] = {
    "core": ("httpx2", "aiohttp", "httpx-aiohttp", "openai", "google-genai", "litellm", "matplotlib"),
    "langchain": (
        "httpx2",
        "httpx-aiohttp",
        "langchain-openai",
        "langchain-google-genai",
        "langchain-litellm",
        "litellm",
    ),
    "llama_index": (
        "httpx2",
        "httpx-aiohttp",
        "llama-index-llms-openai-like",
        "llama-index-llms-google-genai",
        "llama-index-llms-litellm",
    ),
}
_OURS: Final[dict[Field, str]] = {
    "core": ".[fast]",
    "langchain": ".[fast,langchain]",
    "llama_index": ".[fast,llama-index]",
}
_SECONDS: Final = 900.0
_VERSIONS: Final = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""


def python_of(field: Field) -> Path:
    return FOLDER / field / "bin" / "python"


def set_up(field: Field) -> list[str]:
    """Make an environment, and tell what could not be installed into it."""
    stamp = FOLDER / field / "installed.txt"
    ours = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    wanted = "\n".join((ours, _OURS[field], *PACKAGES[field]))
    if stamp.exists() and stamp.read_text().startswith(wanted):
        return stamp.read_text()[len(wanted) :].split()
    print(f"Setting up {FOLDER / field}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", FOLDER / field], check=True, timeout=_SECONDS)
    missing = []
    if not _install(field, ("--editable", _OURS[field], *PACKAGES[field])):
        subprocess.run(_pip(field, ("--editable", _OURS[field])), check=True, timeout=_SECONDS, cwd=ROOT)
        missing = [package for package in PACKAGES[field] if not _install(field, (package,))]
    stamp.write_text("\n".join((wanted, *missing)))
    return missing


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Tell the installed versions."""
    command = [python, "-c", _VERSIONS, *packages]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS, cwd=ROOT)
    return dict(line.split(" ", 1) for line in found.stdout.splitlines())


def _pip(field: Field, arguments: Sequence[str]) -> list[str]:
    return [
        str(python_of(field)),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--quiet",
        "--disable-pip-version-check",
        *arguments,
    ]


def _install(field: Field, arguments: Sequence[str]) -> bool:
    try:
        return subprocess.run(_pip(field, arguments), timeout=_SECONDS, cwd=ROOT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
