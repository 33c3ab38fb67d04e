"""`gemini-multi models`: shows the catalog."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter

from gemini_multi import catalog
from gemini_multi.cli.console import JsonOption, ProvidersOption, show_json, show_status, show_table
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import PROVIDERS

_ROWS: Final = TypeAdapter(list[catalog.Model])
_COLUMNS: Final = ("model", "context", "output", "USD per million: in", "out", "thinking", *PROVIDERS)


def models(
    *,
    provider: ProvidersOption = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Ask the providers for their lists, and show what the catalog says otherwise."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the models: limits, prices, and each provider's id."""
    if live:
        _show_live(provider, json=json)
        return
    wanted = provider or list(PROVIDERS)
    if unknown := [name for name in wanted if name not in PROVIDERS]:
        raise ConfigurationError(f"There is no provider {unknown[0]!r}; the known ones are {', '.join(PROVIDERS)}.")
    found = [model for model in catalog.models() if any(name in model.providers for name in wanted)]
    if json:
        show_json(_ROWS.dump_python(found, mode="json"))
    else:
        show_table(_COLUMNS, [_row(model) for model in found])


def _show_live(providers: list[str] | None, *, json: bool) -> None:
    from gemini_multi.cli.live_models import compare

    found, failed = compare(providers)
    if json:
        show_json([dataclasses.asdict(difference) for difference in found])
    elif found:
        show_table(("provider", "model", "finding"), [dataclasses.astuple(difference) for difference in found])
    elif not failed:
        show_status("The lists and the catalog agree.")
    if failed:
        raise typer.Exit(1)


def _row(model: catalog.Model) -> tuple[str, ...]:
    price = model.prices[0] if model.prices else None
    served = (model.providers.get(name) for name in PROVIDERS)
    return (
        model.name,
        f"{model.context_window:,}",
        f"{model.max_output_tokens:,}",
        f"{price.input:g}" if price else "",
        f"{price.output:g}" if price else "",
        ", ".join(model.thinking.levels) or model.thinking.control,
        *(hosted.id if hosted else "" for hosted in served),
    )
