"""Ask a model about every row of a Ray data set: `pip install "gemini-multi[redis]" "ray[data]"`, then run it.

Each actor holds one client. Without Redis every actor has limits of its own; with `storage` they share them.
Without a key in the environment the example talks to a local stand-in for the three providers.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import ray

from gemini_multi import AsyncClient, ChatRequest, GeminiMultiError, Message
from gemini_multi.sandbox import Sandbox

MODEL = "gemini-2.5-flash-lite"
KEYS = ("CLOUDFLARE_API_TOKEN", "AIMLAPI_API_KEY", "OXEN_API_KEY")


class Answers:
    """Answers a block of rows at once; Ray makes one of these per actor."""

    def __init__(self, environment: dict[str, str]) -> None:
        os.environ.update(environment)
        limits = {"*": {"requests_per_minute": 600}}
        self._client = AsyncClient(rate_limits=limits, storage=os.environ.get("GEMINI_MULTI_STORAGE"))

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Answer a block: a column for each name."""
        return {**rows, "answer": asyncio.run(self._answers(rows["prompt"]))}

    async def _answers(self, prompts: list[str]) -> list[str]:
        return await asyncio.gather(*(self._answer(str(prompt)) for prompt in prompts))

    async def _answer(self, prompt: str) -> str:
        try:
            response = await self._client.chat(ChatRequest(model=MODEL, messages=(Message.user(prompt),)))
        except GeminiMultiError as error:
            return f"{type(error).__name__}: {error}"
        return response.text


def main() -> None:
    sandbox = None if any(os.environ.get(name) for name in KEYS) else Sandbox().start()
    environment = {} if sandbox is None else sandbox.environment()
    try:
        rows = ray.data.from_items([{"id": number, "prompt": f"Say {number}"} for number in range(200)])
        answers = rows.map_batches(Answers, fn_constructor_args=[environment], batch_size=32, concurrency=2)
        answered = answers.materialize()  # else each look at the answers would ask for them again
        for row in answered.take(3):
            print(row)
        print(answered.count(), "rows")
    finally:
        if sandbox is not None:
            sandbox.stop()


if __name__ == "__main__":
    main()
