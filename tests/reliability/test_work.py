"""Twice as much of anything costs twice the work, in the core and in both bindings."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import pytest
from langchain_core.language_models.chat_model_stream import ChatModelStream

from gemini_multi import ChatEvent, Finished
from langchain_gemini_multi._messages import assistant_parts
from langchain_gemini_multi._results import to_result as to_langchain
from langchain_gemini_multi._streams import ChunkBuilder, EventBuilder
from llama_index_gemini_multi._messages import to_core
from llama_index_gemini_multi._results import Snapshots
from llama_index_gemini_multi._results import to_result as to_llama_index

from .crowds import CROWDS
from .drive import receive
from .work import growth

SIZE: Final = 200
TOLERATED: Final = 2.6
"""Twice the work is 2; quadratic work is 4."""
LONG_ARGUMENTS: Final = ("pieces that look like a beginning", "a reason to stop with every piece")
"""Crowds of pieces of a single call."""


def stream(crowd: str, size: int) -> list[bytes]:
    return [b"data: " + json.dumps(document).encode() + b"\n\n" for document in CROWDS[crowd](size)]


@cache
def events(crowd: str, size: int) -> list[ChatEvent]:
    found = receive("oxen", stream(crowd, size), stream=True).events
    assert isinstance(found[-1], Finished)
    return found


def finished(crowd: str, size: int) -> Any:
    last = events(crowd, size)[-1]
    assert isinstance(last, Finished)
    return last.response


each_crowd = pytest.mark.parametrize("crowd", CROWDS)


@each_crowd
def test_reading_an_answer(crowd: str) -> None:
    """Both dialects' decoders, and what the call does around them."""

    def read(size: int) -> Callable[[], object]:
        content = stream(crowd, size)
        return lambda: receive("oxen", content, stream=True)

    assert growth(read, SIZE) < TOLERATED


@each_crowd
@pytest.mark.parametrize("blocks", [False, True])
def test_langchain_chunks(crowd: str, blocks: bool) -> None:
    """Each event becomes a chunk by itself."""

    def translate(size: int) -> Callable[[], object]:
        found = events(crowd, size)

        def feed() -> None:
            builder = ChunkBuilder(blocks=blocks)
            for event in found:
                builder.feed(event)

        return feed

    assert growth(translate, SIZE) < TOLERATED


@each_crowd
def test_langchain_typed_events(crowd: str) -> None:
    """Each event becomes typed events by itself."""
    if crowd in LONG_ARGUMENTS and not hasattr(ChatModelStream, "_push_tool_call_chunk"):
        pytest.skip("this version of LangChain wants all of a call's arguments so far in every event")

    def translate(size: int) -> Callable[[], object]:
        found = events(crowd, size)

        def feed() -> None:
            builder = EventBuilder("id")
            for event in found:
                list(builder.feed(event))
            list(builder.end())

        return feed

    assert growth(translate, SIZE) < TOLERATED


@each_crowd
def test_a_langchain_message_and_back(crowd: str) -> None:
    """The whole answer as a message, its blocks, and the message as the history of the next request."""

    def translate(size: int) -> Callable[[], object]:
        response = finished(crowd, size)

        def there_and_back() -> None:
            message: Any = to_langchain(response, blocks=True).generations[0].message
            assert message.content_blocks is not None
            assistant_parts(message)

        return there_and_back

    assert growth(translate, SIZE) < TOLERATED


@each_crowd
def test_a_llama_index_message_and_back(crowd: str) -> None:
    """The whole answer as a message, and the message as the history of the next request."""

    def translate(size: int) -> Callable[[], object]:
        response = finished(crowd, size)
        return lambda: to_core([to_llama_index(response).message])

    assert growth(translate, SIZE) < TOLERATED


@each_crowd
def test_llama_index_snapshots(crowd: str) -> None:
    """Each shows a bounded number of blocks; only their texts grow."""

    def translate(size: int) -> Callable[[], object]:
        found = events(crowd, size)

        def feed() -> None:
            snapshots = Snapshots()
            for event in found:
                snapshots.feed(event)

        return feed

    assert growth(translate, SIZE) < TOLERATED
