"""Valid answers of every provider, and the many ways to spoil them: what the fuzz tests feed to the client."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st

NATIVE: Final[dict[str, Any]] = {
    "candidates": [
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Let me think. ", "thought": True, "thoughtSignature": "c2ln"},
                    {"text": "Grüße aus Köln 🙂 "},
                    {
                        "functionCall": {"id": "c1", "name": "add", "args": {"a": 1, "b": "2"}},
                        "thoughtSignature": "eA==",
                    },
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
                    {"executableCode": {"language": "PYTHON", "code": "1 + 1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
                    {"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}},
                ],
            },
            "finishReason": "STOP",
            "finishMessage": "done",
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW", "blocked": False}],
            "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 5, "uri": "https://example.com"}]},
            "groundingMetadata": {
                "groundingChunks": [{"web": {"uri": "https://example.com", "title": "x"}}],
                "groundingSupports": [
                    {
                        "segment": {"startIndex": 0, "endIndex": 6, "text": "Grüße", "partIndex": 1},
                        "groundingChunkIndices": [0],
                        "confidenceScores": [0.9],
                    }
                ],
                "webSearchQueries": ["x"],
            },
            "avgLogprobs": -0.25,
            "logprobsResult": {
                "chosenCandidates": [{"token": "G", "logProbability": -0.1}],
                "topCandidates": [{"candidates": [{"token": "G", "logProbability": -0.1}]}],
            },
        }
    ],
    "promptFeedback": {"safetyRatings": []},
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 2,
        "toolUsePromptTokenCount": 1,
        "totalTokenCount": 36,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    },
    "modelVersion": "gemini-2.5-flash-lite",
    "responseId": "r1",
}
USAGE: Final[dict[str, Any]] = {
    "prompt_tokens": 10,
    "completion_tokens": 20,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5},
    "cost": 0.001,
}
CALL: Final[dict[str, Any]] = {
    "index": 0,
    "id": "c1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'},
    "extra_content": {"google": {"thought_signature": "c2ln"}},
}
SAID: Final[dict[str, Any]] = {
    "role": "assistant",
    "content": "<thought>Hm.</thought>Grüße 🙂",
    "reasoning": "Hm.",
    "reasoning_content": "Hm.",
    "reasoning_details": [{"type": "reasoning.encrypted", "data": "c2ln", "id": "c1", "index": 0}],
    "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}],
    "audio": {"id": "a", "data": "AAAA", "transcript": "Hi", "expires_at": 1},
    "refusal": None,
    "annotations": [{"type": "url_citation", "url_citation": {"url": "https://e.com", "end_index": 3}}],
    "tool_calls": [CALL],
}
LOGPROBS: Final[dict[str, Any]] = {"content": [{"token": "G", "logprob": -0.1, "top_logprobs": []}], "refusal": None}
CHAT: Final[dict[str, Any]] = {
    "id": "x1",
    "object": "chat.completion",
    "created": 1,
    "model": "gemini-2.5-flash-lite",
    "choices": [{"index": 0, "message": SAID, "finish_reason": "tool_calls", "logprobs": LOGPROBS}],
    "usage": USAGE,
    "meta": {"usage": {"credits_used": 4200, "usd_spent": 0.002}},
}


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {
        "id": "x1",
        "object": "chat.completion.chunk",
        "model": "gemini-2.5-flash-lite",
        "choices": [{"index": 0, "delta": said, "finish_reason": finish, "logprobs": LOGPROBS}],
    }


FRAGMENT: Final[dict[str, Any]] = {"index": 0, "function": {"arguments": ' "b": 2}'}}
CHAT_STREAM: Final[list[dict[str, Any]]] = [
    delta(role="assistant", content=""),
    delta(content="Grü"),
    delta(reasoning_details=SAID["reasoning_details"], images=SAID["images"]),
    delta(tool_calls=[{**CALL, "function": {"name": "add", "arguments": '{"a": 1,'}}]),
    delta(tool_calls=[FRAGMENT]),
    delta("tool_calls", content=None),
    {"id": "x1", "choices": [], "usage": USAGE},
]
NATIVE_STREAM: Final[list[dict[str, Any]]] = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Grü"}]}}], "responseId": "r1"},
    {"candidates": [{"content": {"parts": NATIVE["candidates"][0]["content"]["parts"][1:3]}}]},
    NATIVE,
]
STREAMED_ARGUMENTS: Final[list[dict[str, Any]]] = [
    {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {
                            "functionCall": {
                                "name": "add",
                                "partialArgs": [{"jsonPath": path, **value} for path, value in given],
                                "willContinue": goes_on,
                            }
                        }
                    ]
                },
                "groundingMetadata": {"webSearchQueries": [str(goes_on)], "groundingChunks": [{"maps": {"uri": "u"}}]},
                "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "u"}]},
                "logprobsResult": {"chosenCandidates": [{"token": "G", "logProbability": -0.1}]},
            }
        ]
    }
    for given, goes_on in (
        ([("$.a", {"numberValue": 1}), ("$.b[0]", {"stringValue": "2"})], True),
        ([("$.b[0]", {"stringValue": "3"}), ("$['c'].d", {"boolValue": True})], False),
    )
]
ODD_CALLS: Final[list[dict[str, Any]]] = [
    delta(tool_calls=CALL),
    delta(tool_calls=[{"index": 0, "id": "", "function": {"name": "add", "arguments": {"a": 1}}}, CALL]),
    delta(
        tool_calls=[{"id": 7, "custom": {"name": "add", "input": "x"}}, {"type": "function", "thought_signature": "s"}]
    ),
    delta(reasoning="Hm.", reasoning_content="H", reasoning_details=[{"text": "Hm", "format": "x"}], refusal="No"),
    delta("stop", function_call={"name": "get weather", "arguments": "{}"}),
]
ERRORS: Final[list[dict[str, Any]]] = [
    {
        "error": {
            "code": 429,
            "message": "Quota",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"reason": "RATE_LIMIT", "violations": [{"quotaId": "PerMinute"}]},
                {"retryDelay": "34.5s"},
            ],
        }
    },
    {"success": False, "errors": [{"code": 2021, "message": "no credit"}], "result": None, "messages": []},
    {"success": False, "error": [{"code": 2045, "message": "x"}], "name": "AiGatewayError", "internalCode": 2045},
    {"message": "Too many", "statusCode": 429, "requestId": "x", "timestamp": "2026-11-20"},
    {"error": {"type": "upstream", "title": "Bad", "detail": "x"}, "status_message": "upstream", "status": "error"},
    {"error": "plain words"},
]
DOCUMENTS: Final[list[list[dict[str, Any]]]] = [
    [NATIVE],
    NATIVE_STREAM,
    [CHAT],
    CHAT_STREAM,
    STREAMED_ARGUMENTS,
    ODD_CALLS,
    [{"result": NATIVE, "success": True, "errors": [], "messages": []}],
    [{"result": {"state": "Completed", "result": NATIVE, "gatewayMetadata": {"keySource": "x"}}, "success": True}],
    *([error] for error in ERRORS),
]


def nested(depth: int, leaf: Any = 1) -> Any:
    """Nest lists and objects by turns."""
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


NASTY: Final[list[Any]] = [
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    -(2**64),
    10**400,
    -(10**400),
    0.5,
    -1e308,
    1e308,
    float("inf"),
    float("nan"),
    "",
    " ",
    "\0",
    "x" * 5_000,
    "9" * 5_000,
    "1e400",
    "-1",
    "٣²",
    "\u2028\u0085",
    "\ud800",
    "data: x\n\n",
    "[DONE]",
    "<thought>",
    '{"error": {"code": 1}}',
    "data:image/png;base64,",
    [],
    {},
    [[]],
    [None],
    [None, 1, "x", [], {}],
    [{}] * 50,
    {"": None},
    {"value": []},
    nested(60),
    nested(150),
]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths to everything inside a document, itself included."""
    found = [path]
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


def at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def put(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def drop(holder: Any, key: Any, value: Any) -> None:
    del holder[key]


def repeat(holder: Any, key: Any, value: Any) -> None:
    """Say the same again: the element of a list, or the value as a list of itself."""
    if isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key])] * 3
    else:
        holder[key] = [holder[key], value]


def wrap(holder: Any, key: Any, value: Any) -> None:
    holder[key] = [holder[key]]


def as_text(holder: Any, key: Any, value: Any) -> None:
    holder[key] = json.dumps(holder[key])


def rename(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[str(value)[:20]] = holder.pop(key)
    else:
        holder.reverse()


CHANGES: Final[list[Callable[[Any, Any, Any], None]]] = [put, put, put, drop, repeat, wrap, as_text, rename]


@st.composite
def spoiled_documents(draw: st.DrawFn) -> list[Any]:
    """Take the documents of one valid answer and change a few places in them."""
    documents: list[Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(0, 4))):
        paths = places(documents)
        if len(paths) < 2:
            break
        path = paths[draw(st.integers(1, len(paths) - 1))]
        change, value = draw(st.sampled_from(CHANGES)), draw(st.sampled_from(NASTY))
        change(at(documents, path[:-1]), path[-1], copy.deepcopy(value))
    return documents


LINE_ENDS: Final = [b"\n", b"\r\n", b"\r"]
BETWEEN: Final = [
    b"",
    b": ping",
    b"event: message",
    b"id: 1",
    b"retry: 1",
    b"event: error",
    b"data",
    b"junk",
    b"data: null",
]


@st.composite
def framed(draw: st.DrawFn, documents: list[Any]) -> bytes:
    """Write documents as one JSON value, a list of them, or an event stream with odd lines between."""
    ascii_only = draw(st.booleans())
    texts = [json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "replace") for document in documents]
    frame = draw(st.sampled_from(["events", "events", "events", "whole", "list", "lines"]))
    if frame == "whole":
        return texts[-1] if texts else b""
    if frame == "list":
        return b"[" + b",\r\n".join(texts) + b"]"
    if frame == "lines":
        return b"\n".join(texts)
    end, between = draw(st.sampled_from(LINE_ENDS)), draw(st.sampled_from(BETWEEN))
    events = [b"data: " + text + end + between + end + end for text in texts]
    done = draw(st.sampled_from([b"data: [DONE]" + end + end, b"data: [DONE]", b""]))
    return b"".join(events) + done


@st.composite
def spoiled_bytes(draw: st.DrawFn) -> bytes:
    """Write a spoiled answer and spoil the bytes too: cut them off, overwrite, insert, or say a key twice."""
    data = draw(framed(draw(spoiled_documents())))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["cut", "flip", "insert", "twice", "keys"]))
        if kind == "cut":
            data = data[:place]
        elif kind == "flip":
            data = data[:place] + draw(st.sampled_from([b"\0", b"\xff", b'"', b"\n", b"}"])) + data[place + 1 :]
        elif kind == "insert":
            data = data[:place] + draw(st.binary(max_size=8)) + data[place:]
        elif kind == "twice":
            data += data[:place]
        else:
            data = data.replace(b'{"', b'{"index": null, "content": [], "parts": 7, "', draw(st.integers(1, 5)))
    return data


FRAGMENTS: Final = [
    b"data: ",
    b"data:",
    b"data",
    b"\n\n",
    b"\r\n\r\n",
    b"\r",
    b": c\n",
    b"[DONE]",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b'{"choices":[{"delta":{"content":"x"}}]}',
    b'{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}',
    b'"finish_reason":"stop"',
    b"null",
    b"1e999",
    b"<html>",
    b"\xef\xbb\xbf",
    b"\0",
    b"\xff",
    b"\\ud800",
    b'{"choices":[{"delta":{"content":"\\ud83d"}}]}',
    b'{"choices":[{"delta":{"content":"\\ude00"}}]}',
    b"\xe2\x80\xa8",
]
ANY_BYTES: Final = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=3)), max_size=30).map(b"".join),
)
"""Noise, and noise made of what streams are made of."""


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut bytes anywhere: not at all, at a few places, or after each byte."""
    if len(data) <= 300 and draw(st.integers(0, 9)) == 0:
        return [data[place : place + 1] for place in range(len(data))]
    places = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=4))})
    return [data[start:end] for start, end in pairwise(places)]
