"""The command line `gemini-multi`, which uses the public client.

This package holds the commands, each in its own module, and their output. A command is registered in `app.py`. Results
go to standard output; progress, hints and errors go to standard error. Exit codes: 0 success, 1 a provider or a check
failed, 2 the arguments or the configuration cannot be used, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_EXTRAS = {"typer": "cli", "rich": "cli", "starlette": "server", "uvicorn": "server", "filelock": "batch"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and end the process with its exit code."""
    try:
        from gemini_multi.cli.app import run

        sys.exit(run(arguments))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        advice = f'pip install "gemini-multi[{_EXTRAS[package]}]"'
        sys.stderr.write(f"This command needs the package {package!r}. Install it with: {advice}\n")
        sys.exit(2)
