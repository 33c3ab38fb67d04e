"""A server over a sandbox, on sockets of its own, and the official client of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import openai
import pytest
import uvicorn

from gemini_multi import AIMLAPI, AsyncClient, Cloudflare, Oxen
from gemini_multi.sandbox import Sandbox
from gemini_multi.server import ServerSettings
from gemini_multi.server.running import server_of

KEY = "server-key-of-the-tests"
OTHER_KEY = "another-key-of-the-tests"


@dataclass
class Served:
    """A server that listens."""

    url: str
    sandbox: Sandbox
    http: httpx.Client
    server: uvicorn.Server

    def stop(self) -> None:
        """Tell the server to stop."""
        self.server.should_exit = True

    def post(self, body: object, path: str = "/v1/chat/completions", **headers: str) -> httpx.Response:
        """Post as JSON, or bytes as they are, with the server's key."""
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.http.post(f"{self.url}{path}", headers={"authorization": f"Bearer {KEY}", **headers}, **sent)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Get with the server's key."""
        return self.http.get(f"{self.url}{path}", headers={"authorization": f"Bearer {KEY}", **headers})

    def openai(self, key: str = KEY) -> openai.OpenAI:
        """The official client."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, http_client=self.http)

    @property
    def body(self) -> object:
        """The body of the last request that a provider got."""
        return self.sandbox.requests[-1].body


@contextmanager
def serving(sandbox: Sandbox, **settings: object) -> Iterator[Served]:
    """Serve the three providers of a sandbox from a thread."""
    said = sandbox.environment()
    providers = [
        Oxen(said["OXEN_API_KEY"], base_url=said["OXEN_BASE_URL"]),
        AIMLAPI(said["AIMLAPI_API_KEY"], base_url=said["AIMLAPI_BASE_URL"]),
        Cloudflare(said["CLOUDFLARE_ACCOUNT_ID"], said["CLOUDFLARE_API_TOKEN"], base_url=said["CLOUDFLARE_BASE_URL"]),
    ]
    client = AsyncClient(providers, max_retries=0)
    server = server_of(client, ServerSettings(keys=(KEY, OTHER_KEY), **settings))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with httpx.Client(verify=False, timeout=20) as http:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", sandbox, http, server)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def _served() -> Iterator[Served]:
    with Sandbox() as sandbox, serving(sandbox) as served:
        yield served


@pytest.fixture
def served(_served: Served) -> Iterator[Served]:
    """A server whose sandbox remembers nothing of other tests."""
    _served.sandbox.clear()
    yield _served
    _served.sandbox.clear()
