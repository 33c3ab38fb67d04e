"""What the recipes share: what they ask for, and how their checks are run. It needs pydantic only, as all do."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import traceback
from collections.abc import Callable
from importlib import metadata

from pydantic import BaseModel

BASE_URL = os.environ.get("OPENAI_BASE_URL", "")
KEY = os.environ.get("OPENAI_API_KEY", "")
MODEL = os.environ.get("MODEL", "gemini-3-flash")
WEATHER = "It is sunny in Lyon."


def get_weather(city: str) -> str:
    """Say what the weather is like in a city.

    Args:
        city: The name of the city.
    """
    return f"It is sunny in {city}."


class City(BaseModel):
    """A city."""

    name: str


def check_pieces(pieces: list[str], text: str) -> None:
    """Check that an answer came in several pieces and holds a text."""
    assert len(pieces) > 2, pieces
    assert text in "".join(pieces), pieces


def run(packages: list[str], *checks: Callable[[], object]) -> None:
    """Run `tool_loop`, `stream`, `structured` or some of them; each raises if it fails."""
    results = {check.__name__: _outcome(check) for check in checks}
    versions = {package: metadata.version(package) for package in packages}
    print("RESULT " + json.dumps({"versions": versions, "results": results}))


def _outcome(check: Callable[[], object]) -> str:
    try:
        found = check()
        if inspect.iscoroutine(found):
            asyncio.run(found)
    except BaseException as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"[:300]
    return "yes"
