"""Runs the application with uvicorn in the foreground."""

from __future__ import annotations

import socket
import warnings

import uvicorn

from gemini_multi.client import AsyncClient
from gemini_multi.errors import SettingIgnoredWarning
from gemini_multi.server.app import application
from gemini_multi.server.settings import ServerSettings


def serve(client: AsyncClient, listening: socket.socket, settings: ServerSettings, *, grace: float = 60.0) -> None:
    """Serve until SIGINT or SIGTERM. Running answers then have `grace` seconds to end.

    Args:
        client: The client that sends the requests to the providers.
        listening: A socket that already listens.
        settings: The keys of the callers and the limits.
        grace: The seconds for running answers to end.
    """
    warnings.simplefilter("ignore", SettingIgnoredWarning)  # callers read `x-gemini-multi-ignored`
    server_of(client, settings, grace=grace).run(sockets=[listening])


def server_of(client: AsyncClient, settings: ServerSettings, *, grace: float = 60.0) -> uvicorn.Server:
    """Make the server that `serve` runs."""
    config = uvicorn.Config(
        application(client, settings),
        ws="none",
        log_config=None,
        access_log=False,  # the application logs its own line, without the text of URLs
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    return uvicorn.Server(config)
