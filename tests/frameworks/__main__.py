"""`make test-frameworks`: run each recipe in an environment of its own, on the sandbox, and write the page.

Frameworks with a model interface of their own ask the endpoint that `gemini-multi serve` serves; the others take our
objects. An environment is deleted after its recipe, as some are a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gemini_multi import AsyncClient
from gemini_multi.sandbox import Sandbox
from gemini_multi.server import ServerSettings
from gemini_multi.server.running import server_of
from tests.frameworks.page import PAGE, RESULTS, ROOT, Result, rendered, results
from tests.frameworks.roster import FRAMEWORKS, Framework

KEY = "key-of-the-frameworks"
DUMMY = "skip_thought_signature_validator"
SECONDS = 600


def main() -> int:
    """Run the recipes that are named, or all, and write their results."""
    parser = argparse.ArgumentParser(prog="make test-frameworks", description=__doc__)
    parser.add_argument("names", nargs="*", help="such as crewai; all when none is named")
    parser.add_argument("--keep", action="store_true", help="keep the environments in .frameworks")
    options = parser.parse_args()
    chosen = [framework for framework in FRAMEWORKS if not options.names or framework.name in options.names]
    found = results()
    for framework in chosen:
        print(f"{framework.name} ...", flush=True)
        found[framework.name] = result = tried(framework, keep=options.keep)
        print(f"  {result['results']} signatures: {result['signatures']}", flush=True)
        RESULTS.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n")
        PAGE.write_text(rendered(found))
    return int(any(set(found[framework.name]["results"].values()) != {"yes"} for framework in chosen))


def tried(framework: Framework, *, keep: bool) -> Result:
    """Install a framework, run its recipe, and say what came out."""
    folder = ROOT / ".frameworks" / framework.name
    python = installed(framework, folder)
    with Sandbox() as sandbox, endpoint(sandbox) as url, TemporaryDirectory() as home:
        for provider, answers in framework.script:
            sandbox.script(provider, answers)
        environment = {
            **os.environ,
            **sandbox.environment(),
            "HOME": home,  # some keep answers and settings there
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": KEY,
            "PYTHONPATH": str(ROOT) if framework.takes_objects else "",
            "OTEL_SDK_DISABLED": "true",
        }
        recipe = ROOT / "tests/frameworks/recipes" / framework.recipe
        ran = subprocess.run(
            [python, recipe], env=environment, cwd=home, capture_output=True, text=True, timeout=SECONDS
        )
        bodies = [json.dumps(request.body) for request in sandbox.requests]
    if not keep:
        shutil.rmtree(folder)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("RESULT ")]
    told = json.loads(lines[-1].removeprefix("RESULT ")) if lines else {"versions": {}, "results": {"start": "failed"}}
    if set(told["results"].values()) != {"yes"}:
        print(ran.stdout[-3000:], ran.stderr[-6000:])
    signatures = "dummy" if any(DUMMY in body for body in bodies) else "kept"
    return {**told, "signatures": signatures, "date": datetime.now(UTC).date().isoformat()}


def installed(framework: Framework, folder: Path) -> Path:
    """Make an environment with a framework, unless it is there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        ours = ["--editable", f"{ROOT}[{framework.extra}]"] if framework.extra else []
        command = [python, "-m", "pip", "install", "--quiet", *ours, *framework.requirements]
        subprocess.run(command, check=True)
    return python


@contextmanager
def endpoint(sandbox: Sandbox) -> Iterator[str]:
    """Serve the endpoint over a sandbox."""
    os.environ.update(sandbox.environment())
    server = server_of(AsyncClient(), ServerSettings(keys=(KEY,)))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
