"""Models that LangChain makes from strings, after one call that registers them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain.chat_models import init_chat_model
from langchain_core.load import dumpd, load

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

STRINGS = ["oxen", "aimlapi", "cloudflare", "hosted_gemini", "gemini_multi"]
NAME = "gemini-2.5-flash"
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def providers_of(prefix: str) -> list[str]:
    return [prefix] if prefix in ("oxen", "aimlapi", "cloudflare") else ["cloudflare", "aimlapi", "oxen"]


@pytest.mark.parametrize("prefix", STRINGS)
@pytest.mark.parametrize("apart", [False, True])
def test_init_chat_model_makes_it(prefix: str, apart: bool) -> None:
    """With the provider before a colon or as an argument, and with further arguments."""
    how = {"model": NAME, "model_provider": prefix} if apart else {"model": f"{prefix}:{NAME}"}
    made: Any = init_chat_model(**how, temperature=0)

    assert isinstance(made, ChatGeminiMulti)
    assert (made.model, made.provider_names, made.temperature) == (NAME, providers_of(prefix), 0)


def test_a_configurable_model_changes_its_provider() -> None:
    """Per call, by LangChain's own means."""
    model = init_chat_model(f"oxen:{NAME}", configurable_fields=("model", "model_provider"))
    asked = {"model": NAME, "model_provider": "aimlapi"}
    answers = [model.invoke("hi"), model.invoke("hi", config={"configurable": asked})]

    assert [answer.response_metadata["provider"] for answer in answers] == ["oxen", "aimlapi"]


@pytest.mark.parametrize("prefix", STRINGS)
def test_an_agent_takes_the_string(prefix: str) -> None:
    """And so do middlewares."""

    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"sunny in {city}"

    agent: Any = create_agent(
        f"{prefix}:{NAME}", [get_weather], middleware=[ModelFallbackMiddleware(f"aimlapi:{NAME}")]
    )
    state = agent.invoke({"messages": [("user", "Use get_weather for Paris.")]})

    assert "sunny in Paris" in [message.text for message in state["messages"]]


UNREGISTERED = """
import warnings; warnings.simplefilter("ignore")
import langchain_gemini_multi
from langchain.chat_models import init_chat_model
for prefix in ("oxen", "aimlapi", "cloudflare", "hosted_gemini"):
    try:
        init_chat_model(prefix + ":gemini-2.5-flash")
    except ValueError as error:
        print(prefix, "Unable to infer model provider" in str(error))
"""


def test_unregistered_strings_are_taken_for_nobody_else() -> None:
    """LangChain says that it does not know them; `gemini_multi:…` alone it would take for Vertex."""
    done = subprocess.run([sys.executable, "-c", UNREGISTERED], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["oxen", "True", "aimlapi", "True", "cloudflare", "True", "hosted_gemini", "True"]


@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
@pytest.mark.parametrize("allowed", ["all", "named"])
def test_a_written_model_is_read_again(kind: Any, allowed: str) -> None:
    """By naming the class, or by the registration."""
    model = kind(model=f"oxen:{NAME}", temperature=0)
    names: Any = {"allowed_objects": "all" if allowed == "all" else [kind]}
    made = load(dumpd(model), valid_namespaces=["langchain_gemini_multi"], **names)

    assert (made.model, made.provider_names, made.temperature) == (NAME, ["oxen"], 0)
