"""Hedged calls: a second route is asked when the first is slow, and whoever has content first gives the answer.

The two exchanges share one rota and one journal, so that no route is asked by both and all attempts are told. Blocking
calls race in threads, the others in tasks. After the race a stream goes on like any other.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gemini_multi._call.streams import AsyncEventStream, EventStream
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi.types import ChatEvent, Finished

if TYPE_CHECKING:
    from gemini_multi._call.call import Call
    from gemini_multi._call.telemetry import Trace


class HedgedAttempt(EventStream):
    """One of two blocking exchanges in a race."""

    def __init__(self, call: Call, session: Session) -> None:
        super().__init__(call.run(), session)
        self.call = call
        self.events: list[ChatEvent] | None = None
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._is_left = False

    def race(self, arrivals: queue.SimpleQueue[HedgedAttempt]) -> None:
        """Run to the first content, then report; or let go, if nobody waits any more."""
        try:
            self.events = self._events()
        except BaseException as error:  # noqa: BLE001  # it is raised in the caller's thread
            self.error = error
        with self._lock:
            is_left = self._is_left
            if not is_left:
                arrivals.put(self)
        if is_left:
            self._let_go()

    def leave(self) -> None:
        """Lose: the attempt is over. Its thread lets go as soon as the provider gives a sign of life."""
        with self._lock:
            self._is_left = True
            has_arrived = self.events is not None or self.error is not None
        self.call.leave()
        if has_arrived:
            self._let_go()
        else:
            self._session.interrupt()

    def _let_go(self) -> None:
        self.call.leave()
        self.close()


class HedgedEventStream(EventStream):
    """A blocking stream whose beginning is a race."""

    def __init__(
        self,
        call: Call,
        make_session: Callable[[], Session],
        trace: Trace | None,
        delay: float,
    ) -> None:
        self._contenders = [HedgedAttempt(call, make_session())]
        self._make_session = make_session
        self._delay = delay
        self._is_decided = False
        super().__init__(self._contenders[0]._flow, self._contenders[0]._session, trace)

    def _events(self) -> list[ChatEvent] | None:
        if self._is_decided:
            return super()._events()
        self._is_decided = True
        arrivals = queue.SimpleQueue[HedgedAttempt]()
        try:
            winner = self._decided(arrivals)
        except BaseException:
            for contender in self._contenders:
                contender.leave()
            raise
        for contender in self._contenders:
            if contender is not winner:
                contender.leave()
        self._flow, self._session = winner._flow, winner._session
        if winner.error is not None:
            raise winner.error
        return _with_all_attempts(winner.events, winner.call)

    def _decided(self, arrivals: queue.SimpleQueue[HedgedAttempt]) -> HedgedAttempt:
        """Wait for the first content; the last failure, if there is none."""
        self._start(self._contenders[0], arrivals)
        try:
            arrived = arrivals.get(timeout=self._delay)
        except queue.Empty:
            hedge = self._contenders[0].call.hedge()
            if hedge is not None:
                self._contenders.append(HedgedAttempt(hedge, self._make_session()))
                self._start(self._contenders[1], arrivals)
            arrived = arrivals.get()
        if arrived.error is not None and len(self._contenders) > 1:
            arrived = arrivals.get()
        return arrived

    @staticmethod
    def _start(contender: HedgedAttempt, arrivals: queue.SimpleQueue[HedgedAttempt]) -> None:
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(contender.race, arrivals), name="gemini-multi-hedge", daemon=True).start()


class AsyncHedgedAttempt(AsyncEventStream):
    """One of two exchanges in a race of tasks."""

    def __init__(self, call: Call, session: AsyncSession) -> None:
        super().__init__(call.run(), session)
        self.call = call
        self.task: asyncio.Task[list[ChatEvent] | None] | None = None

    def start(self) -> asyncio.Task[list[ChatEvent] | None]:
        """Run to the first content."""
        self.task = asyncio.ensure_future(self._events())
        return self.task

    async def leave(self) -> None:
        """Lose: stop waiting, and let go."""
        assert self.task is not None
        self.call.leave()
        self.task.cancel()
        await asyncio.wait([self.task])
        self.call.leave()
        await self.aclose()


class AsyncHedgedEventStream(AsyncEventStream):
    """A stream whose beginning is a race."""

    def __init__(
        self,
        call: Call,
        make_session: Callable[[], AsyncSession],
        trace: Trace | None,
        delay: float,
    ) -> None:
        self._contenders = [AsyncHedgedAttempt(call, make_session())]
        self._make_session = make_session
        self._delay = delay
        self._is_decided = False
        super().__init__(self._contenders[0]._flow, self._contenders[0]._session, trace)

    async def _events(self) -> list[ChatEvent] | None:
        if self._is_decided:
            return await super()._events()
        self._is_decided = True
        try:
            winner = await self._decided()
        except BaseException:
            await self._leave_all_but(None)
            raise
        await self._leave_all_but(winner)
        self._flow, self._session = winner._flow, winner._session
        assert winner.task is not None
        return _with_all_attempts(winner.task.result(), winner.call)

    async def _leave_all_but(self, winner: AsyncHedgedAttempt | None) -> None:
        for contender in self._contenders:
            if contender is not winner:
                await contender.leave()

    async def _decided(self) -> AsyncHedgedAttempt:
        """Wait for the first content; the last failure, if there is none."""
        first = self._contenders[0]
        running = {first.start(): first}
        done, _ = await asyncio.wait(running, timeout=self._delay)
        hedge = None if done else first.call.hedge()
        if hedge is not None:
            second = AsyncHedgedAttempt(hedge, self._make_session())
            self._contenders.append(second)
            running[second.start()] = second
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                contender = running.pop(task)
                if not running or task.exception() is None:
                    return contender


def _with_all_attempts(events: list[ChatEvent] | None, call: Call) -> list[ChatEvent] | None:
    """Tell of the loser, which was still under way when the answer was made."""
    return events and [
        Finished(replace(event.response, attempts=call.attempt_log.attempts)) if isinstance(event, Finished) else event
        for event in events
    ]
