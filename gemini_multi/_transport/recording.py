"""An httpx transport that records requests and responses, to show users what a provider really sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx


class Exchange(httpx.SyncByteStream):
    """One request and its response, byte for byte. It is the response's body too, and records it while it is read."""

    def __init__(self, request: httpx.Request, response: httpx.Response) -> None:
        self.method = request.method
        self.url = str(request.url)
        self.request_headers: Mapping[str, str] = dict(request.headers)
        self.request_body = request.read()
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self._response = response
        self._raw = bytearray()

    @property
    def body(self) -> str:
        """The decompressed body of the response."""
        return httpx.Response(self.status, headers=dict(self.headers), content=bytes(self._raw)).text

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._response.iter_raw():
            self._raw += piece
            yield piece

    def close(self) -> None:
        self._response.close()


class RecordingTransport(httpx.HTTPTransport):
    """An httpx transport that records every request and response."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.exchanges.append(exchange := Exchange(request, response))
        return httpx.Response(response.status_code, headers=response.headers, stream=exchange)

    def client(self) -> httpx.Client:
        """Make a client for the `http_client` argument that uses this transport."""
        return httpx.Client(transport=self, trust_env=False)
