"""An HTTP library by itself, and after it one of our models with the same answer in memory.

Both do what a call needs, and nothing joins them: without less code of ours, or another library, a call costs this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.answers import body
from gemini_multi._transport.pools import POOLS
from gemini_multi._transport.session import AsyncExchange, Exchange
from gemini_multi._transport.steps import ResponseHead, Send

from . import raw, raw_others
from .base import Subject

_LIBRARIES: dict[str, Callable[[str], Subject]] = {"httpx": raw.chat, "pyreqwest": raw_others.pyreqwest_chat}


class _Memory(Exchange):
    """An exchange whose answer is there already."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = iter(pieces)
        self._head = ResponseHead(200, {"content-type": "text/event-stream" if len(pieces) > 1 else "application/json"})

    def send(self, step: Send) -> ResponseHead:
        return self._head

    def read(self) -> bytes:
        return next(self._pieces, b"")


class _AsyncMemory(AsyncExchange):
    """The same with `await`, which never waits."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._memory = _Memory(pieces)

    async def send(self, step: Send) -> ResponseHead:
        return self._memory.send(step)

    async def read(self) -> bytes:
        return self._memory.read()

    async def close(self) -> None:
        pass


class Parts(Subject):
    """Asks the library, and then our model. All calls of ours in this process are answered from memory."""

    def __init__(self, url: str, library: str, field: str) -> None:
        super().__init__(url)
        pieces = body(url.rpartition("/")[2], "chat")

        async def async_exchange(*_: object) -> AsyncExchange:
            return _AsyncMemory(pieces)

        POOLS.exchange = lambda *_: _Memory(pieces)  # type: ignore[method-assign]
        POOLS.async_exchange = async_exchange  # type: ignore[method-assign]
        self._library = _LIBRARIES[library](url)
        self._ours: Subject = import_module(f".{field}", __package__).chat(url)
        self.text = self._ours.text  # type: ignore[method-assign]

    def ask(self, question: str) -> Callable[[], Any]:
        library, ours = self._library.prepare("ask", question), self._ours.prepare("ask", question)

        def asked() -> Any:
            library()
            return ours()

        return asked

    def ask_async(self, question: str) -> Callable[[], Any]:
        library, ours = self._library.prepare("ask_async", question), self._ours.prepare("ask_async", question)

        async def asked() -> Any:
            await library()
            return await ours()

        return asked

    def stream(self, question: str) -> Callable[[], Any]:
        library, ours = self._library.prepare("stream", question), self._ours.prepare("stream", question)

        def pieces() -> Iterator[Any]:
            for _ in library():
                pass
            yield from ours()

        return pieces

    def stream_async(self, question: str) -> Callable[[], Any]:
        library, ours = self._library.prepare("stream_async", question), self._ours.prepare("stream_async", question)

        async def pieces() -> AsyncIterator[Any]:
            async for _ in library():
                pass
            async for piece in ours():
                yield piece

        return pieces


httpx_core = partial(Parts, library="httpx", field="core")
httpx_langchain = partial(Parts, library="httpx", field="langchain")
httpx_llama_index = partial(Parts, library="httpx", field="llama_index")
pyreqwest_core = partial(Parts, library="pyreqwest", field="core")
pyreqwest_langchain = partial(Parts, library="pyreqwest", field="langchain")
pyreqwest_llama_index = partial(Parts, library="pyreqwest", field="llama_index")
