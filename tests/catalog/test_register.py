"""Rows of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gemini_multi import AIMLAPI, ChatRequest, Client, ConfigurationError, Message, catalog
from gemini_multi.catalog import HostedModel, Model, Price, Thinking

NAMES = ("gemini-3.8-flash", "house-model", "gemini-9.9-tuned")


@pytest.fixture(autouse=True)
def _catalog_as_it_was() -> Iterator[None]:
    yield
    for name in NAMES:
        catalog.unregister(name)


def test_a_known_model_gets_ids_and_prices() -> None:
    """What is not given stays; the id finds the model."""
    before = catalog.find("gemini-3.8-flash")
    row = catalog.register(
        "google/gemini-3-8-flash",
        providers={"mine": "house/flash", "other": HostedModel("o", context_window=1_000)},
        prices=[Price(input=1, output=2)],
    )
    assert row.providers == {**before.providers, "mine": HostedModel("house/flash"), "other": row.providers["other"]}
    assert replace(row, providers=before.providers, prices=before.prices) == before
    assert catalog.find("house/flash") is row
    assert catalog.find_answered("gemini-3.8-flash") is row
    assert catalog.models().count(row) == 1


def test_a_row_of_ones_own_is_found() -> None:
    """It comes first, and an unknown model stays an unknown one beside it."""
    row = Model(name="house-model", aliases=("house",), generation=3.0, thinking=Thinking(control="none"))
    assert catalog.register(row) == row
    assert catalog.find("house") is catalog.models()[0]
    assert not catalog.find("gemini-9.9-tuned").is_known


def test_an_unknown_name_becomes_known_with_its_relatives_traits() -> None:
    """A tuned model needs an id and prices, no row in full."""
    row = catalog.register("gemini-9.9-tuned", providers={"aimlapi": "tuned/1"})
    assert row.is_known
    request = ChatRequest(model="gemini-9.9-tuned", messages=(Message.user("Hi"),))
    (route,) = Client(AIMLAPI("key")).routes(request)
    assert route.endpoints[0].target.model_id == "tuned/1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"providers": {"mine": 3}}, "The entry of 'mine' must be the model's id there, or `HostedModel"),
        ({"providers": {"mine": " "}}, "The entry of 'mine' must be the model's id there"),
        ({"prices": Price(input=1, output=2)}, "`prices` must be a list of `Price"),
        ({"prices": [(1, 2)]}, "`prices` must be a list of `Price"),
    ],
)
def test_a_wrong_entry_or_price_is_an_error(arguments: dict[str, Any], message: str) -> None:
    """And the row stays as it was."""
    before = catalog.find("gemini-3.8-flash")
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        catalog.register("gemini-3.8-flash", **arguments)
    assert catalog.find("gemini-3.8-flash") is before


def test_names_of_providers_are_written_in_any_case() -> None:
    """A provider's own name is in lower case."""
    assert (
        catalog.register("gemini-3.8-flash", providers={" Mine": "house/flash"}).providers["mine"].id == "house/flash"
    )


def test_what_was_registered_can_be_taken_back() -> None:
    """Our own row counts again."""
    before = catalog.find("gemini-3.8-flash")
    catalog.register("gemini-3.8-flash", providers={"mine": "house/flash"})
    catalog.unregister("gemini-3.8-flash")
    assert catalog.find("gemini-3.8-flash") == before
    assert not catalog.find("house/flash").is_known
