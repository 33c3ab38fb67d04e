"""The quickstart: one Gemini model object over three providers, in LangChain.

Run it as it is and it talks to the sandbox, a stand-in for the providers on this machine. The sandbox has no model: it
gives recorded answers to a few questions and else repeats what it was asked. Set a provider's key (see the README) and
the same file talks to that provider.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from gemini_multi import ConfigurationError
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti

MODEL = "gemini-2.5-flash-lite"
QUESTIONS = {
    "cloudflare": "What are the three laws of thermodynamics?",
    "aimlapi": "Hello",
    "oxen": "Hello, what can you do?",
}


class City(BaseModel):
    """A city."""

    name: str = Field(description="The city's name")
    country: str = Field(description="The country it is in")
    population: int = Field(description="How many people live there")


@tool
def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"It is 21 °C and sunny in {city}."


@tool
def get_population(city: str) -> int:
    """Say how many people live in a city."""
    return 2_103_000 if city.startswith("Paris") else 873_000


def main() -> None:
    """Ask every provider that can be asked, in four ways, and print what each call used."""
    with usable_providers() as providers:
        calls: list[tuple[str, str, AIMessage, float]] = []
        for provider in providers:
            model = ChatGeminiMulti(model=MODEL, providers=provider)
            print(f"\n== {provider}")
            for what, run in (("invoke", ask), ("stream", stream), ("agent", agent), ("structured", structured)):
                started = time.perf_counter()
                answers = run(model, QUESTIONS[provider])
                seconds = (time.perf_counter() - started) / max(len(answers), 1)
                calls += [(provider, what, answer, seconds) for answer in answers]
        print_usage(calls)


@contextmanager
def usable_providers() -> Iterator[list[str]]:
    """Give the providers that have a key, or all three on the sandbox when none has."""
    if with_key := providers_with_key():
        yield with_key
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model. It gives recorded answers, or repeats.")
        yield list(QUESTIONS)


def providers_with_key() -> list[str]:
    """Name the providers whose key is in the environment."""
    try:
        return [provider.name for provider in resolve(None)]
    except ConfigurationError:
        return []


def ask(model: ChatGeminiMulti, question: str) -> list[AIMessage]:
    """Ask a question and wait for the whole answer."""
    answer = model.invoke(question)
    print(f"-- {question}\n   {shortened(answer.text)}")
    return [answer]


def stream(model: ChatGeminiMulti, question: str) -> list[AIMessage]:
    """Ask for the same answer in pieces, which add up to the same message."""
    pieces: list[str] = []
    whole = None
    for chunk in model.stream(question):
        pieces.append(chunk.text)
        whole = chunk if whole is None else whole + chunk
    print(f"-- {question} (streamed)\n   {len(pieces)} chunks: {shortened(' | '.join(filter(None, pieces)))}")
    return [whole] if whole is not None else []


def agent(model: ChatGeminiMulti, _: str) -> list[AIMessage]:
    """Let an agent call two tools and answer from what they return."""
    question = "Use get_weather and get_population for Paris and tell me both."
    state = create_agent(model, [get_weather, get_population]).invoke({"messages": [("user", question)]})
    answers = [message for message in state["messages"] if isinstance(message, AIMessage)]
    calls = [f"{call['name']}({call['args']})" for answer in answers for call in answer.tool_calls]
    print(f"-- {question}\n   called {', '.join(calls)}\n   {shortened(answers[-1].text)}")
    return answers


def structured(model: ChatGeminiMulti, _: str) -> list[AIMessage]:
    """Ask for a pydantic object."""
    text = "They say that the city of Lisbon, Portugal, has 548703 inhabitants."
    result = model.with_structured_output(City, include_raw=True).invoke(text)
    print(f"-- {text} (as a `City`)\n   {result['parsed']!r}")
    return [result["raw"]]


def print_usage(calls: list[tuple[str, str, AIMessage, float]]) -> None:
    """Print a row for each answer."""
    print(f"\n{'provider':<12}{'call':<12}{'model':<46}{'in':>6}{'out':>6}{'cost in $':>12}{'seconds':>9}")
    for provider, what, answer, seconds in calls:
        usage = answer.usage_metadata
        read, written = (usage["input_tokens"], usage["output_tokens"]) if usage else ("-", "-")
        facts = answer.response_metadata
        cost = facts.get("cost_usd")
        print(
            f"{provider:<12}{what:<12}{facts.get('model_name', ''):<46}{read:>6}"
            f"{written:>6}{'-' if cost is None else f'{cost:.6f}':>12}{seconds:>9.2f}"
        )


def shortened(text: str) -> str:
    """Cut a text for the terminal."""
    line = " ".join(text.split())
    return line if len(line) <= 150 else f"{line[:150]}…"


if __name__ == "__main__":
    main()
