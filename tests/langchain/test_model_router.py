"""LangChain's model router, with a chat model of ours as the decision model and others of ours as the routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable

from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti

from .answers import PROVIDERS, chat, get_weather

if not hasattr(middleware, "ModelRouterMiddleware"):
    pytest.skip("this langchain has no model router", allow_module_level=True)
decisions = pytest.importorskip("langchain_core.decisions", reason="this langchain-core has no decision models")
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


class Decider(decisions.BaseDecisionModel):  # type: ignore[misc]  # of a module that older versions lack
    """Answers a choice by structured output: the labels are the only words that its schema allows."""

    chat: ChatGeminiMulti

    @property
    def _provider(self) -> str:
        return "gemini_multi"

    def _asked(self, questions: Mapping[str, Any]) -> Runnable[Any, Any]:
        labels = {name: {"type": "string", "enum": list(one.criteria)} for name, one in questions.items()}
        schema = {"title": "Answers", "type": "object", "properties": labels, "required": list(labels)}
        return self.chat.with_structured_output(schema, include_raw=True)

    def _messages(self, state: Any, questions: Mapping[str, Any]) -> list[Any]:
        told = "\n".join(f"{name}: {one.instructions} {one.criteria}" for name, one in questions.items())
        return [("system", told), state]

    def _read(self, found: Mapping[str, Any]) -> Any:
        certain = {
            name: {"type": "choice", "choice": label, "probabilities": {label: 1.0}, "confidence": 1.0}
            for name, label in found["parsed"].items()
        }
        usage = found["raw"].usage_metadata
        return decisions.ClassifierResponse.model_validate({"model": self.model, "answers": certain, "usage": usage})

    def _classify(self, state: Any, questions: Mapping[str, Any]) -> Any:
        return self._read(self._asked(questions).invoke(self._messages(state, questions)))

    async def _aclassify(self, state: Any, questions: Mapping[str, Any]) -> Any:
        return self._read(await self._asked(questions).ainvoke(self._messages(state, questions)))


def routed(provider: str) -> Any:
    """Make an agent that has its model chosen."""
    choices = {
        "small": middleware.ModelChoice(chat(provider, model="gemini-2.5-flash"), "Simple tasks."),
        "large": middleware.ModelChoice(chat(provider, model="gemini-2.5-pro"), "Hard tasks."),
    }
    decider = Decider(model="gemini-2.5-flash-lite", chat=chat(provider, model="gemini-2.5-flash-lite"))
    router = middleware.ModelRouterMiddleware(choices=choices, instructions="Choose.", classifier=decider)
    return create_agent(chat(provider), [get_weather], middleware=[router])


@pytest.mark.parametrize("wait", [False, True], ids=["blocking", "awaited"])
@pytest.mark.parametrize(("route", "model"), [("small", "flash"), ("large", "pro")])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_model_is_routed_by_a_decision_of_ours(
    sandbox: Sandbox, provider: str, route: str, model: str, wait: bool
) -> None:
    """One decision is made for the whole tool loop, and each of its calls goes to the model that was decided on."""
    sandbox.script(None, [Answer(f'{{"model_route": "{route}"}}')])
    state = {"messages": [HumanMessage("Use get_weather for Paris.")]}
    agent = routed(provider)
    done = await agent.ainvoke(state) if wait else agent.invoke(state)
    assert done["model_route"].choice == route
    bodies: list[Any] = [request.body for request in sandbox.requests]
    asked = [body["model"] for body in bodies]
    assert ("lite" in asked[0], [model in one and "lite" not in one for one in asked[1:]]) == (True, [True, True])
    assert "sunny in Paris" in done["messages"][-1].text
