"""Other HTTP libraries by themselves, beside the yardstick. Nothing is decoded but JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .base import BATCH_CALLS, Subject
from .bodies import chat_body

_HEADERS = {"authorization": "Bearer key", "content-type": "application/json"}


def httpx2_chat(url: str) -> Subject:
    import httpx2

    from .raw import RawHttpx

    address = f"{url}/v1/chat/completions"
    return RawHttpx(address, address, chat_body, {"stream": True}, httpx2)


class RawPyreqwest(Subject):
    """pyreqwest's two clients."""

    reads_answers = False

    def __init__(self, url: str) -> None:
        super().__init__(f"{url}/v1/chat/completions")
        self._client = self.construct("")()
        self._async_client: Any = None

    def construct(self, question: str) -> Callable[[], Any]:
        from pyreqwest.client import SyncClientBuilder

        return lambda: SyncClientBuilder().no_proxy().http1_only().default_headers(_HEADERS).build()

    def _asynchronous(self) -> Any:
        if self._async_client is None:
            from pyreqwest.client import ClientBuilder

            self._async_client = ClientBuilder().no_proxy().http1_only().default_headers(_HEADERS).build()
        return self._async_client

    def ask(self, question: str) -> Callable[[], Any]:
        body = chat_body(question)
        return lambda: self._posted(body)

    def _posted(self, body: dict[str, Any]) -> Any:
        return self._client.post(self.url).body_json(body).build().send().json()

    def ask_async(self, question: str) -> Callable[[], Any]:
        body = chat_body(question)

        async def asked() -> Any:
            return await (await self._asynchronous().post(self.url).body_json(body).build().send()).json()

        return asked

    def batch(self, question: str) -> Callable[[], Any]:
        threads = ThreadPoolExecutor(self.threads)
        return lambda: list(threads.map(self._posted, [chat_body(question)] * BATCH_CALLS))

    def stream(self, question: str) -> Callable[[], Any]:
        body = chat_body(question, stream=True)

        def pieces() -> Iterator[bytes]:
            request = self._client.post(self.url).body_json(body).streamed_read_buffer_limit(0).build_streamed()
            with request as response:
                while (piece := response.body_reader.read_chunk()) is not None:
                    yield bytes(piece)

        return pieces

    def stream_async(self, question: str) -> Callable[[], Any]:
        body = chat_body(question, stream=True)

        async def pieces() -> AsyncIterator[bytes]:
            builder = self._asynchronous().post(self.url).body_json(body).streamed_read_buffer_limit(0)
            async with builder.build_streamed() as response:
                while (piece := await response.body_reader.read_chunk()) is not None:
                    yield bytes(piece)

        return pieces

    def text(self, piece: Any) -> str | None:
        return piece.decode() if isinstance(piece, bytes) else None


class RawAiohttp(Subject):
    """aiohttp, which is asynchronous only."""

    reads_answers = False

    def __init__(self, url: str) -> None:
        super().__init__(f"{url}/v1/chat/completions")
        self._session: Any = None

    def _asynchronous(self) -> Any:
        if self._session is None:  # made by the event loop that it belongs to
            import aiohttp

            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(headers=_HEADERS, connector=connector)
        return self._session

    def ask_async(self, question: str) -> Callable[[], Any]:
        body = chat_body(question)

        async def asked() -> Any:
            async with self._asynchronous().post(self.url, json=body) as response:
                return json.loads(await response.read())

        return asked

    def stream_async(self, question: str) -> Callable[[], Any]:
        body = chat_body(question, stream=True)

        async def pieces() -> AsyncIterator[bytes]:
            async with self._asynchronous().post(self.url, json=body) as response:
                async for piece in response.content.iter_any():
                    yield piece

        return pieces

    def text(self, piece: Any) -> str | None:
        return piece.decode() if isinstance(piece, bytes) else None


def pyreqwest_chat(url: str) -> Subject:
    return RawPyreqwest(url)


def aiohttp_chat(url: str) -> Subject:
    return RawAiohttp(url)
