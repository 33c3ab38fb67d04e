"""Connections: made lazily, shared, and let go with threads, event loops, processes and clients. On real sockets."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gemini_multi import ChatRequest, Client, ConnectionFailed, Finished, Message, Oxen, ServerError, StreamInterrupted
from gemini_multi.sandbox import Answer, Sandbox

REQUEST = ChatRequest(model="gemini-2.5-flash-lite", messages=(Message.user("Hello"),))
ROOT = Path(__file__).parent.parent.parent
PROVIDERS = ["cloudflare", "aimlapi", "oxen"]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve the hosts, and point the environment at them."""
    with Sandbox() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.mark.parametrize("provider", PROVIDERS)
def test_many_threads_share_a_client(sandbox: Sandbox, provider: str) -> None:
    """Sixteen threads ask at once, whole and in streams."""
    client = Client(provider)

    def ask(number: int) -> str:
        return client.chat(REQUEST).text if number % 2 else client.stream(REQUEST).response().text

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))

    assert len(set(answers)) == 1
    assert client.totals.calls == 64


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_client_outlives_its_event_loops(sandbox: Sandbox, provider: str) -> None:
    """One loop after the other, each call works and leaves nothing behind."""
    client = Client(provider).for_async()

    async def ask() -> str:
        whole = await client.chat(REQUEST)
        async with client.stream(REQUEST) as events:
            streamed = [event async for event in events][-1]
        assert isinstance(streamed, Finished)
        assert streamed.response.text == whole.text
        return whole.text

    assert len({asyncio.run(ask()) for _ in range(3)}) == 1


def test_several_event_loops_at_once(sandbox: Sandbox) -> None:
    """Loops in different threads do not see each other's connections."""
    client = Client("oxen").for_async()

    async def ask() -> int:
        return len(await asyncio.gather(*(client.chat(REQUEST) for _ in range(8))))

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(lambda: asyncio.run(ask())) for _ in range(8)]
        assert [each.result() for each in asking] == [8] * 8


async def test_a_blocking_call_inside_a_running_loop(sandbox: Sandbox) -> None:
    """Notebooks and tools do that."""
    assert Client("oxen").chat(REQUEST).text


def test_a_loop_closes_its_connections(sandbox: Sandbox) -> None:
    """Loop after loop, the open sockets do not pile up (a few may be on their way out)."""
    client = Client("oxen").for_async()
    asyncio.run(client.chat(REQUEST))
    before = open_sockets()
    for _ in range(30):
        asyncio.run(client.chat(REQUEST))

    assert open_sockets() < before + 10


def open_sockets() -> int:
    """Count the process's sockets, where the platform tells."""
    links: list[str] = []
    for entry in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            links.append(str(entry.readlink()))
    return sum("socket:" in link for link in links)


def test_the_last_client_closes_the_connections(sandbox: Sandbox) -> None:
    """`close` lets go; a later call connects anew."""
    client = Client("oxen")
    client.chat(REQUEST)
    client.close()
    with client:
        assert client.chat(REQUEST).text


async def test_an_async_client_is_a_context_manager(sandbox: Sandbox) -> None:
    """And works after it was closed, too."""
    async with Client("oxen").for_async() as client:
        assert (await client.chat(REQUEST)).text
    assert (await client.chat(REQUEST)).text


def test_copies_and_pickles_work_before_and_after_use(sandbox: Sandbox) -> None:
    """They carry no connection."""
    client = Client("oxen")
    before = [pickle.loads(pickle.dumps(client)), copy.deepcopy(client), copy.copy(client)]
    client.chat(REQUEST)
    after = [pickle.loads(pickle.dumps(client)), copy.deepcopy(client), copy.copy(client)]

    assert all(other.chat(REQUEST).text for other in before + after)


async def test_a_cancelled_call_lets_go(sandbox: Sandbox) -> None:
    """Cancelling leaves the client usable."""
    sandbox.fail("oxen", fault="stall", times=1, after=0)
    client = Client("oxen").for_async()
    task = asyncio.create_task(client.stream(REQUEST).response())
    while not sandbox.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await client.chat(REQUEST)).text


FAULTS = [
    ("reset", ConnectionFailed),
    ("cut", StreamInterrupted),
    ("reset_after_headers", ConnectionFailed),
    ("error_in_stream", StreamInterrupted),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_faults_on_real_sockets(sandbox: Sandbox, provider: str, fault: str, error: type[Exception]) -> None:
    """The same as on a scripted transport: the typed error, and the connection is gone."""
    sandbox.script(provider, [Answer(text="one two three four five six seven eight nine ten " * 3)])
    sandbox.fail(provider, fault=fault, times=1, after=3)

    with pytest.raises(error):
        Client(provider, max_retries=0).stream(REQUEST).response()


def test_failover_between_real_sockets(sandbox: Sandbox) -> None:
    """One host refuses, the next fails, the third answers."""
    sandbox.fail("cloudflare", status=402, times=1)
    sandbox.fail("aimlapi", status=503, times=3, retry_after=0.001)
    response = Client(PROVIDERS).chat(REQUEST)

    assert response.provider == "oxen"
    assert [attempt.status for attempt in response.attempts] == [402, 503, 200]


def test_a_host_that_is_not_there() -> None:
    """A refused connection is a typed error."""
    with pytest.raises(ConnectionFailed, match="oxen"):
        Client(Oxen("key", base_url="http://127.0.0.1:9"), max_retries=0).chat(REQUEST)


def test_nothing_is_connected_or_imported_before_the_first_call() -> None:
    """Neither importing nor constructing loads the HTTP library."""
    code = (
        "import sys; from gemini_multi import Client, Oxen; client = Client(Oxen('key'));"
        "sys.exit('httpx' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_a_server_error_names_the_attempts(sandbox: Sandbox) -> None:
    """Every request is on the error."""
    sandbox.fail("oxen", status=503, times=9, retry_after=0.001)

    with pytest.raises(ServerError) as caught:
        Client("oxen", max_retries=1).chat(REQUEST)

    assert [attempt.status for attempt in caught.value.attempts] == [503, 503]
