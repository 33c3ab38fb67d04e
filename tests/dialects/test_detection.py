"""Answers in the dialect that was not asked in: the shape decides, not the endpoint."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gemini_multi import ChatRequest, Cloudflare, Message, Tool
from gemini_multi.client import Client
from tests.end_to_end.depth_endpoints import AT_ONCE, ask

NATIVE_PART = {"functionCall": {"name": "default_api:f", "args": {"n": 2.0}}, "thoughtSignature": "cw=="}
NATIVE = {
    "candidates": [{"content": {"role": "model", "parts": [NATIVE_PART]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
}
CHAT_CALL = {
    "id": "1",
    "type": "function",
    "function": {"name": "default_api:f", "arguments": '{"n": 2.0}'},
    "extra_content": {"google": {"thought_signature": "cw=="}},
}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
MESSAGE = {"role": "assistant", "tool_calls": [CHAT_CALL]}
CHAT = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}], "usage": USAGE}
CHUNK = {"choices": [{"index": 0, "delta": MESSAGE, "finish_reason": "stop"}], "usage": USAGE}
QUIET: dict[str, Any] = {"id": "1"}


@pytest.mark.parametrize("api", ["run", "chat_completions", "google_ai_studio"])
@pytest.mark.parametrize(
    ("documents", "dialect"),
    [
        ([NATIVE], "generate_content"),
        ([QUIET, NATIVE], "generate_content"),
        ([CHAT], "chat_completions"),
        ([QUIET, CHUNK], "chat_completions"),
    ],
    ids=["native", "native in pieces", "chat", "chat in pieces"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_is_read_by_its_shape(api: Any, documents: list[Any], dialect: str, stream: bool) -> None:
    """Every endpoint may answer in either dialect, whole or in a stream, and the answer says in which."""
    told = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in documents)
    content = told if len(documents) > 1 else json.dumps({"result": documents[0]}).encode()
    http = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=content)))
    tool = Tool("f", "", {"type": "object", "properties": {"n": {"type": "integer"}}})
    request = ChatRequest(model="gemini-3.8-flash", messages=(Message.user("Hi"),), tools=(tool,))
    response = ask(
        Client(Cloudflare("account", "key", api=api), http_client=http, retry_policy=AT_ONCE), request, stream=stream
    )
    (call,) = response.tool_calls

    assert (call.name, call.arguments, response.finish_reason) == ("f", {"n": 2}, "tool_calls")
    assert call.signature is not None
    assert (call.signature.thought_signature(), call.signature.issuer.split("/")[0]) == ("cw==", "cloudflare")
    assert (response.dialect, response.usage.total_tokens) == (dialect, 7)
