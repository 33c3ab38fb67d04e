"""The tasks for a row: a request to a model, or any asynchronous function of the caller."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from pydantic_core import to_jsonable_python

from gemini_multi import archive, structured
from gemini_multi._batch.requests import RequestMaker
from gemini_multi._batch.rows import Record
from gemini_multi.client import AsyncClient
from gemini_multi.errors import InvalidResponse
from gemini_multi.types import ChatRequest, ChatResponse, JsonObject, Text, Thought


class UnusableAnswer(Exception):
    """An answer that was paid for and cannot be used. `fields` holds it."""

    def __init__(self, error: InvalidResponse, fields: dict[str, Any]) -> None:
        super().__init__(error.message)
        self.error = error
        self.fields = fields


_PayloadT = TypeVar("_PayloadT")


class Task(Protocol[_PayloadT]):
    """Answers rows."""

    def payload(self, record: Record) -> _PayloadT:
        """Make the payload for a row.

        Raises:
            BrokenRow: The row cannot be sent.
        """
        ...

    async def answer(self, payload: _PayloadT) -> dict[str, Any]:
        """Send the payload, and return the fields of the result. `answer` is one of them."""
        ...

    def cost_usd(self) -> float:
        """Return the cost of all rows so far."""
        ...

    async def aclose(self) -> None:
        """Release the connections."""
        ...


def digest_of(payload: object) -> str:
    """Return a digest of a payload. Equal requests always have equal digests."""
    text = json.dumps(to_jsonable_python(payload, fallback=repr), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class ChatTask:
    """Sends requests to a model through a client."""

    def __init__(self, client: AsyncClient, maker: RequestMaker, schema: JsonObject | None) -> None:
        self._client = client
        self._maker = maker
        self._schema = schema
        self._spent_before = client.totals.cost_usd

    def payload(self, record: Record) -> ChatRequest:
        return self._maker.request(record)

    async def answer(self, payload: ChatRequest) -> dict[str, Any]:
        response = await self._client.chat(payload)
        fields = _fields(response)
        if self._schema is not None:
            try:
                fields["value"] = structured.read(response.text, self._schema)
            except InvalidResponse as error:
                raise UnusableAnswer(error, fields) from error
        return fields

    def cost_usd(self) -> float:
        return self._client.totals.cost_usd - self._spent_before

    async def aclose(self) -> None:
        await self._client.aclose()


def _fields(response: ChatResponse) -> dict[str, Any]:
    """Return the fields that a result holds of an answer. Parts other than text have the form that `archive` writes."""
    has_other_parts = any(not isinstance(part, Text | Thought) for part in response.parts)
    return {
        "answer": response.text,
        **({"message": json.loads(archive.write([response.message]))[0]} if has_other_parts else {}),
        "finish_reason": response.finish_reason,
        "usage": asdict(response.usage),
        "cost_usd": response.usage.cost_usd,
        "provider": response.provider,
        "model": response.model,
        "attempts": [asdict(attempt) for attempt in response.attempts],
    }


class FunctionTask:
    """Awaits a function of the caller with the row's columns, for example a LangChain runnable's `ainvoke`."""

    def __init__(self, function: Callable[[dict[str, Any]], Awaitable[object]]) -> None:
        self._function = function

    def payload(self, record: Record) -> dict[str, Any]:
        return dict(record)

    async def answer(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {"answer": to_jsonable_python(await self._function(payload), fallback=repr)}

    def cost_usd(self) -> float:
        return 0.0

    async def aclose(self) -> None:
        pass
