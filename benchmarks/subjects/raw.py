"""Plain httpx (and httpx2, which has the same interface): the yardstick. Nothing is decoded but JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx

from benchmarks.answers import MODEL
from benchmarks.subjects.base import BATCH_CALLS, Subject
from benchmarks.subjects.bodies import chat_body, native_body

_LIMITS = {"max_connections": None, "max_keepalive_connections": None, "keepalive_expiry": 120.0}


class RawHttpx(Subject):
    """`httpx.Client.post`, and `httpx.Client.stream` with the bytes as they come."""

    reads_answers = False

    def __init__(
        self,
        whole_url: str,
        stream_url: str,
        body: Callable[..., dict[str, Any]],
        stream_fields: dict[str, bool],
        library: Any = httpx,
    ) -> None:
        super().__init__(whole_url)
        self._library = library
        self._settings = {
            "headers": {"authorization": "Bearer key"},
            "timeout": 60.0,
            "limits": library.Limits(**_LIMITS),
        }
        self._stream_url = stream_url
        self._body = body
        self._stream_fields = stream_fields
        self._client = self.construct("")()
        self._async_client = library.AsyncClient(**self._settings)

    def construct(self, question: str) -> Callable[[], Any]:
        return partial(self._library.Client, **self._settings)

    def ask(self, question: str) -> Callable[[], Any]:
        return partial(self._posted, self._body(question))

    def ask_async(self, question: str) -> Callable[[], Any]:
        body = self._body(question)

        async def asked() -> Any:
            return (await self._async_client.post(self.url, json=body)).json()

        return asked

    def tool(self, question: str) -> Callable[[], Any]:
        return partial(self._posted, self._body(question, tool=True))

    def structured(self, question: str) -> Callable[[], Any]:
        return partial(self._posted, self._body(question, structured=True))

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self._pieces, self._body(question, **self._stream_fields))

    def stream_async(self, question: str) -> Callable[[], Any]:
        return partial(self._async_pieces, self._body(question, **self._stream_fields))

    def events(self, question: str) -> Callable[[], Any]:
        """Stand beside the frameworks' typed events, which ask for the same bytes."""
        return self.stream(question)

    def events_async(self, question: str) -> Callable[[], Any]:
        return self.stream_async(question)

    def batch(self, question: str) -> Callable[[], Any]:
        threads = ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(self._posted, [self._body(question)] * BATCH_CALLS))

    def spare(self, question: str) -> Callable[[], Any]:
        """Stand beside clients that have a second provider: raw httpx asks the healthy one."""
        return self.ask(question)

    def failover(self, question: str) -> Callable[[], Any]:
        """Stand beside clients that have to ask twice: raw httpx does so too."""
        body = self._body(question)

        def asked() -> Any:
            self._posted(body)
            return self._posted(body)

        return asked

    def _posted(self, body: dict[str, Any]) -> Any:
        return self._client.post(self.url, json=body).json()

    def _pieces(self, body: dict[str, Any]) -> Iterator[bytes]:
        with self._client.stream("POST", self._stream_url, json=body) as response:
            yield from response.iter_raw()

    async def _async_pieces(self, body: dict[str, Any]) -> AsyncIterator[bytes]:
        async with self._async_client.stream("POST", self._stream_url, json=body) as response:
            async for piece in response.aiter_raw():
                yield piece

    def text(self, piece: Any) -> str | None:
        return piece.decode() if isinstance(piece, bytes) else None


def chat(url: str) -> Subject:
    address = f"{url}/v1/chat/completions"
    return RawHttpx(address, address, chat_body, {"stream": True})


def native(url: str) -> Subject:
    address = f"{url}/v1beta/models/{MODEL}"
    return RawHttpx(f"{address}:generateContent", f"{address}:streamGenerateContent?alt=sse", native_body, {})
