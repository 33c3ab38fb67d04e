"""Hedged calls: when the first provider is slow, a second provider gets the request too. The first content wins.

The two calls share one schedule and one attempt log, so no route is used by both and every attempt is logged. Blocking
calls run in threads, asynchronous calls in tasks. After the first content the stream continues like any other stream.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace

from gemini_multi._call.call import Call
from gemini_multi._call.streams import AsyncEventStream, EventStream
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi.types import ChatEvent, Finished


class HedgedAttempt(EventStream):
    """One of two blocking calls that compete for the first content, in a thread."""

    def __init__(self, call: Call, session: Session) -> None:
        super().__init__(call, session)
        self.call = call
        self._trace = None  # the stream that the caller reads ends the span
        self.first = Future[list[ChatEvent] | None]()
        """The first content."""
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=[self._race], name="gemini-multi-hedge", daemon=True).start()

    def _race(self) -> None:
        try:
            self.first.set_result(self._events())
        except BaseException as error:  # noqa: BLE001  # raised in the caller's thread
            self.first.set_exception(error)

    def leave(self) -> None:
        """End the attempt that lost. The interrupted thread closes the connection."""
        self.call.leave()
        if not self.first.done():
            self._session.interrupt()
        self.first.add_done_callback(lambda _: self.close())


class HedgedEventStream(EventStream):
    """A blocking stream that starts with two competing calls."""

    def __init__(self, call: Call, make_session: Callable[[], Session], delay: float) -> None:
        super().__init__(call, make_session())
        self._call = call
        self._make_session = make_session
        self._delay = delay
        self._racers: list[HedgedAttempt] = []

    def _events(self) -> list[ChatEvent] | None:
        if self._racers:
            return super()._events()
        winner = None
        try:
            winner = self._winner()
        finally:
            for racer in self._racers:
                if racer is not winner:
                    racer.leave()
        assert winner is not None
        self._flow, self._session = winner._flow, winner._session
        return _with_all_attempts(winner.first.result(), self._call)

    def _winner(self) -> HedgedAttempt:
        """Wait for the first content, or for the last failure if no call gets content."""
        self._racers.append(HedgedAttempt(self._call, self._session))
        done, _ = wait([self._racers[0].first], self._delay)
        if not done and (hedge := self._call.hedge()) is not None:
            self._racers.append(HedgedAttempt(hedge, self._make_session()))
        running = {racer.first: racer for racer in self._racers}
        while True:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for first in done:
                racer = running.pop(first)
                if not running or first.exception() is None:
                    return racer


class AsyncHedgedAttempt(AsyncEventStream):
    """One of two calls that compete for the first content, in a task."""

    def __init__(self, call: Call, session: AsyncSession) -> None:
        super().__init__(call, session)
        self.call = call
        self._trace = None  # the stream that the caller reads ends the span
        self.first = asyncio.ensure_future(self._events())
        """The first content."""

    async def leave(self) -> None:
        """End the attempt that lost: cancel its task and close its connection."""
        self.call.leave()
        self.first.cancel()
        await asyncio.wait([self.first])
        await self.aclose()


class AsyncHedgedEventStream(AsyncEventStream):
    """An asynchronous stream that starts with two competing calls."""

    def __init__(self, call: Call, make_session: Callable[[], AsyncSession], delay: float) -> None:
        super().__init__(call, make_session())
        self._call = call
        self._make_session = make_session
        self._delay = delay
        self._racers: list[AsyncHedgedAttempt] = []

    async def _events(self) -> list[ChatEvent] | None:
        if self._racers:
            return await super()._events()
        winner = None
        try:
            winner = await self._winner()
        finally:
            for racer in self._racers:
                if racer is not winner:
                    await racer.leave()
        assert winner is not None
        self._flow, self._session = winner._flow, winner._session
        return _with_all_attempts(winner.first.result(), self._call)

    async def _winner(self) -> AsyncHedgedAttempt:
        """Wait for the first content, or for the last failure if no call gets content."""
        self._racers.append(AsyncHedgedAttempt(self._call, self._session))
        done, _ = await asyncio.wait([self._racers[0].first], timeout=self._delay)
        if not done and (hedge := self._call.hedge()) is not None:
            self._racers.append(AsyncHedgedAttempt(hedge, self._make_session()))
        running = {racer.first: racer for racer in self._racers}
        while True:
            done, _ = await asyncio.wait(running, return_when=FIRST_COMPLETED)
            for first in done:
                racer = running.pop(first)
                if not running or first.exception() is None:
                    return racer


def _with_all_attempts(events: list[ChatEvent] | None, call: Call) -> list[ChatEvent] | None:
    """Add the attempt that lost. It was still in progress when the answer was made."""
    return events and [
        Finished(replace(event.response, attempts=call.attempt_log.attempts)) if isinstance(event, Finished) else event
        for event in events
    ]
