"""A whole batch: its settings, and its run on this machine."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from gemini_multi import structured
from gemini_multi._batch.cluster import Cluster, connected
from gemini_multi._batch.intake import Intake
from gemini_multi._batch.report import BatchReport, OnProgress
from gemini_multi._batch.requests import NO_IMAGES, Images, RequestMaker, Template
from gemini_multi._batch.results import Results, ResultsNotWritten
from gemini_multi._batch.rows import Row
from gemini_multi._batch.runner import Runner
from gemini_multi._batch.sources import SourceArgument, open_source
from gemini_multi._batch.tasks import ChatTask, FunctionTask, Task
from gemini_multi.client import AsyncClient, Client
from gemini_multi.errors import ConfigurationError
from gemini_multi.types import ChatRequest, JsonObject, ResponseFormat

RowFunction: TypeAlias = Callable[[dict[str, Any]], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """The settings of a batch. See `gemini_multi.batch.run_batch` for each setting."""

    source: SourceArgument
    output: Path
    model: str | None = None
    function: RowFunction | None = None
    client: Client | AsyncClient | None = None
    prompt: str | None = None
    system: str | None = None
    schema: object = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    images: Images = NO_IMAGES
    id_column: str = "id"
    concurrency: int = 16
    resume: bool = False
    dask: object = None
    on_progress: OnProgress | None = None

    def __post_init__(self) -> None:
        if (self.model is None) == (self.function is None):
            raise ConfigurationError("A batch needs a `model` to ask, or a `function` to await: one of the two.")
        if self.concurrency < 1:
            raise ConfigurationError(f"`concurrency` must be at least 1, not {self.concurrency!r}.")
        if isinstance(self.source, str | Path) and self._is_written(Path(self.source)):
            raise ConfigurationError(f"{self.source} is written by this batch: rename it to use it as the input.")

    def _is_written(self, path: Path) -> bool:
        written = (self.output, self.output.with_suffix(".failures.jsonl"), self.output.with_suffix(".rejected.jsonl"))
        return path.resolve() in {path.resolve() for path in written}

    def maker(self) -> RequestMaker:
        """Make the object that converts rows to requests."""
        return RequestMaker(
            base=self._base_request(),
            template=None if self.prompt is None else Template(self.prompt),
            system=self.system,
            images=self.images,
        )

    def json_schema(self) -> JsonObject | None:
        """Return the JSON Schema of structured answers."""
        return None if self.schema is None else structured.schema_of(self.schema)

    def _base_request(self) -> ChatRequest:
        schema = self.json_schema()
        settings: dict[str, Any] = {} if schema is None else {"response_format": ResponseFormat(schema)}
        settings |= self.settings
        try:
            return ChatRequest(model=self.model or "", messages=(), **settings)
        except TypeError as error:
            raise ConfigurationError(f"`settings` must be fields of `ChatRequest`: {error}.") from error

    def task(self) -> Task[Any]:
        """Make the task that answers rows."""
        if self.function is not None:
            return FunctionTask(self.function)
        client = AsyncClient() if self.client is None else _for_async(self.client)
        return ChatTask(client, self.maker(), self.json_schema())


def _for_async(client: Client | AsyncClient) -> AsyncClient:
    return client.for_async() if isinstance(client, Client) else client


async def run_job(job: BatchJob, *, grace: float) -> BatchReport:
    """Run a batch in this process, or on a cluster."""
    started = time.monotonic()
    source, task = open_source(job.source), job.task()
    with Results(job.output, resume=job.resume) as results:
        report = BatchReport(total=source.count(), torn_bytes=results.torn_bytes)
        rows = Intake(source, task, results, report, job.id_column).rows()
        try:
            await _run(job, rows, task, results, report, grace)
        except ResultsNotWritten as error:  # the first error; all running calls have ended
            raise ResultsNotWritten(error.message, tuple(results.unwritten)) from error
        finally:
            report.seconds = time.monotonic() - started
            if job.client is None:
                await task.aclose()
    return report


async def _run(
    job: BatchJob, rows: Iterator[Row], task: Task[Any], results: Results, report: BatchReport, grace: float
) -> None:
    if job.dask is None:
        await Runner(rows, task, results, report, job.on_progress).run(job.concurrency, grace=grace)
        return
    if job.client is not None and not job.client.limits_are_shared:
        raise ConfigurationError("Limits and a budget over several workers need `storage`, the URL of a Redis server.")
    async with connected(job.dask) as cluster:
        await Cluster(cluster, rows, task, results, report, job.on_progress).run(job.concurrency, grace=grace)
