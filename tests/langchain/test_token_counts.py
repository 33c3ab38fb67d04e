"""Tokens counted by a provider: asked for by name, never by LangChain's own estimates."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain_core.exceptions import ModelInvalidRequestError, ModelRateLimitError
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, trim_messages

from gemini_multi import Cloudflare, ConfigurationError, UnsupportedFeature
from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

NAME = "gemini-2.5-flash"
CONVERSATION: list[Any] = [SystemMessage("Be brief."), HumanMessage("Hello there")]


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def chat(**options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(
        **{"model": NAME, "providers": Cloudflare(api="google_ai_studio"), "max_retries": 0, **options}
    )


def get_weather(city: str) -> str:
    """Tell the weather."""
    return city


@pytest.mark.parametrize("asked", ["Hello there", CONVERSATION, [("human", "Hello there")]])
async def test_count_is_the_providers(asked: Any) -> None:
    """It is what the answer to the same prompt tells as its input; any form of a prompt may be counted."""
    model = chat()
    usage = model.invoke(asked).usage_metadata
    assert usage is not None
    assert [model.count_tokens(asked), await model.acount_tokens(asked)] == [usage["input_tokens"]] * 2


def test_tools_are_sent_along(sandbox: Sandbox) -> None:
    """They are tokens too."""
    chat().count_tokens("hi", tools=[get_weather], temperature=0)
    sent: Any = sandbox.requests[-1].body
    asked = sent["generateContentRequest"]
    assert asked["tools"][0]["functionDeclarations"][0]["name"] == "get_weather"
    assert asked["generationConfig"] == {"temperature": 0}


@pytest.mark.parametrize("providers", ["cloudflare", "aimlapi", "oxen"])
def test_provider_that_does_not_count_says_so(sandbox: Sandbox, providers: str) -> None:
    """The error is both packages', and nothing is sent."""
    with pytest.raises(UnsupportedFeature, match="does not count tokens") as caught:
        chat(providers=providers).count_tokens("hi")
    assert isinstance(caught.value, ModelInvalidRequestError)
    assert sandbox.requests == []


async def test_errors_and_patience_are_those_of_calls(sandbox: Sandbox) -> None:
    """A count is retried as often as the call allows."""
    sandbox.fail("cloudflare", status=429, times=2, retry_after=0)
    with pytest.raises(ModelRateLimitError):
        await chat().acount_tokens("hi")
    assert chat().count_tokens("hi", max_retries=1) == 1
    with pytest.raises(ConfigurationError, match="temperature"):
        chat().count_tokens("hi", temprature=1)


def test_estimates_ask_nobody(sandbox: Sandbox) -> None:
    """LangChain's own ways of counting stay on this machine, whatever the provider could do."""
    model = chat()
    assert model.get_num_tokens("Hello there") > 0
    assert model.get_num_tokens_from_messages(CONVERSATION, tools=[get_weather]) > 0
    assert sandbox.requests == []


def test_count_trims_messages() -> None:
    """It is a `token_counter` for LangChain's own trimming."""
    history = [HumanMessage("one " * 50), AIMessage("two " * 50), HumanMessage("three")]
    assert trim_messages(history, max_tokens=10, token_counter=chat().count_tokens) == history[-1:]


def test_count_triggers_a_summary(sandbox: Sandbox) -> None:
    """And for the summarization middleware."""
    model = chat()
    summarize = middleware.SummarizationMiddleware(
        model=model, trigger=("tokens", 40), keep=("messages", 1), token_counter=model.count_tokens
    )
    agent: Any = create_agent(model, [], middleware=[summarize])
    history = [HumanMessage("one " * 100), AIMessage("two " * 100), HumanMessage("Say three.")]
    assert len(agent.invoke({"messages": history})["messages"]) == 3
    assert any("countTokens" in request.path for request in sandbox.requests)


async def test_text_model_counts_too() -> None:
    """A prompt is a message of the user."""
    model = GeminiMultiLLM(model=NAME, providers=Cloudflare(api="google_ai_studio"))
    assert [model.count_tokens("Hello there"), await model.acount_tokens("Hello there")] == [3, 3]
