"""`gemini-multi doctor`: shows what is configured, what works, and how to correct the rest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from gemini_multi.cli.checks import Finding, examine
from gemini_multi.cli.console import (
    CHEAPEST,
    ERRORS,
    JsonOption,
    ModelOption,
    ProvidersOption,
    show_json,
    show_status,
    show_table,
)
from gemini_multi.errors import ConfigurationError
from gemini_multi.providers import PROVIDERS, Provider


def doctor(
    *,
    provider: ProvidersOption = None,
    model: ModelOption = "",
    record: Annotated[
        Path | None, typer.Option(help="Make the documented calls, and keep what providers send in this folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check keys, names, TLS and one cheap call per provider, and say what to do.

    Fails when no provider works, or when one that was named does not. With --record it makes seven calls per provider
    (whole, streamed, a tool call and its result, an image, an error, the list of models), keeps them without keys, ids
    and accounts, and says where they differ from what this library expects.
    """
    kinds = [_kind(name) for name in provider or PROVIDERS]
    findings: list[Finding] = []
    for kind in kinds:
        with ERRORS.status(f"asking {kind.name}"):
            findings.append(examine(kind, model or CHEAPEST))
    if json:
        show_json([dataclasses.asdict(finding) for finding in findings])
    else:
        _show(findings)
    working = {finding.provider for finding in findings if finding.works}
    if record is not None:
        _record([kind for kind in kinds if kind.name in working], model, record)
    if not working and not json:
        show_status("No provider works. Without a key, `gemini-multi sandbox` imitates all of them.")
    if not working or (provider and len(working) < len(findings)):
        raise typer.Exit(1)


def _record(kinds: list[type[Provider]], model: str, folder: Path) -> None:
    from gemini_multi.cli import recording

    for kind in kinds:
        recording.show(kind.name, recording.record(kind, model or recording.THINKING, folder))
    show_status(f"The recordings are in {folder}. Read them before you show them to others.")


def _kind(name: str) -> type[Provider]:
    kind = PROVIDERS.get(name.strip().lower())
    if kind is None:
        raise ConfigurationError(f"There is no provider {name!r}; the known ones are {', '.join(PROVIDERS)}.")
    return kind


def _show(findings: list[Finding]) -> None:
    rows = [(one.provider, one.key, one.name, one.tls, one.call) for one in findings]
    show_table(("provider", "key", "addresses", "TLS", "a call"), rows)
    for one in findings:
        if one.advice:
            show_status(f"{one.provider}: {one.advice}")
