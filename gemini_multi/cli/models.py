"""`gemini-multi models`: what the catalog knows."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from gemini_multi import catalog
from gemini_multi.cli.console import JsonOption, ProvidersOption, show_json, show_table
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import PROVIDERS

_ROWS: Final = TypeAdapter(list[catalog.Model])
_COLUMNS: Final = ("model", "context", "output", "USD per million: in", "out", "thinking", *PROVIDERS)


def models(*, provider: ProvidersOption = None, json: JsonOption = False) -> None:
    """List the models: limits, prices, and each provider's id."""
    wanted = provider or list(PROVIDERS)
    if unknown := [name for name in wanted if name not in PROVIDERS]:
        raise ConfigurationError(f"There is no provider {unknown[0]!r}; the known ones are {', '.join(PROVIDERS)}.")
    found = [model for model in catalog.models() if any(name in model.providers for name in wanted)]
    if json:
        show_json(_ROWS.dump_python(found, mode="json"))
    else:
        show_table(_COLUMNS, [_row(model) for model in found])


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
