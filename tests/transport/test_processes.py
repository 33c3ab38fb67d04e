"""Interrupts, forks, fresh processes and platforms: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transport.loopback import faithful, host

ROOT = Path(__file__).parent.parent.parent
PREAMBLE = """
import asyncio, os, signal, socket, sys, threading, time
from gemini_multi import AsyncClient, ChatRequest, Client, ConfigurationError, Message, Oxen
port = int(sys.argv[1])
providers = [Oxen("key", base_url=f"http://127.0.0.1:{port}")]
request = ChatRequest(model="gemini-2.5-flash", messages=(Message.user("Hi"),))
"""


def run(code: str, port: int = 0) -> str:
    """Run a script, and give what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", PREAMBLE + code, str(port)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


INTERRUPTED = """
server = socket.create_server(("127.0.0.1", 0))
arrived = threading.Event()

def serve():
    connection, _ = server.accept()
    data = b""
    while not data.endswith(b"}"):
        data += connection.recv(65536)
    %s
    arrived.set()
    try:
        ended = not connection.recv(1)
    except ConnectionResetError:
        ended = True
    os.write(1, f"ended {ended}\\n".encode())  # at once: two threads write

thread = threading.Thread(target=serve, daemon=True)
thread.start()
client = Client([Oxen("key", base_url=f"http://127.0.0.1:{server.getsockname()[1]}")], max_retries=0)
threading.Thread(target=lambda: (arrived.wait(), time.sleep(0.2), os.kill(os.getpid(), signal.SIGINT))).start()
try:
    %s
except KeyboardInterrupt:
    os.write(1, b"interrupted\\n")
thread.join(2)
"""
EVENT = (
    'connection.sendall(b\'HTTP/1.1 200 OK\\r\\n\\r\\ndata: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\\n\\n\')'
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize(
    ("answer", "call"),
    [
        ("pass", "client.chat(request)"),
        ("pass", "list(client.stream(request))"),
        (EVENT, "list(client.stream(request))"),
    ],
    ids=["whole", "stream that has not begun", "stream that has begun"],
)
def test_ctrl_c_ends_a_blocking_call_and_its_connection(answer: str, call: str, transport: str) -> None:
    """The process goes on. Over pyreqwest a connection on which no answer has begun lasts until its timeout."""
    is_left = transport == "pyreqwest" and answer == "pass"
    ended = ["interrupted"] if is_left else ["ended True", "interrupted"]
    assert sorted(run(INTERRUPTED % (answer, call)).split("\n")) == ended


FORKED = """
client = Client(providers)
print(client.chat(request).text, flush=True)
child = os.fork()
if not child:
    try:
        print(client.chat(request).text, flush=True)
    except ConfigurationError as error:
        print("spawn" in str(error), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(client.chat(request).text, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_forked_child_has_connections_of_its_own(transport: str) -> None:
    """Or says that it can have none."""
    with host(faithful) as found:
        childs = "True" if transport == "pyreqwest" else "Hi"
        assert run(FORKED, found.port).split("\n") == ["Hi", childs, "Hi"]


FORKED_WHILE_THREADS_CALL = """
sys.setswitchinterval(1e-6)
client = Client(providers)
client.chat(request)  # what is imported by the first call is imported: Python's own locks for that stay locked
done = threading.Event()

def call():
    while not done.is_set():
        client.chat(request)

for _ in range(4):
    threading.Thread(target=call, daemon=True).start()
ends = set()
for _ in range(8):
    time.sleep(0.01)
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(client.chat(request).text != "Hi")
    ends.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done.set()
print(ends)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_child_forked_while_threads_call_is_answered(transport: str) -> None:
    """No lock of its parent's holds it up."""
    if transport == "pyreqwest":
        pytest.skip("it cannot be used after a fork")
    with host(faithful) as found:
        assert run(FORKED_WHILE_THREADS_CALL, found.port) == "{0}"


LATER_THREADS = """
client = Client(providers)
first = threading.Thread(target=client.chat, args=(request,))
first.start()
first.join()
answers = []
for _ in range(3):
    later = [threading.Thread(target=lambda: answers.append(client.chat(request).text)) for _ in range(16)]
    for thread in later:
        thread.start()
    for thread in later:
        thread.join()
print(len(answers), set(answers))
"""


def test_threads_that_begin_when_the_thread_of_the_first_call_has_ended() -> None:
    """The allocator of pyreqwest 0.15.1 crashes the process when the thread that loaded it ends."""
    with host(faithful) as found:
        assert run(LATER_THREADS, found.port) == "48 {'Hi'}"


SPAWNED = """
import multiprocessing, pickle
client = Client(providers)
client.chat(request)
import subprocess
code = "import pickle, sys; client, request = pickle.load(sys.stdin.buffer); print(client.chat(request).text)"
done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps((client, request)), capture_output=True)
print(done.stdout.decode().strip(), done.stderr.decode())
"""


def test_a_client_works_in_a_fresh_process_that_it_was_sent_to() -> None:
    """As `multiprocessing` sends it where processes are spawned."""
    with host(faithful) as found:
        assert run(SPAWNED, found.port) == "Hi"


WITHOUT_FORK = """
print(Client(providers).chat(request).text, asyncio.run(AsyncClient(providers).chat(request)).text)
"""


def test_a_platform_that_cannot_fork() -> None:
    """`os` lacks some functions on Windows, and there is no `resource`."""
    hidden = "import os, sys\nsys.modules['resource'] = None\n"
    names = [name for name in ("register_at_fork", "fork", "forkpty") if hasattr(os, name)]
    libraries = "import httpx, httpcore, anyio, pydantic, logging, random, threading, concurrent.futures.thread\n"
    hidden = libraries + hidden + "".join(f"del os.{name}\n" for name in names)
    with host(faithful) as found:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        code = hidden + PREAMBLE + WITHOUT_FORK
        done = subprocess.run(
            [sys.executable, "-c", code, str(found.port)], capture_output=True, text=True, env=environment
        )
        assert done.stdout.split() == ["Hi", "Hi"], done.stderr


def test_another_event_loop_than_asyncios_is_refused() -> None:
    """With words for it."""
    code = """
import types
coroutine = AsyncClient(providers).chat(request)
try:
    coroutine.send(None)
except ConfigurationError as error:
    print(error)
"""
    assert "asyncio" in run(code)
