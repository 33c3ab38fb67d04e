"""The loops that perform the steps of a call, once blocking and once with `await`, as iterators that can be closed."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Self

from gemini_multi._call.call import Call
from gemini_multi._transport.session import AsyncSession, Session
from gemini_multi._transport.steps import TransportError
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import Attempt, ChatEvent, ChatResponse, Finished


class _StreamState:
    """The common part of both streams: the attempts, the span and the unread events."""

    def __init__(self, call: Call) -> None:
        self._flow = call.run()
        self._attempt_log = call.attempt_log
        self._trace = call.trace
        self._waiting = deque[ChatEvent]()
        """Events that have come and were not read yet."""
        self._is_closed = False

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every request so far. From the first event on, the last attempt is the one that answers."""
        ended, answering = self._attempt_log.attempts, self._attempt_log.answering
        return ended if answering is None else (*ended, answering)

    def _next(self) -> ChatEvent:
        """Return the first event that was not read. The last event of the answer ends the span."""
        event = self._waiting.popleft()
        if self._trace is not None and isinstance(event, Finished):
            self._trace.answered(event.response)
        return event

    def _fail(self, error: BaseException) -> None:
        if self._trace is not None:
            self._trace.failed(error)

    def _end(self) -> None:
        if self._trace is not None:
            self._trace.end()


class EventStream(_StreamState, Iterator[ChatEvent]):
    """The events of one answer, and a context manager that releases the connection. The last event is `Finished`."""

    def __init__(self, call: Call, session: Session) -> None:
        super().__init__(call)
        self._session = session

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatEvent:
        try:
            while not self._waiting and (events := self._events()) is not None:
                self._waiting.extend(events)
        except BaseException as error:
            self._fail(error)
            self.close()
            raise
        if not self._waiting:
            self.close()
            raise StopIteration
        return self._next()

    def _events(self) -> list[ChatEvent] | None:
        """Perform steps until the next events come, or the end of the answer."""
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
        for event in self:
            if isinstance(event, Finished):
                response = event.response
        return _whole(response)

    def close(self) -> None:
        """Release the connection. Events that were not read are lost."""
        if not self._is_closed:
            self._is_closed = True
            self._flow.close()
            self._session.close()
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._is_closed:
            self._session.close()


class AsyncEventStream(_StreamState, AsyncIterator[ChatEvent]):
    """The asynchronous form of `EventStream`."""

    def __init__(self, call: Call, session: AsyncSession) -> None:
        super().__init__(call)
        self._session = session

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatEvent:
        try:
            while not self._waiting and (events := await self._events()) is not None:
                self._waiting.extend(events)
        except BaseException as error:
            self._fail(error)
            await self.aclose()
            raise
        if not self._waiting:
            await self.aclose()
            raise StopAsyncIteration
        return self._next()

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
        async for event in self:
            if isinstance(event, Finished):
                response = event.response
        return _whole(response)

    async def aclose(self) -> None:
        """Release the connection. Events that were not read are lost."""
        if not self._is_closed:
            self._flow.close()
            await self._session.close()
            self._is_closed = True
            self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not self._is_closed:
            self._session.abandon()


def _whole(response: ChatResponse | None) -> ChatResponse:
    if response is None:
        raise InvalidResponse("The stream was already read to its end.")
    return response
