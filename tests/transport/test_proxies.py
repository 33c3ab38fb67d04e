"""Proxies, and addresses of every kind: where a request goes, over each transport."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from gemini_multi import ChatRequest, Client, ConfigurationError, ConnectionFailed, Message, Oxen, RequestTimeout
from tests.transport.loopback import AUTHORITY, CERTIFICATE, WHOLE, Act, Host, faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
Ask = Callable[[Client], str]


def blocking(client: Client) -> str:
    return client.chat(REQUEST).text


def awaited(client: Client) -> str:
    return asyncio.run(client.for_async().chat(REQUEST)).text


both = pytest.mark.parametrize("ask", [blocking, awaited])


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))


def head_from(connection: socket.socket) -> bytes:
    """Read the head of a request, byte by byte: what follows belongs to somebody else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return head


class HttpProxy:
    """Answers in the provider's place, and keeps the heads of what it was asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    def __call__(self, found: Host, connection: socket.socket) -> None:
        head = head_from(connection).decode()
        self.heads.append(head)
        if not head.startswith("CONNECT"):
            connection.recv(65_536)
            connection.sendall(WHOLE)
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        with context.wrap_socket(connection, server_side=True) as secure:
            found.request(secure)
            secure.sendall(WHOLE)

    def line(self) -> str:
        (head,) = self.heads
        return head.partition("\r\n")[0]


@both
@pytest.mark.parametrize(
    ("variable", "scheme"), [("http_proxy", "http://"), ("HTTP_PROXY", ""), ("all_proxy", "http://")]
)
def test_a_proxy_is_asked_in_the_providers_place(
    ask: Ask, variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the whole address; the provider's name is not looked up here."""
    proxy = HttpProxy()
    with host(proxy) as found:
        monkeypatch.setenv(variable, f"{scheme}127.0.0.1:{found.port}")
        assert ask(Client(Oxen("key", base_url="http://provider.invalid/v1"), max_retries=0)) == "Hi"
    assert proxy.line() == "POST http://provider.invalid/v1/chat/completions HTTP/1.1"


@both
def test_a_proxy_tunnels_what_is_encrypted(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy learns the provider's name and the caller's account with it, and no key."""
    proxy = HttpProxy()
    with host(proxy) as found:
        monkeypatch.setenv("https_proxy", f"http://user:password@127.0.0.1:{found.port}")
        assert ask(Client(Oxen("secret-key", base_url="https://localhost/v1"), max_retries=0)) == "Hi"
    assert proxy.line() == "CONNECT localhost:443 HTTP/1.1"
    assert base64.b64encode(b"user:password").decode() in proxy.heads[0]
    assert "secret-key" not in proxy.heads[0]


@both
def test_a_proxys_own_refusal_is_a_failed_connection(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider was never asked."""

    def refusing(_: Host, connection: socket.socket) -> None:
        head_from(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    with host(refusing) as found:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{found.port}")
        with pytest.raises(ConnectionFailed, match=r"407|(?i:proxy)"):
            ask(Client(Oxen("key", base_url="https://localhost/v1"), max_retries=0))


@both
def test_the_deadline_bounds_a_proxy_that_does_not_answer(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: Host, connection: socket.socket) -> None:
        while connection.recv(65_536):
            continue

    with host(silent) as found:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{found.port}")
        with pytest.raises(RequestTimeout):
            ask(Client(Oxen("key", base_url="https://localhost/v1"), max_retries=0, deadline=0.3))


@both
@pytest.mark.parametrize("excepted", ["127.0.0.1", "*", "other.example,127.0.0.1"])
def test_excepted_providers_are_asked_directly(ask: Ask, excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `NO_PROXY` says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", excepted)
    with host(faithful) as found:
        assert ask(Client(found.provider, max_retries=0)) == "Hi"


def socks(names: list[bytes]) -> Act:
    """Make a SOCKS proxy that answers in the provider's place, and notes the names that it was asked for."""

    def act(found: Host, connection: socket.socket) -> None:
        methods = connection.recv(2)[1]
        connection.recv(methods)
        connection.sendall(b"\x05\x00")
        _, _, _, kind, length = connection.recv(5)
        assert kind == 3  # a name, not an address
        names.append(connection.recv(length))
        connection.recv(2)
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        faithful(found, connection)

    return act


@both
def test_a_socks_proxy_looks_names_up(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[bytes] = []
    with host(socks(names)) as found:
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{found.port}")
        assert ask(Client(Oxen("key", base_url="http://provider.invalid/v1"), max_retries=0)) == "Hi"
    assert names == [b"provider.invalid"]


@both
def test_a_socks_proxy_needs_an_extra(ask: Ask, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it."""
    if transport == "pyreqwest":
        pytest.skip("pyreqwest needs no package for it")
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=r"gemini-multi\[socks\]"):
        ask(Client(Oxen("key", base_url="http://provider.invalid/v1"), max_retries=0))


@both
def test_a_proxy_that_is_no_address_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:none")
    with pytest.raises(ConfigurationError, match="proxy"):
        ask(Client(Oxen("key", base_url="http://provider.invalid/v1"), max_retries=0))


@pytest.mark.skipif(not socket.has_ipv6, reason="the platform has no IPv6")
@both
def test_a_provider_may_have_an_address_of_version_6(ask: Ask) -> None:
    with host(faithful, address="::1") as found:
        assert ask(Client(found.provider, max_retries=0)) == "Hi"


@both
@pytest.mark.parametrize(
    ("name", "sent"), [("bücher", "xn--bcher-kva"), ("faß", "xn--fa-hia"), ("例え", "xn--r8jz45g")]
)
def test_an_international_name_is_sent_in_its_ascii_form(
    ask: Ask, name: str, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of IDNA 2008, which browsers use: "ß" stays a letter of its own."""
    proxy = HttpProxy()
    with host(proxy) as found:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{found.port}")
        assert ask(Client(Oxen("key", base_url=f"http://{name}.invalid/v1"), max_retries=0)) == "Hi"
    assert proxy.line() == f"POST http://{sent}.invalid/v1/chat/completions HTTP/1.1"


async def test_a_call_costs_no_more_where_the_environment_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its proxies are not read again for each call."""
    with host(faithful) as found:
        client = Client(found.provider).for_async()

        async def looks() -> int:
            """Count what a call asks of `os`, when everything is imported and cached."""
            await client.chat(REQUEST)
            seen: list[str] = []

            def note(frame: FrameType, event: str, _: object) -> None:
                if event == "call" and frame.f_code.co_filename == os.getenv.__code__.co_filename:
                    seen.append(frame.f_code.co_name)

            sys.setprofile(note)
            try:
                await client.chat(REQUEST)
            finally:
                sys.setprofile(None)
            return len(seen)

        few = await looks()
        for number in range(500):
            monkeypatch.setenv(f"SOME_VARIABLE_{number}", "value")
        assert await looks() == few
        await client.aclose()
