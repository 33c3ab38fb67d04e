"""Other engines under httpx's interface, passed as a client of one's own."""

from __future__ import annotations

import asyncio

import httpx
import httpx_aiohttp
import pytest

from gemini_multi import ChatRequest, Client, ConnectionFailed, Finished, Message, RequestTimeout
from gemini_multi.sandbox import Answer, Sandbox

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))


async def test_aiohttp_answers_whole_and_in_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once, with the same answers as over our own connections."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        async with httpx.AsyncClient(transport=httpx_aiohttp.AiohttpTransport()) as own:
            client = Client("oxen", http_async_client=own).for_async()
            texts = {answer.text for answer in await asyncio.gather(*(client.chat(REQUEST) for _ in range(64)))}
            streamed = [event async for event in client.stream(REQUEST)][-1]

    assert isinstance(streamed, Finished)
    assert texts == {streamed.response.text}


FAULTS = [("reset", ConnectionFailed), ("stall", RequestTimeout)]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_aiohttps_failures_are_typed(fault: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises httpx's own errors."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        sandbox.script("oxen", [Answer(text="Hi")])
        sandbox.fail("oxen", fault=fault, times=1, after=0)
        async with httpx.AsyncClient(transport=httpx_aiohttp.AiohttpTransport()) as own:
            client = Client("oxen", max_retries=0, timeout=0.3, http_async_client=own).for_async()
            with pytest.raises(error):
                await client.chat(REQUEST)
