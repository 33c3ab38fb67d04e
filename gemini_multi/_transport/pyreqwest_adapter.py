"""Requests over pyreqwest, Python bindings of Rust's reqwest. Used only if it is chosen by name.

One client serves all event loops. A blocking call uses the asynchronous client too, with a small event loop of its
own: the blocking client of pyreqwest ignores Ctrl-C and then aborts the process, and cannot be interrupted.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import math
import queue
import sys
import threading
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar, cast

from gemini_multi._transport.addresses import address_of, proxy_for
from gemini_multi._transport.session import AsyncExchange
from gemini_multi._transport.steps import Interrupted, ResponseHead, Send, Timeouts, TransportSettings
from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import ResponseBodyReader

TESTED: Final = "0.15."
"""The versions that this adapter is tested with. Each minor version of a young library may change its behaviour."""
_FORKED_AFTER_USE: Final = threading.Event()
_FOREVER: Final = 10 * 365 * 24 * 3600.0

ResultT = TypeVar("ResultT")


class PyreqwestTransport:
    """The clients that calls with the same settings share: one for each pair of timeouts and each proxy."""

    def __init__(self, settings: TransportSettings) -> None:
        _check_usable()
        _load()
        self._limit = settings.limit
        self._keep_alive = settings.keep_alive
        self._client = lru_cache(maxsize=32)(self._made_client)
        self._lock = threading.Lock()
        """Held while a client is found or made. Two clients for the same requests would have twice the connections."""
        self.under_way: set[object] = set()
        """Exchanges that have started and are not released yet."""

    @property
    def busy(self) -> int:
        return len(self.under_way)

    def client(self, timeouts: Timeouts, proxy: str | None) -> Client:
        with self._lock:
            return self._client(timeouts.connect, timeouts.read, proxy)

    def _made_client(self, connect: float, read: float, proxy: str | None) -> Client:
        from pyreqwest.client import ClientBuilder
        from pyreqwest.proxy import ProxyBuilder

        builder = (
            ClientBuilder()
            .follow_redirects(enable=False)
            .referer(enable=False)
            .gzip(enable=False)
            .brotli(enable=False)
            .zstd(enable=False)
            .deflate(enable=False)
            .http1_only()
            .max_connections(self._limit)
            .pool_max_idle_per_host(self._limit)
            .pool_idle_timeout(timedelta(seconds=self._keep_alive))
            .tcp_keepalive(timedelta(seconds=60))
            .connect_timeout(_duration(connect))
            .read_timeout(_duration(read))
            .no_proxy()
        )
        try:
            return (builder if proxy is None else builder.proxy(ProxyBuilder.all(proxy))).build()
        except ValueError:
            raise ConfigurationError("The proxy that the environment names cannot be used: it is no URL.") from None

    def exchange(self) -> PyreqwestExchange:
        return PyreqwestExchange(self)

    def async_exchange(self) -> PyreqwestAsyncExchange:
        return PyreqwestAsyncExchange(self)

    def close(self) -> None:
        """Drop the clients. Idle connections are closed now, the others when their request ends."""
        self._client.cache_clear()

    def drop(self) -> None:
        """Mark this process as a forked child, in which pyreqwest cannot be used any more."""
        _FORKED_AFTER_USE.set()


class PyreqwestAsyncExchange(AsyncExchange):
    """One request, with `await`."""

    def __init__(self, transport: PyreqwestTransport) -> None:
        self._transport = transport
        self._request: StreamRequest | None = None
        self._reader: ResponseBodyReader | None = None
        self._missing: int | None = None
        """Bytes of the body that are still to come, if the response head states the length."""

    async def send(self, step: Send) -> ResponseHead:
        self.loop, self._request = asyncio.get_running_loop(), self._built(step)
        self._transport.under_way.add(self)
        before = _cancellations()
        response = await self._request.__aenter__()
        self._reader = response.body_reader
        _check_cancelled(before)
        headers: dict[str, str] = {}
        for name, value in response.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        length = headers.get("content-length", "")
        self._missing = int(length) if length.isdecimal() else None
        return ResponseHead(response.status, headers)

    def _built(self, step: Send) -> StreamRequest:
        address, body = address_of(step.url), step.body
        builder = self._transport.client(step.timeouts, proxy_for(address)).request(step.method, address.url)
        builder = builder.headers({"accept-encoding": "identity", **step.headers})
        if isinstance(body, bytes):
            builder = builder.body_bytes(body)
        else:
            builder = builder.header("content-length", str(len(body))).body_stream(body.slices())
        if step.within < math.inf:
            builder = builder.timeout(_duration(step.within))
        return builder.streamed_read_buffer_limit(0).build_streamed()

    async def read(self) -> bytes:
        if self._reader is None or self._missing == 0:
            return b""
        before = _cancellations()
        chunk = await self._reader.read_chunk()
        _check_cancelled(before)
        if chunk is None:
            return b""
        if self._missing is not None:
            self._missing -= len(chunk)
        return bytes(chunk)

    async def close(self) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        self._transport.under_way.discard(self)
        reader, self._reader = self._reader, None
        if reader is not None:
            before = _cancellations()
            await request.__aexit__(None, None, None)
            _check_cancelled(before)


def _cancellations() -> int:
    """Count how often the running task was cancelled."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _check_cancelled(before: int) -> None:
    """Raise a cancellation that came during a wait. pyreqwest 0.15 loses one that comes with the result."""
    if _cancellations() > before:
        raise asyncio.CancelledError


class PyreqwestExchange:
    """One blocking request: it runs the steps of an asynchronous exchange in the caller's own thread."""

    def __init__(self, transport: PyreqwestTransport) -> None:
        self._loop = _OwnLoop()
        self._inner = PyreqwestAsyncExchange(transport)

    def send(self, step: Send) -> ResponseHead:
        return self._loop.run(self._inner.send(step))

    def read(self) -> bytes:
        return self._loop.run(self._inner.read())

    def interrupt(self) -> None:
        self._loop.interrupt()

    def close(self) -> None:
        """Release the response. This method does not wait: a finalizer may run in any thread."""
        coroutine = self._inner.close()
        with suppress(StopIteration):
            self._loop.proceeded(coroutine)
        coroutine.close()


class _OwnLoop:
    """A minimal event loop: it runs one coroutine of pyreqwest at a time, in the caller's thread.

    A coroutine that has to wait asks the running loop for a future and yields it. When the coroutine can continue,
    Rust's thread calls `call_soon_threadsafe`. Until then the caller's thread waits on a queue. Ctrl-C ends that wait.
    """

    def __init__(self) -> None:
        self._calls = queue.SimpleQueue[object]()
        self.call_soon_threadsafe = self._calls.put
        """A function in C. A Python function would cost more, in Rust's thread, than the rest of the call."""
        self._is_interrupted = False

    def create_future(self) -> tuple[object]:
        """Return an iterable of one object. A waiting coroutine yields that object."""
        return (self,)

    def run(self, coroutine: Coroutine[object, None, ResultT]) -> ResultT:
        """Run a coroutine to its end, or raise `Interrupted`."""
        try:
            while not self._is_interrupted:
                if self.proceeded(coroutine) is not None:
                    self._calls.get()
        except StopIteration as end:
            return cast("ResultT", end.value)
        finally:
            coroutine.close()
        raise Interrupted

    def proceeded(self, coroutine: Coroutine[object, None, object]) -> object:
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(cast("asyncio.AbstractEventLoop", self))
        try:
            return coroutine.send(None)
        finally:
            asyncio._set_running_loop(before)

    def interrupt(self) -> None:
        self._is_interrupted = True
        self._calls.put(None)


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.001), _FOREVER))


def _check_usable() -> None:
    if _FORKED_AFTER_USE.is_set():
        raise ConfigurationError(
            "pyreqwest cannot be used in a process that was forked after its first call. Start processes with "
            '"spawn" or "forkserver", or use `transport="httpx"`.'
        )
    try:
        version = importlib.metadata.version("pyreqwest")
    except importlib.metadata.PackageNotFoundError:
        raise ConfigurationError(
            'The transport "pyreqwest" needs a package: pip install "gemini-multi[fast]".'
        ) from None
    if not version.startswith(TESTED):
        raise ConfigurationError(
            f'The transport "pyreqwest" is tested with version {TESTED}x, and {version} is installed: '
            'pip install "gemini-multi[fast]".'
        )


def _load() -> None:
    """Import pyreqwest in a thread that never ends.

    Its allocator (mimalloc, in 0.15.1) takes the thread that loads it for the main thread. When that thread has
    ended, the process crashes in threads that start later.
    """
    loaded = threading.Event()

    def load() -> None:
        with suppress(ImportError):  # the next import raises the error again
            importlib.import_module("pyreqwest.client")
        loaded.set()
        threading.Event().wait()

    if "pyreqwest" not in sys.modules:
        threading.Thread(target=load, name="gemini-multi-pyreqwest", daemon=True).start()
        loaded.wait()
