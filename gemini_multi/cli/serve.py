"""`gemini-multi serve`: an OpenAI-compatible endpoint."""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import socket
from typing import Annotated, cast

import typer

from gemini_multi.cli.console import ProvidersOption, show_status
from gemini_multi.client import AsyncClient
from gemini_multi.errors import ConfigurationError
from gemini_multi.preference import Condition, Strategy

_KEY_VARIABLE = "GEMINI_MULTI_SERVER_KEY"


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 8766,
    provider: ProvidersOption = None,
    strategy: Annotated[str, typer.Option(help="ordered, round_robin, cheapest or fastest.")] = "ordered",
    timeout: Annotated[float | None, typer.Option(help="Seconds for each wait for a provider.")] = None,
    deadline: Annotated[float | None, typer.Option(help="Seconds for a whole call.")] = None,
    max_retries: Annotated[int | None, typer.Option(help="Extra requests per provider.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="The most to spend.")] = None,
    failover_on: Annotated[
        list[str] | None,
        typer.Option(help="Ask the next provider on refusal, content_filter, length or invalid_output; repeatable."),
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="A Redis URL, through which several servers share the budget.")
    ] = None,
    max_requests: Annotated[int, typer.Option(help="The most requests at once; others are answered with 503.")] = 256,
    grace: Annotated[float, typer.Option(help="Seconds for running answers to end at shutdown.")] = 60.0,
    no_key: Annotated[bool, typer.Option("--no-key", help="Let everybody ask who reaches the port.")] = False,
) -> None:
    """Serve an OpenAI-compatible endpoint, with failover, budget and cost behind one URL.

    Callers need the key in GEMINI_MULTI_SERVER_KEY (several are separated by commas); without one, a key is made and
    printed.
    """
    from gemini_multi.server import ServerSettings
    from gemini_multi.server import serve as run

    client = AsyncClient(
        provider,
        strategy=cast("Strategy", strategy),  # the client checks it
        timeout=timeout,
        deadline=deadline,
        max_retries=max_retries,
        max_cost_usd=max_cost_usd,
        failover_on=cast("list[Condition] | None", failover_on),  # the client checks them
        storage=storage,
    )
    keys = () if no_key else _keys()
    settings = ServerSettings(keys=keys, max_requests=max_requests)
    listening = _listening(host, port)
    _introduce(client, listening.getsockname(), keys)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run(client, listening, settings, grace=grace)


def _keys() -> tuple[str, ...]:
    given = [key.strip() for key in os.environ.get(_KEY_VARIABLE, "").split(",") if key.strip()]
    return tuple(given) or (f"gm-{secrets.token_urlsafe(32)}",)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {reason}. Try another --port or --host.") from error


def _introduce(client: AsyncClient, address: tuple[str, int], keys: tuple[str, ...]) -> None:
    """Show the URL of the endpoint, the callers that it accepts, and the dangers of its configuration."""
    host, port = address[:2]
    shown = f"[{host}]" if ":" in host else host
    show_status(f"Base URL: http://{shown}:{port}/v1")
    show_status(f"Providers: {', '.join(provider.name for provider in client.providers)}")
    if not keys:
        show_status("WARNING: no key is asked for. Everybody who reaches this port spends your money.")
    elif os.environ.get(_KEY_VARIABLE, "").strip():
        show_status(f"Key: the one in {_KEY_VARIABLE}")
    else:
        show_status(f"Key: {keys[0]}")
    if not ipaddress.ip_address(host).is_loopback:
        show_status(
            f"WARNING: {host} can be reached from other machines, and keys and conversations cross the network "
            "unencrypted. Put a proxy with TLS before this server."
        )
    show_status("Ctrl-C stops it when running answers have ended.")
