"""`doctor --record`: keeps the responses of a provider, and shows where they differ from what the library expects."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gemini_multi.cli.console import ERRORS, show_status
from gemini_multi.cli.live_calls import Caller, Recording
from gemini_multi.cli.masking import Mask
from gemini_multi.cli.observation import additions, differences
from gemini_multi.providers import Provider
from gemini_multi.types import JsonValue

THINKING: Final = "gemini-3-flash"
"""A model whose thoughts have signatures."""


def record(kind: type[Provider], model: str, folder: Path) -> dict[str, JsonValue]:
    """Make the calls to a provider and to the sandbox, keep the provider's, and return the differences."""
    provider = kind()
    expected = {recording.call: recording for recording in _expected(kind, model)}
    target = folder / kind.name
    target.mkdir(parents=True, exist_ok=True)
    mask, report = Mask(provider), dict[str, JsonValue]()
    with ERRORS.status(f"recording {kind.name}"), Caller(provider, model) as caller:
        for position, recording in enumerate(caller.run(), 1):
            _keep(recording, mask, target / f"{position:02}-{recording.call.replace(' ', '-')}.json")
            hoped = expected.get(recording.call, recording)
            report[recording.call] = {
                "differences": list(differences(recording, hoped)),
                "additions": list(additions(recording, hoped)),
            }
    _write(target / "report.json", report)
    return report


def show(provider: str, report: Mapping[str, JsonValue]) -> bool:
    """Show the differences of a provider; `True` if there are any."""
    differing = False
    for call, entry in report.items():
        found = entry.get("differences") if isinstance(entry, dict) else None
        for difference in found if isinstance(found, list) else ():
            differing = True
            show_status(f"{provider}, {call}: {difference}")
    if not differing:
        show_status(f"{provider}: every call was as the library expects.")
    return differing


def _expected(kind: type[Provider], model: str) -> list[Recording]:
    from gemini_multi.sandbox import Sandbox

    with Sandbox() as sandbox, _environment(sandbox.environment()), Caller(kind(), model) as caller:
        return list(caller.run())


@contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None]:
    """Set environment variables temporarily. Providers read them when they are made."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _keep(recording: Recording, mask: Mask, path: Path) -> None:
    _write(path, [mask.exchange(exchange) for exchange in recording.exchanges])


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
