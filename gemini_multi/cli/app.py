"""The commands by name, and the way in which their errors end the process."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from gemini_multi import __version__
from gemini_multi.cli.batch import batch
from gemini_multi.cli.chat import chat
from gemini_multi.cli.console import show_status
from gemini_multi.cli.doctor import doctor
from gemini_multi.cli.models import models
from gemini_multi.cli.sandbox import sandbox
from gemini_multi.cli.serve import serve
from gemini_multi.errors import ConfigurationError, GeminiMultiError

COMMANDS: Final[tuple[Callable[..., None], ...]] = (models, doctor, chat, batch, serve, sandbox)
"""All commands. The command line shows the names and docstrings of these functions. Add new commands here."""

FAILED: Final = 1
UNUSABLE: Final = 2
INTERRUPTED: Final = 130

_APP: Final = typer.Typer(
    name="gemini-multi",
    help="Hosted Gemini models over Cloudflare AI, AIMLAPI and Oxen.ai.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, including keys
)
for command in COMMANDS:
    _APP.command()(command)


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the flag
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@_APP.callback()
def _common(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
    warnings.formatwarning = _warning


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Write a warning without the line of code that caused it."""
    del category, filename, lineno, line
    return f"Note: {message}\n"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    logging.getLogger("gemini_multi").addHandler(logging.NullHandler())
    try:
        _APP(args=None if arguments is None else list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the program that read the output has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except GeminiMultiError as error:
        return _failed(error)
    return 0


def _failed(error: GeminiMultiError) -> int:
    show_status(f"Error: {error.message}")
    return UNUSABLE if isinstance(error, ConfigurationError) else FAILED
