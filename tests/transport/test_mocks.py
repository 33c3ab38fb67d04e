"""Tools that watch httpx see the calls of the default transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import respx
import vcr

from gemini_multi import ChatRequest, Client, Message, Oxen
from tests.transport.loopback import BODY, faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
ASK: dict[str, Callable[[Client], str]] = {
    "blocking": lambda client: client.chat(REQUEST).text,
    "awaited": lambda client: asyncio.run(client.for_async().chat(REQUEST)).text,
}
each_way = pytest.mark.parametrize("way", ASK)


@pytest.fixture(autouse=True)
def _httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_MULTI_TRANSPORT")


@each_way
def test_respx_answers(way: str) -> None:
    """Nothing is sent."""
    with respx.mock:
        route = respx.post("https://oxen.example/v1/chat/completions").respond(200, content=BODY)

        assert ASK[way](Client(Oxen("key", base_url="https://oxen.example/v1"))) == "Hi"

    assert route.call_count == 1
    assert route.calls.last.request.headers["authorization"] == "Bearer key"


@each_way
def test_vcr_records_and_plays(way: str, tmp_path: Path) -> None:
    """What was recorded is played without the provider."""
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), filter_headers=["authorization"])
    with host(faithful) as found:
        client = Client(found.provider)
        for _ in range(2):
            with recorder.use_cassette("answer.yaml"):  # pyright: ignore[reportUnknownMemberType]
                assert ASK[way](client) == "Hi"

    assert len(found.requests) == 1
    assert "Bearer" not in (tmp_path / "answer.yaml").read_text()
