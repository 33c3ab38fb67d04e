"""A retrieval chain: passages from a vector store, an answer that cites them, and the passages that it cites.

The embedding is a toy that runs on this machine and knows nothing but words. Put a real one in its place.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti

PASSAGES = [
    Document("The Zeroth Law says that thermal equilibrium is transitive.", metadata={"source": "zeroth.txt"}),
    Document("The First Law says that energy is conserved: heat is energy.", metadata={"source": "first.txt"}),
    Document("The Second Law says that the entropy of a closed system never falls.", metadata={"source": "second.txt"}),
    Document("The Third Law says that entropy goes to a constant at zero kelvin.", metadata={"source": "third.txt"}),
    Document("Sourdough rises slowly because wild yeast is slow.", metadata={"source": "bread.txt"}),
]
PROMPT = ChatPromptTemplate.from_template(
    "Answer from these passages only, and cite them by their numbers in brackets.\n\n{context}\n\nQuestion: {question}"
)


class WordEmbeddings(Embeddings):
    """Counts words, each in a place that its hash gives it."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed several texts."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Embed one text."""
        vector = [0.0] * 512
        for word in re.findall(r"\w{4,}", text.lower()):
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % len(vector)] += 1.0
        length = math.hypot(*vector) or 1.0
        return [number / length for number in vector]


def main() -> None:
    """Ask a question, and show what the answer rests on."""
    with providers():
        store = InMemoryVectorStore.from_documents(PASSAGES, WordEmbeddings())
        answer = PROMPT | ChatGeminiMulti(model="gemini-2.5-flash-lite") | StrOutputParser()
        chain = RunnablePassthrough.assign(passages=lambda asked: store.similarity_search(asked["question"], k=2))
        chain |= RunnablePassthrough.assign(context=lambda asked: numbered(asked["passages"]))
        chain |= RunnablePassthrough.assign(answer=answer)

        result = chain.invoke({"question": "What does the Second Law say about entropy?"})
        print(result["answer"])
        for number in sorted({int(cited) for cited in re.findall(r"\[(\d+)\]", result["answer"])}):
            if number <= len(result["passages"]):
                passage = result["passages"][number - 1]
                print(f"[{number}] {passage.metadata['source']}: {passage.page_content}")


def numbered(passages: list[Document]) -> str:
    """Write passages with numbers to cite them by."""
    return "\n".join(f"[{number}] {passage.page_content}" for number, passage in enumerate(passages, start=1))


@contextmanager
def providers() -> Iterator[None]:
    """Ask the providers that have a key; without any, the sandbox."""
    if any(os.environ.get(name) for name in ("CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY")):
        yield
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        yield


if __name__ == "__main__":
    main()
