"""Checks the caller: the key, the size of the body, and whether the caller is still connected."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Coroutine, Sequence
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from gemini_multi.server.failures import Refused


def caller_of(request: Request, keys: Sequence[str]) -> str:
    """Return the key that the caller sent. It is compared with all keys, each in constant time.

    Raises:
        Refused: The server has keys, and the caller sent none of them.
    """
    if not keys:
        return ""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    fitting = [key for key in keys if hmac.compare_digest(key.encode(), given.strip().encode())]
    if kind.lower() == "bearer" and fitting:
        return fitting[0]
    said = "no key" if not given else "a wrong key"
    raise Refused(
        401,
        f"The request has {said}. Send the server's key as `Authorization: Bearer ...`; it is in "
        "GEMINI_MULTI_SERVER_KEY or was printed when the server started.",
        code="invalid_api_key",
        headers={"www-authenticate": "Bearer"},
    )


async def body_of(request: Request, limit: int) -> bytes:
    """Read the body.

    Raises:
        Refused: The body is larger than the limit.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(
        413, f"The request's body is larger than {limit:,} bytes. Send less, or media by address.", code="too_large"
    )


async def while_connected(receive: Receive, work: Coroutine[None, None, None]) -> None:
    """Do the work, and cancel it when the caller disconnects.

    Raises:
        ClientDisconnect: The caller disconnected.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_hang_up(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
    finally:
        for task in (working, watching):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        if not working.done():
            await asyncio.wait((working,))
    await working


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
