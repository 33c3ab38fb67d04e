"""The retrieval example finds what it should, whatever a model makes of it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "llama_index_retrieval.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The example's names, without running it."""
    return runpy.run_path(str(EXAMPLE), run_name="example")


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("What happens when a stream breaks after its first content?", "README.md"),
        ("Who registers a client as an asynchronous generator of its loop?", "docs/architecture.md"),
        ("What does the second law of thermodynamics say about entropy?", "thermodynamics"),
        ("How do I read a JSON file in Python?", "read_json_file"),
        ("Write about a road trip along the coast", "road_trip"),
    ],
)
def test_right_document_comes_first(question: str, source: str, example: dict[str, Any]) -> None:
    """The passage with the question's rarer words."""
    found = example["build_index"]().as_retriever(similarity_top_k=3).retrieve(question)
    assert source in found[0].node.metadata["source"]
    assert found[0].score >= found[1].score > 0


def test_embedding_is_the_same_every_time(example: dict[str, Any]) -> None:
    """In this process and in any other; an empty text has no direction."""
    embedding = example["WordEmbedding"](size=8)
    embedding.learn(["a cat", "a dog"])
    vector = embedding.get_text_embedding("cats and dogs")
    assert vector == embedding.get_query_embedding("Cats and dogs!")
    assert sum(value * value for value in vector) == pytest.approx(1)
    assert embedding.get_text_embedding("") == [0.0] * 8
