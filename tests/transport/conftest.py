"""What holds for calls holds over every transport: each test here runs over each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gemini_multi._transport.httpx_library import library
from gemini_multi._transport.pools import POOLS

TRANSPORTS = ("httpx", "httpx2", "pyreqwest")


@pytest.fixture(autouse=True, params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Choose the transport; begin and end without connections: the next host may get the same port."""
    monkeypatch.setenv("GEMINI_MULTI_TRANSPORT", request.param)
    POOLS.close()
    library.cache_clear()  # with the certificates that were trusted
    yield request.param
    POOLS.close()
    library.cache_clear()
