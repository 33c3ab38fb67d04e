"""Requests over pyreqwest: Rust's reqwest for Python, chosen by name.

One client serves all event loops. Blocking calls go through an event loop in a thread of its own: pyreqwest's blocking
client ignores Ctrl-C and then aborts the process, and cannot be interrupted.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import queue
import threading
from concurrent.futures import Future
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gemini_multi._transport.addresses import address_of, check_headers, proxy_for
from gemini_multi._transport.steps import Interrupted, ResponseHead, Send, Timeouts
from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import ResponseBodyReader

TESTED: Final = "0.15."
"""The versions that this adapter is tested with: each minor version of a young library may change what counts here."""
_AHEAD: Final = 256 * 1024
"""Bytes of an answer that may wait for the thread that reads them."""
_FORKED_AFTER_USE: Final = threading.Event()
_FOREVER: Final = 10 * 365 * 24 * 3600.0


class PyreqwestTransport:
    """The clients that calls with the same settings share: one for each pair of timeouts, and each proxy."""

    def __init__(self, limit: int, keep_alive: float) -> None:
        _check_process()
        _check_version()
        self._limit = limit
        self._keep_alive = keep_alive
        self._client = lru_cache(maxsize=32)(self._made_client)
        self.under_way: set[object] = set()
        """Exchanges that were begun and not let go."""

    @property
    def busy(self) -> int:
        """How many requests are on their way."""
        return len(self.under_way)

    def client(self, timeouts: Timeouts, proxy: str | None) -> Client:
        """Give the client for requests with these timeouts.

        Raises:
            ConfigurationError: The proxy cannot be used.
        """
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
        """Make what sends one request, blocking."""
        return PyreqwestExchange(self)

    def async_exchange(self, owner: object = None) -> PyreqwestAsyncExchange:
        """Make what sends one request, with `await`; the owner is what is let go, if not the exchange itself."""
        return PyreqwestAsyncExchange(self, owner)

    def close(self) -> None:
        """Drop the clients: idle connections end, the others when they are let go."""
        self._client.cache_clear()

    def drop(self) -> None:
        """Note that this is a forked child, in which pyreqwest cannot be used any more."""
        _FORKED_AFTER_USE.set()


class PyreqwestAsyncExchange:
    """One request, with `await`."""

    def __init__(self, transport: PyreqwestTransport, owner: object = None) -> None:
        self._transport = transport
        self._owner = self if owner is None else owner
        self._loop = asyncio.get_running_loop()
        self._request: StreamRequest | None = None
        self._reader: ResponseBodyReader | None = None

    async def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of its answer."""
        address, body = address_of(step.request.url), step.request.body
        check_headers(step.request.headers)
        builder = self._transport.client(step.timeouts, proxy_for(address)).request(step.request.method, address.url)
        builder = builder.headers({"accept-encoding": "identity", **step.request.headers})
        if isinstance(body, bytes):
            builder = builder.body_bytes(body)
        else:
            builder = builder.header("content-length", str(len(body))).body_stream(body.slices())
        self._request = builder.timeout(_duration(step.within)).streamed_read_buffer_limit(0).build_streamed()
        self._transport.under_way.add(self._owner)
        before = _cancellations()
        response = await self._request.__aenter__()
        self._reader = response.body_reader
        _check_cancelled(before)
        headers: dict[str, str] = {}
        for name, value in response.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return ResponseHead(response.status, headers)

    async def read(self) -> bytes:
        """Give the next bytes of the body; none at its end."""
        before = _cancellations()
        while self._reader is not None:
            chunk = await self._reader.read_chunk()
            _check_cancelled(before)
            if chunk is None:
                break
            if chunk:
                return bytes(chunk)
        return b""

    async def close(self) -> None:
        """Let go."""
        request, self._request = self._request, None
        if request is None:
            return
        self._transport.under_way.discard(self._owner)
        reader, self._reader = self._reader, None
        if reader is not None:
            before = _cancellations()
            await request.__aexit__(None, None, None)
            _check_cancelled(before)

    def abandon(self) -> None:
        """Let go soon, from any thread, if the event loop still runs."""
        if self._request is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.close()))


def _cancellations() -> int:
    """Count how often the running task was cancelled."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _check_cancelled(before: int) -> None:
    """Raise a cancellation of meanwhile: pyreqwest 0.15 drops one that comes with what it waits for."""
    if _cancellations() > before:
        raise asyncio.CancelledError


@lru_cache(maxsize=1)
def _background() -> asyncio.AbstractEventLoop:
    """Give the event loop of blocking calls, which runs in a thread of its own as long as the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="gemini-multi-pyreqwest", daemon=True).start()
    return loop


class PyreqwestExchange:
    """One request, blocking: the asynchronous one runs in another thread, and what it reads waits here in a queue."""

    def __init__(self, transport: PyreqwestTransport) -> None:
        self._transport = transport
        self._future: Future[None] | None = None
        self._arrived = queue.SimpleQueue[ResponseHead | bytes | BaseException]()
        self._held_back: ResponseHead | bytes | BaseException | None = None
        self._room = asyncio.Event()
        self._put = self._taken = 0
        self._is_waiting = False
        self._is_interrupted = False

    def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of its answer."""
        self._future = asyncio.run_coroutine_threadsafe(self._run(step), _background())
        if self._is_interrupted:
            raise Interrupted
        head = self._arrived.get()
        if isinstance(head, BaseException):
            raise head
        assert isinstance(head, ResponseHead)
        return head

    async def _run(self, step: Send) -> None:
        """Send, and read as long as there is room."""
        inner = self._transport.async_exchange(self)
        try:
            self._arrived.put(await inner.send(step))
            while piece := await inner.read():
                self._put += len(piece)
                self._arrived.put(piece)
                await self._wait_for_room()
            self._arrived.put(b"")
        except BaseException as error:  # noqa: BLE001  # it is raised in the thread that waits
            self._arrived.put(error)
        finally:
            await inner.close()

    async def _wait_for_room(self) -> None:
        self._is_waiting = True
        while self._put - self._taken > _AHEAD:
            self._room.clear()
            if self._put - self._taken > _AHEAD:
                await self._room.wait()
        self._is_waiting = False

    def read(self) -> bytes:
        """Give what has come of the body, and wait if nothing has; none at its end."""
        pieces = [self._next()]
        while pieces[-1] and self._held_back is None and not self._arrived.empty():
            following = self._arrived.get()
            if isinstance(following, bytes) and following:
                pieces.append(following)
            else:
                self._held_back = following
        return self._taken_out(b"".join(pieces))

    def _next(self) -> bytes:
        item = self._arrived.get() if self._held_back is None else self._held_back
        if isinstance(item, BaseException):
            raise item
        assert isinstance(item, bytes)
        if not item:
            self._held_back = item  # the end stays the end
        return item

    def _taken_out(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._is_waiting:
            _background().call_soon_threadsafe(self._room.set)
        return data

    def interrupt(self) -> None:
        """Wake up the thread that sends or reads."""
        self._is_interrupted = True
        self._arrived.put(Interrupted())
        self.close()

    def close(self) -> None:
        """Let go, without waiting: a finalizer may run in any thread."""
        if (future := self._future) is not None:
            self._transport.under_way.discard(self)
            future.cancel()


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.001), _FOREVER))


def _check_process() -> None:
    if _FORKED_AFTER_USE.is_set():
        raise ConfigurationError(
            "pyreqwest cannot be used in a process that was forked after its first call. Start processes with "
            '"spawn" or "forkserver", or use `transport="httpx"`.'
        )


def _check_version() -> None:
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
