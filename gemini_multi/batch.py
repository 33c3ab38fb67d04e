"""Many rows at once: a file of prompts becomes a file of answers, and an interrupted run continues.

    from gemini_multi.batch import run_batch

    report = run_batch("questions.jsonl", "answers.jsonl", model="gemini-2.5-flash", resume=True)

A row has an `id` and a `prompt` or `messages`; a result has the same `id`. See `docs/batch.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from gemini_multi._batch.job import BatchJob, RowFunction, run_job
from gemini_multi._batch.report import BatchReport, OnProgress
from gemini_multi._batch.requests import Images
from gemini_multi._batch.results import ResultsNotWritten
from gemini_multi._batch.sources import SourceArgument
from gemini_multi.client import AsyncClient, Client
from gemini_multi.errors import ConfigurationError

if TYPE_CHECKING:
    from gemini_multi._batch.progress import ProgressBar

__all__ = ["BatchReport", "Images", "ResultsNotWritten", "arun_batch", "run_batch"]

_GRACE: Final = 5.0
"""Seconds that calls under way get to end after Ctrl-C: they are paid for."""


class BatchSettings(TypedDict, total=False):
    """The settings of a batch beside its files; see `run_batch`."""

    model: str | None
    function: RowFunction | None
    client: Client | AsyncClient | None
    prompt: str | None
    system: str | None
    schema: object
    settings: Mapping[str, Any]
    images: Images
    id_column: str
    concurrency: int
    resume: bool
    on_progress: OnProgress | None
    progress: bool
    dask: object


def run_batch(source: SourceArgument, output: str | Path, **settings: Unpack[BatchSettings]) -> BatchReport:
    """Ask all rows, and write each answer as soon as it is there.

    Answers go to `output`, one JSON object per line: `id`, `answer`, `usage`, `cost_usd`, `provider`, `attempts`, and
    `value` with a schema. Rows that got no answer go to `output` with the suffix `.failures.jsonl`, rows that cannot be
    asked to `.rejected.jsonl`, with their line. Ctrl-C waits a few seconds for the calls under way.

    Args:
        source: A file (`.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.parquet`) or an iterable of mappings.
        output: The results file, JSON Lines.
        **settings: `model` is the model to ask, or `function` an asynchronous function that is awaited with each row's
            columns, such as a LangChain runnable's `ainvoke`. `client` is the client that asks, by default one with all
            providers whose key is in the environment. `prompt` is a template with column names in braces, and `system`
            a text that goes before each row. `schema` is what structured answers must fit: their value is in the
            result. `settings` are other fields of `ChatRequest`. `images` says which images rows may name. `id_column`
            is where a row's id is. `concurrency` is how many rows are asked at once. `resume` goes on with a results
            file. `on_progress` is called after every row, and `progress` shows a bar on standard error. `dask` runs the
            rows on a cluster: the address of its scheduler (`tcp://…`) or a `LocalCluster`, with `concurrency` rows at
            once on each worker.

    Raises:
        ConfigurationError: A setting or a file cannot be used, or the results file is of another run.
        ConnectionFailed: The scheduler of the cluster gives no answer.
        ResultsNotWritten: The disk is full. The answers that are in no file are in the error's `unwritten`.
    """
    return asyncio.run(_run(source, output, settings, grace=_GRACE))


async def arun_batch(source: SourceArgument, output: str | Path, **settings: Unpack[BatchSettings]) -> BatchReport:
    """Ask all rows. Arguments and errors are those of `run_batch`; a cancellation ends the calls under way."""
    return await _run(source, output, settings, grace=0.0)


async def _run(source: SourceArgument, output: str | Path, settings: BatchSettings, *, grace: float) -> BatchReport:
    given: dict[str, Any] = dict(settings)
    with ExitStack() as stack:
        if given.pop("progress", False):
            given["on_progress"] = stack.enter_context(_progress_bar())
        return await run_job(BatchJob(source=source, output=Path(output), **given), grace=grace)


def _progress_bar() -> ProgressBar:
    try:
        from gemini_multi._batch.progress import ProgressBar
    except ModuleNotFoundError as error:
        raise ConfigurationError('A progress bar needs rich: pip install "gemini-multi[batch]"') from error
    return ProgressBar()
