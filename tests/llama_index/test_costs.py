"""What the binding adds to a call and to a chunk, counted."""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core.llms import ChatMessage

from llama_index_gemini_multi import GeminiMulti
from tests.meter import PROVIDER, cost_of, http_client, per_chunk


def model(chunks: int | None = None) -> GeminiMulti:
    return GeminiMulti(model="gemini-2.5-flash-lite", providers=PROVIDER, http_client=http_client(chunks))


def asking() -> Callable[[], object]:
    asked = model()
    return lambda: asked.chat([ChatMessage(content="Hello")])


def streaming(chunks: int) -> Callable[[], object]:
    asked = model(chunks)
    return lambda: sum(1 for _ in asked.stream_chat([ChatMessage(content="Hello")]))


def test_chat_costs_few_calls() -> None:
    """Ours, not LlamaIndex's own."""
    assert cost_of(asking()).calls <= 460


def test_a_chunk_costs_few_calls_in_streams_of_any_length() -> None:
    """Nothing that is done per chunk grows with the answer, but for the text that each snapshot holds."""
    short, long = per_chunk(streaming)

    assert short <= 58
    assert long == short


def test_json_is_read_once() -> None:
    """The binding reads and writes none of its own."""
    assert dict(cost_of(asking()).json) == {"to_json": 1, "from_json": 1}
    assert cost_of(streaming(500)).json["from_json"] == 501
