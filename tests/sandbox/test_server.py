"""Starting, stopping, many at once, and the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from gemini_multi.sandbox import Sandbox

BODY = {"model": "gemini-2-5-flash", "messages": [{"role": "user", "content": "Hello"}]}


def request_to(sandbox: Sandbox) -> tuple[str, dict[str, str]]:
    """URL and headers of Oxen's chat endpoint."""
    environment = sandbox.environment()
    return f"{environment['OXEN_BASE_URL']}/chat/completions", {
        "authorization": f"Bearer {environment['OXEN_API_KEY']}"
    }


def test_the_environment_names_every_setting():
    """The variables are those that the providers read."""
    with Sandbox() as sandbox:
        environment = sandbox.environment()
        assert {name: value for name, value in environment.items() if name.endswith("URL")} == {
            "CLOUDFLARE_BASE_URL": f"{sandbox.url}/client/v4",
            "CLOUDFLARE_GATEWAY_BASE_URL": f"{sandbox.url}/v1",
            "AIMLAPI_BASE_URL": f"{sandbox.url}/aimlapi/v1",
            "OXEN_BASE_URL": f"{sandbox.url}/oxen/api/ai",
        }
    keys = {"CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY"}
    assert {name for name in environment if not name.endswith("URL")} == keys


def test_stopping_leaves_nothing_behind():
    """Thread and port are gone, though a client still holds its connection."""
    before = threading.active_count()
    with httpx.Client() as client:
        with Sandbox() as sandbox:
            url, headers = request_to(sandbox)
            client.post(url, headers=headers, json=BODY)
            port = sandbox.port
        assert threading.active_count() == before
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_stopping_ends_a_stalled_answer():
    """A client that waits is let go."""
    with httpx.Client() as client, Sandbox() as sandbox:
        sandbox.fail("oxen", fault="stall", after=1)
        url, headers = request_to(sandbox)
        with client.stream("POST", url, headers=headers, json={**BODY, "stream": True}) as answer:
            sandbox.stop()
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()


def test_start_and_stop_can_be_repeated():
    """A second start or stop does nothing; a stopped sandbox has no port and can start again."""
    sandbox = Sandbox()
    sandbox.start().start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="The sandbox is not running"):
        _ = sandbox.port
    with sandbox:
        assert sandbox.port > 0


async def test_it_is_an_async_context_manager_too():
    """`async with` serves as `with` does."""
    async with Sandbox() as sandbox, httpx.AsyncClient() as client:
        url, headers = request_to(sandbox)
        assert (await client.post(url, headers=headers, json=BODY)).status_code == 200


async def test_64_streams_at_once():
    """Every one of 64 concurrent streams is whole."""
    limits = httpx.Limits(max_connections=64)
    async with Sandbox() as sandbox, httpx.AsyncClient(limits=limits) as client:
        url, headers = request_to(sandbox)
        requests = [client.post(url, headers=headers, json={**BODY, "stream": True}) for _ in range(64)]
        answers = await asyncio.gather(*requests)
        assert all(answer.content.endswith(b"data: [DONE]\n\n") for answer in answers)
        assert len(sandbox.requests) == 64


def test_each_sandbox_has_its_own_state():
    """Keys and records of one are nothing to the other."""
    with Sandbox() as one, Sandbox() as other, httpx.Client() as client:
        url, _ = request_to(one)
        _, headers = request_to(other)
        assert client.post(url, headers=headers, json=BODY).status_code == 401
        assert (len(one.requests), len(other.requests)) == (1, 0)


def test_a_taken_port_is_told():
    """A port that is taken is an error, not a hang."""
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(port=sandbox.port).start()


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_told(monkeypatch, missing):
    """The error says what to install."""
    for name in [name for name in sys.modules if name.startswith(("gemini_multi.sandbox.", missing))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "gemini-multi\[sandbox\]"'):
        Sandbox().start()


def test_importing_needs_no_extra():
    """The package can be imported without its server."""
    code = "import sys, gemini_multi.sandbox; print(sorted({'starlette', 'uvicorn'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert told.stdout == "[]\n"


def test_the_command_line_tells_of_a_taken_port():
    """It says what is wrong and what to do, without a traceback."""
    with Sandbox() as sandbox:
        command = [sys.executable, "-m", "gemini_multi.sandbox", "--port", str(sandbox.port)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == f"Cannot listen on 127.0.0.1:{command[-1]}: Address already in use. Try another --port.\n"


def test_the_command_line_prints_the_exports_and_serves():
    """It prints what to set, serves, and ends on an interrupt."""
    command = [sys.executable, "-m", "gemini_multi.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(9)]
        settings = dict(line.removeprefix("export ").split("=", 1) for line in lines[:8])
        headers = {"authorization": f"Bearer {settings['OXEN_API_KEY']}"}
        with httpx.Client() as client:
            status = client.post(
                f"{settings['OXEN_BASE_URL']}/chat/completions", headers=headers, json=BODY
            ).status_code
        process.send_signal(signal.SIGINT)
        assert (status, process.wait(10)) == (200, 0)
    assert lines[8].startswith("# The sandbox listens on http://127.0.0.1:")
