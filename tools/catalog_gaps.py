"""Print what AIMLAPI and Oxen list today and the catalog lacks, and what the catalog has and they no longer list.

    python tools/catalog_gaps.py                 # both providers
    python tools/catalog_gaps.py --provider oxen

The addresses come from `AIMLAPI_BASE_URL` (or `AIMLAPI_API_BASE`) and `OXEN_BASE_URL`, a key from `OXEN_API_KEY`.
Cloudflare has no list of its Google models to ask for. The exit code is 1 when something differs and 2 when a provider
could not be asked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.request import Request, urlopen

from gemini_multi.catalog import models
from gemini_multi.types import JsonValue

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class ProviderCase:
    """Where a provider lists its models."""

    provider: str
    base_url: str
    base_url_variables: tuple[str, ...]
    key_variable: str | None = None


PROVIDERS = (
    ProviderCase("aimlapi", "https://api.aimlapi.com/v1", ("AIMLAPI_BASE_URL", "AIMLAPI_API_BASE")),
    ProviderCase("oxen", "https://hub.oxen.ai/api/ai", ("OXEN_BASE_URL",), "OXEN_API_KEY"),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A Google chat model as a provider lists it: its id, then its aliases."""

    labels: tuple[str, ...]


def listed(case: ProviderCase, environment: Mapping[str, str]) -> list[Listed]:
    """Ask the provider and return every Gemini and Gemma chat model that it lists."""
    set_here = (environment.get(variable) for variable in case.base_url_variables)
    base_url = next((value for value in set_here if value), case.base_url)
    headers = {"Accept": "application/json"}
    if case.key_variable and (key := environment.get(case.key_variable)):
        headers["Authorization"] = f"Bearer {key}"
    with urlopen(Request(f"{base_url.rstrip('/')}/models", headers=headers), timeout=TIMEOUT) as answer:
        document: JsonValue = json.load(answer)
    found = [Listed(labels) for row in _rows(document) if "chat" in _kind(row) and (labels := _labels(row))]
    return [model for model in found if any(_is_google(label) for label in model.labels)]


def gaps(provider: str, found: Iterable[Listed], on: date) -> tuple[list[str], list[str]]:
    """Return the ids that the catalog lacks, and the catalog's ids that the provider does not list."""
    hosted = [model.providers[provider] for model in models() if provider in model.providers]
    known = {label for entry in hosted for label in (entry.id, *entry.aliases)}
    found = list(found)
    # AIMLAPI lists one model by id and by alias in turn, so that either counts.
    missing = sorted(model.labels[0] for model in found if known.isdisjoint(model.labels))
    present = {label for model in found for label in model.labels}
    current = [entry for entry in hosted if entry.withdrawn is None or entry.withdrawn > on]
    gone = sorted({entry.id for entry in current if present.isdisjoint((entry.id, *entry.aliases))})
    return missing, gone


def _rows(document: JsonValue) -> list[dict[str, JsonValue]]:
    rows = document.get("data") if isinstance(document, dict) else document
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _labels(row: Mapping[str, JsonValue]) -> tuple[str, ...]:
    aliases = row.get("aliases")
    labels = [row.get("id"), *(aliases if isinstance(aliases, list) else [])]
    return tuple(label for label in labels if isinstance(label, str))


def _kind(row: Mapping[str, JsonValue]) -> str:
    # AIMLAPI says `type`, Oxen says `endpoint`; a provider that says neither lists chat models.
    return str(row.get("type") or row.get("endpoint") or "chat")


def _is_google(label: str) -> bool:
    return label.removeprefix("google/").startswith(("gemini-", "gemma-"))


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Compare the catalog with what the providers list.")
    parser.add_argument(
        "--provider", action="append", choices=[case.provider for case in PROVIDERS], help="only this provider"
    )
    wanted = parser.parse_args(arguments).provider
    return max(_report(case, environment) for case in PROVIDERS if not wanted or case.provider in wanted)


def _report(case: ProviderCase, environment: Mapping[str, str]) -> int:
    try:
        found = listed(case, environment)
    except (OSError, ValueError) as error:
        print(f"{case.provider}: could not be asked: {error}", file=sys.stderr)
        return 2
    missing, gone = gaps(case.provider, found, date.today())
    for label in missing:
        print(f"{case.provider}: lists {label}, which the catalog lacks")
    for label in gone:
        print(f"{case.provider}: does not list {label}, which the catalog has")
    print(f"{case.provider}: {len(found)} models listed, {len(missing)} missing, {len(gone)} gone")
    return 1 if missing or gone else 0


if __name__ == "__main__":
    sys.exit(main())
