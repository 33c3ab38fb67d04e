"""The catalog against what the providers document and list, and what is said of models that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import pytest

from gemini_multi import ChatRequest, Message, ModelNotFound, UnsupportedFeature
from gemini_multi.catalog import models
from gemini_multi.sandbox import Sandbox
from tests.end_to_end.endpoints import ENDPOINTS, Wire

ROOT = Path(__file__).parent.parent.parent

CLOUDFLARE = {
    "google/gemini-2.5-flash-lite": (1_000_000, 8192, None),
    "google/gemini-2.5-flash": (1_000_000, 8192, (0.3, 2.5, 0.03)),
    "google/gemini-2.5-pro": (1_000_000, 65_536, (1.25, 10, 0.125)),
    "google/gemini-3-flash": (1_000_000, 8192, (0.5, 3, 0.05)),
    "google/gemini-3.1-flash-lite": (1_000_000, 8192, (0.25, 1.5, 0.03)),
    "google/gemini-3.1-pro": (1_000_000, 65_536, (2, 12, 0.2)),
    "google/gemini-3.5-flash": (1_048_576, 65_536, (1.5, 9, 0.15)),
    "google/gemini-3.5-flash-lite": (1_048_576, 65_536, (0.3, 2.5, 0.03)),
    "google/gemini-3.6-flash": (1_048_576, 65_536, (1.5, 7.5, 0.15)),
    "google/gemini-3.7-flash": (1_048_576, 65_536, (0.75, 3.75, 0.075)),
    "google/gemini-3.8-flash": (1_048_576, 65_536, (0.75, 3.75, 0.075)),
}
AIMLAPI = {
    "A": "2.5-flash-lite-preview 2.5-flash 2.5-pro 3-flash-preview 3-1-pro-preview 3-1-flash-lite-preview "
    "3-pro-preview",
    "B": "3-1-flash-lite 3-5-flash",
    "C": "3-6-flash 3-7-flash 3-8-flash 3-5-flash-lite",
    "D": "3.1-pro-preview-customtools flash-latest pro-latest 3-pro-image 3.1-flash-image",
}
OXEN = {
    None: "2-5-flash 2-5-pro 3-flash-preview 3-1-pro-preview 3-7-flash 3-8-flash",
    date(2026, 7, 1): "2-5-flash-lite-preview-09-2025 2-0-flash-001 3-1-flash-lite-preview",
}


def test_cloudflares_models_are_all_here() -> None:
    """Each with the window, the output limit and the price that Cloudflare's page states."""
    found = {}
    for model in models():
        if hosted := model.providers.get("cloudflare"):
            window = hosted.context_window or model.context_window
            output = hosted.max_output_tokens or model.max_output_tokens
            price = hosted.prices[0] if hosted.prices else None
            found[hosted.id] = (window, output, price and (price.input, price.output, price.cached))

    assert found == CLOUDFLARE


def test_aimlapis_models_are_all_here() -> None:
    """Each with the family of its request schema; Gemma has none."""
    hosted = [model.providers["aimlapi"] for model in models() if "aimlapi" in model.providers]
    expected = {f"google/gemini-{name}": family for family, names in AIMLAPI.items() for name in names.split()}

    assert {entry.id: entry.schema for entry in hosted if entry.schema} == expected


def test_oxens_models_are_all_here() -> None:
    """Those that Oxen has removed are marked with the day."""
    hosted = [model.providers["oxen"] for model in models() if "oxen" in model.providers]
    expected = {f"gemini-{name}": day for day, names in OXEN.items() for name in names.split()}

    assert {entry.id: entry.withdrawn for entry in hosted if "gemma" not in entry.id} == expected


def test_gaps_against_a_provider_that_lists_its_models(sandbox: Sandbox) -> None:
    """The tool asks both providers; the catalog lacks nothing that they list, and has Gemma beside."""
    tool = str(ROOT / "tools" / "catalog_gaps.py")
    environment = {**os.environ, **sandbox.environment(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, tool], capture_output=True, text=True, env=environment, check=False)
    *named, oxen = done.stdout.splitlines()

    assert all("gemma" in line or " 0 missing" in line for line in named), done.stdout
    assert (done.returncode, oxen.split(",")[1]) == (1, " 0 missing")


GONE = [
    ("run", "gemini-2.5-pro", "Its end is announced for 2026-10-20. Use 'gemini-3.8-flash' instead."),
    ("A", "gemini-3-pro-preview", "Its end is announced for 2026-08-21. Use 'gemini-3.1-pro-preview' instead."),
    (
        "oxen",
        "gemini-2.5-flash-lite",
        "Its end is announced for 2026-07-01. Use a newer model, or add another provider, instead.",
    ),
]


@pytest.mark.parametrize(("name", "model", "said"), GONE)
def test_a_model_that_is_gone_is_told_with_its_successor(name: str, model: str, said: str) -> None:
    """A 404 says when the model's end was announced and what to do."""
    refusal = httpx.Response(404, json={"error": {"code": 404, "message": "not found"}})
    request = ChatRequest(model=model, messages=(Message.user("Hi"),))
    with pytest.raises(ModelNotFound) as gone:
        Wire(refusal).client(ENDPOINTS[name].provider).chat(request)

    assert str(gone.value).endswith(said)


def test_a_model_that_a_provider_never_had_is_told_before_anything_is_sent() -> None:
    """With what to do when the provider has it by now."""
    wire = Wire()
    request = ChatRequest(model="gemini-3.6-flash", messages=(Message.user("Hi"),))
    with pytest.raises(UnsupportedFeature, match=r"oxen does not serve 'gemini-3\.6-flash'; if it does by now"):
        wire.client(ENDPOINTS["oxen"].provider).chat(request)

    assert not wire.requests
