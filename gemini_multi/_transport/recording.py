"""An httpx transport that records requests and responses, to show users what a provider really sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx


@dataclass(slots=True)
class Exchange:
    """One request and its response, byte for byte."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    raw: bytearray = field(default_factory=bytearray)

    @property
    def body(self) -> str:
        """The decompressed body of the response."""
        return httpx.Response(self.status, headers=dict(self.headers), content=bytes(self.raw)).text


class RecordingTransport(httpx.HTTPTransport):
    """An httpx transport that records every request and response."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        sent = (request.method, str(request.url), dict(request.headers), request.read())
        exchange = Exchange(*sent, response.status_code, dict(response.headers))
        self.exchanges.append(exchange)
        assert isinstance(response.stream, httpx.SyncByteStream)
        body = _Copied(response.stream, exchange.raw)
        return httpx.Response(response.status_code, headers=response.headers, stream=body)


class _Copied(httpx.SyncByteStream):
    """A body that is copied while it is read."""

    def __init__(self, body: httpx.SyncByteStream, copy: bytearray) -> None:
        self._body = body
        self._copy = copy

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._copy += piece
            yield piece

    def close(self) -> None:
        self._body.close()


def recording_client(transport: RecordingTransport) -> httpx.Client:
    """Make a client for the `http_client` argument that uses a recording transport."""
    return httpx.Client(transport=transport, trust_env=False)
