"""The interface of an adapter: send one request and read its response, blocking and with `await`."""

from __future__ import annotations

from typing import Protocol

from gemini_multi._transport.steps import ResponseHead, Send


class Exchange(Protocol):
    """One request and its response, blocking."""

    def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of the response."""
        ...

    def read(self) -> bytes:
        """Return the next bytes of the body, still compressed; empty at its end."""
        ...

    def close(self) -> None:
        """Release the connection, at any moment. It is kept if the response was read to its end."""
        ...

    def interrupt(self) -> None:
        """Interrupt another thread that sends or reads. That thread fails at once, and nothing more is sent."""
        ...


class AsyncExchange(Protocol):
    """One request and its response, with `await`. Cancel the waiting task to interrupt it."""

    async def send(self, step: Send) -> ResponseHead:
        """Send the request and wait for the head of the response."""
        ...

    async def read(self) -> bytes:
        """Return the next bytes of the body, still compressed; empty at its end."""
        ...

    async def close(self) -> None:
        """Release the connection, at any moment."""
        ...

    def abandon(self) -> None:
        """Release the connection soon, from any thread, if the event loop still runs."""
        ...
