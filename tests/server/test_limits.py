"""Who may ask, how much, how many at once, and what becomes of a call whose caller hangs up."""

from __future__ import annotations

import logging
import os
import socket
import threading

import httpx
import pytest

from gemini_multi import ConfigurationError
from gemini_multi.sandbox import Sandbox
from gemini_multi.server import ServerSettings
from tests.server.conftest import KEY, OTHER_KEY, serving

HELLO = {"model": "oxen/gemini-2.5-flash", "messages": [{"role": "user", "content": "Tell the SECRET-PROMPT again"}]}
CHAT = "/v1/chat/completions"


@pytest.fixture
def small():
    """A server that answers two requests at once, of 1,000 bytes at most."""
    with Sandbox() as sandbox, serving(sandbox, max_requests=2, max_body_bytes=1000) as served:
        yield served


class Hanging:
    """A provider that takes requests and says nothing until it is told to."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def accept(self):
        """Wait for a request; give its connection."""
        connection, _ = self.listening.accept()
        connection.settimeout(10)
        connection.recv(65536)
        return connection

    def answer(self, connection):
        """Answer with a text."""
        body = b'{"choices": [{"message": {"role": "assistant", "content": "Late"}, "finish_reason": "stop"}]}'
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture
def hanging(monkeypatch):
    """In the place of a provider."""
    provider = Hanging()
    with provider.listening:
        monkeypatch.setattr(Sandbox, "environment", lambda self: {**ENVIRONMENT(self), "OXEN_BASE_URL": provider.url})
        yield provider


ENVIRONMENT = Sandbox.environment


@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Basic {KEY}", KEY, "Bearer ключ"])
@pytest.mark.parametrize(("method", "path"), [("POST", CHAT), ("GET", "/v1/models"), ("GET", "/v1/models/x")])
def test_nothing_is_told_without_a_key(served, header, method, path):
    """401, in OpenAI's form."""
    headers = {"authorization": header.encode()} if header else {}
    answer = served.http.request(method, f"{served.url}{path}", headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_each_of_several_keys_is_good(served, key):
    """One may be changed without a gap."""
    assert served.get("/v1/models", authorization=f"Bearer {key}").status_code == 200


def pieces():
    yield b" " * 600
    yield b" " * 600


@pytest.mark.parametrize("content", [b" " * 1001, pieces()], ids=["announced", "chunked"])
def test_too_large_a_body_is_refused(small, content):
    """413, whether its length was announced or not."""
    answer = small.http.post(f"{small.url}{CHAT}", content=content, headers={"authorization": f"Bearer {KEY}"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_too_many_requests_at_once_are_refused(hanging):
    """503 with the time to wait; there is room again when one has ended."""
    with Sandbox() as sandbox, serving(sandbox, max_requests=1) as served:
        said = []
        thread = threading.Thread(target=lambda: said.append(served.post(HELLO)))
        thread.start()
        with hanging.accept() as connection:
            refused = served.post(HELLO)
            hanging.answer(connection)
            thread.join()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert said[0].json()["choices"][0]["message"]["content"] == "Late"


@pytest.mark.skipif(
    os.environ.get("GEMINI_MULTI_TRANSPORT") == "pyreqwest",
    reason="pyreqwest 0.15 leaves a connection without an answer open until its timeout",
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_that_hangs_up_ends_the_call_of_the_provider(hanging, stream):
    """The provider's connection is closed, although it has said nothing yet."""
    with Sandbox() as sandbox, serving(sandbox) as served:
        with pytest.raises(httpx.ReadTimeout):
            served.http.post(
                f"{served.url}{CHAT}",
                json={**HELLO, "stream": stream},
                headers={"authorization": f"Bearer {KEY}"},
                timeout=httpx.Timeout(20, read=0.3),
            )
        with hanging.accept() as connection:
            assert connection.recv(1) == b""


def test_shutdown_lets_an_answer_end(hanging):
    """It is told to stop while it answers."""
    said = []
    with Sandbox() as sandbox, serving(sandbox) as served:
        thread = threading.Thread(target=lambda: said.append(served.post(HELLO)))
        thread.start()
        with hanging.accept() as connection:
            served.stop()
            hanging.answer(connection)
            thread.join()

    assert said[0].json()["choices"][0]["message"]["content"] == "Late"


@pytest.mark.parametrize("fault", [None, "cut"])
def test_logs_hold_neither_prompts_nor_answers_nor_keys(served, caplog, fault):
    """At any level, whatever happens."""
    if fault:
        served.sandbox.fail("oxen", fault=fault)
    with caplog.at_level(logging.DEBUG):
        served.post(HELLO)
        served.post({**HELLO, "stream": True})
        served.post({**HELLO, "telepathy": "SECRET-PROMPT"})
        served.post(HELLO, authorization="Bearer SECRET-PROMPT")
    secrets = ["SECRET-PROMPT", KEY, *(value for name, value in served.sandbox.environment().items() if "KEY" in name)]
    ours = [record for record in caplog.records if record.name.startswith(("gemini_multi", "uvicorn"))]

    assert any("provider=oxen" in record.getMessage() for record in ours)
    assert not [record for record in ours for secret in secrets if secret in record.getMessage()]


def test_settings_do_not_show_their_keys():
    """In no repr."""
    assert KEY not in repr(ServerSettings(keys=(KEY,)))


@pytest.mark.parametrize("settings", [{"keys": ("",)}, {"max_requests": 0}, {"max_body_bytes": -1}])
def test_settings_with_which_nothing_works_are_refused(settings):
    """An empty key would be everybody's."""
    with pytest.raises(ConfigurationError):
        ServerSettings(**settings)
