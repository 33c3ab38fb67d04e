"""Order of providers, hedging, spending and hooks, in LangChain's terms."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from langchain_core.load import dumpd, load

from gemini_multi import Attempt, BudgetExceeded, ConfigurationError, Hedging
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

PAIR = ["aimlapi", "oxen"]


def model(**settings: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": "gemini-2.5-flash", "providers": PAIR, **settings})


def asked(sandbox: Sandbox) -> list[str]:
    return [request.provider for request in sandbox.requests]


def test_the_strategy_orders_the_providers(sandbox: Sandbox) -> None:
    """By turns, here; a bound copy takes part."""
    chat = model(strategy="round_robin")
    for runnable in (chat, chat.bind(temperature=0.5), chat, chat.bind_tools([])):
        runnable.invoke("Hi")

    assert asked(sandbox) == PAIR * 2


def test_an_unknown_strategy_is_refused(sandbox: Sandbox) -> None:
    """With the other fields."""
    with pytest.raises(ConfigurationError, match="strategy"):
        model(strategy="best")


async def test_a_slow_provider_is_hedged(sandbox: Sandbox) -> None:
    """The second one's answer is the answer, and the first is told as cancelled."""
    sandbox.fail("aimlapi", fault="stall", times=1)
    answer = await model(hedging=Hedging(after=0.01, share=1.0), timeout=20.0).ainvoke("Hi")

    assert answer.response_metadata["provider"] == "oxen"
    assert {one["provider"]: one["outcome"] for one in answer.response_metadata["attempts"]} == {
        "aimlapi": "cancelled",
        "oxen": "answered",
    }


@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
def test_a_call_that_may_cost_too_much_is_refused(sandbox: Sandbox, kind: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(BudgetExceeded):
        kind(model="gemini-2.5-flash", providers=PAIR, max_cost_usd=1e-9).invoke("Hi")

    assert asked(sandbox) == []


def test_copies_and_other_settings_are_no_new_budget(sandbox: Sandbox) -> None:
    """What was spent stays spent: in copies, and when a field is assigned to."""
    chat = model(max_cost_usd=1.0, max_tokens=500)
    chat.invoke("Hi")
    chat.timeout = 5.0

    assert [one.totals.calls for one in (chat, copy.deepcopy(chat), copy.copy(chat))] == [1, 1, 1]


def test_every_attempt_is_told(sandbox: Sandbox) -> None:
    """In the order in which they end."""
    seen: list[Attempt] = []
    sandbox.fail("aimlapi", status=503, times=1)
    model(on_attempt=seen.append).invoke("Hi")

    assert [(one.provider, one.outcome) for one in seen] == [("aimlapi", "failed"), ("oxen", "answered")]


def test_a_resting_provider_is_remembered_by_bound_copies(sandbox: Sandbox) -> None:
    """They share one client, so that what one learns all know."""
    chat = model()
    sandbox.fail("aimlapi", status=402, times=1)
    chat.invoke("Hi")
    chat.bind(temperature=0.1).invoke("Hi")

    assert asked(sandbox) == ["aimlapi", "oxen", "oxen"]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_a_model_with_all_of_it_pickles_and_is_written(sandbox: Sandbox) -> None:
    """The hook stays behind."""
    chat = model(strategy="fastest", hedging=Hedging(after=2.0), on_attempt=lambda attempt: None)

    written = load(dumpd(chat), valid_namespaces=["langchain_gemini_multi"], allowed_objects=[ChatGeminiMulti])

    for other in (pickle.loads(pickle.dumps(chat)), written):
        assert (other.strategy, other.hedging) == ("fastest", Hedging(after=2.0))
        assert other.invoke("Hi").text
