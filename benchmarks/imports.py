"""What an import costs, in an interpreter of its own.

CPython maps another 16 KB of memory when its calls nest deeper than the last 16 KB allow, and unmaps them when they
return. At an unlucky depth an import crosses that border thousands of times, which takes 100 ms. So each run imports
at another depth, and the medians count.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_PROBE: Final = """
import gc, json, random, resource, sys, time
def at_depth(calls):
    at_depth(calls - 1) if calls else exec(sys.argv[1], {})
collected = []
gc.callbacks.append(lambda phase, info: collected.append(time.perf_counter() * (1 if phase == "stop" else -1)))
known = len(sys.modules)
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cpu, wall = time.process_time(), time.perf_counter()
at_depth(random.randrange(32))
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
own = wall - sum(collected)
figures = {"wall": wall, "cpu": cpu, "own": own}
print(json.dumps({name: seconds * 1e6 for name, seconds in figures.items()}
    | {"modules": len(sys.modules) - known, "memory": held * 1024}))
"""


def imported(python: Path, statement: str, root: Path, environment: Mapping[str, str], limit: float) -> dict[str, Any]:
    """Run an import statement and reply as a worker does."""
    if not statement:
        return {"missing": "it has no import of its own"}
    try:
        done = subprocess.run(
            [python, "-c", _PROBE, statement],
            capture_output=True,
            text=True,
            cwd=root,
            env=environment,
            timeout=limit,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it took more than {limit:g} seconds"}
    except subprocess.CalledProcessError as error:
        return {"error": (error.stderr.strip() or "it failed").splitlines()[-1]}
    return {"figures": json.loads(done.stdout.splitlines()[-1])}
