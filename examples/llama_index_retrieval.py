"""Retrieval with LlamaIndex: this project's own documents as sources, and an agent that looks things up in them.

Run it as it is and it talks to the sandbox, a stand-in for the providers on this machine. Set a provider's key (see
the README) and the same file talks to that provider.

The embedding is real and local: WordLlama, a table of what 32,000 pieces of words mean, 16 MB inside of its package.
Nothing is downloaded when this runs. `make demo` installs it; elsewhere:

    pip install "wordllama==0.2.2.post0"
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCall, ToolCallResult
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.ingestion import run_transformations
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter
from llama_index.core.schema import BaseNode, NodeWithScore
from llama_index.core.tools import QueryEngineTool
from pydantic import PrivateAttr
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from gemini_multi import ConfigurationError
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti

MODEL = "gemini-2.5-flash-lite"
ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = (
    "What happens when a stream breaks after its first content?",
    "Where do thought signatures go when another provider answers?",
    "What does the second law of thermodynamics say about entropy?",
)


class WordLlamaEmbedding(BaseEmbedding):
    """Texts as vectors of their meaning: the mean of what WordLlama's table says of the pieces of their words.

    Such a table knows synonyms, but not the order of words. Any embedding of LlamaIndex can take its place.
    """

    _table: np.ndarray = PrivateAttr()
    _tokenizer: Tokenizer = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Read the table and the tokenizer from where pip put them."""
        super().model_post_init(context)
        spec = find_spec("wordllama")  # its files are read, its code is not needed
        if spec is None or spec.origin is None:
            raise SystemExit('This example needs an embedding: pip install "wordllama==0.2.2.post0"')
        folder = Path(spec.origin).parent
        weights = load_file(folder / "weights" / "l2_supercat_256.safetensors")
        self._table = weights["embedding.weight"].astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def _embed(self, text: str) -> list[float]:
        pieces = self._tokenizer.encode(text, add_special_tokens=False).ids
        vector = self._table[pieces].sum(axis=0)
        length = float(np.linalg.norm(vector))
        return (vector / length if length else vector).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._embed(query)


def documents() -> Iterator[Document]:
    """Read the project's documents, and the answers that the providers' own documents show."""
    for path in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]):
        yield Document(text=prose(path), metadata={"source": str(path.relative_to(ROOT))})
    for path in sorted((ROOT / "gemini_multi" / "sandbox" / "recordings").glob("*.answer.json")):
        if text := recorded_text(json.loads(path.read_text(encoding="utf-8"))):
            yield Document(text=text, metadata={"source": path.name.removesuffix(".answer.json")})


def prose(path: Path) -> str:
    """Return a document without its tables: rows of figures look like everything and answer nothing."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("|"))


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


def main() -> None:
    """Ask the documents, in one piece and streamed, and let an agent ask them."""
    with llm_on_a_provider() as llm:
        nodes = passages()
        index = build_index(nodes, WordLlamaEmbedding(model_name="WordLlama, 256 dimensions"))
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
def llm_on_a_provider() -> Iterator[GeminiMulti]:
    """Make a model of the providers that have a key, or of all three on the sandbox when none has."""
    if has_key():
        yield GeminiMulti(model=MODEL)
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        print("It reads no documents but quotes what it was sent. What was found, and the requests, are real.")
        yield GeminiMulti(model=MODEL)


def has_key() -> bool:
    """Tell whether a provider's key is in the environment."""
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
