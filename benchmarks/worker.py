"""A process that holds one client and measures it on command: one JSON document per line, in and out.

python -m benchmarks.worker langchain:chat
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import IO, Any

from .plan import Case
from .prepared import Figures, Prepared
from .subjects.base import NotOffered, Subject
from .tasks import TASKS

_LOOPBACK = ("127.0.0.1", "localhost")


def refuse_other_hosts() -> None:
    """Refuse to look up any host but this one: some clients fetch price lists and send statistics."""
    look_up = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in _LOOPBACK:
            raise OSError(f"A benchmark sends requests to this machine only, not to {name}.")
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = guarded


class Worker:
    """Holds the client of the current case."""

    def __init__(self, factory: str) -> None:
        module, _, name = factory.partition(":")
        self._make: Callable[[str], Subject] = getattr(import_module(f"benchmarks.subjects.{module}"), name)
        self._runner = asyncio.Runner()
        self._prepared: Prepared | None = None

    def measure(self, site: str, case: Case) -> Figures:
        """Measure one block; the first one of a case makes the client and checks its answer."""
        if self._prepared is None or self._prepared.case != case:
            self._prepared = None
            subject = self._make(f"{site}/{case.answer}")
            subject.threads = case.width
            self._prepared = Prepared(subject, case, subject.prepare(case.way, case.question), self._runner)
            if case.is_checked:
                self._prepared.warm_up()
        return TASKS[case.task](self._prepared)


def answer(worker: Worker, line: str) -> dict[str, Any]:
    """Do what a line says."""
    command = json.loads(line)
    try:
        return {"figures": worker.measure(command["site"], Case(**command["case"]))}
    except (NotOffered, NotImplementedError) as error:
        return {"missing": str(error) or "it offers no such thing"}
    except Exception as error:  # noqa: BLE001  # a rival may raise anything; it loses this cell
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def command(site: str, case: Case) -> str:
    """Write what `answer` reads."""
    return json.dumps({"site": site, "case": asdict(case)})


def main(factory: str, lines: IO[str], results: IO[str]) -> None:
    try:
        worker = Worker(factory)
    except Exception as error:  # noqa: BLE001  # what cannot be imported is told, not traced
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), file=results, flush=True)
        return
    print("{}", file=results, flush=True)
    for line in lines:
        print(json.dumps(answer(worker, line)), file=results, flush=True)


if __name__ == "__main__":
    refuse_other_hosts()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the results
    main(sys.argv[1], sys.stdin, results)
