"""How many connections there are, and whom their lack is blamed on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from gemini_multi import AIMLAPI, ChatRequest, Client, ConnectionFailed, Message, RequestTimeout, RetryPolicy
from tests.transport.loopback import WHOLE, Host, faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))


def threads(client: Client, times: int) -> list[object]:
    def ask(_: int) -> object:
        try:
            return client.chat(REQUEST).text
        except Exception as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(ask, range(times)))


def tasks(client: Client, times: int) -> list[object]:
    async def ask() -> list[object]:
        asking = client.for_async()
        answers = await asyncio.gather(*(asking.chat(REQUEST) for _ in range(times)), return_exceptions=True)
        return [answer if isinstance(answer, BaseException) else answer.text for answer in answers]

    return asyncio.run(ask())


both = pytest.mark.parametrize("at_once", [threads, tasks])
AtOnce = Callable[[Client, int], list[object]]


class Crowd:
    """Answers as soon as so many requests wait, and notes how many there are, and how many connections."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)
        self.lock = threading.Lock()
        self.open = self.most = self.under_way = self.most_under_way = 0

    def __call__(self, found: Host, connection: socket.socket) -> None:
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            while found.request(connection):
                with self.lock:
                    self.under_way += 1
                    self.most_under_way = max(self.most_under_way, self.under_way)
                self.barrier.wait(30)
                with self.lock:
                    self.under_way -= 1
                connection.sendall(WHOLE)
        finally:
            with self.lock:
                self.open -= 1


@both
def test_calls_beyond_the_limit_wait_for_a_connection(at_once: AtOnce, transport: str) -> None:
    """All are answered, by four at a time; pyreqwest limits the requests, and not those connections that lie idle."""
    crowd = Crowd(4)
    with host(crowd) as found:
        assert at_once(Client(found.provider, max_connections=4, max_retries=0), 16) == ["Hi"] * 16
    assert crowd.most_under_way == 4
    assert transport == "pyreqwest" or crowd.most == 4


@both
def test_who_waits_for_a_connection_waits_inside_the_deadline(at_once: AtOnce) -> None:
    """The one that holds the connection meets its own deadline."""

    def silent(found: Host, connection: socket.socket) -> None:
        while found.request(connection):
            continue

    with host(silent) as found:
        ended = at_once(Client(found.provider, max_connections=1, max_retries=0, deadline=0.4), 3)
    assert {type(error) for error in ended} == {RequestTimeout}


@contextmanager
def no_more_descriptors() -> Generator[None]:
    """Let this process open no more than it has open."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        limit = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_lack_of_descriptors_is_not_blamed_on_the_provider() -> None:
    """The call fails, and the route's health knows nothing of it: it is asked first as before."""
    with host(faithful) as first, host(faithful) as second:
        providers = [first.provider, AIMLAPI("key", base_url=f"http://127.0.0.1:{second.port}")]
        client = Client(providers, retry_policy=RetryPolicy(max_retries=0, failures_before_rest=1))
        client.chat(REQUEST, providers="aimlapi")  # what the library itself opens, it opens now
        with no_more_descriptors(), pytest.raises(ConnectionFailed, match="Too many open files"):
            client.chat(REQUEST, providers="oxen")

        assert client.chat(REQUEST).provider == "oxen"
