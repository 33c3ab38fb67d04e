"""Measures what each of 45 faults comes to, and writes the table of `docs/reliability.md`.

python -m tests.reliability.table --write docs/reliability.md
python -m tests.reliability.table --check docs/reliability.md
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Final

from gemini_multi import ChatEvent, Client, Finished, GeminiMultiError, RetryPolicy, StreamInterrupted
from gemini_multi._transport.pools import POOLS
from gemini_multi.sandbox import Sandbox

from .endpoints import REQUEST
from .faults import FAULTS

RIVALS: Final = ("openai 2.54", "openai 3.52", "google-genai 3.4", "litellm 1.106", "ChatOpenAI 1.7", "ChatGoogle 4.4")
"""Each with two retries where it has any, 2.5 s of patience, on the loopback interface; measured in November 2026."""


def rows() -> list[list[str]]:
    """Read what happens, our name of the fault, and what the others make of it."""
    lines = (Path(__file__).parent / "rivals.txt").read_text().splitlines()[1:]
    return [line.split(" | ", 3) for line in lines]


ROWS: Final = rows()
KNOWN: Final = {fault.name: fault for fault in FAULTS}
TIMES: Final = "\N{MULTIPLICATION SIGN}"


def measured(sandbox: Sandbox, kind: str, name: str, providers: list[str], times: int) -> str:
    """Ask once and tell how many requests were sent and what came of it."""
    sandbox.clear()
    POOLS.close()  # a fault on a connection that had been idle costs one request more
    KNOWN[name].commit(sandbox, providers[0], times)
    client = Client(providers, retry_policy=RetryPolicy(initial_wait=0.0), timeout=0.3 if name == "stall" else 20.0)
    seen: list[ChatEvent] = []
    try:
        if kind == "unary":
            client.chat(REQUEST)
        else:
            seen.extend(event for event in client.stream(REQUEST) if not isinstance(event, Finished))
        outcome = "ok"
    except StreamInterrupted:
        outcome = f"StreamInterrupted, {len(seen)} pieces kept"
    except GeminiMultiError as error:
        outcome = type(error).__name__
    return f"{len(sandbox.requests)}{TIMES} {outcome}"


def table(sandbox: Sandbox) -> str:
    head = ["Fault", "gemini-multi, one provider", "gemini-multi, two providers", *RIVALS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for kind, says, name, others in ROWS:
        times = 1 if says == "503, once" else 9
        ours = [measured(sandbox, kind, name, providers, times) for providers in (["oxen"], ["oxen", "aimlapi"])]
        lines.append(f"| {'whole' if kind == 'unary' else 'stream'}: {says} | {' | '.join(ours)} | {others} |")
    return "\n".join(lines)


BEGIN: Final = "<!-- faults:begin -->"
END: Final = "<!-- faults:end -->"


def written(document: str, text: str) -> str:
    """Put the table between the markers of a document."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", type=Path)
    group.add_argument("--check", type=Path)
    given = parser.parse_args()
    path: Path = given.write or given.check
    logging.disable()
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        text = written(path.read_text(), table(sandbox))
    if given.write:
        path.write_text(text)
    return 0 if path.read_text() == text else 1


if __name__ == "__main__":
    sys.exit(main())
