"""`python -m gemini_multi.sandbox`: serve in the foreground until interrupted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from gemini_multi.sandbox import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, and print the lines that set the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m gemini_multi.sandbox",
        description="Serve a sandbox of Cloudflare AI, AIMLAPI and Oxen.ai on the loopback interface.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8765, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    leaving = threading.Event()

    def leave(_: int, __: FrameType | None) -> None:
        leaving.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    sandbox = Sandbox(host=options.host, port=options.port)
    try:
        sandbox.start()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {reason}. Try another --port.\n")
        return 1
    with sandbox:
        sys.stdout.write("".join(f"export {name}={value}\n" for name, value in sandbox.environment().items()))
        sys.stdout.write(f"# The sandbox listens on {sandbox.url}; Ctrl-C stops it.\n")
        sys.stdout.flush()
        leaving.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
