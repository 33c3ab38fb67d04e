"""The outputs of commands, and functions that several commands use to show values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from gemini_multi.types import ChatResponse

ERRORS: Final = Console(stderr=True, highlight=False)
"""Standard error: progress, hints and errors."""

ModelOption: TypeAlias = Annotated[str, typer.Option("--model", "-m", help="A catalog name or a provider's own id.")]
ProvidersOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--provider", "-p", help="cloudflare, aimlapi or oxen; may be repeated, in order of preference."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

CHEAPEST: Final = "gemini-2.5-flash-lite"


def show_status(text: str) -> None:
    """Write a line to standard error, without changes."""
    ERRORS.print(text, markup=False, soft_wrap=True)


def show_json(value: Any) -> None:  # noqa: ANN401  # any JSON value
    """Print a JSON value to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output. If that is not a terminal, the width is unlimited."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 1000
    console.print(table)


def summary(response: ChatResponse, seconds: float) -> str:
    """Return one line with the provider, the model, the tokens, the cost and the time of an answer."""
    used = response.usage
    cost = "cost unknown" if used.cost_usd is None else f"{used.cost_usd:.6f} USD"
    thoughts = f" ({used.reasoning_tokens} thoughts)" if used.reasoning_tokens else ""
    attempts = f", {len(response.attempts)} attempts" if len(response.attempts) > 1 else ""
    tokens = f"{used.input_tokens} + {used.output_tokens}{thoughts} tokens"
    return f"{response.provider}, {response.model}: {tokens}, {cost}, {seconds:.1f} s{attempts}"
