"""What a storage gives and refuses: in memory and on a Redis server alike."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import ConfigurationError, RateLimit, SharedStorage, StorageUnavailable
from gemini_multi._storage.interface import Demand, NoMoney, NoRoom, Outcome, Permit, Storage
from gemini_multi._storage.memory import MemoryStorage
from gemini_multi._storage.redis_server import RedisStorage
from tests.redis_server import RedisServer

ROOT = Path(__file__).parents[2]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Place:
    """A storage, and a way to let time pass for its windows."""

    storage: Storage
    clock: Clock = field(default_factory=Clock)

    def reserve(self, **demand: Any) -> Permit | NoRoom | NoMoney:
        return self.storage.reserve(Demand(**demand))

    def permit(self, **demand: Any) -> Permit:
        taken = self.reserve(**demand)
        assert isinstance(taken, Permit)
        return taken

    def wait(self, **demand: Any) -> float:
        taken = self.reserve(**demand)
        assert isinstance(taken, NoRoom)
        return taken.wait


@pytest.fixture(params=["memory", "redis"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Both storages, each with a clock that stands still."""
    clock = Clock()
    if request.param == "memory":
        yield Place(MemoryStorage(clock), clock)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    monkeypatch.setattr("gemini_multi._storage.redis_server._now", lambda _server: int(clock.now * 1000))
    storage = RedisStorage(SharedStorage(server.url))
    yield Place(storage, clock)
    let_go(storage)


def limits(**settings: int) -> dict[str, RateLimit]:
    return {"oxen:key": RateLimit(**settings)}


def test_requests_per_minute_are_counted_exactly(place: Place) -> None:
    """So many at once; the next when the oldest is a minute ago."""
    two = limits(requests_per_minute=2)
    place.permit(limits=two)
    place.clock.now += 20
    place.permit(limits=two)
    place.clock.now += 10
    wait = place.wait(limits=two)
    place.clock.now += wait
    place.permit(limits=two)

    assert wait == pytest.approx(30, abs=0.01)
    assert place.wait(limits=two) == pytest.approx(20, abs=0.01)


def test_tokens_per_minute_flow_back(place: Place) -> None:
    """What a call needs too much has come after a while."""
    some = limits(tokens_per_minute=600)
    place.permit(limits=some, tokens=400)
    wait = place.wait(limits=some, tokens=300)
    place.clock.now += wait
    place.permit(limits=some, tokens=300)

    assert wait == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(("used", "room"), [(100, 500), (600, 0), (0, 600), (None, 200)])
def test_an_estimate_is_put_right_by_what_was_used(place: Place, used: int | None, room: int) -> None:
    """What was not used is given back, what was used beyond is taken."""
    some = limits(tokens_per_minute=600)
    place.storage.settle(place.permit(limits=some, tokens=400), Outcome(tokens=used))

    if room:
        place.permit(limits=some, tokens=room)
    assert isinstance(place.reserve(limits=some, tokens=1), NoRoom)


def test_a_request_of_more_than_a_minutes_tokens_waits_for_all_of_them(place: Place) -> None:
    """It would never be sent otherwise."""
    some = limits(tokens_per_minute=600)
    place.permit(limits=some, tokens=5000)

    assert place.wait(limits=some, tokens=5000) == pytest.approx(60, abs=0.01)


def test_calls_under_way_are_limited(place: Place) -> None:
    """Until one has ended, however it ended."""
    one = limits(concurrency=1)
    permit = place.permit(limits=one)
    wait = place.wait(limits=one)
    place.storage.settle(permit, Outcome())

    assert 0 < wait < 1
    place.permit(limits=one)


def test_nothing_is_taken_where_something_is_missing(place: Place) -> None:
    """Neither a call under way, nor tokens, nor a request."""
    both = {"oxen:key": RateLimit(requests_per_minute=5, tokens_per_minute=600, concurrency=5)}
    narrow = {**both, "oxen/model:key": RateLimit(requests_per_minute=1)}
    place.permit(limits=narrow, tokens=100)
    for _ in range(10):
        assert isinstance(place.reserve(limits=narrow, tokens=100), NoRoom)
    permits = [place.permit(limits=both, tokens=125) for _ in range(4)]

    assert isinstance(place.reserve(limits=both, tokens=1), NoRoom)
    assert len(permits) == 4


def test_a_refusal_halves_the_rate_for_a_minute(place: Place, redis_clock: Callable[[Place, float], None]) -> None:
    """Then all of it holds again."""
    four = limits(requests_per_minute=4, concurrency=4)
    place.storage.settle(place.permit(limits=four), Outcome(was_refused=True))
    place.permit(limits=four)
    halved = place.reserve(limits=four)
    redis_clock(place, 61)
    permits = [place.permit(limits=four) for _ in range(3)]

    assert isinstance(halved, NoRoom)
    assert len(permits) == 3


@pytest.fixture
def redis_clock() -> Callable[[Place, float], None]:
    """Let the server's own time pass too: what would have expired is deleted."""

    def advance(place: Place, seconds: float) -> None:
        place.clock.now += seconds
        if isinstance(place.storage, RedisStorage):
            server = place.storage._server
            for key in server.keys("*halved"):
                assert 0 < server.pttl(key) <= seconds * 1000
                server.delete(key)

    return advance


def test_names_are_limited_apart(place: Place) -> None:
    """Another key or model has limits of its own."""
    place.permit(limits={"oxen:one": RateLimit(requests_per_minute=1)})

    place.permit(limits={"oxen:other": RateLimit(requests_per_minute=1)})


# From here on: what only a server offers.


@pytest.fixture
def shared(redis_server: RedisServer) -> Iterator[Callable[..., RedisStorage]]:
    """Make storages on one server, as each process would."""
    made: list[RedisStorage] = []

    def make(**settings: Any) -> RedisStorage:
        made.append(RedisStorage(SharedStorage(redis_server.url, **settings)))
        return made[-1]

    yield make
    for storage in made:
        let_go(storage)


def let_go(storage: Storage) -> None:
    """Renew no permit that a test did not settle."""
    if isinstance(storage, RedisStorage):
        for permit in tuple(storage._heartbeat._held.values()):
            storage._heartbeat.drop(permit)


def spend(storage: RedisStorage, worst: float, limit: float) -> Permit | NoRoom | NoMoney:
    return storage.reserve(Demand(worst_usd=worst, max_cost_usd=limit))


def test_a_budget_is_shared(shared: Callable[..., RedisStorage]) -> None:
    """What one process sets aside, another cannot spend; what was not needed, it can."""
    first, second = shared(), shared()
    permit = spend(first, 0.6, 1.0)
    assert isinstance(permit, Permit)
    refusal = spend(second, 0.5, 1.0)
    first.settle(permit, Outcome(cost_usd=0.1))

    assert refusal == NoMoney(spent_usd=0.0, reserved_usd=0.6)
    assert isinstance(spend(second, 0.5, 1.0), Permit)
    assert first.spent_usd() == pytest.approx(0.1)


def test_budgets_have_names(shared: Callable[..., RedisStorage]) -> None:
    """A run of its own has a budget of its own."""
    spend(shared(budget="a"), 1.0, 1.0)

    assert isinstance(spend(shared(budget="b"), 1.0, 1.0), Permit)


def test_a_server_that_lost_its_memory_learns_what_was_spent(
    shared: Callable[..., RedisStorage], redis_server: RedisServer
) -> None:
    """From any process that has seen it."""
    storage = shared()
    permit = spend(storage, 0.9, 1.0)
    assert isinstance(permit, Permit)
    storage.settle(permit, Outcome(cost_usd=0.9))
    redis_server.kill()
    redis_server.start()

    assert spend(storage, 0.5, 1.0) == NoMoney(spent_usd=0.9, reserved_usd=0.0)
    assert isinstance(
        storage.reserve(Demand(limits=limits(requests_per_minute=1, tokens_per_minute=9), tokens=1)), Permit
    )


HOLDER = """
import sys
from gemini_multi import RateLimit, SharedStorage
from gemini_multi._storage.interface import Demand
from gemini_multi._storage.redis_server import RedisStorage
storage = RedisStorage(SharedStorage(sys.argv[1], lease=0.6))
one = {"oxen:key": RateLimit(concurrency=1)}
print(storage.reserve(Demand(limits=one, worst_usd=0.7, max_cost_usd=1.0)), flush=True)
sys.stdin.read()
"""


def test_what_a_crashed_process_held_comes_free_or_counts_as_spent(
    shared: Callable[..., RedisStorage], redis_server: RedisServer
) -> None:
    """While it lives its lease is renewed, longer than a lease lasts; the provider may have billed its request."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, redis_server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert holder.stdout is not None
    assert "Permit" in holder.stdout.readline()
    storage, one = shared(lease=0.6), limits(concurrency=1)
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        assert isinstance(storage.reserve(Demand(limits=one)), NoRoom)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    while isinstance(storage.reserve(Demand(limits=one)), NoRoom):
        pass

    assert spend(storage, 0.5, 1.0) == NoMoney(spent_usd=0.7, reserved_usd=0.0)
    assert storage.spent_usd() == pytest.approx(0.7)


def test_a_late_settlement_puts_right_what_counted_as_spent(shared: Callable[..., RedisStorage]) -> None:
    """A process that was only asleep comes back."""
    storage = shared()
    permit = spend(storage, 0.7, 1.0)
    assert isinstance(permit, Permit)
    storage._server.zadd(storage._budget_keys()[2], {permit.id: 1})
    expired = storage.spent_usd()
    storage.settle(permit, Outcome(cost_usd=0.2))

    assert (expired, storage.spent_usd()) == (pytest.approx(0.7), pytest.approx(0.2))


SPENDER = """
import sys
from gemini_multi import SharedStorage
from gemini_multi._storage.interface import Demand, Outcome, Permit
from gemini_multi._storage.redis_server import RedisStorage
storage = RedisStorage(SharedStorage(sys.argv[1]))
sent = 0
while isinstance(permit := storage.reserve(Demand(worst_usd=0.01, max_cost_usd=1.0)), Permit):
    sent += 1
    storage.settle(permit, Outcome(cost_usd=0.01))
print(sent)
"""


def test_eight_processes_spend_no_more_than_the_budget(redis_server: RedisServer) -> None:
    """And all of it: a hundred requests of a hundredth each."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SPENDER, redis_server.url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(8)]

    sent = sum(int(process.communicate()[0]) for process in processes)
    assert 93 <= sent <= 100  # the last of them may be refused while others have set money aside


def test_a_server_that_is_gone_is_one_message(shared: Callable[..., RedisStorage], redis_server: RedisServer) -> None:
    """Without the password of its URL."""
    redis_server.kill()
    settings = SharedStorage(redis_server.url.replace("//", "//:secret@"))

    with pytest.raises(StorageUnavailable, match="gives no answer") as caught:
        RedisStorage(settings).reserve(Demand(limits=limits(concurrency=1)))
    assert "secret" not in f"{caught.value}{settings!r}"


def test_a_pickled_storage_connects_anew(shared: Callable[..., RedisStorage]) -> None:
    """To the same counts."""
    storage = shared()
    permit = storage.reserve(Demand(limits=limits(concurrency=1)))
    copy: RedisStorage = pickle.loads(pickle.dumps(storage))

    assert isinstance(permit, Permit)
    assert isinstance(copy.reserve(Demand(limits=limits(concurrency=1))), NoRoom)


@pytest.mark.parametrize("url", ["memcached://x", "localhost", "", "http://localhost"])
def test_only_redis_is_a_storage(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL of a Redis server"):
        SharedStorage(url)
