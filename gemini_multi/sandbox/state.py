"""The state of one sandbox. Any thread may use it."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from gemini_multi.sandbox.answer import Answer
from gemini_multi.sandbox.json_value import JsonValue
from gemini_multi.sandbox.signatures import Marks

Provider = Literal["cloudflare", "aimlapi", "oxen"]
Wrapping = Literal["bare", "result", "result_state"]
PROVIDERS: Final[tuple[Provider, ...]] = ("cloudflare", "aimlapi", "oxen")

_CACHE_UNIT: Final = 4096
"""The number of characters in one step of the prefix cache: 1,024 tokens, the smallest cached prefix."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A received request."""

    provider: str
    method: str
    path: str
    headers: Mapping[str, str]
    """The headers. Names are in lower case."""
    body: JsonValue
    """The JSON value, or the text if it is not JSON."""
    stream: bool
    """Whether the request was for a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A planned failure."""

    status: int | None = None
    fault: str | None = None
    after: int = 4
    retry_after: float | None = None
    body: bytes | None = None
    code: str | int | None = None
    left: int = 1


@dataclass(frozen=True, slots=True)
class RawReply:
    """A planned answer, byte for byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class State:
    """Plans, records, marks and the prefix cache of one sandbox."""

    keys: Mapping[Provider, str]
    account: str
    wrapping: Wrapping
    marks: Marks = field(default_factory=Marks)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: list[Recorded] = field(default_factory=list[Recorded])
    _plans: dict[str, deque[Failure | RawReply]] = field(default_factory=dict[str, "deque[Failure | RawReply]"])
    _scripts: dict[str | None, deque[Answer]] = field(default_factory=dict["str | None", "deque[Answer]"])
    _prefixes: set[bytes] = field(default_factory=set[bytes])

    def record(self, request: Recorded) -> None:
        """Record a request."""
        with self._lock:
            self._requests.append(request)

    @property
    def requests(self) -> list[Recorded]:
        """All requests so far, in order."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Delete requests, plans, scripts and cached prefixes. Issued marks stay valid."""
        with self._lock:
            self._requests.clear()
            self._plans.clear()
            self._scripts.clear()
            self._prefixes.clear()

    def plan(self, provider: str, plan: Failure | RawReply) -> None:
        """Add a plan for the next request to a provider."""
        with self._lock:
            self._plans.setdefault(provider, deque()).append(plan)

    def next_plan(self, provider: str) -> Failure | RawReply | None:
        """Remove and return the plan for this request."""
        with self._lock:
            plans = self._plans.get(provider)
            if not plans:
                return None
            plan = plans.popleft()
            if isinstance(plan, Failure) and plan.left > 1:
                plans.appendleft(replace(plan, left=plan.left - 1))
            return plan

    def script(self, provider: str | None, answers: Sequence[Answer]) -> None:
        """Queue answers."""
        with self._lock:
            self._scripts.setdefault(provider, deque()).extend(answers)

    def next_answer(self, provider: str) -> Answer | None:
        """Remove and return the next scripted answer. Answers for this provider come first."""
        with self._lock:
            for key in (provider, None):
                answers = self._scripts.get(key)
                if answers:
                    return answers.popleft()
            return None

    def cached_tokens(self, owner: str, text: str) -> tuple[int, int]:
        """Count the tokens of a text's prefix that were cached before, and those that are cached from now on."""
        ends = range(_CACHE_UNIT, len(text) + 1, _CACHE_UNIT)
        digests = [hashlib.sha256(f"{owner}\n{text[:end]}".encode()).digest() for end in ends]
        with self._lock:
            seen = sum(digest in self._prefixes for digest in digests)
            self._prefixes.update(digests)
        return seen * _CACHE_UNIT // 4, (len(digests) - seen) * _CACHE_UNIT // 4
