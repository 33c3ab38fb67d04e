"""The retrieval example finds what it should, whatever a model makes of it."""

from __future__ import annotations

import re
import runpy
import socket
from pathlib import Path
from typing import Any

import pytest

from gemini_multi.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "llama_index_retrieval.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The example's names, without running it."""
    return runpy.run_path(str(EXAMPLE), run_name="example")


@pytest.fixture(scope="module")
def embedding(example: dict[str, Any]) -> Any:
    """The example's embedding, loaded without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refuse)
        return example["WordLlamaEmbedding"]()


def _refuse(*_: Any) -> None:
    raise AssertionError("a connection was made")


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("What happens when a stream breaks after its first content?", "docs/reliability.md"),
        ("Where do thought signatures go when another provider answers?", "docs/thinking.md"),
        ("What does the second law of thermodynamics say about entropy?", "thermodynamics"),
        ("How does heat flow between warm and cold bodies?", "thermodynamics"),
        ("How do I read a JSON file in Python?", "read_json_file"),
        ("A driving holiday by the sea", "road_trip"),
    ],
)
def test_right_document_comes_first(question: str, source: str, example: dict[str, Any], embedding: Any) -> None:
    """By what a question means: a holiday by the sea is a trip along the coast."""
    index = example["build_index"](example["passages"](), embedding)
    found = index.as_retriever(similarity_top_k=3).retrieve(question)
    assert source in found[0].node.metadata["source"]
    assert found[0].score >= found[1].score > 0


@pytest.mark.usefixtures("thread_loop")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sources_are_shown(example: dict[str, Any], sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every answer, with how well they fit; an answer is streamed, and the agent tells what its tool found."""
    example["main"]()
    asked, streamed, searched = re.split(r"== (?:Streamed|An agent that looks things up)\n", capsys.readouterr().out)
    for answer in asked.split("\n-- ")[1:]:
        assert len(re.findall(r"^   \[0\.\d\d\] \S+: ", answer, re.MULTILINE)) == 4
    (pieces,) = re.findall(r"(\d+) pieces: ", streamed)
    assert int(pieces) > 1
    assert len(re.findall(r"^   calls search_docs\(", searched, re.MULTILINE)) == 2
    assert len(re.findall(r"^   found docs/\S+: ", searched, re.MULTILINE)) >= 1
    assert "source: docs/reliability.md" in str([request.body for request in sandbox.requests])


def test_vectors_have_the_length_one(embedding: Any) -> None:
    """Questions and texts alike, and the same every time; an empty text has no direction."""
    vector = embedding.get_text_embedding("cats and dogs")
    assert vector == embedding.get_query_embedding("cats and dogs")
    assert sum(value * value for value in vector) == pytest.approx(1)
    assert embedding.get_text_embedding("") == [0.0] * 256


def test_related_words_are_close(embedding: Any) -> None:
    """The table knows meanings, not only letters."""
    coast, beach, invoice = (embedding.get_text_embedding(word) for word in ("coast", "beach", "invoice"))
    assert embedding.similarity(coast, beach) > embedding.similarity(coast, invoice) + 0.2
