"""A chain: prompt, model and parser, whole, in pieces, in a batch and without blocking."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti


def main() -> None:
    """Run one chain in four ways."""
    with providers():
        prompt = ChatPromptTemplate.from_messages(
            [("system", "You explain things to a {reader}, in two sentences."), ("user", "What is {thing}?")]
        )
        chain = prompt | ChatGeminiMulti(model="gemini-2.5-flash-lite") | StrOutputParser()

        print("whole:   ", chain.invoke({"reader": "child", "thing": "entropy"}))

        print("streamed:", end=" ")
        for piece in chain.stream({"reader": "physicist", "thing": "entropy"}):
            print(piece, end="|", flush=True)
        print()

        questions = [{"reader": "child", "thing": thing} for thing in ("rain", "wind", "snow")]
        for answer in chain.batch(questions, {"max_concurrency": 2}):
            print("batch:   ", answer)

        print("awaited: ", asyncio.run(chain.ainvoke({"reader": "child", "thing": "fog"})))


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
