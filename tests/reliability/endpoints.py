"""The ways in which users ask: the core, LangChain and LlamaIndex; whole and streamed; blocking and with `await`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from gemini_multi import AsyncClient, ChatRequest, Client, Finished, Message, RetryPolicy
from gemini_multi._transport.pools import POOLS

MODEL: Final = "gemini-2.5-flash-lite"
AT_ONCE: Final = RetryPolicy(initial_wait=0.0)
PROMPT: Final = "Tell me a story about a cat."
TEXT: Final = f"Hello from the Gemini sandbox — you said “{PROMPT}”."
ODD_TEXT: Final = "Hello from the sandbox"


def threads() -> set[threading.Thread]:
    """List the threads, without the two that outlive calls: the timer of idle connections, and pyreqwest's loader."""
    kept = ("gemini-multi-idle", "gemini-multi-pyreqwest")
    return {thread for thread in threading.enumerate() if thread.name not in kept}


@dataclass(frozen=True)
class Answer:
    """What matters of an answer, whichever endpoint it came through."""

    text: str
    provider: str
    outcomes: tuple[str, ...]


def answer_of(text: str, facts: dict[str, Any]) -> Answer:
    return Answer(text, facts["provider"], tuple(attempt["outcome"] for attempt in facts["attempts"]))


@dataclass(frozen=True)
class Call:
    """One way to ask one question."""

    endpoint: str
    stream: bool
    is_async: bool

    def __str__(self) -> str:
        return f"{self.endpoint}-{'stream' if self.stream else 'whole'}-{'async' if self.is_async else 'sync'}"

    def ask(self, providers: list[str], **settings: Any) -> Answer:
        """Ask, and check that nothing of the call is left behind, whatever came of it."""
        POOLS.close()  # a fault on a connection that had been idle may cost one request more
        before = threads()
        try:
            if self.is_async:
                return asyncio.run(self._awaited(providers, settings))
            return ENDPOINTS[self.endpoint][0](self.stream, providers, settings)
        finally:
            assert not POOLS.busy
            assert threads() <= before

    async def _awaited(self, providers: list[str], settings: dict[str, Any]) -> Answer:
        try:
            return await ENDPOINTS[self.endpoint][1](self.stream, providers, settings)
        finally:
            assert not POOLS.busy
            assert asyncio.all_tasks() == {asyncio.current_task()}


REQUEST: Final = ChatRequest(model=MODEL, messages=(Message.user(PROMPT),))


def core(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    client = Client(providers, retry_policy=AT_ONCE, **settings)
    if not stream:
        return core_answer(client.chat(REQUEST))
    last = list(client.stream(REQUEST))[-1]
    assert isinstance(last, Finished)
    return core_answer(last.response)


async def core_async(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    client = AsyncClient(providers, retry_policy=AT_ONCE, **settings)
    if not stream:
        return core_answer(await client.chat(REQUEST))
    last = [event async for event in client.stream(REQUEST)][-1]
    assert isinstance(last, Finished)
    return core_answer(last.response)


def core_answer(response: Any) -> Answer:
    return Answer(response.text, response.provider, tuple(attempt.outcome for attempt in response.attempts))


def langchain_model(providers: list[str], settings: dict[str, Any]) -> Any:
    from langchain_gemini_multi import ChatGeminiMulti

    return ChatGeminiMulti(model=MODEL, providers=providers, retry_policy=AT_ONCE, **settings)


def langchain(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    model = langchain_model(providers, settings)
    return langchain_answer(list(model.stream(PROMPT)) if stream else [model.invoke(PROMPT)])


async def langchain_async(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    model = langchain_model(providers, settings)
    return langchain_answer(
        [chunk async for chunk in model.astream(PROMPT)] if stream else [await model.ainvoke(PROMPT)]
    )


def langchain_answer(messages: list[Any]) -> Answer:
    message = messages[0]
    for chunk in messages[1:]:
        message += chunk
    return answer_of(message.text, message.response_metadata)


def llama_index_model(providers: list[str], settings: dict[str, Any]) -> Any:
    from llama_index_gemini_multi import GeminiMulti

    return GeminiMulti(model=MODEL, providers=providers, retry_policy=AT_ONCE, **settings)


def llama_index_messages() -> list[Any]:
    from llama_index.core.base.llms.types import ChatMessage

    return [ChatMessage(content=PROMPT)]


def llama_index(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    model = llama_index_model(providers, settings)
    messages = llama_index_messages()
    return llama_index_answer(list(model.stream_chat(messages))[-1] if stream else model.chat(messages))


async def llama_index_async(stream: bool, providers: list[str], settings: dict[str, Any]) -> Answer:
    model = llama_index_model(providers, settings)
    messages = llama_index_messages()
    if not stream:
        return llama_index_answer(await model.achat(messages))
    return llama_index_answer([chunk async for chunk in await model.astream_chat(messages)][-1])


def llama_index_answer(response: Any) -> Answer:
    return answer_of(response.message.content, response.additional_kwargs)


Asking = Callable[[bool, list[str], dict[str, Any]], Answer]
AskingAsync = Callable[[bool, list[str], dict[str, Any]], Coroutine[Any, Any, Answer]]
ENDPOINTS: Final[dict[str, tuple[Asking, AskingAsync]]] = {
    "core": (core, core_async),
    "langchain": (langchain, langchain_async),
    "llama_index": (llama_index, llama_index_async),
}


def calls(endpoint: str) -> list[Call]:
    return [Call(endpoint, stream, is_async) for stream in (False, True) for is_async in (False, True)]
