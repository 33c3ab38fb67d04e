"""What an input may look like, and how its faults are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_multi import ConfigurationError
from gemini_multi.batch import run_batch

from .conftest import Files


async def echo(row: dict[str, Any]) -> object:
    await asyncio.sleep(0)
    return row["prompt"]


async def unused(row: dict[str, Any]) -> object:
    raise AssertionError(row)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "The line is not JSON: Expecting property name"),
        ("[1]", "The line is JSON, but not an object."),
        ('{"prompt": "x"}', "The column 'id' must hold a text or a whole number as the row's id, not None."),
        ('{"id": true}', "The column 'id' must hold"),
        ('{"id": 1.5}', "The column 'id' must hold"),
        ('{"id": ""}', "The column 'id' must hold"),
        ("[" * 100_000, "The line is not JSON"),
    ],
)
def test_a_broken_row_is_told_with_its_line(files: Files, line: str, reason: str) -> None:
    """The other rows are asked."""
    report = run_batch(files.write({"id": 1, "prompt": "a"}, line), files.output, function=echo)
    ((number, told),) = files.rejected

    assert number == 2
    assert reason in told
    assert (files.answered, report.broken, report.is_complete) == ([1], 1, False)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "The row needs a text in the column 'prompt'"),
        ({"prompt": 3}, "The row needs a text in the column 'prompt'"),
        ({"messages": []}, "'messages' cannot be used: List should have at least 1 item"),
        ({"messages": 3}, "'messages' cannot be used: Input should be a valid array"),
        ({"messages": "no"}, "'messages' cannot be used: Invalid JSON"),
        ({"messages": ["Hi"]}, "0: Input should be an object"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "'robot'"),
        ({"messages": [{"role": "user", "content": "Hi", "colour": "x"}]}, "0.user.colour: Extra inputs"),
        ({"messages": [{"role": "user", "content": None}]}, "0.user.content: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "'audio'"),
        ({"prompt": "x", "images": ["data:image/png,raw"]}, "must be in base64"),
    ],
)
def test_a_row_that_cannot_be_asked_says_why(files: Files, row: dict[str, Any], reason: str) -> None:
    """Nothing of a row is left out silently."""
    from gemini_multi import Client, Oxen

    run_batch(files.write({"id": 1, **row}), files.output, model="gemini-2.5-flash", client=Client([Oxen("key")]))
    ((_, told),) = files.rejected

    assert reason in told


def test_a_template_names_the_column_that_is_missing(files: Files) -> None:
    """And those that are there."""
    from gemini_multi import Client, Oxen

    source = files.write({"id": 1, "question": "Hi"})
    client = Client([Oxen("key")])
    run_batch(source, files.output, model="gemini-2.5-flash", prompt="{query}", client=client)

    assert files.rejected == [(1, "The template needs the column 'query'; the row has the columns 'id', 'question'.")]


def test_of_duplicates_the_first_is_asked(files: Files) -> None:
    """A text and a number are different ids."""
    source = files.write(
        {"id": "1", "prompt": "a"}, {"id": 1, "prompt": "b"}, {"id": "1", "prompt": "c"}, {"id": 1, "prompt": "b"}
    )
    report = run_batch(source, files.output, function=echo)

    assert {result["id"]: result["answer"] for result in files.results()} == {"1": "a", 1: "b"}
    assert files.rejected == [
        (3, "Line 1 has the same id: only that line is asked."),
        (4, "Line 2 has the same id: only that line is asked."),
    ]
    assert report.duplicates == 2


def test_empty_lines_and_a_byte_order_mark_are_nothing(files: Files) -> None:
    """Editors leave them."""
    files.input.write_bytes(b'\xef\xbb\xbf{"id": 1, "prompt": "a"}\r\n\n  \n{"id": 2, "prompt": "b"}')
    run_batch(files.input, files.output, function=echo)

    assert (files.answered, files.rejected) == ([1, 2], [])


def test_a_line_without_end_is_not_held_in_memory(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and the next line is read."""
    monkeypatch.setattr("gemini_multi._batch.sources.MAX_LINE_BYTES", 100)
    source = files.write({"id": 1, "prompt": "a" * 1000}, {"id": 2, "prompt": "b"})
    run_batch(source, files.output, function=echo)

    assert (files.answered, files.rejected) == ([2], [(1, "The line is longer than 100 bytes.")])


def test_half_a_surrogate_pair_is_kept(files: Files) -> None:
    """JSON can write it, so a result can too."""
    run_batch(files.write('{"id": "\\ud83d", "prompt": "a\\ud83d"}'), files.output, function=echo)

    assert [(result["id"], result["answer"]) for result in files.results()] == [("\ud83d", "a\ud83d")]


def test_csv_has_a_header(files: Files) -> None:
    """Ids are texts there; fields may hold line ends, and are longer than the module's own limit."""
    long = "x" * 200_000
    source = files.folder / "in.csv"
    source.write_text(f'id,prompt\n1,"Hello,\n""you"""\n2,{long}\n3\n4,a,b\n5,last\n')
    run_batch(source, files.output, function=echo)

    assert {result["id"]: result["answer"] for result in files.results()} == {
        "1": 'Hello,\n"you"',
        "2": long,
        "5": "last",
    }
    assert [line for line, _ in files.rejected] == [5, 6]


def test_tabs_separate_fields_too(files: Files) -> None:
    source = files.folder / "in.tsv"
    source.write_text("id\tprompt\n1\ta, b\n")
    run_batch(source, files.output, function=echo)

    assert [result["answer"] for result in files.results()] == ["a, b"]


def test_csv_that_is_not_text_is_told(files: Files) -> None:
    source = files.folder / "in.csv"
    source.write_bytes(b"id,prompt\n1,\xff\n2,ok\n")
    run_batch(source, files.output, function=echo)

    assert (files.answered, files.rejected) == (["2"], [(2, "The line is not UTF-8.")])


def test_parquet_is_read_in_blocks(files: Files) -> None:
    """Rows are counted from 1."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    source = files.folder / "in.parquet"
    ids = [*range(600), 0]
    parquet.write_table(pyarrow.table({"id": ids, "prompt": [f"Say {number}" for number in ids]}), source)
    report = run_batch(source, files.output, function=echo)

    assert files.answered == list(range(600))
    assert report.total == 601
    assert files.rejected == [(601, "Line 1 has the same id: only that line is asked.")]


def test_any_iterable_of_rows_is_an_input(files: Files) -> None:
    """Such as a generator, or a table's records."""

    def rows() -> Iterator[dict[str, Any]]:
        yield {"key": "a", "prompt": "x"}

    report = run_batch(rows(), files.output, function=echo, id_column="key")

    assert (files.answered, report.total) == (["a"], None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.jsonl", None, "cannot be read: No such file"),
        ("rows.txt", b"", "has an unknown format"),
        ("rows.parquet", b"no", "is not Parquet"),
        ("out.failures.jsonl", b"{}", "is written by this batch"),
        ("out.jsonl", b"{}", "is written by this batch"),
    ],
)
def test_an_unusable_input_is_one_message(files: Files, name: str, content: bytes | None, message: str) -> None:
    """And nothing is written."""
    source = files.folder / name
    if content is not None:
        source.write_bytes(content)

    with pytest.raises(ConfigurationError, match=message):
        run_batch(source, files.output, function=unused)

    assert content is None or source.read_bytes() == content


def test_a_folder_is_no_input(files: Files, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").mkdir()

    with pytest.raises(ConfigurationError, match="cannot be read"):
        run_batch(tmp_path / "rows.jsonl", files.output, function=unused)
