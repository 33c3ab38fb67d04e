"""Performs the steps of a call over a transport, blocking or with `await`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gemini_multi._transport.failures import failure_of
from gemini_multi._transport.inflate import inflated, inflated_async
from gemini_multi._transport.interface import AsyncExchange, Exchange
from gemini_multi._transport.steps import Consult, Interrupted, ReadBody, ResponseHead, Send, Sleep, Step


class Session:
    """Performs the steps of one call, blocking."""

    def __init__(self, begin: Callable[[], Exchange]) -> None:
        """Store the function that makes the exchange for one request."""
        self._begin = begin
        self._exchange: Exchange | None = None
        self._read: Callable[[], bytes] = bytes
        self._is_interrupted = False

    def perform(self, step: Step) -> Any:  # noqa: ANN401  # the type depends on the step
        """Perform a step and return its result.

        Raises:
            TransportError: The connection failed.
            Interrupted: Another thread called `interrupt`.
        """
        try:
            if isinstance(step, ReadBody):
                return self._read()
            if isinstance(step, Send):
                return self._send(step)
        except BaseException as error:  # noqa: BLE001  # raised below, without the library's frames
            failure = Interrupted() if self._is_interrupted else failure_of(error)
        else:
            return self._rest(step)
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    def _rest(self, step: Step) -> Any:  # noqa: ANN401
        if isinstance(step, Consult):
            return step.action()
        if isinstance(step, Sleep):
            _PAUSE.wait(step.seconds)
        else:
            self.close()
        if self._is_interrupted:
            raise Interrupted
        return None

    def _send(self, step: Send) -> ResponseHead:
        self.close()
        exchange = self._exchange = self._begin()
        if self._is_interrupted:
            raise Interrupted
        head = exchange.send(step)
        encoding = encoding_of(head)
        self._read = inflated(exchange.read, encoding) if encoding else exchange.read
        return head

    def interrupt(self) -> None:
        """Interrupt another thread that waits for the response. Nothing more is sent."""
        self._is_interrupted = True
        if (exchange := self._exchange) is not None:
            exchange.interrupt()

    def close(self) -> None:
        """Release the response. The connection is kept if the response was read to its end."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._read = bytes
            exchange.close()


class AsyncSession:
    """Performs the steps of one call with `await`."""

    def __init__(self, begin: Callable[[], Awaitable[AsyncExchange]]) -> None:
        """Store the function that makes the exchange for one request."""
        self._begin = begin
        self._exchange: AsyncExchange | None = None
        self._read: Callable[[], Awaitable[bytes]] = _nothing

    async def perform(self, step: Step) -> Any:  # noqa: ANN401  # the type depends on the step
        """Perform a step and return its result.

        Raises:
            TransportError: The connection failed.
        """
        try:
            if isinstance(step, ReadBody):
                return await self._read()
            if isinstance(step, Send):
                return await self._send(step)
        except BaseException as error:  # noqa: BLE001  # raised below, without the library's frames
            failure = failure_of(error)
        else:
            return await self._rest(step)
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    async def _rest(self, step: Step) -> Any:  # noqa: ANN401
        if isinstance(step, Consult):
            return await asyncio.to_thread(step.action)
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        else:
            await self.close()
        return None

    async def _send(self, step: Send) -> ResponseHead:
        await self.close()
        exchange = self._exchange = await self._begin()
        head = await exchange.send(step)
        encoding = encoding_of(head)
        self._read = inflated_async(exchange.read, encoding) if encoding else exchange.read
        return head

    async def close(self) -> None:
        """Release the response. The connection is kept if the response was read to its end."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._read = _nothing
            await exchange.close()

    def abandon(self) -> None:
        """Release a response that was dropped without being closed, if its loop still runs."""
        if self._exchange is not None:
            self._exchange.abandon()


def encoding_of(head: ResponseHead) -> str:
    """Return the compression of a body; empty if the body is not compressed."""
    encoding = head.headers.get("content-encoding", "")
    return "" if encoding.strip().lower() in ("", "identity") else encoding


async def _nothing() -> bytes:
    return b""


_PAUSE: Final = threading.Event()
"""Never set. A wait on this event is a sleep that tests can observe."""
