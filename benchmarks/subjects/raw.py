"""Plain httpx: the yardstick. Nothing is decoded but JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import httpx

from benchmarks.answers import MODEL, TOOL
from benchmarks.questions import REPORT_SCHEMA, TOOL_DESCRIPTION, TOOL_PARAMETERS, image, turns

from .base import Subject

_HEADERS = {"authorization": "Bearer key"}


class RawHttpx(Subject):
    """`httpx.Client.post` of chat completions."""

    reads_answers = False

    def __init__(self, url: str) -> None:
        super().__init__(f"{url}/v1/chat/completions")
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=120.0)
        self._client = httpx.Client(headers=_HEADERS, timeout=60.0, limits=limits)
        self._async_client = httpx.AsyncClient(headers=_HEADERS, timeout=60.0, limits=limits)

    def body(self, question: str, *, stream: bool = False) -> dict[str, Any]:
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in turns(question)]
        body: dict[str, Any] = {"model": MODEL, "messages": messages}
        if question == "image":
            url = {"url": f"data:image/png;base64,{image()}"}
            messages[0]["content"] = [{"type": "image_url", "image_url": url}]
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def ask(self, question: str) -> Callable[[], Any]:
        body = self.body(question)
        return lambda: self._client.post(self.url, json=body).json()

    def ask_async(self, question: str) -> Callable[[], Any]:
        body = self.body(question)

        async def asked() -> Any:
            return (await self._async_client.post(self.url, json=body)).json()

        return asked

    def tool(self, question: str) -> Callable[[], Any]:
        function = {"name": TOOL, "description": TOOL_DESCRIPTION, "parameters": TOOL_PARAMETERS}
        body = {**self.body(question), "tools": [{"type": "function", "function": function}]}
        return lambda: self._client.post(self.url, json=body).json()

    def structured(self, question: str) -> Callable[[], Any]:
        described = {"type": "json_schema", "json_schema": {"name": "Report", "schema": REPORT_SCHEMA}}
        body = {**self.body(question), "response_format": described}
        return lambda: self._client.post(self.url, json=body).json()

    def stream(self, question: str) -> Callable[[], Any]:
        return partial(self._pieces, self.body(question, stream=True))

    def stream_async(self, question: str) -> Callable[[], Any]:
        return partial(self._async_pieces, self.body(question, stream=True))

    def events(self, question: str) -> Callable[[], Any]:
        """Stand beside the frameworks' typed events, which ask for the same bytes."""
        return self.stream(question)

    def events_async(self, question: str) -> Callable[[], Any]:
        return self.stream_async(question)

    def _pieces(self, body: dict[str, Any]) -> Iterator[bytes]:
        with self._client.stream("POST", self.url, json=body) as response:
            yield from response.iter_raw()

    async def _async_pieces(self, body: dict[str, Any]) -> AsyncIterator[bytes]:
        async with self._async_client.stream("POST", self.url, json=body) as response:
            async for piece in response.aiter_raw():
                yield piece

    def text(self, piece: Any) -> str | None:
        return piece.decode() if isinstance(piece, bytes) else None


class RawHttpxNative(RawHttpx):
    """The same, of generateContent."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._model_url = f"{url}/v1beta/models/{MODEL}"
        self.url = f"{self._model_url}:generateContent"

    def body(self, question: str, *, stream: bool = False) -> dict[str, Any]:
        if stream:
            self.url = f"{self._model_url}:streamGenerateContent?alt=sse"
        if question == "image":
            parts: list[dict[str, Any]] = [{"inlineData": {"mimeType": "image/png", "data": image()}}]
            return {"contents": [{"role": "user", "parts": parts}]}
        roles = {"user": "user", "assistant": "model"}
        return {"contents": [{"role": roles[role], "parts": [{"text": text}]} for role, text in turns(question)]}

    def tool(self, question: str) -> Callable[[], Any]:
        function = {"name": TOOL, "description": TOOL_DESCRIPTION, "parameters": TOOL_PARAMETERS}
        body = {**self.body(question), "tools": [{"functionDeclarations": [function]}]}
        return lambda: self._client.post(self.url, json=body).json()

    def structured(self, question: str) -> Callable[[], Any]:
        config = {"responseMimeType": "application/json", "responseSchema": REPORT_SCHEMA}
        body = {**self.body(question), "generationConfig": config}
        return lambda: self._client.post(self.url, json=body).json()
