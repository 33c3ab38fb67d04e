"""Whatever the core makes of an answer, both bindings can show, merge, write down and send back."""

from __future__ import annotations

import contextlib
import json
from functools import reduce
from operator import add
from typing import Any

from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatResponse

from gemini_multi import Finished
from langchain_gemini_multi._messages import assistant_parts
from langchain_gemini_multi._results import to_result as to_langchain
from langchain_gemini_multi._streams import ChunkBuilder, EventBuilder
from llama_index_gemini_multi._messages import to_core, tool_selections
from llama_index_gemini_multi._results import Snapshots
from llama_index_gemini_multi._results import to_result as to_llama_index
from llama_index_gemini_multi.base import to_completion
from llama_index_gemini_multi.errors import InvalidToolCall

from .drive import Ending


def check_langchain(ending: Ending) -> None:
    """Chunks, typed events, the whole message, and the message as history."""
    for blocks in (False, True):
        builder = ChunkBuilder(blocks=blocks)
        chunks = [chunk.message for event in ending.events if (chunk := builder.feed(event)) is not None]
        if chunks:
            check_message(reduce(add, chunks))
    typed = EventBuilder("id")
    pieces = [one for event in ending.events for one in typed.feed(event)]
    for one in (*pieces, *typed.end()):
        json.dumps(one)
    if isinstance(last := ending.events[-1] if ending.events else None, Finished):
        for generation in to_langchain(last.response, blocks=True).generations:
            check_message(generation.message)


def check_message(message: Any) -> None:
    assert isinstance(message, AIMessage)
    assert isinstance(message.content_blocks, list)
    assistant_parts(type(message).model_validate_json(message.model_dump_json()))
    assistant_parts(message)


def check_llama_index(ending: Ending) -> None:
    """Snapshots, the whole response, its completion, and its message as history."""
    snapshots = Snapshots()
    for event in ending.events:
        if (chunk := snapshots.feed(event)) is not None:
            check_response(chunk)
    if isinstance(last := ending.events[-1] if ending.events else None, Finished):
        check_response(to_llama_index(last.response))


def check_response(response: ChatResponse) -> None:
    assert isinstance(to_completion(response).text, str)
    response.model_dump_json()
    with contextlib.suppress(InvalidToolCall):  # what cannot be read is an error of ours
        tool_selections(response)
    to_core([response.message])
