"""The processes: one for the server, one for each client. Only one client works at a time."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .certificates import certificates
from .imports import imported
from .plan import Case
from .roster import Entrant
from .worker import command

ROOT: Final = Path(__file__).parent.parent
_IMPORT_SECONDS: Final = 60.0
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")

ENVIRONMENT: Final = {
    **{name: value for name in _KEPT if (value := os.environ.get(name)) is not None},
    "PYTHONPATH": str(ROOT),
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "OPENAI_API_KEY": "key",
    "GOOGLE_API_KEY": "key",
}
"""Neither proxies nor keys of the caller's reach the clients."""


def cores() -> tuple[set[int], set[int]]:
    """Choose a core for the server and one for the clients; the same one when there is but one."""
    known = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return set(known[:1]), set(known[-1:])


def pin(process: subprocess.Popen[str], chosen: set[int]) -> None:
    """Keep all threads of a process on the chosen core."""
    for thread in Path(f"/proc/{process.pid}/task").iterdir() if chosen else ():
        os.sched_setaffinity(int(thread.name), chosen)


class Server:
    """The loopback server's process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loopback", str(certificates().own)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
        pin(self._process, cores()[0])
        assert self._process.stdout is not None
        self.site = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.encrypted_site = f"https://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def site_of(self, case: Case) -> str:
        """Give the address that a case asks."""
        return self.encrypted_site if case.is_encrypted else self.site

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


class Gone(Exception):
    """A worker crashed or took too long."""


class WorkerProcess:
    """The process of one client, started again after it was lost."""

    def __init__(self, entrant: Entrant, python: Path) -> None:
        self.entrant = entrant
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._is_ready = False

    def start(self) -> None:
        """Begin to import; `measure` waits for the end of it."""
        if self._process is not None:
            return
        self._is_ready = False
        environment = {
            **ENVIRONMENT,
            "SSL_CERT_FILE": str(certificates().authority),
            "GEMINI_MULTI_TRANSPORT": self.entrant.transport,
        }
        self._process = subprocess.Popen(
            [self._python, "-m", "benchmarks.worker", self.entrant.factory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def wait(self) -> None:
        """Wait until the client is imported."""
        self.start()
        assert self._process is not None
        if not self._is_ready:
            if error := self._read(_IMPORT_SECONDS).get("error"):
                raise Gone(error)
            self._is_ready = True
            pin(self._process, cores()[1])

    def measure(self, site: str, case: Case) -> dict[str, Any]:
        """Let the client do one block of a case."""
        if case.task == "import":
            return imported(self._python, self.entrant.imports, ROOT, ENVIRONMENT, case.limit)
        if case.is_fresh:
            self.stop()
        try:
            self.wait()
            assert self._process is not None
            assert self._process.stdin is not None
            print(command(site, case), file=self._process.stdin, flush=True)
            return self._read(case.limit)
        except (Gone, OSError) as error:
            self.stop()
            return {"error": str(error)}

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise Gone(f"it took more than {seconds:g} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise Gone(f"its process ended with code {self._process.wait(5.0)}")
        return json.loads(line)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Workers:
    """All clients' processes."""

    def __init__(self, workers: Sequence[WorkerProcess]) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            try:
                worker.wait()
            except (Gone, OSError):
                worker.stop()  # `measure` will start it again, and tell why it fails
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.stop()
