"""The ASGI application: the paths and the functions that answer them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gemini_multi import __version__
from gemini_multi.client import AsyncClient
from gemini_multi.server import models
from gemini_multi.server.caller import caller_of
from gemini_multi.server.chat import ChatEndpoint
from gemini_multi.server.failures import Failure, Refused
from gemini_multi.server.settings import ServerSettings
from gemini_multi.server.signatures import SignatureMemory
from gemini_multi.types import JsonValue

_SERVED: Final = "POST /v1/chat/completions, GET /v1/models and GET /health"


def application(client: AsyncClient, settings: ServerSettings | None = None) -> Starlette:
    """Build an ASGI application over a client. It closes the client's connections when it ends.

    Args:
        client: The client that sends the requests to the providers.
        settings: The keys of the callers and the limits.
    """
    chosen = settings or ServerSettings()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await client.aclose()

    chat = ChatEndpoint(client, chosen, SignatureMemory(chosen))
    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/models", _guarded(chosen, lambda _: _models(client))),
            Route("/v1/models/{model:path}", _guarded(chosen, lambda request: _model(client, request))),
            Route("/health", _health),
        ],
        exception_handlers={HTTPException: _elsewhere, Refused: _refused},
        lifespan=lifespan,
    )


def _guarded(
    settings: ServerSettings, listing: Callable[[Request], JsonValue]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        caller_of(request, settings.keys)
        return JSONResponse(listing(request))

    return answer


def _models(client: AsyncClient) -> JsonValue:
    return {"object": "list", "data": list(models.listed(provider.name for provider in client.providers))}


def _model(client: AsyncClient, request: Request) -> JsonValue:
    return models.one(request.path_params["model"], (provider.name for provider in client.providers))


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _written(error.failure)


async def _elsewhere(request: Request, error: Exception) -> Response:
    """Answer a request for a path or a method that is not served."""
    assert isinstance(error, HTTPException)
    hint = " The base URL ends in /v1." if not request.url.path.startswith("/v1/") else ""
    message = f"{request.method} on this path is not served.{hint} Served are {_SERVED}."
    return _written(Failure(error.status_code, message, "unknown_url"))


def _written(failure: Failure) -> Response:
    return JSONResponse(failure.document(), failure.status, dict(failure.headers))
