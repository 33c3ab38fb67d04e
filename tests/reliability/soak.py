"""Many calls at once over three failing providers: `python -m tests.reliability.soak --calls 2000`.

Every call carries its own number, which the sandbox quotes in its answer, so that none can be lost or given to another.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gemini_multi import ChatRequest, ChatResponse, Client, GeminiMultiError, Limits, Message, RetryPolicy, Timeouts
from gemini_multi._transport.pools import POOLS
from gemini_multi.sandbox import Sandbox
from gemini_multi.types import Attempt

from .endpoints import threads
from .faults import FAULTS

PROVIDERS: Final = ("cloudflare", "aimlapi", "oxen")
AT_ONCE: Final = 64
MOST_SECONDS: Final = 120.0
SHARE: Final = 0.2
"""How many requests fail."""
FAILING: Final = [fault for fault in FAULTS if fault.plan or fault.reply]
"""All but those that only a scripted answer can show, which could not quote its call."""
_NUMBER: Final = re.compile(r"call (\d+) of")


@dataclass(frozen=True)
class Ending:
    """How one call ended."""

    number: int
    told: int | None
    """The number in the answer; none for an error."""
    attempts: int
    was_late: bool
    """Whether a provider was not waited for any longer: on a busy machine healthy ones are late, too."""
    error: str = ""


@dataclass(frozen=True)
class Result:
    """What a soak came to."""

    endings: list[Ending]
    seconds: float
    descriptors: tuple[int, int]
    """After the first tenth and at the end."""
    resident: tuple[int, int]
    """Bytes of memory, likewise."""
    seen: Counter[int]
    """How many requests the providers saw, by the number of the call."""

    @property
    def requests(self) -> int:
        return self.seen.total()

    @property
    def errors(self) -> Counter[str]:
        return Counter(ending.error for ending in self.endings if ending.error)


def client(patience: float) -> Client:
    return Client(
        list(PROVIDERS),
        # Routes rest for so short a time that they go on failing.
        retry_policy=RetryPolicy(
            initial_wait=0.001,
            maximum_wait=0.01,
            initial_rest=0.01,
            maximum_rest=0.05,
            unusable_rest=0.01,
        ),
        timeout=Timeouts(connect=20.0, read=patience, write=20.0),
        deadline=100.0,
        limits=Limits(),
    )


def request(number: int) -> ChatRequest:
    text = f"This is call {number} of many. Tell me about it."
    return ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user(text),))


def ending(number: int, response: ChatResponse) -> Ending:
    found = _NUMBER.search(response.text)
    return Ending(number, int(found.group(1)) if found else -1, len(response.attempts), was_late(response.attempts))


def failed(number: int, error: GeminiMultiError) -> Ending:
    return Ending(number, None, len(error.attempts), was_late(error.attempts), type(error).__name__)


def was_late(attempts: Sequence[Attempt]) -> bool:
    return any(attempt.error == "RequestTimeout" for attempt in attempts)


def numbers_seen(sandbox: Sandbox) -> Counter[int]:
    found = (_NUMBER.search(json.dumps(recorded.body)) for recorded in sandbox.requests)
    return Counter(int(match.group(1)) for match in found if match)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Soak:
    """One run against one sandbox."""

    def __init__(self, sandbox: Sandbox, seed: int, patience: float = 2.0) -> None:
        self.sandbox = sandbox
        self.client = client(patience)
        self.chance = random.Random(seed)  # faults, not secrets

    def providers(self, number: int) -> list[str]:
        """Give the providers in another order for each call, and make a share of the first ones fail."""
        providers = [*PROVIDERS[number % 3 :], *PROVIDERS[: number % 3]]
        if self.chance.random() < SHARE:
            self.chance.choice(FAILING).commit(self.sandbox, providers[0], 1)
        return providers

    def ask(self, number: int) -> Ending:
        providers = self.providers(number)
        try:
            if number % 2:
                return ending(number, self.client.chat(request(number), providers=providers))
            return ending(number, self.client.stream(request(number), providers=providers).response())
        except GeminiMultiError as error:
            return failed(number, error)

    async def ask_async(self, number: int, gate: asyncio.Semaphore) -> Ending:
        async with gate:
            providers = self.providers(number)
            asker = self.client.for_async()
            try:
                if number % 2:
                    return ending(number, await asker.chat(request(number), providers=providers))
                return ending(number, await asker.stream(request(number), providers=providers).response())
            except GeminiMultiError as error:
                return failed(number, error)

    def threads(self, numbers: range) -> list[Ending]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.ask, numbers))

    def tasks(self, numbers: range) -> list[Ending]:
        async def run() -> list[Ending]:
            gate = asyncio.Semaphore(AT_ONCE)
            return await asyncio.gather(*(self.ask_async(number, gate) for number in numbers))

        return asyncio.run(run())

    def run(self, calls: int) -> Result:
        """Ask half of the calls from threads, half from tasks, in turns."""
        begun, endings, seen = time.monotonic(), list[Ending](), Counter[int]()
        before = threads()
        step = max(AT_ONCE, calls // 10)
        marks: list[tuple[int, int]] = []
        for turn, start in enumerate(range(0, calls, step)):
            ask: Callable[[range], list[Ending]] = (self.threads, self.tasks)[turn % 2]
            endings += ask(range(start, min(start + step, calls)))
            seen += numbers_seen(self.sandbox)
            self.sandbox.clear()
            POOLS.close()  # idle connections are kept on purpose
            gc.collect()
            marks.append((descriptors(), resident()))
        assert not POOLS.busy
        assert threads() <= before
        first, last = marks[min(1, len(marks) - 1)], marks[-1]
        return Result(endings, time.monotonic() - begun, (first[0], last[0]), (first[1], last[1]), seen)


def check(result: Result, calls: int) -> None:
    """None lost, none duplicated, none mixed up, nothing raw, nothing left."""
    assert [one.number for one in result.endings] == list(range(calls))
    assert all(one.error or one.told == one.number for one in result.endings)
    assert set(result.errors) <= {"AllRoutesFailed", "BadRequest", "StreamInterrupted"}
    in_time = [one for one in result.endings if not one.was_late]
    assert sum(bool(one.error) for one in in_time) < calls * 0.1
    # A request whose idle connection turned out to be dead goes out once more, and is the same attempt.
    assert all(one.attempts <= result.seen[one.number] <= 2 * one.attempts for one in in_time)
    assert sum(one.attempts for one in result.endings) > calls * (1 + SHARE / 2)
    assert result.descriptors[1] <= result.descriptors[0] + AT_ONCE
    assert result.resident[1] <= result.resident[0] + 50_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable()
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        result = Soak(sandbox, given.seed).run(given.calls)
    answered = sum(not one.error for one in result.endings)
    print(f"{given.calls} calls, {result.requests} requests, {result.seconds:.0f} s: {answered} answered")
    print(f"errors: {dict(result.errors)}; seed {given.seed}")
    print(f"descriptors {result.descriptors}, resident MB {tuple(size // 1_000_000 for size in result.resident)}")
    check(result, given.calls)
    assert result.seconds < MOST_SECONDS


if __name__ == "__main__":
    main()
