"""What LangChain puts around a model: batches, limits, caches, retries, fallbacks, alternatives, callbacks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField
from pydantic import BaseModel

from gemini_multi import BadRequest, ConfigurationError
from gemini_multi.sandbox import Answer, Sandbox
from langchain_gemini_multi import ChatGeminiMulti, GeminiMultiLLM

NAME = "gemini-2.5-flash-lite"
PROVIDERS = ("cloudflare", "aimlapi", "oxen")


@pytest.fixture(autouse=True)
def _sandbox(sandbox: Sandbox) -> None:
    """Serve the providers."""


def chat(provider: str = "oxen", **options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": NAME, "providers": provider, "max_retries": 0, **options})


def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


class Gauge(BaseCallbackHandler):
    """Counts how many calls run at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def on_llm_end(self, *_: Any, **__: Any) -> None:
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_batch_keeps_order_and_limit(provider: str) -> None:
    """Answers stand in the order of the prompts, and no more run at once than were asked for."""
    gauge = Gauge()
    answers = chat(provider).batch([f"number {n}" for n in range(8)], {"max_concurrency": 2, "callbacks": [gauge]})
    assert all(f"number {n}" in answer.text for n, answer in enumerate(answers))
    assert gauge.most <= 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_abatch_keeps_order_and_limit(provider: str) -> None:
    """The same with `await`."""
    gauge = Gauge()
    prompts = [f"number {n}" for n in range(8)]
    answers = await chat(provider).abatch(prompts, {"max_concurrency": 2, "callbacks": [gauge]})
    assert all(f"number {n}" in answer.text for n, answer in enumerate(answers))
    assert gauge.most <= 2


def test_batch_can_give_errors_in_place(sandbox: Sandbox) -> None:
    """One failure does not take the other answers with it."""
    sandbox.fail("oxen", status=429)
    found = chat().batch(["a", "b"], {"max_concurrency": 1}, return_exceptions=True)
    assert [isinstance(one, ModelRateLimitError) for one in found] == [True, False]


class Limiter(BaseRateLimiter):
    def __init__(self) -> None:
        self.asked = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_rate_limiter_is_asked_once_per_call() -> None:
    """Whole, streamed, typed and awaited; an answer from the cache costs nothing."""
    limiter = Limiter()
    model: Any = chat(rate_limiter=limiter)
    model.invoke("a")
    await model.ainvoke("a")
    list(model.stream("a"))
    _ = model.stream_events("a", version="v3").output
    assert limiter.asked == 4
    cached: Any = chat(rate_limiter=limiter, cache=InMemoryCache())
    cached.invoke("a")
    cached.invoke("a")
    assert limiter.asked == 5


async def test_cached_answer_is_the_same(sandbox: Sandbox) -> None:
    """What comes out of the cache has its calls and signatures; it is free."""
    model = chat(model="gemini-3-flash", cache=InMemoryCache()).bind_tools([get_weather])
    first, second = model.invoke("Use get_weather for Paris."), await model.ainvoke("Use get_weather for Paris.")
    assert (second.tool_calls, second.additional_kwargs) == (first.tool_calls, first.additional_kwargs)
    assert len(sandbox.requests) == 1


def test_cached_answer_streams(sandbox: Sandbox) -> None:
    """A stream is answered by the cache too, with its calls and signatures, where LangChain asks the cache."""
    model: Any = chat(model="gemini-3-flash", streaming=True, cache=InMemoryCache()).bind_tools([get_weather])
    prompt = "Use get_weather for Paris."
    first, second = model.invoke(prompt), model.invoke(prompt)
    assert (second.tool_calls, second.additional_kwargs) == (first.tool_calls, first.additional_kwargs)
    assert len(sandbox.requests) == 1


def test_marks_of_the_application_are_not_sent(sandbox: Sandbox) -> None:
    """What frameworks keep in a message's `additional_kwargs`, notification marks among them, stays there."""
    mark = {"lc_source": "async_subagent", "lc_data": {"task_id": "t_42"}}
    chat().invoke([HumanMessage("done", additional_kwargs=mark, id="m1", response_metadata={"x": "y"})])
    assert sandbox.requests[-1].body["messages"] == [{"role": "user", "content": "done"}]  # type: ignore[index,call-overload]


def test_with_retry_retries_what_it_names(sandbox: Sandbox) -> None:
    """LangChain's own retry is right around the model."""
    sandbox.fail("oxen", status=429)
    model = chat().with_retry(retry_if_exception_type=(ModelRateLimitError,), wait_exponential_jitter=False)
    assert model.invoke("hi").text
    sandbox.clear()
    sandbox.fail("oxen", status=400)
    with pytest.raises(BadRequest):
        model.invoke("hi")
    assert len(sandbox.requests) == 1


class Report(BaseModel):
    """What the weather is like."""

    city: str


def test_fallbacks_take_tools(sandbox: Sandbox) -> None:
    """The tools are bound to both models."""
    sandbox.fail("oxen", status=500)
    sandbox.script("aimlapi", [Answer(tool_calls=[("get_weather", {"city": "Rome"})])])

    answer = chat().with_fallbacks([chat("aimlapi")]).bind_tools([get_weather]).invoke("Hello")

    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Rome"})]


async def test_fallbacks_take_an_output_class(sandbox: Sandbox) -> None:
    """Both models are asked for it."""
    sandbox.fail("oxen", status=500)
    sandbox.script("aimlapi", [Answer(text='{"city": "Rome"}')])

    runnable = chat().with_fallbacks([chat("aimlapi")]).with_structured_output(Report)

    assert await runnable.ainvoke("Hello") == Report(city="Rome")


def test_fallbacks_make_an_agent(sandbox: Sandbox) -> None:
    """The agent binds its tools to both models."""
    sandbox.fail("oxen", status=500)
    sandbox.script("aimlapi", [Answer(tool_calls=[("get_weather", {"city": "Rome"})])])
    sandbox.script("oxen", [Answer(text="Sunny.")])

    agent: Any = create_agent(chat().with_fallbacks([chat("aimlapi")]), [get_weather])
    messages = agent.invoke({"messages": [("user", "Hello")]})["messages"]

    assert [message.text for message in messages[-2:]] == ["sunny in Rome", "Sunny."]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_with_fallbacks_falls_back(sandbox: Sandbox, stream: bool) -> None:
    """LangChain's own fallbacks are right around the model, with tools bound on both."""
    sandbox.fail("oxen", status=500)
    model = chat().bind_tools([get_weather]).with_fallbacks([chat("aimlapi").bind_tools([get_weather])])
    chunks: list[Any] = list(model.stream("hi")) if stream else [model.invoke("hi")]
    assert sum(chunks[1:], chunks[0]).response_metadata["provider"] == "aimlapi"


def test_alternatives_are_configurable() -> None:
    """One chain, several models; also the providers and the model are fields that may be chosen."""
    model = chat().configurable_alternatives(ConfigurableField(id="which"), default_key="oxen", other=chat("aimlapi"))
    asked = [model.invoke("hi", {"configurable": {"which": which}}) for which in ("oxen", "other")]
    assert [message.response_metadata["provider"] for message in asked] == ["oxen", "aimlapi"]
    fields = chat().configurable_fields(providers=ConfigurableField(id="p"), model=ConfigurableField(id="m"))
    found = fields.invoke("hi", {"configurable": {"p": "aimlapi", "m": "gemini-2.5-flash"}}).response_metadata
    assert (found["provider"], "2.5-flash" in found["model_name"]) == ("aimlapi", True)


def test_model_made_by_langchain_is_configurable() -> None:
    """`init_chat_model` with configurable fields, after the opt-in."""
    from langchain.chat_models import init_chat_model

    model = init_chat_model(
        "gemini_multi:gemini-2.5-flash-lite", configurable_fields=("model", "providers", "temperature")
    )
    config: Any = {"configurable": {"providers": "aimlapi", "temperature": 0}}
    assert model.invoke("hi", config).response_metadata["provider"] == "aimlapi"
    bound = model.bind_tools([get_weather])
    assert bound.invoke("Use get_weather for Paris.", config).tool_calls[0]["name"] == "get_weather"


@pytest.mark.parametrize("disabled", [True, "tool_calling"])
def test_streaming_can_be_disabled(sandbox: Sandbox, disabled: Any) -> None:
    """`disable_streaming` makes the answer come in one piece, for all calls or for those with tools."""
    model = chat(disable_streaming=disabled)
    assert len(list(model.bind_tools([get_weather]).stream("Tell me of a cat."))) == 1
    assert "stream" not in sandbox.requests[-1].body  # type: ignore[operator]
    assert (len(list(model.stream("Tell me of a cat."))) > 1) is (disabled == "tool_calling")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stream_usage_can_be_chosen_for_a_call(provider: str) -> None:
    """The call goes before the model."""
    model = chat(provider, stream_usage=False)
    told = [
        any(isinstance(chunk, AIMessageChunk) and chunk.usage_metadata for chunk in model.stream("hi", **arguments))
        for arguments in ({}, {"stream_usage": True})
    ]
    assert told == [False, True]


class Order(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.seen.append("start")

    async def on_llm_new_token(self, *_: Any, **__: Any) -> None:
        self.seen.append("token")

    async def on_llm_end(self, *_: Any, **__: Any) -> None:
        self.seen.append("end")

    async def on_llm_error(self, *_: Any, **__: Any) -> None:
        self.seen.append("error")


async def test_callbacks_come_in_order(sandbox: Sandbox) -> None:
    """A start, the pieces, an end; or a start and an error."""
    handler = Order()
    config: Any = {"callbacks": [handler]}
    chunks = [chunk async for chunk in chat().astream("Tell me of a cat.", config)]
    assert handler.seen == ["start", *["token"] * len(chunks), "end"]
    handler.seen.clear()
    sandbox.fail("oxen", status=429)
    with pytest.raises(ModelRateLimitError):
        await chat().ainvoke("hi", config)
    assert handler.seen == ["start", "error"]


async def test_older_event_streams_work() -> None:
    """`astream_events` in its older version sees the pieces and the end."""
    kinds = [event["event"] async for event in chat().astream_events("Tell me of a cat.", version="v2")]
    assert (kinds[0], kinds[-1]) == ("on_chat_model_start", "on_chat_model_end")
    assert kinds.count("on_chat_model_stream") > 1


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("kind", [ChatGeminiMulti, GeminiMultiLLM])
def test_models_are_loaded_after_the_opt_in(kind: Any) -> None:
    """`loads` rebuilds them from text; the fixture of these tests opted in."""
    model = kind(model=NAME, providers="oxen", temperature=0.5)
    loaded = loads(dumps(model), valid_namespaces=["langchain_gemini_multi"], allowed_objects="all")
    assert (type(loaded), loaded.model, loaded.temperature) == (kind, NAME, 0.5)
    assert loaded.invoke("hi")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is POSIX")
@pytest.mark.skipif(
    os.environ.get("GEMINI_MULTI_TRANSPORT") == "pyreqwest",
    reason="pyreqwest refuses a child of a process that used it",
)
def test_model_works_in_a_forked_process() -> None:
    """A child does not use its parent's connections."""
    model = chat()
    model.invoke("hi")
    if (child := os.fork()) == 0:
        try:
            os._exit(0 if "from the child" in model.invoke("from the child").text else 1)
        finally:
            os._exit(1)  # never another worker of the tests
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "from the parent" in model.invoke("from the parent").text


def test_loops_in_threads_share_a_model() -> None:
    """Several event loops at once, in threads of their own."""
    model = chat()
    texts: list[str] = []

    async def ask(number: int) -> None:
        texts.append((await model.ainvoke(f"number {number}")).text)

    threads = [threading.Thread(target=lambda number=number: asyncio.run(ask(number))) for number in range(4)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(any(f"number {number}" in text for text in texts) for number in range(4))


def test_profile_is_per_model() -> None:
    """Limits and abilities are the model's own."""
    windows = {name: chat(model=name).profile["max_input_tokens"] for name in (NAME, "gemini-3-flash")}  # type: ignore[index]
    assert all(window >= 1_000_000 for window in windows.values())
    assert chat().profile["structured_output"] is True  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "hello", "héllo", "日本語のテキスト", "a" * 4000])
def test_token_estimate_is_plausible(text: str) -> None:
    """Never negative, never more than a token a character, more for more."""
    model = chat()
    assert 0 <= model.get_num_tokens(text) <= max(len(text), 0)
    messages = [HumanMessage(text)]
    assert model.get_num_tokens_from_messages(messages, tools=[get_weather]) > model.get_num_tokens_from_messages(
        messages
    )


def test_several_answers_are_generations(sandbox: Sandbox) -> None:
    """`n` gives as many generations, and the text model as many texts."""
    result = chat("cloudflare", n=2).generate([[HumanMessage("hi")]])
    assert len(result.generations[0]) == 2
    texts = GeminiMultiLLM(model=NAME, providers="cloudflare", n=2).generate(["hi"])
    assert len(texts.generations[0]) == 2


async def test_text_model_streams_and_batches_alike() -> None:
    """The text model too: order, limit, fallbacks."""
    model = GeminiMultiLLM(model=NAME, providers="oxen", max_retries=0)
    found = await model.abatch([f"number {n}" for n in range(4)], {"max_concurrency": 2})
    assert all(f"number {n}" in text for n, text in enumerate(found))
    fallback = model.with_fallbacks([GeminiMultiLLM(model=NAME, providers="aimlapi")])
    assert "".join([piece async for piece in fallback.astream("Tell me of a cat.")])


def test_text_model_is_cached(sandbox: Sandbox) -> None:
    """An equal prompt is not sent again."""
    model = GeminiMultiLLM(model=NAME, providers="oxen", cache=InMemoryCache())
    assert model.invoke("hi") == model.invoke("hi")
    assert len(sandbox.requests) == 1


NOT_LOADED = """
from langchain_core.load import dumps, loads
from langchain_gemini_multi import ChatGeminiMulti
written = dumps(ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen", api_key="k"))
try:
    loads(written, valid_namespaces=["langchain_gemini_multi"], allowed_objects="all")
except ValueError as error:
    print("refused")
"""


def test_models_are_not_loaded_without_the_opt_in() -> None:
    """Importing the package does not widen what text from elsewhere may build."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", NOT_LOADED], capture_output=True, text=True)
    assert done.stdout == "refused\n", done.stderr


def test_setting_of_the_client_cannot_hide_in_a_call() -> None:
    """A key given to a call is refused instead of ignored."""
    with pytest.raises(ConfigurationError, match="api_key"):
        chat().invoke("hi", api_key="other")


def test_scripted_answer_is_read_by_all_endpoints(sandbox: Sandbox) -> None:
    """`invoke` with `streaming=True` gives what `invoke` gives."""
    sandbox.script(None, [Answer("same")] * 2)
    assert chat(streaming=True).invoke("hi").text == chat().invoke("hi").text == "same"
