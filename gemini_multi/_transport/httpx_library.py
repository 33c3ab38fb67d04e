"""The parts of httpx that both kinds of connection use. httpx2 has the same interface.

The transport objects of httpx are called directly: httpx's client layer would double the cost, and mocks, recorders
and traces hook into the transports. Each transport holds one connection of httpcore instead of a pool, over a network
backend of this package (a public interface of httpcore), which limits the waits.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any, Final

from gemini_multi._encoding.long_text import ChunkedBody
from gemini_multi._transport.addresses import Address, proxy_for
from gemini_multi._transport.steps import ResponseHead, Send
from gemini_multi.errors import ConfigurationError

SLICE: Final = 64 * 1024
"""Maximum number of bytes in one write."""


class _Slices:
    """A body in slices that can be sent one by one."""

    def __init__(self, body: bytes | ChunkedBody) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        body = self._body
        if isinstance(body, bytes):
            return (body[start : start + SLICE] for start in range(0, len(body), SLICE))
        return body.slices()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in _Slices.__iter__(self):
            yield piece


class Library:
    """The modules of httpx or of httpx2."""

    def __init__(self, name: str) -> None:
        self.httpx: Any = importlib.import_module(name)
        self.httpcore: Any = importlib.import_module(name.replace("httpx", "httpcore"))
        self._body: Any = type("Body", (_Slices, self.httpx.SyncByteStream, self.httpx.AsyncByteStream), {})

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context of all connections. The certificates are read from disk once."""
        context: ssl.SSLContext = self.httpx.create_ssl_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def prepare(self) -> None:
        """Read the files that the first connection of an event loop needs."""
        self.httpx.AsyncHTTPTransport(verify=self.context, trust_env=False)
        self.httpcore.AnyIOBackend()

    def transport(self, kind: str, backend: object, address: Address) -> Any:  # noqa: ANN401
        """Make a transport of httpx or httpx2 that holds one connection: a blocking one, or of the kind "Async".

        The pool of httpcore only makes the connection, of the kind that suits the proxy.
        """
        transport = getattr(self.httpx, f"{kind}HTTPTransport")(verify=self.context, trust_env=False)
        pool = getattr(self.httpcore, f"{kind}ConnectionPool")(
            ssl_context=self.context, proxy=self._proxy(proxy_for(address)), network_backend=backend
        )
        transport._pool = pool.create_connection(self._httpcore_url(_parsed(self.httpx, address.url)).origin)
        return transport

    def _httpcore_url(self, url: Any) -> Any:  # noqa: ANN401  # of httpx or httpx2
        return self.httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)

    def _proxy(self, url: str | None) -> Any:  # noqa: ANN401
        if url is None:
            return None
        if url.startswith("socks") and find_spec("socksio") is None:
            raise ConfigurationError(
                'A SOCKS proxy needs a package: pip install "gemini-multi[socks]" (or httpx[socks]).'
            )
        try:
            proxy = self.httpx.Proxy(url)
            return self.httpcore.Proxy(self._httpcore_url(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)
        except (self.httpx.InvalidURL, ValueError):
            raise ConfigurationError("The proxy that the environment names cannot be used: it is no URL.") from None

    def request(self, step: Send, address: Address) -> Any:  # noqa: ANN401
        """Build a request, with the timeouts in the extension that httpcore reads."""
        url, timeouts = _parsed(self.httpx, address.url), step.timeouts
        headers = [
            (b"host", url.netloc),
            (b"accept-encoding", b"identity"),
            (b"content-length", str(len(step.body)).encode()),
            *((name.encode(), value.encode()) for name, value in step.headers.items()),
        ]
        return self.httpx.Request(
            step.method,
            url,
            headers=headers,
            stream=self._body(step.body),
            extensions={"timeout": {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write}},
        )


@cache
def library(name: str) -> Library:
    try:
        return Library(name)
    except ImportError:
        raise ConfigurationError(f"The transport {name!r} needs a package: pip install {name}.") from None


@cache
def _parsed(httpx: Any, url: str) -> Any:  # noqa: ANN401
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise ConfigurationError(f"The address of a provider cannot be used: {error}.") from None


def head_of(status: int, raw: list[tuple[bytes, bytes]]) -> ResponseHead:
    """Read a response head. The values of a repeated header are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ResponseHead(status, headers)
