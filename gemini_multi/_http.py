"""Performs the steps of an exchange over HTTP, blocking or with `await`: the only code that exists twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from gemini_multi._clients import AsyncioAnswer, BlockingAnswer
from gemini_multi._connections import POOLS
from gemini_multi._inflate import Inflated, InflatedAsync
from gemini_multi._sockets import AsyncioConnection, BlockingConnection
from gemini_multi._transport.steps import Consult, ReadBody, ResponseHead, Send, Sleep, Step, TransportError
from gemini_multi.errors import ConnectionFailed, InvalidResponse, RequestTimeout

if TYPE_CHECKING:
    import httpx


class Wire:
    """Performs the steps of one exchange, blocking."""

    def __init__(self, client: httpx.Client | None, holder: object) -> None:
        """Use the caller's client, or the shared connections, which are kept as long as the holder is."""
        self._client = client
        self._holder = holder
        self._answer: BlockingAnswer | BlockingConnection | None = None
        self._read: Callable[[], bytes] = bytes

    def perform(self, step: Step) -> Any:  # noqa: ANN401  # a step's own kind of reply
        """Do what the step says.

        Raises:
            WireFailure: The connection failed.
        """
        if isinstance(step, ReadBody):
            try:
                return self._read()
            except Exception as error:
                raise _failure(error) from error
        if isinstance(step, Send):
            return self._open(step)
        if isinstance(step, Consult):
            return step.action()
        if isinstance(step, Sleep):
            _PAUSE.wait(step.seconds)
        else:
            self.close()
        return None

    def _open(self, step: Send) -> ResponseHead:
        self.close()
        try:
            if self._client is not None:
                answer: BlockingAnswer | BlockingConnection = BlockingAnswer(self._client, step)
            else:
                answer = POOLS.blocking(self._holder).open(step, self._expect)
            self._answer = answer
            self._read = Inflated(answer.read, answer.encoding).read if answer.encoding else answer.read
        except Exception as error:
            raise _failure(error) from error
        return answer.head

    def _expect(self, connection: BlockingConnection | None) -> None:
        """Note over which connection the answer will come; `None` when it won't after all."""
        self._answer = connection

    def interrupt(self) -> None:
        """Wake up another thread that waits for the answer: its connection is shut down."""
        if (answer := self._answer) is not None:
            answer.interrupt()

    def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        answer, self._answer = self._answer, None
        if answer is not None:
            self._read = bytes
            answer.close()


class AsyncWire:
    """Performs the steps of one exchange with `await`."""

    def __init__(self, client: httpx.AsyncClient | None, holder: object) -> None:
        """Use the caller's client, or the running loop's connections, which are kept as long as the holder is."""
        self._client = client
        self._holder = holder
        self._answer: AsyncioAnswer | AsyncioConnection | None = None
        self._read: Callable[[], Awaitable[bytes]] = _nothing

    async def perform(self, step: Step) -> Any:  # noqa: ANN401  # a step's own kind of reply
        """Do what the step says.

        Raises:
            WireFailure: The connection failed.
        """
        if isinstance(step, ReadBody):
            try:
                return await self._read()
            except Exception as error:
                raise _failure(error) from error
        if isinstance(step, Send):
            return await self._open(step)
        if isinstance(step, Consult):
            return await asyncio.to_thread(step.action)
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        else:
            await self.close()
        return None

    async def _open(self, step: Send) -> ResponseHead:
        await self.close()
        try:
            if self._client is not None:
                answer: AsyncioAnswer | AsyncioConnection = await AsyncioAnswer.of(self._client, step)
            else:
                answer = await (await POOLS.of_running_loop(self._holder)).open(step)
            self._answer = answer
            self._read = InflatedAsync(answer.read, answer.encoding).read if answer.encoding else answer.read
        except Exception as error:
            raise _failure(error) from error
        return answer.head

    async def close(self) -> None:
        """Let go of the answer; the connection goes back to its pool if the answer was read to its end."""
        answer, self._answer = self._answer, None
        if answer is not None:
            self._read = _nothing
            await answer.close()

    def abandon(self) -> None:
        """Let go of what was dropped without being closed, if its loop still runs."""
        if self._answer is not None:
            self._answer.abandon()


async def _nothing() -> bytes:
    return b""


_PAUSE: Final = threading.Event()
"""Never set: waiting on it is a sleep that tests can see."""

_TIMEOUTS: Final = frozenset({"TimeoutException", "TimeoutError"})
_CONNECTIONS_LOST: Final = frozenset({"TransportError", "OSError", "SSLError"})
_UNREADABLE: Final = frozenset({"DecodingError"})


def _failure(error: Exception) -> Exception:
    """Translate what a connection raised, ours or one of a client with httpx's interface; the rest stays itself.

    The classes are told by their names, since a caller's client may come from another package with its own classes.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if names & _TIMEOUTS:
        return TransportError(RequestTimeout, f"timed out ({text})")
    if names & _UNREADABLE:
        return TransportError(InvalidResponse, f"it cannot be decompressed ({text})")
    if names & _CONNECTIONS_LOST:
        return TransportError(ConnectionFailed, f"the connection failed ({text})")
    return error
