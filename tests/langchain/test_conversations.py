"""Histories that make other integrations fail or lose something, sent to every provider."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti

TWO_CALLS = AIMessage(
    "",
    tool_calls=[{"name": "f", "args": {"x": 1}, "id": "c1"}, {"name": "g", "args": {}, "id": "c2"}],
)
HISTORIES: dict[str, list[BaseMessage]] = {
    "two systems": [SystemMessage("one"), SystemMessage("two"), HumanMessage("go on")],
    "system in the middle": [HumanMessage("a"), AIMessage("b"), SystemMessage("be brief"), HumanMessage("go on")],
    "system alone": [SystemMessage("go on")],
    "users in a row": [HumanMessage("a"), HumanMessage("go on")],
    "model first": [AIMessage("hello"), HumanMessage("go on")],
    "model last": [HumanMessage("go on"), AIMessage("well")],
    "a result is missing": [HumanMessage("a"), TWO_CALLS, ToolMessage("1", tool_call_id="c1"), HumanMessage("go on")],
    "a result without a call": [
        HumanMessage("a"),
        ToolMessage("1", tool_call_id="zz", name="f"),
        HumanMessage("go on"),
    ],
    "results out of order": [
        HumanMessage("a"),
        TWO_CALLS,
        ToolMessage("2", tool_call_id="c2"),
        ToolMessage("1", tool_call_id="c1"),
    ],
    "empty answer": [HumanMessage("a"), AIMessage(""), HumanMessage("go on")],
    "broken call": [
        HumanMessage("a"),
        AIMessage(
            "", invalid_tool_calls=[{"name": "f", "args": "{", "id": "c1", "error": "?", "type": "invalid_tool_call"}]
        ),
        ToolMessage("Error: not JSON", tool_call_id="c1", status="error"),
    ],
}


def f(x: int) -> int:
    """Do f."""
    return x


def g() -> int:
    """Do g."""
    return 0


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash"])
@pytest.mark.parametrize("provider", ["cloudflare", "aimlapi", "oxen"])
def test_odd_history_is_answered(sandbox: Sandbox, provider: str, model: str, name: str) -> None:
    """The providers refuse these as they stand; the model puts them right."""
    chat = ChatGeminiMulti(model=model, providers=provider, max_retries=0).bind_tools([f, g])
    assert chat.invoke(HISTORIES[name]).text


def test_instruction_in_the_middle_reaches_the_provider(sandbox: Sandbox) -> None:
    """A system message is never dropped, wherever it stands."""
    ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen").invoke(HISTORIES["system in the middle"])
    assert "be brief" in str(sandbox.requests[-1].body)


def test_stream_can_be_left_early(sandbox: Sandbox) -> None:
    """What is not read is let go of, and the next call works."""
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen")
    first = next(iter(model.stream("Tell me a story.")))
    assert isinstance(first, AIMessageChunk)
    assert model.invoke("hi").text


async def test_async_stream_can_be_left_early(sandbox: Sandbox) -> None:
    """The same with `async for`."""
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen")
    async for chunk in model.astream("Tell me a story."):
        assert isinstance(chunk, AIMessageChunk)
        break
    assert (await model.ainvoke("hi")).text


async def test_cancelled_call_is_let_go_of(sandbox: Sandbox) -> None:
    """Cancelling is not an error of the provider, and the next call works."""
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen")
    call = asyncio.ensure_future(model.ainvoke("hi"))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await model.ainvoke("hi")).text


UNBLOCKED = """
import asyncio, socket, sys, warnings
from langchain_core.messages import HumanMessage
from gemini_multi import Cloudflare
from langchain_gemini_multi import ChatGeminiMulti

warnings.simplefilter("ignore")
found = []

def frames(frame):
    while frame is not None:
        yield f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back

def note(what):
    if asyncio._get_running_loop() is None:
        return
    stack = list(frames(sys._getframe(2)))
    if not any(place.startswith("<frozen importlib") for place in stack):  # an import reads its file
        found.append((what, stack[:6]))

def watch_socket(name):
    method = getattr(socket.socket, name)
    def watched(self, *arguments, **options):
        if self.gettimeout() != 0:
            note(f"socket.{name}")
        return method(self, *arguments, **options)
    setattr(socket.socket, name, watched)

EVENTS = {"open", "os.listdir", "os.scandir", "socket.getaddrinfo", "subprocess.Popen", "time.sleep"}

async def main():
    model = ChatGeminiMulti(model="gemini-2.5-flash", providers=["oxen", "cloudflare", "aimlapi"])
    image = {"type": "image_url", "image_url": "https://example.com/a.png"}
    answers = await asyncio.gather(*(model.ainvoke("hi", providers=name) for name in model.provider_names))
    assert all(answer.text for answer in answers)
    assert (await model.ainvoke([HumanMessage(["look", image])])).text
    assert [chunk async for chunk in model.astream("hi")]
    assert await (await model.astream_events("hi", version="v3")).output
    schema = {"title": "City", "type": "object", "properties": {"name": {"type": "string"}}}
    assert await model.with_structured_output(schema).ainvoke("Reply with a JSON object with the key name (a text).")
    assert await model.acount_tokens("hi", providers=Cloudflare(api="google_ai_studio"))
    assert (await model.bind(providers="aimlapi").abatch(["a", "b"], {"max_concurrency": 2}))[1].text
    await model.aclose()

async def prove():
    open(sys.executable, "rb").close()
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        right.recv(1)
    proven = [what for what, _ in found]
    found.clear()
    assert proven == ["open", "socket.sendall", "socket.recv"], proven

for name in ("connect", "recv", "recv_into", "send", "sendall", "accept"):
    watch_socket(name)
sys.addaudithook(lambda event, _: note(event) if event in EVENTS else None)
asyncio.run(prove())
asyncio.run(main())
assert not found, found
"""


def test_nothing_blocks_the_event_loop(sandbox: Sandbox) -> None:
    """From the first call on, nothing waits for a socket or a file in the loop's thread."""
    done = subprocess.run([sys.executable, "-c", UNBLOCKED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


FORGETFUL = """
import faulthandler, gc
from langchain_gemini_multi import ChatGeminiMulti

faulthandler.dump_traceback_later(20, exit=True)
model = ChatGeminiMulti(model="gemini-2.5-flash", providers="oxen")
model.invoke("hi")
gc.set_threshold(2)
for _ in range(100):
    next(iter(model.stream_events("Tell me of a cat.", version="v3").text))
    model.invoke("hi")
"""


def test_forgotten_streams_never_lock_their_thread(sandbox: Sandbox) -> None:
    """The garbage collector closes them, at times while its thread holds one of httpx's locks."""
    command = [sys.executable, "-W", "ignore", "-c", FORGETFUL]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
