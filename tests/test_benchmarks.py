"""The benchmark measures what it says: every way of asking, in small, of ours alone. No time is asserted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.answers import TEXT, WORDS, clocks
from benchmarks.limits import limits
from benchmarks.plan import GROUPS, Case, Group, Show, in_rounds, quick
from benchmarks.processes import Server, WorkerProcess, Workers
from benchmarks.report import BEGIN, DOCUMENT, END, tables, write
from benchmarks.results import Cell, Results
from benchmarks.roster import ENTRANTS, Entrant
from benchmarks.shares import PARTS
from benchmarks.summary import MARKS as SUMMARY_MARKS
from benchmarks.summary import headline, summary

MEASURED = (
    "httpx",
    "httpx2",
    "Client",
    "Client over httpx2",
    "Client over pyreqwest",
    "ChatGeminiMulti",
    "GeminiMulti",
)
OURS = [entrant for entrant in ENTRANTS if entrant.name in MEASURED]
PYTHON = Path(sys.executable)
ASK = Case("blocking", "calls", "ask", "text", seconds=0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def site(server: Server) -> str:
    return server.site


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, WorkerProcess]]:
    with Workers([WorkerProcess(entrant, PYTHON) for entrant in OURS]) as started:
        yield {worker.entrant.name: worker for worker in started.workers}


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    worker = WorkerProcess(ENTRANTS[0], PYTHON)
    yield worker
    worker.stop()


def small(case: Case) -> Case:
    kind, _, number = case.answer.partition("-")
    events = "-2" if kind == "held" else "-4"  # each one that is held lasts for a quarter of a second
    return replace(case, answer=f"{kind}{events}" if number else kind, seconds=0.0, width=min(case.width, 3))


# One case of each way in each group; the image takes the way of the history.
CASES = {
    (group.name, case.task, case.way): (small(case), group.shows) for group in GROUPS for case in group.cases[::-1]
}
del CASES["large", "calls", "ask"]


@pytest.mark.parametrize("entrant", OURS, ids=lambda entrant: entrant.name)
@pytest.mark.parametrize("key", CASES, ids="-".join)
def test_every_case_gives_the_figures_that_are_shown(
    server: Server, workers: dict[str, WorkerProcess], key: tuple[str, str, str], entrant: Entrant
):
    case, shows = CASES[key]
    reply = workers[entrant.name].measure(server.site_of(case), case)
    is_langchains = case.way.startswith("events") and entrant.name.startswith(("Client", "GeminiMulti"))
    if is_langchains or (case.task == "import" and not entrant.imports):
        assert set(reply) == {"missing"}
    else:
        figures = reply.get("figures", {})
        assert "error" not in reply
        assert figures
        assert figures.get("failed", 0) == 0
        assert case.task == "peak" or {show.figure for show in shows} <= {*figures, "copies"}


@pytest.mark.parametrize("transport", ["", " over httpx2", " over pyreqwest"])
@pytest.mark.parametrize(("name", "most"), [("Client", 0.2), ("ChatGeminiMulti", 1.2), ("GeminiMulti", 1.2)])
def test_an_image_is_copied_no_more_than_its_form_needs(site: str, name: str, most: float, transport: str):
    """Not at all by the core, once out of the form that a framework has for it."""
    case = next(case for group in GROUPS for case in group.cases if (case.task, case.question) == ("peak", "image"))

    with Workers([WorkerProcess(_entrant(name + transport), PYTHON)]) as started:
        assert started.workers[0].measure(site, case)["figures"]["copies"] <= most


@pytest.mark.parametrize("path", ["v1/chat/completions", "v1beta/models/gemini-2.5-flash-lite:generateContent"])
def test_the_server_answers_requests_of_any_size_on_one_connection(site: str, path: str):
    with httpx.Client(base_url=f"{site}/text/") as client:
        for size in (0, 1, 100_000, 3_000_000):
            assert TEXT in client.post(path, content=b" " * size).text


@pytest.mark.parametrize("path", ["v1/chat/completions", "v1beta/models/gemini-2.5-flash-lite:streamGenerateContent"])
def test_streams_have_the_events_that_their_name_says(site: str, path: str):
    text = httpx.post(f"{site}/burst-{len(WORDS)}/{path}").text
    assert [text.count(f'"{word}"') for word in WORDS] == [1] * len(WORDS)
    seen = clocks(httpx.post(f"{site}/paced-5/{path}").text)
    assert len(seen) == 5
    assert seen == sorted(seen)


@pytest.mark.parametrize("name", ["pyreqwest", "aiohttp"])
@pytest.mark.parametrize("way", ["ask", "ask_async", "stream", "stream_async", "batch"])
def test_other_libraries_stand_beside_the_yardstick(site: str, name: str, way: str):
    with Workers([WorkerProcess(_entrant(name), PYTHON)]) as started:
        case = Case(way, "calls", way, "burst-4" if way.startswith("stream") else "text", seconds=0.0, width=2)
        reply = started.workers[0].measure(site, case)
    # aiohttp is asynchronous only.
    is_offered = name == "pyreqwest" or way.endswith("_async")
    assert set(reply) == ({"figures"} if is_offered else {"missing"})


@pytest.mark.parametrize("name", ["Client", "ChatGeminiMulti", "GeminiMulti"])
@pytest.mark.parametrize("library", ["httpx", "pyreqwest"])
def test_the_parts_of_ours_give_the_answer_that_was_sent(site: str, library: str, name: str):
    with Workers([WorkerProcess(_entrant(f"{library}, then {name}"), PYTHON)]) as started:
        for way in ("ask", "ask_async", "stream", "stream_async"):
            case = Case(way, "calls", way, "burst-4" if way.startswith("stream") else "text", seconds=0.0)
            assert set(started.workers[0].measure(site, case)) == {"figures"}


def test_a_client_that_fails_loses_its_cell_and_says_why(site: str, workers: dict[str, WorkerProcess]):
    reply = workers["Client"].measure(site, replace(ASK, answer="error"))
    assert set(reply) == {"error"}
    assert "overloaded" in reply["error"]
    assert "figures" in workers["Client"].measure(site, ASK)


def test_a_client_that_delivers_something_else_than_was_sent_is_not_measured(
    site: str, workers: dict[str, WorkerProcess]
):
    reply = workers["httpx"].measure(site, replace(ASK, answer="paced-4", way="stream", task="paced"))
    assert "figures" in reply
    reply = workers["ChatGeminiMulti"].measure(site, replace(ASK, answer="burst-4", way="stream", task="paced"))
    assert reply == {"error": "WrongAnswer: it delivered 0 events of burst-4"}


def test_a_process_that_is_too_slow_is_replaced(site: str, worker: WorkerProcess):
    assert worker.measure(site, replace(ASK, limit=0.0)) == {"error": "it took more than 0 seconds"}
    assert "figures" in worker.measure(site, ASK)


def test_a_process_that_ends_is_told_and_replaced(site: str):
    broken = WorkerProcess(replace(ENTRANTS[0], factory="missing:chat"), PYTHON)
    assert "No module named" in broken.measure(site, ASK)["error"]


def test_quick_measures_less_of_every_group():
    for group in GROUPS:
        assert 0 < len(quick(group).cases) <= len(group.cases)


def test_rounds_can_be_fewer():
    assert [case.rounds for group in GROUPS for case in in_rounds(group, 1).cases] == [1] * sum(
        len(group.cases) for group in GROUPS
    )


GROUP = Group("unary", "Whole answers", (ASK,), (Show("cpu", "µs", compared="ratio"),))


def results(**cells: Cell) -> Results:
    facts: dict[str, Any] = {
        "day": "2026-11-26",
        "machine": "a machine",
        "quick": False,
        "versions": {"httpx": "0.28.1"},
    }
    return Results({("unary", "blocking", name): cell for name, cell in cells.items()}, facts)


def blocks(*figures: float) -> Cell:
    return Cell([{"cpu": figure} for figure in figures])


def test_ratios_are_taken_round_by_round():
    spread = results(httpx=blocks(100, 200, 400), Client=blocks(150, 200, 800)).compared(
        GROUP, "blocking", _entrant("Client"), GROUP.shows[0]
    )
    assert spread is not None
    assert (spread.least, spread.middle, spread.most) == (1.0, 1.5, 2.0)


def test_what_is_added_can_be_compared_with_the_framework_alone():
    cells = {"LlamaIndex, no model": blocks(1000), "GeminiMulti": blocks(1040)}
    group = replace(GROUP, shows=(Show("cpu", "ms", 1e-1, "added"),), yardstick="floor")
    spread = results(**cells).compared(group, "blocking", _entrant("GeminiMulti"), group.shows[0])
    assert spread is not None
    assert spread.middle == 4.0


def test_the_tables_show_figures_gaps_and_troubles():
    measured = results(
        httpx=blocks(100), Client=blocks(150), openai=Cell(trouble="it\nbroke"), ChatOpenAI=Cell(is_offered=False)
    )
    assert tables(measured, (GROUP,)).splitlines() == [
        "Measured on 2026-11-26: a machine. httpx 0.28.1.",
        "",
        "### Whole answers",
        "",
        "| | blocking |",
        "|---|---|",
        "| httpx | 100 µs |",
        "| **Client** | 150 µs, 1.50\N{MULTIPLICATION SIGN} (1.50 to 1.50) |",
        "",
        "### What could not be measured",
        "",
        "- openai in unary, blocking: it broke",
    ]


def test_the_summary_names_the_best_rival():
    cells = {
        "httpx": blocks(100),
        "Client": blocks(110),
        "Client over pyreqwest": blocks(60),
        "openai": blocks(290),
        "LiteLLM": blocks(700),
    }
    lines = summary(results(**cells)).replace("\N{MULTIPLICATION SIGN}", "x").splitlines()
    assert lines[4] == "| CPU of a blocking call | client 1.10x | client 0.60x | openai 2.90x |"
    assert lines[5].count("\N{EN DASH}") == 3


def test_the_summary_tells_what_is_added_to_the_framework():
    measured = results()
    for name, cpu in {"LlamaIndex, no model": 12.0, "GeminiMulti": 31.0}.items():
        measured.cells["stream", "stream, 1,000 chunks", name] = blocks(cpu)
    assert "beyond the framework's own | LlamaIndex 19.0 µs |" in summary(measured)


def test_the_limits_compare_goals_with_what_lies_below():
    """CPU time adds up; calls per second are its inverse."""
    measured = results()
    cpu = {
        "httpx": 100,
        "LangChain, no model": 20,
        "Client": 110,
        "ChatGeminiMulti": 180,
        "httpx, then ChatGeminiMulti": 160,
    }
    for name, figure in cpu.items():
        measured.cells["unary", "blocking", name] = blocks(figure)
        measured.cells["stream", "stream, 1,000 chunks", name] = blocks(figure)
        measured.cells["concurrency", "64 at once", name] = Cell([{"per_second": 1e6 / figure}])
    lines = limits(measured).replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{EN DASH}", "-").splitlines()
    assert lines[2:] == [
        "| CPU of a blocking call: client over httpx | 1.10x | 1.10x | - | 1.00x | - |",
        "| CPU of a blocking call: LangChain over httpx | 1.70x | 1.80x (missed) | 1.30x | 1.20x | 1.60x |",
        "| CPU of a chunk, 1,000 in a stream: client over httpx | 1.80x | 1.10x | - | 1.00x | - |",
        (
            "| the same, beyond the framework's own: LangChain over httpx | 11.0 µs | 160.0 µs (missed) | "
            "110.0 µs | 100.0 µs | 140.0 µs |"
        ),
        "| calls per second, 64 at once: client over httpx | 2.00x | 0.91x (missed) | - | 1.00x | - |",
        "| calls per second, 64 at once: LangChain over httpx | 2.00x | 0.56x (missed) | 0.77x | 0.83x | 0.62x |",
    ]


def test_the_headline_names_both_transports_and_the_best_rival():
    ours = {"ChatGeminiMulti": 130, "ChatGeminiMulti over pyreqwest": 80, "ChatOpenAI": 270, "httpx": 100}
    measured = results()
    for name, cpu in ours.items():
        measured.cells["unary", "async", name] = blocks(cpu)
    text = headline(measured).replace("\N{MULTIPLICATION SIGN}", "x")
    assert "takes 1.30x (0.80x with the extra `fast`; ChatOpenAI: 2.70x) the CPU time" in text


def test_what_a_user_should_choose_stands_at_the_top_of_the_document():
    top = DOCUMENT.read_text(encoding="utf-8").splitlines()[:20]
    assert sum(line.count("](performance-") for line in top) == 3
    assert sum(line.startswith("|") for line in top) == 7
    assert SUMMARY_MARKS[1] in top


@pytest.mark.parametrize("name", [name for name, _ in PARTS])
def test_the_parts_of_a_call_are_modules_that_exist(name: str):
    assert find_spec(name.rstrip(".")) is not None


def test_figures_are_read_back_as_they_were_written(tmp_path: Path):
    measured = results(httpx=blocks(100), openai=Cell(trouble="broke"), ChatOpenAI=Cell(is_offered=False))
    measured.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == measured


def test_a_group_is_measured_anew_without_the_others(tmp_path: Path):
    measured = results(httpx=blocks(100))
    measured.cells["stream", "blocking", "httpx"] = blocks(7)
    measured.forget(GROUP)
    assert list(measured.cells) == [("stream", "blocking", "httpx")]


def test_the_prose_around_the_tables_stays(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(document, "new")
    assert document.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def _entrant(name: str) -> Entrant:
    return next(entrant for entrant in ENTRANTS if entrant.name == name)
