"""Requests through the caller's own client with the interface of httpx.

The caller configures the pool, the proxies and the certificates of this client. The client limits each wait. For a
blocking client, the deadline of the whole call is checked only between the waits.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gemini_multi._transport.addresses import address_of
from gemini_multi._transport.httpx_library import head_of
from gemini_multi._transport.session import AsyncExchange
from gemini_multi._transport.steps import ResponseHead, Send

if TYPE_CHECKING:
    import httpx
    import httpx2


class _Inside(threading.local):
    """Whether this thread is inside the client, and the function to call when the thread leaves the client.

    The garbage collector closes a stream that nobody uses any more. It may run while its own thread holds a lock of the
    client. Closing the stream then would wait for that lock forever.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._postponed: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        while self._postponed and not self._depth:
            self._postponed.pop()()

    def postpones(self, close: Callable[[], None]) -> bool:
        if self._depth:
            self._postponed.append(close)
        return self._depth > 0


_INSIDE: Final = _Inside()
_BODIES: Final = set[Iterator[bytes]]()
"""The bodies that are being read. The garbage collector never closes a body in this set."""


class CallersExchange:
    """One request through a blocking client."""

    def __init__(self, client: httpx.Client | httpx2.Client) -> None:
        self._client: Any = client
        self._response: Any = None
        self._body: Iterator[bytes] = iter(())

    def send(self, step: Send) -> ResponseHead:
        request = _built(self._client, step)
        with _INSIDE:
            response = self._response = self._client.send(request, stream=True, follow_redirects=False)
        self._body = response.iter_bytes() if response.is_stream_consumed else response.iter_raw()
        _BODIES.add(self._body)
        return _head(response)

    def read(self) -> bytes:
        with _INSIDE:
            return next(self._body, b"")

    def interrupt(self) -> None:
        """Interrupt the thread that waits for the response. Possible only if the client gives access to its socket."""
        stream = getattr(self._response, "extensions", {}).get("network_stream")
        connected = stream.get_extra_info("socket") if stream is not None else None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if _INSIDE.postpones(self.close):
            return
        response, self._response = self._response, None
        if response is None:
            return
        body, self._body = self._body, iter(())
        with _INSIDE:
            response.close()
            _BODIES.discard(body)
            del body  # deleting the generator releases the connection too


class CallersAsyncExchange(AsyncExchange):
    """One request through an asynchronous client."""

    def __init__(self, client: httpx.AsyncClient | httpx2.AsyncClient) -> None:
        self._client: Any = client
        self.loop = asyncio.get_running_loop()
        self._response: Any = None
        self._body: AsyncIterator[bytes] | None = None

    async def send(self, step: Send) -> ResponseHead:
        async with asyncio.timeout(step.within if step.within < math.inf else None):
            request = _built(self._client, step)
            response = self._response = await self._client.send(request, stream=True, follow_redirects=False)
        self._body = response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()
        return _head(response)

    async def read(self) -> bytes:
        return b"" if self._body is None else await anext(self._body, b"")

    async def close(self) -> None:
        response, self._response = self._response, None
        if response is None:
            return
        body: object = self._body
        if isinstance(body, AsyncGenerator):
            await body.aclose()
        await response.aclose()


def _built(client: Any, step: Send) -> Any:  # noqa: ANN401  # of httpx or httpx2
    """Build the request, with the timeouts in the extension that httpx and httpx2 read."""
    timeouts = step.timeouts
    limits = {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": timeouts.connect}
    return client.build_request(
        step.method,
        address_of(step.url).url,
        content=bytes(step.body),
        headers={"accept-encoding": "identity", **step.headers},
        extensions={"timeout": {name: min(limit, step.within) for name, limit in limits.items()}},
    )


def _head(response: Any) -> ResponseHead:  # noqa: ANN401
    head = head_of(response.status_code, [*response.headers.raw])
    if response.is_stream_consumed:  # and decompressed
        return ResponseHead(head.status, {k: v for k, v in head.headers.items() if k != "content-encoding"})
    return head
