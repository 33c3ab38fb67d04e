"""`gemini_multi.Client`, without a framework."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.answers import MODEL, TOOL
from benchmarks.questions import REPORT_SCHEMA, TOOL_DESCRIPTION, TOOL_PARAMETERS, image, turns
from gemini_multi import (
    Blob,
    ChatRequest,
    ChatResponse,
    Client,
    Message,
    Provider,
    ResponseFormat,
    Text,
    TextDelta,
    Tool,
)
from gemini_multi.structured import read

from .base import BATCH_CALLS, Subject, failing
from .ours import chat_host, native_host, over_aiohttp, second_provider


def request(question: str, **settings: Any) -> ChatRequest:
    """Put a question in our form."""
    if question == "image":
        messages = [Message("user", (Blob(image(), "image/png"),))]
    else:
        messages = [Message(role, (Text(text),)) for role, text in turns(question)]
    return ChatRequest(model=MODEL, messages=tuple(messages), **settings)


class Core(Subject):
    """The client with one provider."""

    def __init__(self, url: str, provider: Callable[[str], Provider], **settings: Any) -> None:
        super().__init__(url)
        self._provider = provider
        self._settings = settings
        self._client = self.construct("")()
        self._async_client = self._client.for_async()

    def construct(self, question: str) -> Callable[[], Client]:
        return lambda: Client([self._provider(self.url)], timeout=60.0, **self._settings)

    def ask(self, question: str) -> Callable[[], Any]:
        asked = request(question)
        return lambda: self._client.chat(asked)

    def ask_async(self, question: str) -> Callable[[], Any]:
        asked = request(question)
        return lambda: self._async_client.chat(asked)

    def tool(self, question: str) -> Callable[[], Any]:
        asked = request(question, tools=(Tool(TOOL, TOOL_DESCRIPTION, TOOL_PARAMETERS),))
        return lambda: self._client.chat(asked)

    def structured(self, question: str) -> Callable[[], Any]:
        asked = request(question, response_format=ResponseFormat(REPORT_SCHEMA))
        return lambda: read(self._client.chat(asked).text, REPORT_SCHEMA)

    def stream(self, question: str) -> Callable[[], Any]:
        asked = request(question)
        return lambda: self._client.stream(asked)

    def stream_async(self, question: str) -> Callable[[], Any]:
        asked = request(question)
        return lambda: self._async_client.stream(asked)

    def batch(self, question: str) -> Callable[[], Any]:
        asked = request(question)
        threads = ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(self._client.chat, [asked] * BATCH_CALLS))

    def spare(self, question: str) -> Callable[[], Any]:
        return self._either(question, self.url)

    def failover(self, question: str) -> Callable[[], Any]:
        return self._either(question, failing(self.url))

    def _either(self, question: str, first: str) -> Callable[[], Any]:
        asked = request(question)
        client = Client([self._provider(first), second_provider(self.url)], timeout=60.0, max_retries=0)
        return lambda: client.chat(asked)

    def text(self, piece: Any) -> str | None:
        if isinstance(piece, ChatResponse):
            return piece.text
        return piece.text if isinstance(piece, TextDelta) else ""


def chat(url: str) -> Subject:
    return Core(url, chat_host)


def native(url: str) -> Subject:
    return Core(url, native_host)


def aiohttp(url: str) -> Subject:
    subject = Core(url, chat_host, **over_aiohttp())
    subject.is_asynchronous = True
    return subject
