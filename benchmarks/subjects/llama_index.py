"""LlamaIndex's models. They all offer the same ways; only how they are made differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    ImageBlock,
    LLMMetadata,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import LLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from benchmarks.answers import MODEL, TEXT, TOOL, words
from benchmarks.questions import HELLO, TOOL_DESCRIPTION, image, turns

from .base import BATCH_CALLS, NotOffered, Subject, count_of, failing


class Report(BaseModel):
    """A report on the weather."""

    city: str
    temperature: float
    conditions: list[str]


def messages(question: str) -> list[ChatMessage]:
    """Put a question in LlamaIndex's form."""
    if question == "image":
        return [ChatMessage(role="user", content=[ImageBlock(image=image().encode(), image_mimetype="image/png")])]
    return [ChatMessage(role=role, content=text) for role, text in turns(question)]


def weather(city: str, unit: str = "celsius") -> str:
    """Stand for a tool's function: the calls are read, never made."""
    raise AssertionError(f"No benchmark calls its tools, as was done with {city} and {unit}.")


class LlamaIndex(Subject):
    """An LLM."""

    def __init__(self, url: str, make: Callable[[str], LLM]) -> None:
        super().__init__(url)
        self._make = make
        self._llm = make(url)

    def construct(self, question: str) -> Callable[[], Any]:
        return lambda: self._make(self.url)

    def ask(self, question: str) -> Callable[[], Any]:
        return partial(self._llm.chat, messages(question))

    def ask_async(self, question: str) -> Callable[[], Any]:
        return partial(self._llm.achat, messages(question))

    def tool(self, question: str) -> Callable[[], Any]:
        if not isinstance(self._llm, FunctionCallingLLM):
            raise NotOffered("it calls no functions")
        tool = FunctionTool.from_defaults(weather, name=TOOL, description=TOOL_DESCRIPTION)
        return partial(self._llm.chat_with_tools, [tool], HELLO)

    def structured(self, question: str) -> Callable[[], Any]:
        return partial(self._llm.structured_predict, Report, PromptTemplate(HELLO))

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self._llm.stream_chat, messages(question))

    def stream_async(self, question: str) -> Callable[[], Any]:
        asked = messages(question)

        async def pieces() -> AsyncIterator[Any]:
            async for piece in await self._llm.astream_chat(asked):
                yield piece

        return pieces

    def batch(self, question: str) -> Callable[[], Any]:
        asked = messages(question)
        threads = ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(self._llm.chat, [asked] * BATCH_CALLS))

    def text(self, piece: Any) -> str | None:
        if not isinstance(piece, ChatResponse):
            return None
        return piece.message.content if piece.delta is None else piece.delta


class DoNothing(CustomLLM):
    """The framework's floor: a model that has its answer already."""

    count: int = 0

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def complete(self, *args: Any, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=TEXT)

    def stream_complete(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    @llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=ChatMessage(role="assistant", content=TEXT))

    @llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=ChatMessage(role="assistant", content=TEXT))

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseGen:
        return self._chunks()

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseAsyncGen:
        async def chunks() -> ChatResponseAsyncGen:
            for chunk in self._chunks():
                yield chunk

        return chunks()

    def _chunks(self) -> ChatResponseGen:
        text = ""
        for word in words(self.count):
            text += word
            yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=word)


class Ours(LlamaIndex):
    """Our own model, which knows its providers."""

    def __init__(self, url: str, provider: Callable[[str], Any], **settings: Any) -> None:
        self._provider = provider
        self._settings = settings
        super().__init__(url, self._with_one)

    def _with_one(self, url: str) -> LLM:
        return self._with([self._provider(url)], **self._settings)

    def _with(self, providers: list[Any], **settings: Any) -> LLM:
        from llama_index_gemini_multi import GeminiMulti

        return GeminiMulti(model=MODEL, providers=providers, timeout=60.0, **settings)

    def spare(self, question: str) -> Callable[[], Any]:
        return self._either(question, self.url)

    def failover(self, question: str) -> Callable[[], Any]:
        return self._either(question, failing(self.url))

    def _either(self, question: str, first: str) -> Callable[[], Any]:
        from benchmarks.subjects.ours import second_provider

        llm = self._with([self._provider(first), second_provider(self.url)], max_retries=0)
        return partial(llm.chat, messages(question))


class Floor(LlamaIndex):
    """The framework by itself. It has nothing to construct, to import lazily or to fail over from."""

    construct = spare = failover = tool = structured = None
    reads_answers = False


def floor(url: str) -> Subject:
    return Floor(url, lambda url: DoNothing(count=count_of(url)))


def chat(url: str) -> Subject:
    from benchmarks.subjects.ours import chat_host

    return Ours(url, chat_host)


def native(url: str) -> Subject:
    from benchmarks.subjects.ours import native_host

    return Ours(url, native_host)


def aiohttp(url: str) -> Subject:
    from benchmarks.subjects.ours import chat_host, over_aiohttp

    subject = Ours(url, chat_host, **over_aiohttp())
    subject.is_asynchronous = True
    return subject
