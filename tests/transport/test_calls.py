"""Connections on real sockets: what they reuse, how long they wait, and what they leave behind."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import httpx
import pytest

from gemini_multi import AIMLAPI, ChatRequest, Client, ConnectionFailed, Hedging, Message, RequestTimeout, RetryPolicy
from gemini_multi._transport.pools import POOLS
from tests.transport.loopback import AUTHORITY, CERTIFICATE, OTHER_CERTIFICATE, WHOLE, Host, faithful, host

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
TICK = 0.01
AT_ONCE = RetryPolicy(initial_wait=0.0)

Ask = Callable[..., list[str]]


def blocking(
    client: Client, times: int = 1, request: ChatRequest = REQUEST, after_each: Callable[[], object] = bool
) -> list[str]:
    texts: list[str] = []
    for _ in range(times):
        texts.append(client.chat(request).text)
        after_each()
    return texts


def awaited(
    client: Client, times: int = 1, request: ChatRequest = REQUEST, after_each: Callable[[], object] = bool
) -> list[str]:
    async def run() -> list[str]:
        asking = client.for_async()
        texts: list[str] = []
        try:
            for _ in range(times):
                texts.append((await asking.chat(request)).text)
                after_each()
            return texts
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(run())


both = pytest.mark.parametrize("ask", [blocking, awaited])


@both
@pytest.mark.parametrize("tls", [None, CERTIFICATE], ids=["clear", "TLS"])
def test_one_connection_carries_call_after_call(ask: Ask, tls: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the clear and encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with host(faithful, tls=tls) as found:
        assert ask(Client(found.provider), 3) == ["Hi"] * 3
        assert (found.connections, len(found.requests)) == (1, 3)
        POOLS.close()


@both
@pytest.mark.parametrize("trusted", [False, True], ids=["foreign authority", "other name"])
def test_a_certificate_that_does_not_vouch_for_the_host_is_refused(
    ask: Ask, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody trusted has signed it, or it is for another name: nothing is sent."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with host(faithful, tls=OTHER_CERTIFICATE if trusted else CERTIFICATE) as found:
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
            ask(Client(found.provider, max_retries=0))
        assert found.requests == []


def last_words(found: Host, connection: socket.socket) -> None:
    """Answer one request, wait for the second, and hang up in silence."""
    found.request(connection)
    connection.sendall(WHOLE)
    if found.connections == 1:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@both
def test_a_request_that_a_reused_connection_lost_is_not_sent_again_unseen(ask: Ask) -> None:
    """The provider may have worked on it: only an attempt that the caller allows asks once more."""
    with host(last_words) as found:
        client = Client(found.provider, max_retries=0)
        with pytest.raises(ConnectionFailed) as caught:
            ask(client, 2)
        assert [attempt.outcome for attempt in caught.value.attempts] == ["failed"]
        assert found.connections == 1


@both
def test_a_retry_asks_over_a_new_connection(ask: Ask) -> None:
    """And every request is an attempt."""
    with host(last_words) as found:
        assert ask(Client(found.provider, retry_policy=AT_ONCE), 2) == ["Hi", "Hi"]
        assert (found.connections, len(found.requests)) == (2, 2)


def one_answer(found: Host, connection: socket.socket) -> None:
    """Answer, and hang up at once."""
    found.request(connection)
    connection.sendall(WHOLE)


@both
def test_a_connection_that_the_host_closed_is_not_used_again(ask: Ask) -> None:
    """Its end has arrived, or comes while the next request is sent: either way each request is seen once."""
    with host(one_answer) as found:
        assert ask(Client(found.provider, retry_policy=AT_ONCE), 4) == ["Hi"] * 4
        assert (found.connections, len(found.requests)) == (4, 4)


UNASKED = WHOLE.replace(b"Hi", b"No")


@both
@pytest.mark.parametrize("end", [b"", UNASKED], ids=["it is closed", "an answer that nobody asked for"])
def test_an_idle_connection_on_which_anything_arrived_is_not_used_again(ask: Ask, transport: str, end: bytes) -> None:
    """The next request goes over a new connection, at the first attempt."""
    is_idle, has_ended = threading.Event(), threading.Event()

    def act(found: Host, connection: socket.socket) -> None:
        found.request(connection)
        connection.sendall(WHOLE)
        if found.connections == 1:
            is_idle.wait()
            connection.sendall(end)
            connection.shutdown(socket.SHUT_WR)
            if transport == "pyreqwest":  # it closes by itself, in a thread of its own; httpx does at its next call
                connection.recv(1)
            has_ended.set()
            connection.recv(1)

    def end_the_first() -> None:
        is_idle.set()
        has_ended.wait()

    with host(act) as found:
        client = Client(found.provider, max_retries=0)
        assert ask(client, 2, after_each=end_the_first) == ["Hi", "Hi"]
        assert (found.connections, len(found.requests)) == (2, 2)


@both
def test_connections_that_were_idle_too_long_are_closed(ask: Ask) -> None:
    """By themselves: the provider sees their end, though no call follows."""
    ended = threading.Semaphore(0)

    def act(found: Host, connection: socket.socket) -> None:
        faithful(found, connection)
        ended.release()

    with host(act) as found:
        assert ask(Client(found.provider, keep_alive=0.05)) == ["Hi"]
        ended.acquire()


def silent(found: Host, connection: socket.socket) -> None:
    """Read a request and hang up."""
    found.request(connection)


@both
def test_a_new_connection_that_dies_is_a_failure(ask: Ask) -> None:
    """Nothing is sent twice."""
    with host(silent) as found:
        with pytest.raises(ConnectionFailed):
            ask(Client(found.provider, max_retries=0))
        assert len(found.requests) == 1


def sending(piece: bytes, first: bytes = b"") -> Callable[[Host, socket.socket], None]:
    """Send a piece again and again, until the client hangs up."""

    def act(found: Host, connection: socket.socket) -> None:
        found.request(connection)
        connection.sendall(first)
        connection.settimeout(TICK)
        while True:
            connection.sendall(piece)
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    return act


ENDLESS = {
    "headers that trickle in": sending(b"x", b"HTTP/1.1 200 OK\r\nx: "),
    "interim answers": sending(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body that trickles in": sending(b"1\r\n \r\n", CHUNKED + b"1\r\n{\r\n"),
    "silence": sending(b""),
}


@both
@pytest.mark.parametrize("what", ENDLESS)
def test_no_host_outlasts_the_deadline(ask: Ask, what: str) -> None:
    """However often it gives a sign of life."""
    with host(ENDLESS[what]) as found, pytest.raises(RequestTimeout):
        ask(Client(found.provider, max_retries=0, deadline=0.3))


@both
@pytest.mark.parametrize("what", ["a body that trickles in", "silence"])
def test_no_host_outlasts_a_wait_for_content(ask: Ask, what: str) -> None:
    """White space keeps a connection alive, and is no content."""
    with host(ENDLESS[what]) as found, pytest.raises(RequestTimeout):
        ask(Client(found.provider, max_retries=0, timeout=0.3))


def test_the_deadline_bounds_the_wait_on_a_client_of_the_callers_own() -> None:
    """With `await`; a blocking client cannot be interrupted."""
    with host(ENDLESS["headers that trickle in"]) as found:

        async def run() -> None:
            async with httpx.AsyncClient() as own:
                client = Client(found.provider, max_retries=0, deadline=0.3, http_async_client=own)
                await client.for_async().chat(REQUEST)

        with pytest.raises(RequestTimeout):
            asyncio.run(run())


@both
def test_a_large_request_arrives_whole(ask: Ask) -> None:
    """Whether it fits into the socket's buffer or not."""
    large = ChatRequest(model=REQUEST.model, messages=(Message.user("x" * 8_000_000),))
    with host(faithful) as found:
        assert ask(Client(found.provider), 2, large) == ["Hi", "Hi"]
        assert found.connections == 1
        assert {body.count(b"x") >= 8_000_000 for body in found.requests} == {True}
        POOLS.close()


REFUSED = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@both
def test_a_small_request_leaves_in_one_piece(ask: Ask) -> None:
    """The head is not sent by itself, on a new connection or on one that is used again."""
    pieces: list[bytes] = []

    def act(_: Host, connection: socket.socket) -> None:
        while piece := connection.recv(65_536):
            pieces.append(piece)
            connection.sendall(WHOLE)

    with host(act) as found:
        assert ask(Client(found.provider, max_retries=0), 2) == ["Hi", "Hi"]
        POOLS.close()
    assert [piece.startswith(b"POST ") and piece.endswith(b"}") for piece in pieces] == [True, True]


def refusing(found: Host, connection: socket.socket) -> None:
    """Answer before the request is whole, and read on only to take leave in peace."""
    connection.recv(1_000)
    connection.sendall(REFUSED)
    while connection.recv(1_000_000):
        continue


@both
def test_an_answer_before_the_request_is_whole_is_read(ask: Ask) -> None:
    """Hosts refuse large requests early."""
    large = ChatRequest(model=REQUEST.model, messages=(Message.user("x" * 2_000_000),))
    with host(refusing) as found, pytest.raises(Exception, match="413"):
        ask(Client(found.provider, max_retries=0), 1, large)


@both
def test_an_answer_of_a_megabyte_in_tiny_chunks(ask: Ask) -> None:
    """It is one answer, and the connection is used again."""
    text = b'{"choices":[{"message":{"content":"%s"},"finish_reason":"stop"}]}' % (b"x" * 1_000_000)
    chunks = b"".join(b"7\r\n%s\r\n" % text[start : start + 7] for start in range(0, len(text) // 7 * 7, 7))
    rest = text[len(text) // 7 * 7 :]

    def act(found: Host, connection: socket.socket) -> None:
        while found.request(connection):
            connection.sendall(CHUNKED + chunks + b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))

    with host(act) as found:
        assert ask(Client(found.provider), 2) == ["x" * 1_000_000] * 2
        assert found.connections == 1
        POOLS.close()


async def test_a_stream_that_is_left_early_leaves_no_task() -> None:
    """Neither when it is closed nor when it is dropped."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    chunk = b"%x\r\n%s\r\n" % (len(event), event)
    ended = threading.Semaphore(0)

    def act(found: Host, connection: socket.socket) -> None:
        found.request(connection)
        connection.sendall(CHUNKED + chunk)
        connection.recv(1)
        ended.release()

    with host(act) as found:
        client = Client(found.provider, max_retries=0).for_async()
        async with client.stream(REQUEST) as events:
            await anext(events)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.to_thread(ended.acquire)
        events = client.stream(REQUEST)
        await anext(events)
        del events
        await asyncio.to_thread(ended.acquire)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert POOLS.busy == 0
        await client.aclose()


async def test_a_cancellation_that_comes_with_the_answer_counts() -> None:
    """Whichever of them the transport sees first."""
    asked, stands_still, answered = threading.Semaphore(0), threading.Semaphore(0), threading.Semaphore(0)

    def act(found: Host, connection: socket.socket) -> None:
        while found.request(connection):
            asked.release()
            stands_still.acquire()
            connection.sendall(WHOLE)
            answered.release()

    with host(act) as found:
        client = Client(found.provider, max_retries=0).for_async()
        for _ in range(40):
            task = asyncio.create_task(client.chat(REQUEST))
            await asyncio.to_thread(asked.acquire)
            stands_still.release()
            answered.acquire()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert POOLS.busy == 0
        await client.aclose()


async def test_two_hundred_calls_at_once() -> None:
    """Each over a connection of its own, which the next two hundred find again."""

    def act(found: Host, connection: socket.socket) -> None:
        while found.request(connection):
            connection.sendall(WHOLE)

    with host(act) as found:
        client = Client(found.provider).for_async()
        for _ in range(2):
            answers = await asyncio.gather(*(client.chat(REQUEST) for _ in range(200)))
            assert {answer.text for answer in answers} == {"Hi"}
        assert len(found.requests) == 400
        assert found.connections <= 200
        await client.aclose()


async def test_a_blocking_call_inside_of_a_coroutine_leaves_the_running_loop_alone() -> None:
    """It holds the loop up, as any function that waits does, and no more."""
    loop = asyncio.get_running_loop()
    with host(faithful) as found:
        client = Client(found.provider, max_retries=0)
        assert await asyncio.gather(*(asyncio.to_thread(blocking, client) for _ in range(4))) == [["Hi"]] * 4
        assert blocking(client, 2) == ["Hi", "Hi"]
        assert asyncio.get_running_loop() is loop
        POOLS.close()


def test_a_blocking_call_happens_in_its_own_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """To hand it to another would cost about as much as the rest of it."""
    started: list[str] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    with host(faithful) as found:
        blocking(Client(found.provider, max_retries=0))
        monkeypatch.setattr(threading.Thread, "start", counted)
        assert blocking(Client(found.provider, max_retries=0), 3) == ["Hi"] * 3
        monkeypatch.undo()
        POOLS.close()
    assert started == []


async def test_a_kept_connection_is_not_examined_anew_for_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks anyio for a part of what it knows of a connection makes it collect all."""
    asked: list[object] = []
    extra = anyio.TypedAttributeProvider.extra

    def counted(provider: anyio.TypedAttributeProvider, attribute: object, *default: object) -> object:
        asked.append(attribute)
        return extra(provider, attribute, *default)

    with host(faithful) as found:
        client = Client(found.provider, max_retries=0).for_async()
        await client.chat(REQUEST)
        monkeypatch.setattr(anyio.TypedAttributeProvider, "extra", counted)
        for _ in range(3):
            await client.chat(REQUEST)
        assert (found.connections, len(asked)) == (1, 0)
        await client.aclose()


def test_a_hedged_call_that_lost_is_interrupted(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread waits for an answer over TLS: it closes the connection at once, and not when the provider answers."""
    if transport == "pyreqwest":
        pytest.skip("pyreqwest 0.15 closes the connection when the provider answers")
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    asked, ended = threading.Event(), threading.Event()

    def silent(found: Host, connection: socket.socket) -> None:
        found.request(connection)
        asked.set()
        with suppress(OSError):
            connection.recv(1)
        ended.set()

    def later(found: Host, connection: socket.socket) -> None:
        asked.wait()
        faithful(found, connection)

    with host(silent, tls=CERTIFICATE) as slow, host(later) as fast:
        providers = [slow.provider, AIMLAPI("key", base_url=f"http://127.0.0.1:{fast.port}")]
        client = Client(providers, hedging=Hedging(after=0.0), max_retries=0)
        assert client.chat(REQUEST).provider == "aimlapi"
        assert ended.wait(30)
