"""Counts what a call costs without measuring time: our own function calls, JSON read and written, garbage in cycles."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

import gemini_multi
import langchain_gemini_multi
import llama_index_gemini_multi
from gemini_multi import Oxen

OURS = tuple(
    str(Path(str(package.__file__)).parent)
    for package in (gemini_multi, langchain_gemini_multi, llama_index_gemini_multi)
)
PROVIDER = Oxen("key")


@dataclass
class Cost:
    """What was counted."""

    calls: int = 0
    json: Counter[str] = field(default_factory=Counter)
    cycles: int = 0
    """Objects that only the garbage collector could free."""


def cost_of(act: Callable[[], object]) -> Cost:
    """Do something a third time, when everything is imported and cached, and count."""
    act()
    act()
    found = Cost()

    def count(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            found.calls += frame.f_code.co_filename.startswith(OURS)
        elif event == "c_call" and arg.__name__ in ("from_json", "to_json"):
            found.json[arg.__name__] += 1

    gc.collect()
    gc.disable()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
        gc.enable()
    found.cycles = gc.collect()
    return found


class ChunkedBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose every event comes by itself, which is the most that a stream can cost."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Any:
        return iter(self.pieces)

    async def __aiter__(self) -> Any:
        for piece in self.pieces:
            yield piece


WHOLE = (
    b'{"id":"1","model":"gemini-2.5-flash-lite","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}'
)
EVENT = b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"word "}}]}\n\n'
LAST = b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def http_client(chunks: int | None = None) -> httpx.Client:
    """Answer in one piece, or with a stream of so many chunks of text."""
    return httpx.Client(transport=_answering(chunks))


def http_async_client(chunks: int | None = None) -> httpx.AsyncClient:
    """Do the same with `await`."""
    return httpx.AsyncClient(transport=_answering(chunks))


def _answering(chunks: int | None) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if chunks is None:
            return httpx.Response(200, content=WHOLE)
        return httpx.Response(200, stream=ChunkedBody([EVENT] * chunks + [LAST]))

    return httpx.MockTransport(answer)


def per_chunk(stream: Callable[[int], Callable[[], object]]) -> tuple[float, float]:
    """Return our calls per chunk after a hundred chunks and after a thousand."""
    first, second, third, fourth = (cost_of(stream(chunks)).calls for chunks in (100, 200, 1_000, 1_100))
    return (second - first) / 100, (fourth - third) / 100
