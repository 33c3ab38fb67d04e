"""Hedged calls: when the first provider is slow, a second provider gets the request too. The first content wins.

The two calls share one schedule and one attempt log, so no route is used by both and every attempt is logged. Blocking
calls run in threads, asynchronous calls in tasks. After the first content the stream continues like any other stream.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gemini_multi._call.streams import AsyncEventStream, EventStream
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi.preference import Hedging
from gemini_multi.types import ChatEvent, Finished

if TYPE_CHECKING:
    from gemini_multi._call.call import Call
    from gemini_multi._call.telemetry import Trace

_SHARE_BEGUN: Final = 0.95
"""A call is hedged after the time in which this share of the latest answers had begun."""
_ANSWERS_NEEDED: Final = 20
"""The number of answers that are needed to compute that time."""


def hedge_delay(hedging: Hedging, call: Call) -> float | None:
    """Return after how many seconds without content to hedge a call, or `None` for never."""
    options, states = call.attempt_log.options, call.schedule.states
    if len(states) < 2 or options.failover is not None:
        return None
    options.health.earn_hedge(hedging.share)
    if hedging.after is not None:
        return hedging.after
    first = states[0].health
    return first.percentile(_SHARE_BEGUN, options.clock(), stream=options.stream, at_least=_ANSWERS_NEEDED)


class HedgedAttempt(EventStream):
    """One of two blocking calls that compete for the first content."""

    def __init__(self, call: Call, session: Session) -> None:
        super().__init__(call.run(), session)
        self.call = call
        self.events: list[ChatEvent] | None = None
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._is_left = False

    def race(self, arrivals: queue.SimpleQueue[HedgedAttempt]) -> None:
        """Read up to the first content and report it. If the other call has won, close this call instead."""
        try:
            self.events = self._events()
        except BaseException as error:  # noqa: BLE001  # raised in the caller's thread
            self.error = error
        with self._lock:
            is_left = self._is_left
            if not is_left:
                arrivals.put(self)
        if is_left:
            self._release()

    def leave(self) -> None:
        """End the attempt that lost. The interrupted thread closes the connection."""
        with self._lock:
            self._is_left = True
            has_arrived = self.events is not None or self.error is not None
        self.call.leave()
        if has_arrived:
            self._release()
        else:
            self._session.interrupt()

    def _release(self) -> None:
        self.call.leave()
        self.close()


class HedgedEventStream(EventStream):
    """A blocking stream that starts with two competing calls."""

    def __init__(
        self,
        call: Call,
        make_session: Callable[[], Session],
        trace: Trace | None,
        delay: float,
    ) -> None:
        self._racers = [HedgedAttempt(call, make_session())]
        self._make_session = make_session
        self._delay = delay
        self._is_decided = False
        super().__init__(self._racers[0]._flow, self._racers[0]._session, trace)

    def _events(self) -> list[ChatEvent] | None:
        if self._is_decided:
            return super()._events()
        self._is_decided = True
        arrivals = queue.SimpleQueue[HedgedAttempt]()
        try:
            winner = self._winner(arrivals)
        except BaseException:
            for racer in self._racers:
                racer.leave()
            raise
        for racer in self._racers:
            if racer is not winner:
                racer.leave()
        self._flow, self._session = winner._flow, winner._session
        if winner.error is not None:
            raise winner.error
        return _with_all_attempts(winner.events, winner.call)

    def _winner(self, arrivals: queue.SimpleQueue[HedgedAttempt]) -> HedgedAttempt:
        """Wait for the first content, or for the last failure if no call gets content."""
        self._start(self._racers[0], arrivals)
        try:
            arrived = arrivals.get(timeout=self._delay)
        except queue.Empty:
            hedge = self._racers[0].call.hedge()
            if hedge is not None:
                self._racers.append(HedgedAttempt(hedge, self._make_session()))
                self._start(self._racers[1], arrivals)
            arrived = arrivals.get()
        if arrived.error is not None and len(self._racers) > 1:
            arrived = arrivals.get()
        return arrived

    @staticmethod
    def _start(racer: HedgedAttempt, arrivals: queue.SimpleQueue[HedgedAttempt]) -> None:
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(racer.race, arrivals), name="gemini-multi-hedge", daemon=True).start()


class AsyncHedgedAttempt(AsyncEventStream):
    """One of two calls that compete for the first content, in a task."""

    def __init__(self, call: Call, session: AsyncSession) -> None:
        super().__init__(call.run(), session)
        self.call = call
        self.task: asyncio.Task[list[ChatEvent] | None] | None = None

    def start(self) -> asyncio.Task[list[ChatEvent] | None]:
        """Start to read up to the first content."""
        self.task = asyncio.ensure_future(self._events())
        return self.task

    async def leave(self) -> None:
        """End the attempt that lost: cancel its task and close its connection."""
        assert self.task is not None
        self.call.leave()
        self.task.cancel()
        await asyncio.wait([self.task])
        self.call.leave()
        await self.aclose()


class AsyncHedgedEventStream(AsyncEventStream):
    """An asynchronous stream that starts with two competing calls."""

    def __init__(
        self,
        call: Call,
        make_session: Callable[[], AsyncSession],
        trace: Trace | None,
        delay: float,
    ) -> None:
        self._racers = [AsyncHedgedAttempt(call, make_session())]
        self._make_session = make_session
        self._delay = delay
        self._is_decided = False
        super().__init__(self._racers[0]._flow, self._racers[0]._session, trace)

    async def _events(self) -> list[ChatEvent] | None:
        if self._is_decided:
            return await super()._events()
        self._is_decided = True
        try:
            winner = await self._winner()
        except BaseException:
            await self._leave_all_but(None)
            raise
        await self._leave_all_but(winner)
        self._flow, self._session = winner._flow, winner._session
        assert winner.task is not None
        return _with_all_attempts(winner.task.result(), winner.call)

    async def _leave_all_but(self, winner: AsyncHedgedAttempt | None) -> None:
        for racer in self._racers:
            if racer is not winner:
                await racer.leave()

    async def _winner(self) -> AsyncHedgedAttempt:
        """Wait for the first content, or for the last failure if no call gets content."""
        first = self._racers[0]
        running = {first.start(): first}
        done, _ = await asyncio.wait(running, timeout=self._delay)
        hedge = None if done else first.call.hedge()
        if hedge is not None:
            second = AsyncHedgedAttempt(hedge, self._make_session())
            self._racers.append(second)
            running[second.start()] = second
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                racer = running.pop(task)
                if not running or task.exception() is None:
                    return racer


def _with_all_attempts(events: list[ChatEvent] | None, call: Call) -> list[ChatEvent] | None:
    """Add the attempt that lost. It was still in progress when the answer was made."""
    return events and [
        Finished(replace(event.response, attempts=call.attempt_log.attempts)) if isinstance(event, Finished) else event
        for event in events
    ]
