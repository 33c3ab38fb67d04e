"""`langgraph dev`: the recipe is the module of the graph; the checks ask its HTTP API."""

from checks import MODEL, WEATHER, check_pieces, get_weather, run

# recipe
from langchain.agents import create_agent

from langchain_gemini_multi import register_with_langchain

register_with_langchain()

graph = create_agent(f"hosted_gemini:{MODEL}", tools=[get_weather])
# end

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from langgraph_sdk import get_sync_client

ASKED = {"messages": [{"role": "user", "content": "Use get_weather for 'Lyon'."}]}


def serve(port):
    """Start the server; it logs into a file of the current folder."""
    Path("langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": {"agent": f"{__file__}:graph"}}))
    command = [Path(sys.executable).parent / "langgraph", "dev", "--port", f"{port}", "--no-browser", "--no-reload"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent)])}
    return subprocess.Popen(command, env=environment, stdout=Path("log").open("w"), stderr=subprocess.STDOUT)


def wait_for(url, server):
    """Wait until the server answers."""
    for _ in range(120):
        assert server.poll() is None, Path("log").read_text()
        try:
            return httpx.get(f"{url}/ok").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
    raise TimeoutError(Path("log").read_text())


def tool_loop():
    """Two turns on one thread."""
    thread = client.threads.create()["thread_id"]
    client.runs.wait(thread, "agent", input=ASKED)
    messages = client.runs.wait(thread, "agent", input=ASKED)["messages"]
    assert [message["type"] for message in messages] == ["human", "ai", "tool", "ai"] * 2, messages
    assert WEATHER in f"{messages[-1]['content']}", messages


def stream():
    """The answer comes in pieces."""
    pieces = [
        f"{part.data[0]['content']}"
        for part in client.runs.stream(None, "agent", input=ASKED, stream_mode="messages-tuple")
        if part.event == "messages" and part.data[0]["type"] == "AIMessageChunk"
    ]
    check_pieces(pieces, "sunny")


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = serve(port)
    client = get_sync_client(url=f"http://127.0.0.1:{port}")
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        run(["langgraph-cli", "langgraph-api", "langchain-core"], tool_loop, stream)
    finally:
        server.terminate()
        server.wait()
