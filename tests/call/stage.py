"""A stage for calls: performs their steps by a script, without HTTP, clock or event loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gemini_multi import ChatEvent, ChatRequest, Finished, Limits, Provider, RetryPolicy, Timeouts
from gemini_multi._call.attempt_log import CallOptions
from gemini_multi._call.call import Call
from gemini_multi._call.permits import Permits
from gemini_multi._routing.health import Health
from gemini_multi._routing.ledger import Ledger
from gemini_multi._transport.steps import ReadBody, Release, ResponseHead, Send, Sleep
from gemini_multi.routing import routes
from gemini_multi.types import Attempt
from tests.end_to_end.providers import PROVIDERS, REQUEST

ANSWER = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'
OK = ResponseHead(200, {})
BUSY = ResponseHead(503, {})


@dataclass
class Stage:
    """Performs steps by a script: each `Send` takes the next scene, a list of a head and what the reads give."""

    scenes: list[list[Any]]
    providers: tuple[Provider, ...] = PROVIDERS[2:]
    request: ChatRequest = REQUEST
    now: float = 0.0
    log: list[Any] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    """Seconds that were left to each request."""
    events: list[ChatEvent] = field(default_factory=list)
    scene: list[Any] = field(default_factory=list)
    health: Health = field(default_factory=Health)
    ledger: Ledger = field(default_factory=Ledger)
    attempts: list[Attempt] = field(default_factory=list)
    permits: Permits | None = None

    def play(
        self,
        *,
        stream: bool = False,
        deadline: float = math.inf,
        chance: float = 1.0,
        clock: Callable[[], float] | None = None,
        **policy: Any,
    ) -> Stage:
        options = CallOptions(
            policy=RetryPolicy(**policy),
            timeouts=Timeouts(connect=1.0, read=20.0, write=3.0),
            deadline=deadline,
            limits=Limits(),
            clock=clock or (lambda: self.now),
            chance=lambda: chance,
            today=lambda: date(2026, 11, 20),
            health=self.health,
            ledger=self.ledger,
            on_attempt=(self.attempts.append,),
            permits=self.permits,
        )
        found = routes(self.request, self.providers, stream=stream)
        flow = Call.over(found, self.request, options, stream=stream).run()
        reply: Any = None
        act: Callable[[Any], Any] = flow.send
        while True:
            try:
                step = act(reply)
            except StopIteration:
                return self
            act, reply = flow.send, None
            if isinstance(step, list):
                self.events += step
                continue
            reply = self.perform(step)
            if isinstance(reply, Exception):
                act = flow.throw

    def perform(self, step: Any) -> Any:
        if isinstance(step, Send):
            self.scene = list(self.scenes.pop(0))
            self.log.append(step.timeouts)
            self.within.append(step.within)
            return self.take()
        if isinstance(step, ReadBody):
            return self.take()
        if isinstance(step, Sleep):
            self.log.append(step.seconds)
            self.now += step.seconds
        else:
            assert isinstance(step, Release)
        return None

    def take(self) -> Any:
        item = self.scene.pop(0) if self.scene else b""
        while isinstance(item, float):
            self.now += item
            item = self.scene.pop(0) if self.scene else b""
        return item

    @property
    def asked(self) -> list[str]:
        """Whom, in order."""
        return [attempt.provider for attempt in self.attempts]

    @property
    def answer(self) -> Finished:
        """The last event."""
        finished = self.events[-1]
        assert isinstance(finished, Finished)
        return finished

    @property
    def waits(self) -> list[float]:
        return [entry for entry in self.log if isinstance(entry, float)]
