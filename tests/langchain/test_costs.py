"""What the binding adds to a call and to a chunk, counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from langchain_gemini_multi import ChatGeminiMulti
from tests.meter import PROVIDER, cost_of, http_client, per_chunk


def model(chunks: int | None = None) -> ChatGeminiMulti:
    return ChatGeminiMulti(model="gemini-2.5-flash-lite", providers=PROVIDER, http_client=http_client(chunks))


def asking() -> Callable[[], object]:
    asked = model()
    return lambda: asked.invoke("Hello")


def streaming(chunks: int) -> Callable[[], object]:
    asked = model(chunks)
    return lambda: sum(1 for _ in asked.stream("Hello"))


def typed(chunks: int) -> Callable[[], object]:
    asked = model(chunks)
    return lambda: sum(1 for _ in asked.stream_events("Hello", version="v3"))


def test_invoke_costs_few_calls() -> None:
    """Ours, not LangChain's own; a few of them look at what the run tells the call."""
    assert cost_of(asking()).calls <= 373


@pytest.mark.parametrize(("stream", "bound"), [(streaming, 36), (typed, 37)])
def test_a_chunk_costs_few_calls_in_streams_of_any_length(
    stream: Callable[[int], Callable[[], object]], bound: int
) -> None:
    """Nothing that is done per chunk grows with the answer."""
    short, long = per_chunk(stream)

    assert short <= bound
    assert long == short


def test_json_is_read_once() -> None:
    """The binding reads and writes none of its own."""
    assert dict(cost_of(asking()).json) == {"to_json": 1, "from_json": 1}
    assert cost_of(streaming(500)).json["from_json"] == 501


def test_chunks_of_text_share_nothing_that_a_caller_could_change() -> None:
    """They are copies of one chunk, also in versions of LangChain whose messages have more fields."""
    first, second, *_ = model(3).stream("Hello")

    shared = [name for name, value in vars(first).items() if value is getattr(second, name) and _can_change(value)]

    assert shared == []


def _can_change(value: object) -> bool:
    return value is not None and type(value).__hash__ is None
