"""One batch in a process of its own: `python -m benchmarks.batch_subjects SUBJECT PORT ROWS CONCURRENCY FOLDER`.

It prints the seconds and how many rows have an answer, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from .answers import MODEL


def prompts(rows: int) -> Iterator[dict[str, Any]]:
    return ({"id": number, "prompt": f"Summarize the text number {number} in one sentence."} for number in range(rows))


def ours(port: int, rows: int, concurrency: int, folder: Path, workers: int = 0) -> int:
    from gemini_multi import AIMLAPI, Client, Cloudflare, Oxen
    from gemini_multi.batch import run_batch

    url = f"http://127.0.0.1:{port}/text"
    cloudflare = Cloudflare("account", "key", api="chat_completions", base_url=url)
    client = Client([cloudflare, AIMLAPI("key", base_url=url), Oxen("key", base_url=url)], strategy="round_robin")
    settings: dict[str, Any] = {"model": MODEL, "client": client, "concurrency": concurrency}
    if not workers:
        return run_batch(prompts(rows), folder / "out.jsonl", **settings).answered
    from distributed import LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        settings |= {"dask": cluster, "concurrency": concurrency // workers}
        return run_batch(prompts(rows), folder / "out.jsonl", **settings).answered


def chat_openai(port: int, rows: int, concurrency: int, _folder: Path) -> int:
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model=MODEL, base_url=f"http://127.0.0.1:{port}/text/v1", api_key="key", max_retries=6)
    texts = [row["prompt"] for row in prompts(rows)]
    config = {"max_concurrency": concurrency}
    answers = asyncio.run(model.abatch(texts, config, return_exceptions=True))
    return sum(not isinstance(answer, BaseException) for answer in answers)


def litellm(port: int, rows: int, concurrency: int, _folder: Path) -> int:
    from litellm import batch_completion

    answers = batch_completion(
        model=f"openai/{MODEL}",
        messages=[[{"role": "user", "content": row["prompt"]}] for row in prompts(rows)],
        max_workers=concurrency,
        num_retries=6,
        api_base=f"http://127.0.0.1:{port}/text/v1",
        api_key="key",
    )
    return sum(not isinstance(answer, BaseException) for answer in answers)


SUBJECTS: Final[dict[str, Callable[..., int]]] = {
    "gemini-multi": ours,
    "gemini-multi, 2 workers": lambda *given: ours(*given, workers=2),
    "gemini-multi, 4 workers": lambda *given: ours(*given, workers=4),
    "ChatOpenAI.abatch": chat_openai,
    "litellm.batch_completion": litellm,
}
"""What is measured, by name."""


def main(subject: str, port: str, rows: str, concurrency: str, folder: str) -> None:
    began = time.perf_counter()
    answered = SUBJECTS[subject](int(port), int(rows), int(concurrency), Path(folder))
    print(json.dumps({"seconds": time.perf_counter() - began, "answered": answered}))


if __name__ == "__main__":
    main(*sys.argv[1:])
