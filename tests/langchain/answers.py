"""What the tests of rivals' defects share: a model at one provider, and answers as providers really shape them."""

from __future__ import annotations

import json
from typing import Any

from gemini_multi.sandbox import Sandbox
from langchain_gemini_multi import ChatGeminiMulti

PROVIDERS = ("cloudflare", "aimlapi", "oxen")
CHAT_PROVIDERS = ("aimlapi", "oxen")


def chat(provider: Any, **options: Any) -> ChatGeminiMulti:
    return ChatGeminiMulti(**{"model": "gemini-3-flash", "providers": provider, "max_retries": 0, **options})


def completion(message: dict[str, Any], *, reason: str = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
    return json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], **fields}).encode()


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def events(*deltas: dict[str, Any], reason: str | None = "stop", done: bool = True, **last: Any) -> bytes:
    pieces = [event(choices=[{"index": 0, "delta": delta}]) for delta in deltas]
    if reason:
        pieces.append(event(choices=[{"index": 0, "delta": {}, "finish_reason": reason}], **last))
    return b"".join(pieces) + (b"data: [DONE]\n\n" if done else b"")


def generated(*parts: dict[str, Any], reason: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """Make a native answer."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}
    return {"candidates": [candidate], "modelVersion": "m", **fields}


def native_events(*documents: dict[str, Any]) -> bytes:
    return b"".join(event(**document) for document in documents)


def replied(sandbox: Sandbox, provider: str, body: bytes, **headers: str) -> None:
    kind = "text/event-stream" if body.startswith(b"data:") else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sandbox.reply_raw(provider, headers={"content-type": kind, **named}, body=body)


def sent(sandbox: Sandbox) -> Any:
    return sandbox.requests[-1].body


def merged(chunks: Any) -> Any:
    first, *rest = chunks
    return sum(rest, first)


def call(name: str, arguments: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"
