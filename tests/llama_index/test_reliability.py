"""Order of providers, hedging, spending and what observers are told of failed requests, in LlamaIndex's terms."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from pydantic import PrivateAttr

from gemini_multi import Attempt, BudgetExceeded, ConfigurationError, Hedging
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import AttemptFailedEvent, GeminiMulti

HI = [ChatMessage(content="Hi")]
PAIR = ["aimlapi", "oxen"]


def model(**settings: Any) -> GeminiMulti:
    return GeminiMulti(**{"model": "gemini-2.5-flash", "providers": PAIR, **settings})


def asked(sandbox: Sandbox) -> list[str]:
    return [request.provider for request in sandbox.requests]


def test_the_strategy_orders_the_providers(sandbox: Sandbox) -> None:
    """By turns, here."""
    llm = model(strategy="round_robin")
    for _ in range(4):
        llm.chat(HI)

    assert asked(sandbox) == PAIR * 2


def test_an_unknown_strategy_is_refused() -> None:
    """With the other fields."""
    with pytest.raises(ConfigurationError, match="strategy"):
        model(strategy="best")


async def test_a_slow_provider_is_hedged(sandbox: Sandbox) -> None:
    """The second one's answer is the answer, and the first is told as cancelled."""
    sandbox.fail("aimlapi", fault="stall", times=1)
    response = await model(hedging=Hedging(after=0.01, share=1.0), timeout=20.0).achat(HI)

    assert response.raw["provider"] == "oxen"
    assert {one["provider"]: one["outcome"] for one in response.raw["attempts"]} == {
        "aimlapi": "cancelled",
        "oxen": "answered",
    }


def test_a_call_that_may_cost_too_much_is_refused(sandbox: Sandbox) -> None:
    """Before anything is sent."""
    with pytest.raises(BudgetExceeded):
        model(max_cost_usd=1e-9).chat(HI)

    assert asked(sandbox) == []


def test_other_settings_are_no_new_budget(sandbox: Sandbox) -> None:
    """What was spent stays spent when a field is assigned to."""
    llm = model(max_cost_usd=1.0, max_tokens=500)
    llm.chat(HI)
    llm.timeout = 5.0

    assert llm.totals.calls == 1


def test_observers_are_told_of_failed_requests(sandbox: Sandbox) -> None:
    """Below the call's own span, for every one that gave no answer."""

    class Recorder(BaseEventHandler):
        _events: list[BaseEvent] = PrivateAttr(default_factory=list)

        def handle(self, event: BaseEvent, **_: Any) -> None:
            self._events.append(event)

    recorder, dispatcher = Recorder(), get_dispatcher()
    dispatcher.add_event_handler(recorder)
    try:
        sandbox.fail("aimlapi", status=503, times=1)
        seen: list[Attempt] = []
        model(on_attempt=seen.append).chat(HI)
    finally:
        dispatcher.event_handlers.remove(recorder)
    told = [event for event in recorder._events if isinstance(event, AttemptFailedEvent)]

    assert [(event.provider, event.status, event.error) for event in told] == [("aimlapi", 503, "ServerError")]
    assert told[0].span_id is not None
    assert [one.outcome for one in seen] == ["failed", "answered"]


def test_a_model_with_all_of_it_pickles_and_is_written(sandbox: Sandbox) -> None:
    """The hook stays behind."""
    llm = model(strategy="fastest", hedging=Hedging(after=2.0), on_attempt=lambda attempt: None)
    loaded = pickle.loads(pickle.dumps(llm))
    read = GeminiMulti.from_dict(llm.to_dict())

    for other in (loaded, read):
        assert (other.strategy, Hedging.of(other.hedging)) == ("fastest", Hedging(after=2.0))
        assert other.chat(HI).message.content
