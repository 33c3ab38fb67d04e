"""`gemini-multi batch`: what it writes, what it says, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = ("--model", "gemini-2.5-flash", "--provider", "oxen")


@pytest.fixture
def rows(tmp_path):
    """Write an input, and name the output."""

    def write(*records):
        path = tmp_path / "in.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in records))
        return str(path), str(tmp_path / "out.jsonl")

    return write


def prompts(count):
    return [{"id": number, "prompt": f"Say {number}"} for number in range(count)]


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_batch_answers_every_row(command, sandbox, rows):
    """Exit code 0; standard output stays empty, and a bar shows rate and cost."""
    source, output = rows(*prompts(3))
    ended = command("batch", source, output, *MODEL, "--concurrency", "2")

    assert (ended.code, ended.out) == (0, "")
    assert sorted(result["id"] for result in lines(output)) == [0, 1, 2]
    assert "3 answered;" in ended.err
    assert "rows/s" in ended.err


def test_resuming_skips_what_is_done(command, sandbox, rows):
    """And asks nothing."""
    source, output = rows(*prompts(3))
    command("batch", source, output, *MODEL)
    sandbox.clear()
    ended = command("batch", source, output, *MODEL, "--resume", "--quiet")

    assert ended.code == 0
    assert re.fullmatch(rf"{re.escape(output)}: 3 answered before; 0\.0000 USD, [\d.]+ s, 0\.0 rows/s\n", ended.err)
    assert sandbox.requests == []


def test_settings_reach_the_request(command, sandbox, rows, tmp_path):
    """Template, instructions, schema and sampling."""
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"word": {"type": "string"}}}')
    source, output = rows({"id": "a", "word": "cat"})
    asked = ("--prompt", "Translate {word}", "--system", "Be brief.", "--schema", str(schema))
    ended = command("batch", source, output, *MODEL, *asked, "--temperature", "0.5", "--max-tokens", "500")
    (request,) = sandbox.requests

    assert ended.code == 0
    assert [message["content"] for message in request.body["messages"]] == ["Be brief.", "Translate cat"]
    assert (request.body["temperature"], request.body["max_tokens"]) == (0.5, 500)
    assert "word" in json.dumps(request.body["response_format"])
    assert isinstance(lines(output)[0]["value"], dict)


@pytest.mark.parametrize("row", ["{broken", {"id": 0, "prompt": "again"}])
def test_rows_without_an_answer_are_exit_code_1(command, sandbox, rows, row):
    """The others are answered, and the file with the reasons is named."""
    source, output = rows(*prompts(2), row)
    ended = command("batch", source, output, *MODEL)

    assert ended.code == 1
    assert output.replace(".jsonl", ".rejected.jsonl") in ended.err
    assert len(lines(output)) == 2
    assert [entry["line"] for entry in lines(output.replace(".jsonl", ".rejected.jsonl"))] == [3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.jsonl", "out.jsonl"], "cannot be read"),
        (["in.jsonl", "out.jsonl", "--prompt", "{"], "cannot be read"),
        (["in.jsonl", "out.jsonl", "--schema", "gone.json"], "cannot be read"),
        (["in.jsonl", "out.jsonl", "--schema", "in.jsonl"], "The schema"),
        (["in.jsonl", "in.jsonl"], "is written by this batch"),
        (["in.jsonl", "gone/out.jsonl"], "the folder gone is missing"),
        (["in.jsonl", "out.jsonl", "--storage", "http://localhost"], "URL of a Redis server"),
        (["in.jsonl", "out.jsonl", "--concurrency", "0"], "at least 1"),
        (["in.jsonl", "out.jsonl", "--requests-per-minute", "0"], "above 0"),
    ],
)
def test_unusable_arguments_are_exit_code_2(command, sandbox, rows, tmp_path, monkeypatch, arguments, message):
    """In one message, before anything is asked."""
    rows(*prompts(1), "no schema")
    monkeypatch.chdir(tmp_path)
    ended = command("batch", *arguments, *MODEL, "--quiet")

    assert ended.code == 2
    assert message in ended.err
    assert sandbox.requests == []


def test_a_spent_budget_is_exit_code_3(command, sandbox, rows):
    """It says how to go on."""
    source, output = rows(*prompts(500))
    ended = command("batch", source, output, *MODEL, "--max-cost-usd", "0.002", "--max-tokens", "300", "--quiet")

    assert ended.code == 3
    assert "Stopped with rows left" in ended.err
    assert "--resume" in ended.err
    assert 0 < len(lines(output)) < 500


def test_an_unreachable_storage_is_exit_code_4(command, sandbox, rows):
    """Nothing is asked without it."""
    source, output = rows(*prompts(5))
    limits = ("--requests-per-minute", "60", "--storage", "redis://127.0.0.1:1/0")
    ended = command("batch", source, output, *MODEL, *limits, "--quiet")

    assert ended.code == 4
    assert "redis://127.0.0.1:1 gives no answer" in ended.err
    assert sandbox.requests == []


def test_an_unreachable_scheduler_is_exit_code_4(command, sandbox, rows, monkeypatch):
    """In one message."""
    monkeypatch.setattr("gemini_multi._batch.cluster._CONNECT", 0.2)
    source, output = rows(*prompts(5))
    ended = command("batch", source, output, *MODEL, "--dask", "tcp://127.0.0.1:1", "--quiet")

    assert ended.code == 4
    assert "The scheduler tcp://127.0.0.1:1 gives no answer" in ended.err


def run_limited(source, output):
    """Run with room for a few answers on the disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    command = [sys.executable, "-m", "gemini_multi.cli", "batch", source, output, *MODEL, "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env=os.environ.copy())


def test_a_full_disk_is_exit_code_5(command, sandbox, rows):
    """Answers that are in no file go to standard output."""
    source, output = rows(*prompts(30))
    ended = run_limited(source, output)
    kept, shown = lines(output), [json.loads(line) for line in ended.stdout.splitlines()]
    resumed = command("batch", source, output, *MODEL, "--resume", "--quiet")

    assert ended.returncode == 5
    assert "cannot be written" in ended.stderr
    assert shown
    assert not {result["id"] for result in kept} & {result["id"] for result in shown}
    assert resumed.code == 0
    assert sorted(result["id"] for result in lines(output)) == list(range(30))


def test_an_interrupt_is_exit_code_130(command, sandbox, rows):
    """What had arrived is kept, and it says how to go on."""
    source, output = rows(*prompts(600))
    arguments = [sys.executable, "-m", "gemini_multi.cli", "batch", source, output, *MODEL, "--quiet"]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    while not sandbox.requests and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    resumed = command("batch", source, output, *MODEL, "--resume", "--quiet")

    assert process.returncode == 130
    assert "go on with --resume" in told
    assert "Traceback" not in told
    assert resumed.code == 0
    assert sorted(result["id"] for result in lines(output)) == list(range(600))
