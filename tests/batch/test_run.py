"""A batch from its input to its files, over the sandbox."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import BudgetExceeded, Client, ConfigurationError
from gemini_multi.batch import BatchReport, Images, arun_batch, run_batch
from gemini_multi.sandbox import Answer, Sandbox
from gemini_multi.types import Tool

from .conftest import Files

MODEL = "gemini-2.5-flash"


async def echo(row: dict[str, Any]) -> object:
    await asyncio.sleep(0)
    return row["prompt"]


def test_each_row_has_a_result_with_its_id(files: Files, sandbox: Sandbox) -> None:
    """With the answer, its usage and cost, who gave it, and every attempt."""
    report = run_batch(files.prompts(5), files.output, model=MODEL)
    result = next(result for result in files.results() if result["id"] == 3)

    assert files.answered == [0, 1, 2, 3, 4]
    assert "Say 3" in result["answer"]
    assert result["usage"]["input_tokens"] > 0
    assert result["cost_usd"] > 0
    assert result["provider"] == "cloudflare"
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["answered"]
    assert (report.total, report.answered, report.is_complete) == (5, 5, True)
    assert report.cost_usd == pytest.approx(sum(result["cost_usd"] for result in files.results()))


def test_a_failure_is_kept_apart_and_can_be_run_again(files: Files, sandbox: Sandbox) -> None:
    """As an input of its own, and by going on with the run."""
    sandbox.fail("oxen", status=422)
    report = run_batch(
        files.write({"id": "a", "prompt": "Hi", "topic": "x"}), files.output, model=MODEL, client=Client("oxen")
    )
    (failure,) = files.failures
    again = files.folder / "again.jsonl"
    rerun = run_batch(files.output.with_suffix(".failures.jsonl"), again, model=MODEL, client=Client("oxen"))
    resumed = run_batch(files.input, files.output, model=MODEL, client=Client("oxen"), resume=True)

    assert (report.answered, report.failed, report.is_complete) == (0, 1, False)
    assert {**failure, "attempts": len(failure["attempts"])} == {
        "id": "a",
        "prompt": "Hi",
        "topic": "x",
        "line": 1,
        "attempts": 1,
        "error": {"type": "BadRequest", "message": failure["error"]["message"], "is_retryable": False},
    }
    assert (rerun.answered, resumed.answered, files.failures) == (1, 1, [])


@pytest.mark.parametrize(
    ("row", "settings", "bodies"),
    [
        ({"prompt": "Hi"}, {}, [{"role": "user", "content": "Hi"}]),
        (
            {"prompt": "Hi"},
            {"system": "Be brief."},
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        ),
        (
            {"word": "cat", "count": 2},
            {"prompt": "{word} times {count} in {{}}"},
            [{"role": "user", "content": "cat times 2 in {}"}],
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "Hello"},
                    {"role": "user", "content": [{"type": "text", "text": "Again"}]},
                ]
            },
            {},
            [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "Again"},
            ],
        ),
        (
            {
                "messages": [
                    {"role": "user", "name": "Ada", "content": "Add 2."},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"id": "1", "function": {"name": "add", "arguments": '{"a": 2}'}}],
                    },
                    {"role": "tool", "tool_call_id": "1", "content": "4"},
                ]
            },
            {},
            [
                {"role": "user", "name": "Ada", "content": "Add 2."},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a":2}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "1", "name": "add", "content": "4"},
            ],
        ),
        (
            {"prompt": "What?", "images": ["data:image/png;base64,AAAA"]},
            {},
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                        {"type": "text", "text": "What?"},
                    ],
                }
            ],
        ),
    ],
)
def test_a_row_becomes_messages(
    files: Files, sandbox: Sandbox, row: dict[str, Any], settings: dict[str, Any], bodies: list[Any]
) -> None:
    """From a prompt, a template or a conversation."""
    run_batch(files.write({"id": 1, **row}), files.output, model=MODEL, client=Client("oxen"), **settings)
    (request,) = sandbox.requests_to("oxen")

    assert request.body == {"model": "gemini-2-5-flash", "messages": bodies}


def test_images_come_from_a_folder(files: Files, sandbox: Sandbox) -> None:
    """That the caller names; nothing outside of it is read."""
    (files.folder / "pictures").mkdir()
    (files.folder / "pictures" / "dot.png").write_bytes(b"\0\0\0")
    (files.folder / "secret.png").write_bytes(b"\1\1\1")
    source = files.write(
        {"id": 1, "prompt": "What?", "images": "dot.png"},
        {"id": 2, "prompt": "What?", "images": ["../secret.png"]},
        {"id": 3, "prompt": "What?", "images": ["gone.png"]},
        {"id": 4, "prompt": "What?", "images": ["dot"]},
        {"id": 5, "prompt": "What?", "images": ["https://example.org/dot.png"]},
    )
    images = Images(folder=files.folder / "pictures")
    run_batch(source, files.output, model=MODEL, client=Client("oxen"), images=images)
    (request,) = sandbox.requests_to("oxen")

    assert request.body["messages"][0]["content"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert files.rejected == [
        (2, "The image '../secret.png' lies outside the folder of images."),
        (3, "The image 'gone.png' cannot be read: No such file or directory."),
        (4, "The image 'dot' has an unknown format: its suffix says nothing."),
        (5, "The row names the image 'https://example.org/dot.png': allow addresses of images to send it."),
    ]


def test_images_are_not_read_unless_asked_for(files: Files, sandbox: Sandbox) -> None:
    """Rows come from anywhere."""
    run_batch(files.write({"id": 1, "prompt": "What?", "images": ["/etc/passwd"]}), files.output, model=MODEL)

    assert files.rejected == [(1, "The row names the image '/etc/passwd': give the folder of images to read it.")]
    assert sandbox.requests == []


def test_addresses_of_images_are_sent_when_allowed(files: Files, sandbox: Sandbox) -> None:
    """The provider fetches them."""
    row = {"id": 1, "prompt": "What?", "images": "https://example.org/dot.png"}
    run_batch(files.write(row), files.output, model=MODEL, client=Client("oxen"), images=Images(urls=True))
    (request,) = sandbox.requests_to("oxen")

    assert request.body["messages"][0]["content"][0]["image_url"]["url"] == "https://example.org/dot.png"


SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def test_structured_rows_give_values(files: Files, sandbox: Sandbox) -> None:
    """An answer that does not fit is a failure that keeps the answer."""
    sandbox.script("oxen", [Answer(text='{"age": 7}'), Answer(text='{"age": "old"}')])
    run_batch(files.prompts(2), files.output, model=MODEL, client=Client("oxen"), schema=SCHEMA, concurrency=1)
    (result,), (failure,) = files.results(), files.failures

    assert (result["id"], result["value"]) == (0, {"age": 7})
    assert (failure["id"], failure["answer"]) == (1, '{"age": "old"}')
    assert failure["error"]["type"] == "InvalidResponse"
    assert failure["usage"]["output_tokens"] > 0


def test_settings_are_fields_of_the_request(files: Files, sandbox: Sandbox) -> None:
    """The same for every row; calls of tools stay whole in the result."""
    sandbox.script("oxen", [Answer(tool_calls=[("add", {"a": 1})])])
    settings = {"temperature": 0.5, "max_tokens": 900, "tools": (Tool("add"),)}
    run_batch(files.prompts(1), files.output, model=MODEL, client=Client("oxen"), settings=settings)
    (request,), (result,) = sandbox.requests, files.results()

    assert (request.body["temperature"], request.body["max_tokens"]) == (0.5, 900)
    assert result["message"]["parts"][0]["name"] == "add"


def test_a_budget_stops_the_run(files: Files, sandbox: Sandbox) -> None:
    """Rows that were not asked are no failures: going on asks them."""
    client = Client("oxen", max_cost_usd=0.01)
    report = run_batch(files.prompts(500), files.output, model=MODEL, client=client, settings={"max_tokens": 600})
    later = run_batch(
        files.input, files.output, model=MODEL, client=Client("oxen"), settings={"max_tokens": 600}, resume=True
    )

    assert isinstance(report.stopped, BudgetExceeded)
    assert 0 < report.answered < 500
    assert client.totals.cost_usd <= 0.01
    assert (report.failed, later.skipped, later.answered) == (0, report.answered, 500 - report.answered)


def test_calls_wait_while_the_budget_is_only_set_aside(files: Files, sandbox: Sandbox) -> None:
    """Many at once could cost too much at worst, and in truth do not."""
    client = Client("oxen", max_cost_usd=0.02)
    report = run_batch(
        files.prompts(30), files.output, model=MODEL, client=client, settings={"max_tokens": 6000}, concurrency=8
    )

    assert (report.answered, report.stopped) == (30, None)


def test_a_refused_key_stops_the_run(files: Files, sandbox: Sandbox) -> None:
    """All other rows would be refused too."""
    sandbox.fail("oxen", status=401, times=50)
    report = run_batch(files.prompts(50), files.output, model=MODEL, client=Client("oxen"), concurrency=2)

    assert type(report.stopped).__name__ == "AuthenticationFailed"
    assert len(sandbox.requests) <= 4
    assert files.failures == []


async def test_any_function_can_answer(files: Files) -> None:
    """With the columns of the row; what it returns becomes JSON, and what it raises a failure."""

    async def answer(row: dict[str, Any]) -> object:
        if row["prompt"] == "Say 1":
            raise KeyError("lost")
        return {"said": row["prompt"], "path": Path("x")}

    report = await arun_batch(files.prompts(2), files.output, function=answer)

    assert [result["answer"] for result in files.results()] == [{"said": "Say 0", "path": "x"}]
    assert files.failures[0]["error"] == {"type": "KeyError", "message": "'lost'", "is_retryable": False}
    assert (report.answered, report.failed) == (1, 1)


async def test_no_more_rows_than_asked_for_are_under_way(files: Files) -> None:
    """And that many are."""
    now, most = 0, 0

    async def answer(row: dict[str, Any]) -> object:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        return row["id"]

    await arun_batch(({"id": number} for number in range(40)), files.output, function=answer, concurrency=7)

    assert most == 7


async def test_progress_is_told_after_every_row(files: Files) -> None:
    """With what was answered so far."""
    seen: list[int] = []

    def note(report: BatchReport) -> None:
        seen.append(report.answered)

    await arun_batch(files.prompts(3), files.output, function=echo, on_progress=note, concurrency=1)

    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs a `model` to ask, or a `function`"),
        ({"model": MODEL, "function": echo}, "one of the two"),
        ({"model": MODEL, "concurrency": 0}, "`concurrency` must be at least 1"),
        ({"model": MODEL, "prompt": "{"}, "cannot be read"),
        ({"model": MODEL, "prompt": "{a.b}"}, "the name of one column"),
        ({"model": MODEL, "prompt": "{a!r}"}, "the name of one column"),
        ({"model": MODEL, "prompt": "{}"}, "the name of one column"),
        ({"model": MODEL, "settings": {"colour": 1}}, "fields of `ChatRequest`"),
    ],
)
def test_settings_that_make_no_sense_are_told_before_anything_is_asked(
    files: Files, sandbox: Sandbox, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run_batch(files.prompts(1), files.output, **settings)

    assert sandbox.requests == []


def test_the_progress_bar_shows_rate_and_cost(
    files: Files, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, so that standard output stays free."""
    run_batch(files.prompts(3), files.output, model=MODEL, progress=True)
    shown = capsys.readouterr()

    assert shown.out == ""
    assert "3/3" in shown.err
    assert "rows/s" in shown.err
    assert "$0.0" in shown.err


def test_a_langchain_runnable_runs_as_a_batch(files: Files, sandbox: Sandbox) -> None:
    """Its `ainvoke` is the function."""
    prompts = pytest.importorskip("langchain_core.prompts")
    models = pytest.importorskip("langchain_gemini_multi")
    chain = prompts.ChatPromptTemplate.from_template("{prompt}") | models.ChatGeminiMulti(model=MODEL)
    run_batch(files.prompts(2), files.output, function=chain.ainvoke)
    resumed = run_batch(files.input, files.output, function=chain.ainvoke, resume=True)

    assert all("Say" in json.dumps(result["answer"]["content"]) for result in files.results())
    assert resumed.skipped == 2
