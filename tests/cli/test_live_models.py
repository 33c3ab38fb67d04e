"""`models --live` says where a provider's own list differs from the catalog."""

from __future__ import annotations

import json

import pytest

from gemini_multi import catalog
from gemini_multi.cli.live_models import differences
from gemini_multi.types import ListedModel

IDS = list(dict.fromkeys(model.providers["oxen"].id for model in catalog.models() if "oxen" in model.providers))
MODEL = catalog.find(IDS[0])
HOSTED = MODEL.providers["oxen"]
WINDOW = HOSTED.context_window or MODEL.context_window
LONGEST = HOSTED.max_output_tokens or MODEL.max_output_tokens


def listed(**changed):
    """The list that agrees with the catalog, but for one model."""
    found = [ListedModel(provider="oxen", id=name) for name in IDS]
    return [*found[1:], ListedModel(**{"provider": "oxen", "id": found[0].id, **changed})]


CASES = [
    ({}, []),
    ({"context_window": WINDOW}, []),
    ({"context_window": 5}, [(HOSTED.id, f"context window: 5 is listed, the catalog says {WINDOW:,}")]),
    ({"max_output_tokens": 5}, [(HOSTED.id, f"longest output: 5 is listed, the catalog says {LONGEST:,}")]),
    (
        {"id": "gemini-9-future"},
        [
            ("gemini-9-future", "is listed, but not in the catalog"),
            (HOSTED.id, "is in the catalog, but not listed"),
        ],
    ),
    ({"id": "another-maker", "aliases": (HOSTED.id,)}, []),
]


@pytest.mark.parametrize(("changed", "expected"), CASES, ids=lambda case: str(case)[:40])
def test_differences_are_found(changed, expected):
    """New models, withdrawn ones and other limits; models of other makers are passed over."""
    assert [(one.id, one.finding) for one in differences("oxen", listed(**changed))] == expected


def test_providers_are_asked(command, sandbox):
    """One that has no list says so, and is no failure."""
    ended = command("models", "--live", "--json")

    assert ended.code == 0
    assert {one["provider"] for one in json.loads(ended.out)} <= {"aimlapi", "oxen"}
    assert {request.provider for request in sandbox.requests} == {"aimlapi", "oxen"}
    assert "cloudflare" in ended.err


def test_a_provider_that_fails_is_a_failure(command, sandbox):
    """The others are compared all the same."""
    sandbox.fail("oxen", status=401)
    ended = command("models", "--live", "-p", "oxen", "-p", "aimlapi")

    assert ended.code == 1
    assert "oxen" in ended.err
    assert sandbox.requests_to("aimlapi")
