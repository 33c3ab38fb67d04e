"""`/v1/chat/completions`: reads one request and writes its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from gemini_multi.client import AsyncClient
from gemini_multi.server import answers
from gemini_multi.server.caller import body_of, caller_of, while_connected
from gemini_multi.server.chunks import ChunkWriter, event
from gemini_multi.server.failures import Failure, Refused, failure_of
from gemini_multi.server.parsing import parse
from gemini_multi.server.reading import PROVIDER_HEADER, Asked, read
from gemini_multi.server.settings import ServerSettings
from gemini_multi.server.signatures import SignatureMemory
from gemini_multi.types import ChatEvent, ChatResponse, Finished, JsonValue, Message

LOGGER: Final = logging.getLogger("gemini_multi.server")
"""Logs one line per request: status, provider, tokens, cost, seconds. It logs neither keys nor the conversation."""
_GONE: Final = 499
"""The status in the log for a request whose caller disconnected."""


@dataclass(slots=True)
class ChatEndpoint:
    """Answers chat completions requests; an ASGI application."""

    client: AsyncClient
    settings: ServerSettings
    memory: SignatureMemory
    _running: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = Visit(self, Request(scope, receive), send)
        if self._running >= self.settings.max_requests:
            await visit.refuse(self._too_many())
            return
        self._running += 1
        try:
            await visit.run()
        finally:
            self._running -= 1

    def _too_many(self) -> Refused:
        return Refused(
            503,
            f"{self.settings.max_requests} requests are being answered already. Ask again a little later.",
            code="too_many_requests",
            headers={"retry-after": f"{self.settings.retry_after:g}"},
        )


class Visit:
    """One request and its answer."""

    def __init__(self, endpoint: ChatEndpoint, request: Request, send: Send) -> None:
        """Make the visit for `request`; its answer goes to `send`."""
        self._endpoint = endpoint
        self._request = request
        self._send = send
        self._started = time.monotonic()
        self._caller = ""
        self._status = 0
        """The status that was sent; 0 before a status was sent."""
        self._response: ChatResponse | None = None

    async def run(self) -> None:
        """Answer the request, and report any error to the caller."""
        try:
            await self._answer()
        except ClientDisconnect:
            self._status = _GONE
        except Exception as error:  # noqa: BLE001  # whatever happens, the caller gets an answer in OpenAI's form
            await self.refuse(error)
            return
        self._log()

    async def refuse(self, error: Exception) -> None:
        """Report an error: with a status, or as the last event of a stream that has begun."""
        failure = failure_of(error)
        if failure.status == 500:
            _log_bug(error)
        if self._status:
            await self._write(event(failure.document()), more=False)
        else:
            await self._whole(failure.document(), failure.status, failure.headers)
        self._log(failure)

    async def _answer(self) -> None:
        request, settings = self._request, self._endpoint.settings
        self._caller = caller_of(request, settings.keys)
        body = parse(await body_of(request, settings.max_body_bytes))
        served = [provider.name for provider in self._endpoint.client.providers]
        asked = self._restored(read(body, request.headers.get(PROVIDER_HEADER), served))
        await while_connected(request.receive, self._stream(asked) if asked.stream else self._chat(asked))

    def _restored(self, asked: Asked) -> Asked:
        """Restore the signatures that the caller dropped."""
        memory = self._endpoint.memory
        messages = tuple(
            Message(message.role, memory.restore(self._caller, message.parts), name=message.name)
            for message in asked.request.messages
        )
        return asked.with_messages(messages)

    async def _chat(self, asked: Asked) -> None:
        response = await self._endpoint.client.chat(asked.request, providers=asked.providers)
        self._remember(response)
        await self._whole(answers.completion(response), 200, answers.headers(response))

    async def _stream(self, asked: Asked) -> None:
        """Send the head together with the first event, so that a failure before it can have its own status."""
        writer = ChunkWriter(asked.request.model, include_usage=asked.include_usage)
        async with self._endpoint.client.stream(asked.request, providers=asked.providers) as events:
            first = await anext(events)
            headers = {"cache-control": "no-cache", **answers.attempt_headers(events.attempts)}
            await self._begin(200, "text/event-stream; charset=utf-8", headers)
            await self._event(writer, first)
            async for happened in events:
                await self._event(writer, happened)
        await self._write(b"", more=False)

    async def _event(self, writer: ChunkWriter, happened: ChatEvent) -> None:
        if isinstance(happened, Finished):
            self._remember(happened.response)
        for chunk in writer.write(happened):
            await self._write(chunk)

    def _remember(self, response: ChatResponse) -> None:
        self._response = response
        for candidate in response.candidates:
            self._endpoint.memory.remember(self._caller, candidate.parts)

    async def _whole(self, document: Mapping[str, JsonValue], status: int, headers: Mapping[str, str]) -> None:
        body = answers.json_of(document)
        await self._begin(status, "application/json", {"content-length": str(len(body)), **headers})
        await self._write(body, more=False)

    async def _begin(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self._status = status
        named = {"content-type": content_type, **headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _log(self, failure: Failure | None = None) -> None:
        """Log the end of a request in one line."""
        response = self._response or ChatResponse()
        LOGGER.info(
            "POST /v1/chat/completions %s %s provider=%s attempts=%d tokens=%d+%d cost_usd=%s %.3f s",
            self._status,
            (failure.code if failure else None) or "ok",
            response.provider or "-",
            len(response.attempts),
            response.usage.input_tokens,
            response.usage.output_tokens,
            "-" if response.usage.cost_usd is None else f"{response.usage.cost_usd:.8f}",
            time.monotonic() - self._started,
        )


def _log_bug(error: Exception) -> None:
    """Log the place of an unexpected error, but not its message: the message may quote the conversation."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    LOGGER.error("%s at %s", type(error).__name__, place)
