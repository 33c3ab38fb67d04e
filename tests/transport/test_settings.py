"""Which transport carries the calls: by name, and never by surprise."""

from __future__ import annotations

import importlib.metadata
import logging
import pickle

import httpx
import pytest

from gemini_multi import ChatRequest, Client, ConfigurationError, Message, Oxen
from tests.transport.loopback import faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
PROVIDER = Oxen("key", base_url="http://127.0.0.1:9")


def test_the_environment_chooses_where_the_argument_does_not(transport: str) -> None:
    """And the choice can be read, from a copy of the client too."""
    chosen = [Client(PROVIDER), Client(PROVIDER).for_async(), pickle.loads(pickle.dumps(Client(PROVIDER)))]

    assert [client.transport for client in chosen] == [transport] * 3
    assert Client(PROVIDER, transport="httpx").transport == "httpx"


def test_httpx_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is installed."""
    monkeypatch.delenv("GEMINI_MULTI_TRANSPORT")

    assert Client(PROVIDER).transport == "httpx"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"transport": "curl"}, "`transport` must be one of httpx, httpx2, pyreqwest"),
        ({"max_connections": 0}, "`max_connections` must be at least 1"),
        ({"keep_alive": 0}, "`keep_alive` must be a number of seconds above 0"),
        ({"keep_alive": float("nan")}, "`keep_alive` must be a number of seconds above 0"),
        ({"transport": "httpx", "http_client": httpx.Client()}, "either `transport` or `http_client`"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(settings: dict[str, object], words: str) -> None:
    """When the client is made."""
    with pytest.raises(ConfigurationError, match=words):
        Client(PROVIDER, **settings)  # type: ignore[arg-type]


def test_a_choice_of_the_environment_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_MULTI_TRANSPORT", "curl")
    with pytest.raises(ConfigurationError, match="`GEMINI_MULTI_TRANSPORT` must be one of"):
        Client(PROVIDER)


def test_the_choice_is_logged(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """By the first call that uses it."""
    with caplog.at_level(logging.DEBUG, logger="gemini_multi"), host(faithful) as found:
        Client(found.provider, max_connections=7).chat(REQUEST)

    assert f"calls go over {transport}, with at most 7 connections" in caplog.messages


@pytest.mark.parametrize("version", ["0.14.9", "0.16.0", "1.0.0"])
def test_another_version_of_pyreqwest_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a tested one is used, and the message says how to get it."""

    def installed(_: str) -> str:
        return version

    monkeypatch.setattr(importlib.metadata, "version", installed)
    with pytest.raises(ConfigurationError, match=rf"{version} is installed.*gemini-multi\[fast\]"):
        Client(PROVIDER, transport="pyreqwest").chat(REQUEST)
