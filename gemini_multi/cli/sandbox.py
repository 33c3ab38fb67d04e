"""`gemini-multi sandbox`: the three providers on the loopback interface."""

from __future__ import annotations

from typing import Annotated

import typer


def sandbox(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 8765,
) -> None:
    """Serve a sandbox of all providers, and print the environment that makes clients use it."""
    from gemini_multi.sandbox.__main__ import main

    raise typer.Exit(main(["--host", host, "--port", str(port)]))
