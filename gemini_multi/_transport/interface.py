"""What an adapter offers: one request sent, and its answer read, blocking and with `await`."""

from __future__ import annotations

from typing import Protocol

from gemini_multi._transport.steps import ResponseHead, Send


class Exchange(Protocol):
    """One request and its answer, blocking."""

    def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of its answer."""
        ...

    def read(self) -> bytes:
        """Give the next bytes of the body as they came; none at its end."""
        ...

    def close(self) -> None:
        """Let go, at any moment. A connection whose answer was read to its end is kept for the next request."""
        ...

    def interrupt(self) -> None:
        """Wake up another thread that sends or reads: it fails at once, and nothing more is sent."""
        ...


class AsyncExchange(Protocol):
    """One request and its answer, with `await`. To cancel the task that waits is to interrupt it."""

    async def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of its answer."""
        ...

    async def read(self) -> bytes:
        """Give the next bytes of the body as they came; none at its end."""
        ...

    async def close(self) -> None:
        """Let go, at any moment."""
        ...

    def abandon(self) -> None:
        """Let go soon, from any thread, if the event loop still runs."""
        ...
