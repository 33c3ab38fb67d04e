"""What a broken or hostile host sends costs bounded memory and linear time, and never takes the key elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_multi import Finished, Limits, ServerError, StreamInterrupted

from .drive import receive

MANY = 100_000
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def said(**message: Any) -> list[dict[str, Any]]:
    return [{"choices": [{"index": 0, "message": {"content": "x", **message}, "finish_reason": "stop"}]}]


def delta(**content: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": content}]}


def candidate(**facts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": "ü"}]}, "finishReason": "STOP", **facts}]}


def call(number: int) -> dict[str, Any]:
    return {"index": number, "id": f"c{number}", "function": {"name": "add", "arguments": "{}"}}


def encrypted(number: int) -> dict[str, Any]:
    return {"type": "reasoning.encrypted", "data": str(number)}


CROWDS: dict[str, list[dict[str, Any]]] = {
    "tool calls": said(tool_calls=[call(number) for number in range(MANY)]),
    "tool calls in a stream": [*(delta(tool_calls=[call(number)]) for number in range(MANY)), STOP],
    "native calls": [{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}] * MANY}}]}, candidate()],
    "unsigned details": said(reasoning_details=[encrypted(number) for number in range(MANY)]),
    "details of calls": said(reasoning_details=[{**encrypted(number), "id": f"c{number}"} for number in range(MANY)]),
    "signatures": [
        *(delta(content="x", extra_content={"google": {"thought_signature": str(number)}}) for number in range(MANY)),
        STOP,
    ],
    "annotations": said(annotations=[{"odd": number} for number in range(MANY)]),
    "sources": said(annotations=[{"type": "url_citation", "url": str(number)} for number in range(MANY)]),
    "citations": [candidate(citationMetadata={"citations": [{"uri": str(number)} for number in range(MANY)]})],
    "odd parts": [{"candidates": [{"content": {"parts": [{"text": "x", "odd": 1}] * MANY}, "finishReason": "STOP"}]}],
    "streamed arguments": [
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {
                                "functionCall": {
                                    "name": "f",
                                    "partialArgs": [{"jsonPath": "$.a[9999]", "numberValue": 1}],
                                    "willContinue": True,
                                }
                            }
                        ]
                        * (MANY // 10)
                    }
                }
            ]
        },
        candidate(),
    ],
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_hundred_thousand_of_anything_cost_linear_time(crowd: str) -> None:
    """`receive` refuses to wait long: what is quadratic in this number takes minutes."""
    content = b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in CROWDS[crowd])
    pieces = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]

    assert isinstance(receive("oxen", pieces, stream=True, patience=30.0).events[-1], Finished)


@pytest.mark.parametrize("tag", [b"<title", b"<title>", b"<title></title"])
def test_an_error_page_of_nothing_but_titles_is_read_at_once(tag: bytes) -> None:
    """The page's title is found in linear time."""
    ending = receive("oxen", [tag * (256 * 1024 // len(tag))], stream=False, status=502, patience=1.0)

    assert isinstance(ending.error, ServerError)


def test_white_space_byte_by_byte_costs_linear_time() -> None:
    """Gateways keep connections alive with it; only so much of it."""
    ending = receive("oxen", [b" "] * 300_001, stream=True, limits=Limits(event_bytes=300_000), patience=3.0)

    assert "nothing but white space" in str(ending.error)


@pytest.mark.parametrize("line", [b"data\n", b"data:\n", b"data: x\n", b"data: "])
def test_an_event_without_an_end_is_refused(line: bytes) -> None:
    """Whatever its lines are, it is not collected for ever."""
    ending = receive("oxen", [line] * 2_000, stream=True, limits=Limits(event_bytes=5_000))

    assert "larger than 5,000 bytes" in str(ending.error)


@pytest.mark.parametrize("count", [-1, 10**400, 1e308, "9" * 5_000, True, None, [], "x", float("inf")])
@pytest.mark.parametrize("host", ["cloudflare", "oxen"])
def test_absurd_counts_are_none(host: str, count: Any) -> None:
    """They can be neither added nor multiplied by a price, and the answer is good."""
    native = {**candidate(), "usageMetadata": {"promptTokenCount": count, "totalTokenCount": count}}
    chat = {**said()[0], "usage": {"prompt_tokens": count, "total_tokens": count}}
    for document in (native, chat):
        last = receive(host, [json.dumps(document).encode()], stream=False).events[-1]

        assert isinstance(last, Finished)
        assert last.response.usage.total_tokens in (0, 1)


def test_a_flat_error_with_status_200_is_an_error() -> None:
    """AIMLAPI's errors have no `error` around them."""
    flat = b'{"message": "Busy", "statusCode": 503, "requestId": "x"}'
    ending = receive("aimlapi", [flat], stream=False)
    streamed = receive(
        "aimlapi", [b"data: " + json.dumps(delta(content="x")).encode(), b"\n\ndata: ", flat], stream=True
    )

    assert isinstance(ending.error, ServerError)
    assert isinstance(streamed.error, StreamInterrupted)
    assert isinstance(streamed.error.__cause__, ServerError)
