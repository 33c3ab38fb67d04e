"""Measures whole batches: rows per second and memory over time. `python -m benchmarks.batch [ROWS] [CONCURRENCY]`.

All subjects ask the same loopback server, which refuses every tenth request with status 503. It writes the table into
`docs/batch.md`, between its marks; `.bench/core/bin/python -m benchmarks.batch draw` draws `docs/batch-memory.png`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .batch_subjects import SUBJECTS
from .environments import python_of, set_up, versions
from .processes import ENVIRONMENT, ROOT

_PAGE: Final = ROOT / "docs" / "batch.md"
_PICTURE: Final = ROOT / "docs" / "batch-memory.png"
_RUNS: Final = ROOT / ".bench" / "batch.json"
_MARKS: Final = re.compile(r"(<!-- scale -->\n).*?(<!-- end -->)", re.DOTALL)
_EVERY: Final = 0.25
_RIVALS: Final = {"ChatOpenAI.abatch", "litellm.batch_completion"}


@dataclass
class Run:
    """One subject's batch."""

    subject: str
    seconds: float
    answered: int
    memory: list[tuple[float, float]]
    """Seconds and mebibytes of all its processes."""

    @property
    def most(self) -> float:
        return max(size for _, size in self.memory)


@contextmanager
def server() -> Iterator[int]:
    """Run the server, and give its port."""
    command = [sys.executable, "-m", "benchmarks.batch_server"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def run(subject: str, port: int, rows: int, concurrency: int) -> Run:
    python = python_of("langchain") if subject in _RIVALS else Path(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "benchmarks.batch_subjects", subject, str(port), str(rows), str(concurrency), folder]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=ENVIRONMENT
        )
        memory, began = [], time.monotonic()
        while process.poll() is None:
            memory.append((time.monotonic() - began, resident(process.pid)))
            time.sleep(_EVERY)
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.read())
        process.stdout.close()
    return Run(subject, told["seconds"], told["answered"], memory)


def resident(process: int) -> float:
    """Add up the memory of a process and its children, in mebibytes."""
    size = 0.0
    try:
        status = Path(f"/proc/{process}/status").read_text()
        size += int(status.partition("VmRSS:")[2].split(None, 1)[0]) / 1024
        for task in Path(f"/proc/{process}/task").iterdir():
            size += sum(resident(int(child)) for child in (task / "children").read_text().split())
    except (OSError, IndexError, ValueError):
        return size
    return size


def table(runs: list[Run], rows: int) -> str:
    ours = next(run for run in runs if run.subject == "gemini-multi")
    lines = [
        "| | rows per second | beside gemini-multi | rows with an answer | most memory, MiB |",
        "|---|--:|--:|--:|--:|",
    ]
    for run in runs:
        rate = run.answered / run.seconds
        share = rate / (ours.answered / ours.seconds)
        lines.append(f"| {run.subject} | {rate:,.0f} | {share:.2f} | {run.answered:,} of {rows:,} | {run.most:,.0f} |")
    return "\n".join(lines) + "\n"


def draw() -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("Agg")
    drawing, axes = plt.subplots(figsize=(7, 4))
    for one in json.loads(_RUNS.read_text()):
        axes.plot(*zip(*one["memory"], strict=True), label=one["subject"])
    axes.set_xlabel("seconds")
    axes.set_ylabel("memory of all processes, MiB")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    drawing.tight_layout()
    drawing.savefig(_PICTURE, dpi=120)


def main(rows: int = 20_000, concurrency: int = 64) -> None:
    set_up("langchain")
    runs: list[Run] = []
    with server() as port:
        for subject in SUBJECTS:
            found = run(subject, port, rows, concurrency)
            runs.append(found)
            print(f"{subject}: {found.seconds:.1f} s, {found.answered} rows, {found.most:.0f} MiB", flush=True)
    rivals = versions(python_of("langchain"), ["langchain-openai", "openai", "litellm"])
    named = ", ".join(f"{name} {number}" for name, number in rivals.items())
    told = f"{table(runs, rows)}\n{rows:,} rows, {concurrency} at once; {named}.\n"
    _PAGE.write_text(_MARKS.sub(lambda marks: f"{marks[1]}{told}{marks[2]}", _PAGE.read_text()))
    _RUNS.write_text(json.dumps([asdict(one) for one in runs]))


if __name__ == "__main__":
    if sys.argv[1:] == ["draw"]:
        draw()
    else:
        main(*map(int, sys.argv[1:]))
