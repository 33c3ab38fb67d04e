"""`GeminiMultiLLM`: prompts in, text out."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import ModelRateLimitError

from gemini_multi import BadRequest
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import GeminiMultiLLM

PROVIDERS = ("cloudflare", "aimlapi", "oxen")


@pytest.fixture(params=PROVIDERS)
def model(request: pytest.FixtureRequest, sandbox: Sandbox) -> GeminiMultiLLM:
    return GeminiMultiLLM(model="gemini-2.5-flash-lite", providers=request.param, max_retries=0)


def test_invoke_gives_text(model: GeminiMultiLLM) -> None:
    """A prompt gives the answer's text."""
    assert "a cat" in model.invoke("Tell me of a cat.")


def test_ainvoke_gives_text(model: GeminiMultiLLM) -> None:
    """The same with `await`."""
    assert "a cat" in asyncio.run(model.ainvoke("Tell me of a cat."))


def test_stream_gives_the_text_in_pieces(model: GeminiMultiLLM) -> None:
    """Pieces add up to the whole."""
    pieces = list(model.stream("Tell me of a cat."))
    assert len(pieces) > 2
    assert "a cat" in "".join(pieces)


def test_astream_gives_the_text_in_pieces(model: GeminiMultiLLM) -> None:
    """The same with `async for`."""

    async def read() -> str:
        return "".join([piece async for piece in model.astream("Tell me of a cat.")])

    assert "a cat" in asyncio.run(read())


def test_batch_answers_each_prompt(model: GeminiMultiLLM) -> None:
    """Answers stand in the order of the prompts."""
    first, second = model.batch(["of dogs", "of cats"])
    assert ("dogs" in first, "cats" in second) == (True, True)


def test_abatch_answers_each_prompt(model: GeminiMultiLLM) -> None:
    """The same with `await`."""
    first, second = asyncio.run(model.abatch(["of dogs", "of cats"]))
    assert ("dogs" in first, "cats" in second) == (True, True)


def test_generate_tells_usage_and_provider(model: GeminiMultiLLM) -> None:
    """The metadata of the chat model is in each generation, and the tokens of all are added up."""
    result = model.generate(["of dogs", "of cats"])
    information: Any = result.generations[0][0].generation_info
    one = information["usage_metadata"]["total_tokens"]
    assert (information["provider"], information["finish_reason"]) == (model.provider_names[0], "stop")
    assert result.llm_output is not None
    assert result.llm_output["token_usage"]["total_tokens"] == 2 * one > 0


def test_stop_and_settings_are_sent(sandbox: Sandbox) -> None:
    """Call arguments reach the provider."""
    GeminiMultiLLM(model="gemini-2.5-flash-lite", providers="oxen", temperature=0.5).invoke("hi", stop=["x"], seed=3)
    assert sandbox.requests[-1].body == {
        "model": "gemini-2-5-flash-lite-preview-09-2025",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "stop": ["x"],
        "seed": 3,
    }


class Tokens(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_llm_new_token(self, token: str, **_: Any) -> None:
        self.seen.append(token)


def test_each_token_is_reported_once(model: GeminiMultiLLM) -> None:
    """Callbacks see every piece once."""
    handler = Tokens()
    text = "".join(model.stream("Tell me of a cat.", {"callbacks": [handler]}))
    assert "".join(handler.seen) == text


def test_thoughts_are_not_text(sandbox: Sandbox) -> None:
    """Thought summaries stay out of the text."""
    sandbox.script(None, [Answer("visible", thoughts="hidden")])
    model = GeminiMultiLLM(model="gemini-2.5-flash", providers="cloudflare", include_thoughts=True)
    assert model.invoke("hi") == "visible"


def test_errors_are_langchains_too(sandbox: Sandbox) -> None:
    """As with the chat model."""
    sandbox.fail("oxen", status=429)
    with pytest.raises(ModelRateLimitError):
        GeminiMultiLLM(model="gemini-2.5-flash", providers="oxen", max_retries=0).invoke("hi")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copy_is_equal_and_works(model: GeminiMultiLLM, copied: Any) -> None:
    """Models can be copied and pickled after use."""
    model.invoke("hi")
    assert copied(model) == model
    assert copied(model).invoke("Hello")


def answered(request: httpx.Request) -> httpx.Response:
    said = json.loads(request.content)["messages"][0]["content"]
    if said == "bad":
        return httpx.Response(400, json={"error": {"message": "no"}})
    return httpx.Response(200, json={"choices": [{"message": {"content": said}, "finish_reason": "stop"}]})


@pytest.mark.usefixtures("sandbox")
def test_prompts_of_a_batch_are_asked_at_once() -> None:
    """No prompt waits for the answer to another."""
    both_are_here = threading.Barrier(2)

    def handle(request: httpx.Request) -> httpx.Response:
        both_are_here.wait(timeout=10)
        return answered(request)

    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        model = GeminiMultiLLM(model="gemini-2.5-flash", providers="oxen", max_retries=0, http_client=client)
        assert model.batch(["one", "two"]) == ["one", "two"]


@pytest.mark.usefixtures("sandbox")
async def test_nothing_goes_on_after_a_batch_has_failed() -> None:
    """The error is raised when every prompt of the batch has its answer."""
    ended: list[str] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        answer = answered(request)
        for _ in range(100 if answer.is_success else 0):
            await asyncio.sleep(0)
        ended.append(str(answer.status_code))
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
        model = GeminiMultiLLM(model="gemini-2.5-flash", providers="oxen", max_retries=0, http_async_client=client)
        with pytest.raises(BadRequest):
            await model.agenerate(["bad", "good"])
        assert ended == ["400", "200"]
