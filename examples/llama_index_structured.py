"""Structured answers with LlamaIndex: objects from prompts, from documents and from engines, whole and as they grow.

Run it as it is and it talks to the sandbox, a stand-in for the providers on this machine. Set a provider's key (see
the README) and the same file talks to that provider.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from llama_index.core import Document, PromptTemplate, SummaryIndex
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel, Field

from gemini_multi import ConfigurationError
from gemini_multi.providers import resolve
from gemini_multi.sandbox import Sandbox
from llama_index_gemini_multi import GeminiMulti, InvalidStructuredOutput

MODEL = "gemini-2.5-flash-lite"
PROMPT = PromptTemplate("Describe the city of {city}, with two of its sights.")
MINUTES = "Ada asked for a faster index. Grace will measure it until Friday and write the numbers down."


class Sight(BaseModel):
    """Something to see."""

    name: str
    built: int | None = Field(default=None, description="The year in which it was built, if known")


class City(BaseModel):
    """A city."""

    name: str = Field(description="The city's name")
    country: str = Field(description="The country it is in")
    sights: list[Sight] = Field(min_length=1)


class Task(BaseModel):
    """What somebody has to do."""

    who: str
    what: str


def main() -> None:
    """Ask every provider that can be asked, in five ways."""
    with usable_providers() as providers:
        for provider in providers:
            llm = GeminiMulti(model=MODEL, providers=provider)
            print(f"\n== {provider}")
            print(f"-- Whole\n   {llm.structured_predict(City, PROMPT, city='Lisbon')!r}")
            grow(llm)
            extract(llm)
            print(f"-- With await\n   {asyncio.run(llm.astructured_predict(City, PROMPT, city='Porto'))!r}")
            cut_short(llm)


@contextmanager
def usable_providers() -> Iterator[list[str]]:
    """Give the providers that have a key, or all three on the sandbox when none has."""
    try:
        with_key = [provider.name for provider in resolve(None)]
    except ConfigurationError:
        with_key = []
    if with_key:
        yield with_key
        return
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        print("No key is set: this runs on the sandbox, which has no model: its answers repeat what they were asked.")
        print("It fills a schema from the words of the question. That the answers fit the classes is real.")
        yield ["cloudflare", "aimlapi", "oxen"]


def grow(llm: GeminiMulti) -> None:
    """Print an object as it grows field by field."""
    print("-- As it grows")
    for partial in llm.stream_structured_predict(City, PROMPT, city="Lisbon"):
        print(f"   {partial!r}")


def extract(llm: GeminiMulti) -> None:
    """Get records out of text: by a chat, and by a query engine over documents."""
    answer = llm.as_structured_llm(Task).chat([ChatMessage(content=f"Extract the task: {MINUTES}")])
    print(f"-- From a chat\n   {answer.raw!r}")
    engine = SummaryIndex.from_documents([Document(text=MINUTES)]).as_query_engine(llm=llm, output_cls=Task)
    print(f"-- From documents\n   {engine.query('Who has to do what?').response!r}")


def cut_short(llm: GeminiMulti) -> None:
    """Show the error for an answer that cannot be read: it holds the text and the reason."""
    try:
        llm.structured_predict(City, PROMPT, {"max_tokens": 5}, city="Lisbon")
    except InvalidStructuredOutput as error:
        print(f"-- With room for five tokens\n   {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
