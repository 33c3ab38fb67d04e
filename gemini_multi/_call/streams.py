"""The loops that perform the steps of a call, once blocking and once with `await`, as iterators that can be closed."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Self

from gemini_multi._call.attempt import Flow
from gemini_multi._call.attempt_log import AttemptLog
from gemini_multi._call.telemetry import Trace
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi._transport.steps import TransportError
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import Attempt, ChatEvent, ChatResponse, Finished


class _StreamState:
    """The common part of both streams: the attempts, the span and the unread events."""

    _trace: Trace | None
    _waiting: deque[ChatEvent]
    """Events that have come and were not read yet."""
    _attempt_log: AttemptLog | None = None
    _is_closed = False

    def with_log(self, attempt_log: AttemptLog) -> Self:
        """Use the attempts of this log."""
        self._attempt_log = attempt_log
        return self

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every request so far. From the first event on, the last attempt is the one that answers."""
        return () if self._attempt_log is None else self._attempt_log.attempts_so_far

    def _unread(self) -> tuple[ChatEvent, ...]:
        unread = tuple(self._waiting)
        self._waiting.clear()
        return unread

    def _finished(self, events: Iterable[ChatEvent]) -> ChatResponse | None:
        """Find the last event of the answer, and end the span with it."""
        for event in events:
            if isinstance(event, Finished):
                self._finish(event.response)
                return event.response
        return None

    def _finish(self, response: ChatResponse) -> None:
        if self._trace is not None:
            self._trace.answered(response)

    def _fail(self, error: BaseException) -> None:
        if self._trace is not None:
            self._trace.failed(error)

    def _leave(self) -> None:
        if self._trace is not None:
            self._trace.end()


class EventStream(_StreamState, Iterator[ChatEvent]):
    """The events of one answer, and a context manager that releases the connection. The last event is `Finished`."""

    def __init__(self, flow: Flow, session: Session, trace: Trace | None = None) -> None:
        self._flow = flow
        self._session = session
        self._trace = trace
        self._waiting = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatEvent:
        while not self._waiting:
            events = self._more()
            if events is None:
                raise StopIteration
            self._waiting.extend(events)
        event = self._waiting.popleft()
        if isinstance(event, Finished):
            self._finish(event.response)
        return event

    def _more(self) -> Iterable[ChatEvent] | None:
        """Return the next events, or `None` at the end. The connection is released then."""
        try:
            events = self._events()
        except BaseException as error:
            self._fail(error)
            self.close()
            raise
        if events is None:
            self.close()
        return events

    def _events(self) -> list[ChatEvent] | None:
        flow = self._flow
        try:
            outcome = flow.send(None)
            while not isinstance(outcome, list):
                try:
                    reply = self._session.perform(outcome)
                except TransportError as failure:
                    outcome = flow.throw(failure)
                else:
                    outcome = flow.send(reply)
        except StopIteration:  # not re-raised: `StopIteration` cannot leave a coroutine
            return None
        return outcome

    def response(self) -> ChatResponse:
        """Read to the end and return the whole answer."""
        response: ChatResponse | None = None
        events: Iterable[ChatEvent] | None = self._unread()
        while events is not None:
            response = self._finished(events) or response
            events = self._more()
        return _whole(response)

    def close(self) -> None:
        """Release the connection. Events that were not read are lost."""
        if not self._is_closed:
            self._is_closed = True
            self._flow.close()
            self._session.close()
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._is_closed:
            self._session.close()


class AsyncEventStream(_StreamState, AsyncIterator[ChatEvent]):
    """The asynchronous form of `EventStream`."""

    def __init__(self, flow: Flow, session: AsyncSession, trace: Trace | None = None) -> None:
        self._flow = flow
        self._session = session
        self._trace = trace
        self._waiting = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatEvent:
        while not self._waiting:
            events = await self._more()
            if events is None:
                raise StopAsyncIteration
            self._waiting.extend(events)
        event = self._waiting.popleft()
        if isinstance(event, Finished):
            self._finish(event.response)
        return event

    async def _more(self) -> Iterable[ChatEvent] | None:
        """Return the next events, or `None` at the end. The connection is released then."""
        try:
            events = await self._events()
        except BaseException as error:
            self._fail(error)
            await self.aclose()
            raise
        if events is None:
            await self.aclose()
        return events

    async def _events(self) -> list[ChatEvent] | None:
        flow = self._flow
        try:
            outcome = flow.send(None)
            while not isinstance(outcome, list):
                try:
                    reply = await self._session.perform(outcome)
                except TransportError as failure:
                    outcome = flow.throw(failure)
                else:
                    outcome = flow.send(reply)
        except StopIteration:  # not re-raised: `StopIteration` cannot leave a coroutine
            return None
        return outcome

    async def response(self) -> ChatResponse:
        """Read to the end and return the whole answer."""
        response: ChatResponse | None = None
        events: Iterable[ChatEvent] | None = self._unread()
        while events is not None:
            response = self._finished(events) or response
            events = await self._more()
        return _whole(response)

    async def aclose(self) -> None:
        """Release the connection. Events that were not read are lost."""
        if not self._is_closed:
            self._flow.close()
            await self._session.close()
            self._is_closed = True
            self._leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not self._is_closed:
            self._session.abandon()


def _whole(response: ChatResponse | None) -> ChatResponse:
    if response is None:
        raise InvalidResponse("The stream was already read to its end.")
    return response
