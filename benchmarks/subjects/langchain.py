"""LangChain's chat models. They all offer the same ways; only how they are made differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import StructuredTool
from pydantic import BaseModel

from benchmarks.answers import MODEL, TEXT, TOOL, words
from benchmarks.questions import TOOL_DESCRIPTION, TOOL_PARAMETERS, image, turns

from .base import BATCH_CALLS, Subject, count_of, failing, uncalled

_MESSAGES: dict[str, type[BaseMessage]] = {"user": HumanMessage, "assistant": AIMessage}


class Report(BaseModel):
    """A report on the weather."""

    city: str
    temperature: float
    conditions: list[str]


def messages(question: str) -> list[BaseMessage]:
    """Put a question in LangChain's form."""
    if question == "image":
        url = {"url": f"data:image/png;base64,{image()}"}
        return [HumanMessage([{"type": "image_url", "image_url": url}])]
    return [_MESSAGES[role](text) for role, text in turns(question)]


class LangChain(Subject):
    """A chat model."""

    def __init__(self, url: str, make: Callable[[str], BaseChatModel]) -> None:
        super().__init__(url)
        self._make = make
        self._model = make(url)

    def construct(self, question: str) -> Callable[[], Any]:
        return lambda: self._make(self.url)

    def ask(self, question: str) -> Callable[[], Any]:
        return partial(self._model.invoke, messages(question))

    def ask_async(self, question: str) -> Callable[[], Any]:
        return partial(self._model.ainvoke, messages(question))

    def tool(self, question: str) -> Callable[[], Any]:
        tool = StructuredTool(name=TOOL, description=TOOL_DESCRIPTION, args_schema=TOOL_PARAMETERS, func=uncalled)
        return partial(self._model.bind_tools([tool]).invoke, messages(question))

    def structured(self, question: str) -> Callable[[], Any]:
        return partial(self._model.with_structured_output(Report, method="json_schema").invoke, messages(question))

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self._model.stream, messages(question))

    def stream_async(self, question: str) -> Callable[[], Any]:
        return partial(self._model.astream, messages(question))

    def events(self, question: str) -> Callable[[], Any]:
        return partial(self._model.stream_events, messages(question), version="v3")

    def events_async(self, question: str) -> Callable[[], Any]:
        asked = messages(question)

        async def pieces() -> AsyncIterator[Any]:
            async for event in await self._model.astream_events(asked, version="v3"):
                yield event

        return pieces

    def batch(self, question: str) -> Callable[[], Any]:
        return partial(self._model.batch, [messages(question)] * BATCH_CALLS, {"max_concurrency": self.threads})

    def spare(self, question: str) -> Callable[[], Any]:
        return partial(self._model.with_fallbacks([self._make(self.url)]).invoke, messages(question))

    def failover(self, question: str) -> Callable[[], Any]:
        model = self._make(failing(self.url)).with_fallbacks([self._model])
        return partial(model.invoke, messages(question))

    def text(self, piece: Any) -> str | None:
        if isinstance(piece, dict):  # a typed event
            delta = piece.get("delta") or {}
            return delta.get("text", "")
        return str(piece.text) if isinstance(piece, BaseMessage) else None


class DoNothing(BaseChatModel):
    """The framework's floor: a model that has its answer already."""

    count: int = 0

    @property
    def _llm_type(self) -> str:
        return "nothing"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(TEXT))])

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        return self._generate()

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for word in words(self.count):
            yield ChatGenerationChunk(message=AIMessageChunk(word))

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream():
            yield chunk


def _nothing(url: str) -> BaseChatModel:
    return DoNothing(count=count_of(url))


class Ours(LangChain):
    """Our own model, which knows its providers without the framework's fallbacks."""

    def __init__(self, url: str, provider: Callable[[str], Any], **settings: Any) -> None:
        self._provider = provider
        self._settings = settings
        super().__init__(url, self._with_one)

    def _with_one(self, url: str) -> BaseChatModel:
        return self._with([self._provider(url)], **self._settings)

    def _with(self, providers: list[Any], **settings: Any) -> BaseChatModel:
        from langchain_gemini_multi import ChatGeminiMulti

        return ChatGeminiMulti(model=MODEL, providers=providers, timeout=60.0, **settings)

    def spare(self, question: str) -> Callable[[], Any]:
        return self._either(question, self.url)

    def failover(self, question: str) -> Callable[[], Any]:
        return self._either(question, failing(self.url))

    def _either(self, question: str, first: str) -> Callable[[], Any]:
        from benchmarks.subjects.ours import second_provider

        model = self._with([self._provider(first), second_provider(self.url)], max_retries=0)
        return partial(model.invoke, messages(question))


class Floor(LangChain):
    """The framework by itself. It has nothing to construct, to import lazily or to fail over from."""

    construct = spare = failover = tool = structured = None
    reads_answers = False


def floor(url: str) -> Subject:
    return Floor(url, _nothing)


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
