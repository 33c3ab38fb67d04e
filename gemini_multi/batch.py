"""Many rows at once: a file of prompts becomes a file of answers, and an interrupted run can continue.

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
"""Seconds after Ctrl-C in which running calls can end, because they are paid for."""


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
    """Send a request for every row, and write each answer when it arrives.

    Answers are written to `output`, one JSON object per line: `id`, `answer`, `usage`, `cost_usd`, `provider`,
    `attempts`, and `value` with a schema. Rows without an answer are written to `output` with the suffix
    `.failures.jsonl`, invalid rows to `.rejected.jsonl`, with their line. Ctrl-C waits a few seconds for running calls.

    Args:
        source: A file (`.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.parquet`) or an iterable of mappings.
        output: The results file, JSON Lines.
        **settings: `model` is the model, or `function` is an asynchronous function that is awaited with each row's
            columns, such as a LangChain runnable's `ainvoke`. `client` is the client, by default one with all providers
            whose key is in the environment. `prompt` is a template with column names in braces, and `system` is a text
            before each row. `schema` is the schema of structured answers: their value is in the result. `settings` are
            other fields of `ChatRequest`. `images` defines which images rows may name. `id_column` is the column of a
            row's id. `concurrency` is the number of rows at once. `resume` continues a results file. `on_progress` is
            called after every row, and `progress` shows a bar on standard error. `dask` runs the rows on a cluster: the
            address of its scheduler (`tcp://…`) or a `LocalCluster`, with `concurrency` rows at once on each worker.

    Raises:
        ConfigurationError: A setting or a file cannot be used, or the results file belongs to another run.
        ConnectionFailed: The scheduler of the cluster does not answer.
        ResultsNotWritten: The disk is full. The error's `unwritten` holds the answers that are in no file.
    """
    return asyncio.run(_run(source, output, settings, grace=_GRACE))


async def arun_batch(source: SourceArgument, output: str | Path, **settings: Unpack[BatchSettings]) -> BatchReport:
    """Do the same as `run_batch`, with the same arguments and errors. A cancellation ends the running calls."""
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
