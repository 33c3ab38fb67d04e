"""Questions as the two wires spell them, for raw httpx and for the clients that take them so."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.answers import MODEL, TOOL
from benchmarks.questions import REPORT_SCHEMA, TOOL_DESCRIPTION, TOOL_PARAMETERS, image, turns

_FUNCTION: Final = {"name": TOOL, "description": TOOL_DESCRIPTION, "parameters": TOOL_PARAMETERS}
_ROLES: Final = {"user": "user", "assistant": "model"}


def chat_body(question: str, *, stream: bool = False, tool: bool = False, structured: bool = False) -> dict[str, Any]:
    """Write a body of chat completions."""
    messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in turns(question)]
    body: dict[str, Any] = {"model": MODEL, "messages": messages}
    if question == "image":
        url = {"url": f"data:image/png;base64,{image()}"}
        messages[0]["content"] = [{"type": "image_url", "image_url": url}]
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if tool:
        body["tools"] = [{"type": "function", "function": _FUNCTION}]
    if structured:
        described = {"name": "Report", "schema": REPORT_SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    return body


def native_body(question: str, *, tool: bool = False, structured: bool = False) -> dict[str, Any]:
    """Write a body of generateContent."""
    contents: list[dict[str, Any]] = [
        {"role": _ROLES[role], "parts": [{"text": text}]} for role, text in turns(question)
    ]
    body: dict[str, Any] = {"contents": contents}
    if question == "image":
        contents[0]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": image()}}]
    if tool:
        body["tools"] = [{"functionDeclarations": [_FUNCTION]}]
    if structured:
        body["generationConfig"] = {"responseMimeType": "application/json", "responseSchema": REPORT_SCHEMA}
    return body
