"""`gemini-multi batch`: answers a file of prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from gemini_multi.batch import BatchReport, Images, ResultsNotWritten, run_batch
from gemini_multi.cli.console import CHEAPEST, ModelOption, ProvidersOption, show_status
from gemini_multi.client import Client
from gemini_multi.errors import ConfigurationError, ConnectionFailed, StorageUnavailable
from gemini_multi.rate_limits import RateLimit, SharedStorage

INCOMPLETE: Final = 1
STOPPED: Final = 3
UNREACHABLE: Final = 4
NOT_WRITTEN: Final = 5


def batch(
    *,
    source: Annotated[Path, typer.Argument(help="Rows: .jsonl, .ndjson, .csv, .tsv or .parquet.")],
    output: Annotated[Path, typer.Argument(help="Where answers are appended, as JSON Lines.")],
    model: ModelOption = CHEAPEST,
    provider: ProvidersOption = None,
    prompt: Annotated[str | None, typer.Option(help="A template such as 'Translate {text}', with columns.")] = None,
    system: Annotated[str | None, typer.Option(help="Instructions that go before each row.")] = None,
    schema: Annotated[Path | None, typer.Option(help="A file with the JSON Schema that answers must fit.")] = None,
    temperature: Annotated[float | None, typer.Option(help="How free the answers are.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens to generate per row.")] = None,
    id_column: Annotated[str, typer.Option(help="Where a row's id is.")] = "id",
    image_folder: Annotated[Path | None, typer.Option(help="Let rows name images in this folder.")] = None,
    image_urls: Annotated[bool, typer.Option("--image-urls", help="Let rows name addresses of images.")] = False,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", help="Rows that are asked at once.")] = 16,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the output: skip rows with an answer.")] = False,
    max_cost_usd: Annotated[float | None, typer.Option(help="The most to spend.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Per provider.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(help="Per provider.")] = None,
    storage: Annotated[
        str | None,
        typer.Option(envvar="GEMINI_MULTI_STORAGE", help="Redis URL through which processes share limits and budget."),
    ] = None,
    budget: Annotated[str, typer.Option(help="The shared budget's name.")] = "default",
    dask: Annotated[str | None, typer.Option(help="The address of a Dask scheduler, tcp://…, to run on.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Ask a model about every row of a file; --resume continues an interrupted run.

    Answers are appended to OUTPUT as they come. Rows without an answer go to OUTPUT's name with .failures.jsonl, rows
    that cannot be asked to .rejected.jsonl. Exit codes: 0 every row has an answer, 1 some have none, 2 the arguments or
    files cannot be used, 3 stopped with rows left (budget spent, key refused), 4 the storage or the scheduler
    cannot be reached, 5 the results cannot be written, 130 interrupted.
    """
    limits = _limits(requests_per_minute, tokens_per_minute)
    shared = None if storage is None else SharedStorage(storage, budget=budget)
    client = Client(provider, max_cost_usd=max_cost_usd, rate_limits=limits, storage=shared)
    sampling = {"temperature": temperature, "max_tokens": max_tokens}
    report = _report(
        source,
        output,
        model=model,
        client=client,
        prompt=prompt,
        system=system,
        schema=None if schema is None else _schema(schema),
        settings={name: value for name, value in sampling.items() if value is not None},
        id_column=id_column,
        images=Images(folder=image_folder, urls=image_urls),
        concurrency=concurrency,
        resume=resume,
        progress=not quiet,
        dask=dask,
    )
    _show(report, output)


def _report(source: Path, output: Path, **settings: Any) -> BatchReport:
    """Run the batch. Answers that cannot be written to the disk go to standard output."""
    try:
        return run_batch(source, output, **settings)
    except KeyboardInterrupt:
        show_status(f"Interrupted. {output} has what was answered; go on with --resume.")
        raise
    except ConnectionFailed as error:
        show_status(f"Error: {error.message}")
        raise typer.Exit(UNREACHABLE) from error
    except ResultsNotWritten as error:
        show_status(f"Error: {error.message} What is in no file follows on standard output.")
        for record in error.unwritten:
            typer.echo(json.dumps(record))
        raise typer.Exit(NOT_WRITTEN) from error


def _limits(requests: int | None, tokens: int | None) -> dict[str, RateLimit] | None:
    if requests is None and tokens is None:
        return None
    return {"*": RateLimit(requests_per_minute=requests, tokens_per_minute=tokens)}


def _schema(path: Path) -> dict[str, Any]:
    try:
        schema = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The schema {path} cannot be read: {error}.") from error
    if not isinstance(schema, dict):
        raise ConfigurationError(f"The schema {path} must be a JSON object.")
    return cast("dict[str, Any]", schema)


def _show(report: BatchReport, output: Path) -> None:
    counted = {
        "answered": report.answered,
        "answered before": report.skipped,
        "failed": report.failed,
        "cannot be asked": report.broken,
        "duplicates": report.duplicates,
    }
    rows = ", ".join(f"{count} {what}" for what, count in counted.items() if count) or "no rows"
    rate = f", {report.answered / report.seconds:.1f} rows/s" if report.seconds else ""
    show_status(f"{output}: {rows}; {report.cost_usd:.4f} USD, {report.seconds:.1f} s{rate}")
    if report.failed:
        show_status(f"Rows without an answer, with the reasons: {output.with_suffix('.failures.jsonl')}")
    if report.broken or report.duplicates:
        show_status(f"Rows that cannot be asked, with the reasons: {output.with_suffix('.rejected.jsonl')}")
    if report.stopped is not None:
        show_status(f"Stopped with rows left: {report.stopped} Go on with --resume.")
        raise typer.Exit(UNREACHABLE if isinstance(report.stopped, StorageUnavailable) else STOPPED)
    if not report.is_complete:
        raise typer.Exit(INCOMPLETE)
