"""A refusal is told as LangChain's standard block, and as its error where the refused content was needed."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent, middleware
from langchain.agents.structured_output import ProviderStrategy
from langchain_core import exceptions
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.content import KNOWN_BLOCK_TYPES
from langchain_core.output_parsers import JsonOutputParser
from pydantic import BaseModel

from gemini_multi import Candidate, ChatResponse, Finished, PromptBlocked, Signature, Text, TextDelta
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti
from langchain_gemini_multi._messages import to_core
from langchain_gemini_multi._results import to_result
from langchain_gemini_multi._streams import ChunkBuilder, EventBuilder

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
IS_STANDARD = "refusal" in KNOWN_BLOCK_TYPES
standard = pytest.mark.skipif(not IS_STANDARD, reason="this langchain-core has no refusals")
pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


class City(BaseModel):
    """A city."""

    name: str


def chat(provider: str, **options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": "gemini-2.5-flash", "providers": provider, "max_retries": 0, **options})


def merged(chunks: Any) -> Any:
    first, *rest = chunks
    return sum(rest, first)


def refusals(message: Any) -> list[Any]:
    """Give the refusals among the blocks; older versions of langchain-core know the block as no standard."""
    blocks = [block.get("value", block) for block in message.content_blocks]
    return [block for block in blocks if block.get("type") == "refusal"]


WAYS = {
    "whole": lambda model: model.invoke("hi"),
    "stream": lambda model: merged(model.stream("hi")),
    "typed": lambda model: model.stream_events("hi", version="v3").output,
}


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_filtered_answer_is_a_refusal(sandbox: Sandbox, provider: str, way: str, version: Any) -> None:
    """An answer that the provider stopped for its content shows one refusal, with the provider's reason.

    However one asks.
    """
    sandbox.script(None, [Answer("Well, ", finish_reason="content_filter")])
    message = WAYS[way](chat(provider, output_version=version))
    (refusal,) = refusals(message)
    assert refusal["extras"] == {"finish_reason": message.response_metadata["raw_finish_reason"]}
    assert message.text == "Well, "


@standard
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("way", WAYS)
def test_empty_filtered_answer_is_a_standard_block(sandbox: Sandbox, way: str, version: Any) -> None:
    """Middlewares see it however LangGraph asks the model, typed events included."""
    sandbox.script(None, [Answer("", finish_reason="content_filter")])
    assert [block["type"] for block in WAYS[way](chat("oxen", output_version=version)).content_blocks] == ["refusal"]


REFUSED = ChatResponse(candidates=(Candidate(parts=(Text("Well"),), finish_reason="stop", refusal="I will not"),))


@pytest.mark.parametrize("blocks", [False, True])
def test_refusal_in_the_models_words_is_shown(blocks: bool) -> None:
    """What a model says beside its answer is neither lost nor mixed into the text."""
    builder = ChunkBuilder(blocks=blocks)
    pieces = [builder.feed(event) for event in (TextDelta("Well"), Finished(REFUSED))]
    stream = merged([piece.message for piece in pieces if piece is not None])
    for message in (to_result(REFUSED, blocks=blocks).generations[0].message, stream):
        assert refusals(message) == [{"type": "refusal", "refusal": "I will not"}]
        assert (message.text, message.additional_kwargs["refusal"]) == ("Well", "I will not")


@pytest.mark.parametrize("way", ["whole", "typed"])
def test_refusal_beside_text_leaves_the_signatures_in_place(way: str) -> None:
    """What was said beside the answer is no part of it, so the answer goes back exactly as it came."""
    signature = Signature("c2ln", carrier="thoughtSignature", issuer="oxen")
    parts = (Text("Well", signature=signature),)
    answer = ChatResponse(candidates=(Candidate(parts=parts, refusal="I will not"),), provider="oxen")
    message: Any = to_result(answer, blocks=True).generations[0].message
    if way == "typed":
        builder, stream = EventBuilder("1"), ChatModelStream()
        pieces = [typed for event in (TextDelta("Well", signature), Finished(answer)) for typed in builder.feed(event)]
        for typed in (*pieces, *builder.end()):
            stream.dispatch(typed)
        message = stream.output_message
    assert to_core([message])[0].parts == parts


@pytest.mark.parametrize("reason", ["stop", "length", None])
def test_other_answer_is_no_refusal(reason: Any) -> None:
    """Only what was refused is one."""
    answer = ChatResponse(candidates=(Candidate(parts=(Text("a"),), finish_reason=reason, finish_message="x"),))
    assert refusals(to_result(answer, blocks=False).generations[0].message) == []


def test_reason_of_the_provider_is_not_sent_back_as_the_models_words(sandbox: Sandbox) -> None:
    """A conversation goes on after a filtered answer with what the model itself said."""
    sandbox.script(None, [Answer("Well, ", finish_reason="content_filter")])
    message = chat("oxen", output_version="v1").invoke("hi")
    assert [part.text for part in to_core([message])[0].parts if isinstance(part, Text)] == ["Well, "]
    google = [{"type": "refusal", "refusal": "Blocked.", "extras": {"finish_reason": "SAFETY"}}]
    assert to_core([AIMessage(google)])[0].parts == ()


@standard
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_refused_object_is_langchains_error(sandbox: Sandbox, provider: str, method: Any) -> None:
    """Structured output raises `ModelRefusalError` with the message, also for handlers of parser errors."""
    sandbox.script(None, [Answer("", finish_reason="content_filter")])
    with pytest.raises(exceptions.ModelRefusalError) as caught:
        chat(provider).with_structured_output(City, method=method).invoke("Bonn?")
    assert isinstance(caught.value, exceptions.OutputParserException)
    assert (caught.value.raw_message.type, caught.value.is_retryable) == ("ai", False)  # type: ignore[union-attr]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@standard
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_refusal_is_given_beside_the_raw_answer(sandbox: Sandbox, method: Any) -> None:
    """With `include_raw` it is the error of parsing."""
    sandbox.script(None, [Answer("", finish_reason="content_filter")])
    found: Any = chat("oxen").with_structured_output(City, method=method, include_raw=True).invoke("Bonn?")
    assert (found["raw"].type, found["parsed"]) == ("ai", None)
    assert isinstance(found["parsing_error"], exceptions.ModelRefusalError)


@standard
def test_refused_object_in_the_models_words_is_langchains_error(sandbox: Sandbox) -> None:
    """The `refusal` of OpenAI's structured outputs too; the error repeats it."""
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": None, "refusal": "I will not"}}
    sandbox.reply_raw("oxen", body=json.dumps({"choices": [choice]}).encode())
    with pytest.raises(exceptions.ModelRefusalError, match="I will not"):
        chat("oxen").with_structured_output(City).invoke("Bonn?")


@standard
def test_langchains_own_parsers_see_the_refusal(sandbox: Sandbox) -> None:
    """A chain that ends with a JSON parser tells a refusal from broken JSON."""
    sandbox.script(None, [Answer("{", finish_reason="content_filter")])
    with pytest.raises(exceptions.ModelRefusalError):
        (chat("oxen") | JsonOutputParser()).invoke("hi")


@standard
@pytest.mark.parametrize("structured", [False, True], ids=["text", "object"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_refusal_middleware_raises(sandbox: Sandbox, provider: str, structured: bool) -> None:
    """Agents with LangChain's middleware stop, also where the refusal stands in place of an object."""
    strict: Any = middleware.ModelRefusalMiddleware()
    options: Any = {"response_format": ProviderStrategy(City)} if structured else {}
    agent: Any = create_agent(chat(provider), [], middleware=[strict], **options)
    sandbox.script(None, [Answer("", finish_reason="content_filter")])
    with pytest.raises(exceptions.ModelRefusalError):
        agent.invoke({"messages": [HumanMessage("hi")]})


@standard
async def test_fallback_takes_over_after_a_refusal(sandbox: Sandbox) -> None:
    """The refusal middleware behind the fallback middleware lets another model answer."""
    strict: Any = [middleware.ModelFallbackMiddleware(chat("aimlapi")), middleware.ModelRefusalMiddleware()]
    agent: Any = create_agent(chat("oxen"), [], middleware=strict)
    sandbox.script("oxen", [Answer("", finish_reason="content_filter")])
    last = (await agent.ainvoke({"messages": [HumanMessage("hi")]}))["messages"][-1]
    assert last.response_metadata["provider"] == "aimlapi"


@standard
def test_blocked_prompt_is_langchains_refusal(sandbox: Sandbox) -> None:
    """There is no message then, and the error says so."""
    sandbox.script("cloudflare", [Answer(block_reason="SAFETY")])
    with pytest.raises(exceptions.ModelRefusalError) as caught:
        chat("cloudflare").invoke("hi")
    assert isinstance(caught.value, PromptBlocked)
    assert caught.value.raw_message is None
