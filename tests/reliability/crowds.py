"""Answers with a crowd of everything that an answer may hold: a broken provider sends as many as it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Documents = list[dict[str, Any]]

STOP: Final[dict[str, Any]] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def said(**message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": "x", **message}, "finish_reason": "stop"}]}


def delta(**content: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": content}]}


def candidate(text: str = "ü", **facts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP", **facts}]}


def parts(*found: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(found)}}]}


def call(number: int, arguments: str = "{}") -> dict[str, Any]:
    return {"index": number, "id": f"c{number}", "function": {"name": "add", "arguments": arguments}}


def more(arguments: str, index: int = 0) -> dict[str, Any]:
    return delta(tool_calls=[{"index": index, "function": {"arguments": arguments}}])


def encrypted(number: int, **facts: Any) -> dict[str, Any]:
    return {"type": "reasoning.encrypted", "data": str(number), **facts}


def signed(number: int, text: str = "x") -> dict[str, Any]:
    return {"text": text, "thoughtSignature": f"c2ln{number:04}"}


def supports(size: int, text: str, segment: Callable[[int], dict[str, Any]]) -> Documents:
    """Many supported stretches of a long text."""
    found = [{"segment": segment(number), "groundingChunkIndices": [0]} for number in range(size)]
    chunks = [{"web": {"uri": "https://example.com", "title": "x"}}]
    return [candidate(text * (200 * size), groundingMetadata={"groundingChunks": chunks, "groundingSupports": found})]


def sources_of_one(size: int) -> Documents:
    """One long stretch with many sources."""
    segment = {"startIndex": 1, "endIndex": 200 * size, "text": "x" * (200 * size - 1)}
    support = {"segment": segment, "groundingChunkIndices": list(range(size))}
    chunks = [{"web": {"uri": str(number)}} for number in range(size)]
    return [
        candidate("x" * (200 * size), groundingMetadata={"groundingChunks": chunks, "groundingSupports": [support]})
    ]


def streamed_argument(text: str, *, path: str = "$.a", goes_on: bool = True) -> dict[str, Any]:
    partial = [{"jsonPath": path, "stringValue": text}]
    return parts({"functionCall": {"partialArgs": partial, "willContinue": goes_on}})


def begun_call() -> dict[str, Any]:
    return parts({"functionCall": {"name": "f", "willContinue": True}})


CROWDS: Final[dict[str, Callable[[int], Documents]]] = {
    "choices": lambda size: [
        {"choices": [{"index": number, "message": {"content": "x"}, "finish_reason": "stop"} for number in range(size)]}
    ],
    "candidates": lambda size: [{"candidates": [candidate()["candidates"][0]] * size}],
    "texts": lambda size: [*(delta(content="x ") for _ in range(size)), STOP],
    "signed texts": lambda size: [parts(*(signed(number) for number in range(size))), candidate()],
    "signed texts with citations": lambda size: [
        parts(*(signed(number) for number in range(size))),
        candidate(citationMetadata={"citations": [{"startIndex": at, "endIndex": at + 1} for at in range(size)]}),
    ],
    "tool calls": lambda size: [said(tool_calls=[call(number) for number in range(size)])],
    "tool calls in a stream": lambda size: [*(delta(tool_calls=[call(number)]) for number in range(size)), STOP],
    "calls after one that is never whole": lambda size: [
        delta(tool_calls=[call(0, '{"a": "' + "x" * 50 * size)]),
        *(delta(tool_calls=[call(number)]) for number in range(1, size)),
        STOP,
    ],
    "pieces that look like a beginning": lambda size: [
        delta(tool_calls=[call(0, '{"a": "')]),
        *(more("{ a longer piece") for _ in range(size)),
        STOP,
    ],
    "a reason to stop with every piece": lambda size: [
        delta(tool_calls=[call(0, '{"a": "')]),
        *({"choices": [{**more("x}")["choices"][0], "finish_reason": "stop"}]} for _ in range(size)),
        STOP,
    ],
    "late arguments": lambda size: [
        delta(tool_calls=[call(0), call(1)]),
        *(more("some more") for _ in range(size)),
        STOP,
    ],
    "silent pieces": lambda size: [
        *(delta(tool_calls=[{"type": "function", f"x{number}": 1}]) for number in range(size)),
        delta(tool_calls=[call(0)]),
        STOP,
    ],
    "native calls": lambda size: [parts(*[{"functionCall": {"name": "f"}}] * size), candidate()],
    "media": lambda size: [
        parts({"text": "x"}, *([{"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}] * size)),
        candidate(),
    ],
    "unsigned details": lambda size: [said(reasoning_details=[encrypted(number) for number in range(size)])],
    "details of calls": lambda size: [
        said(
            reasoning_details=[encrypted(number, id=f"c{number}") for number in range(size)],
            tool_calls=[call(number) for number in range(size)],
        )
    ],
    "details of one call": lambda size: [
        delta(tool_calls=[call(0, '{"a": "' + "x" * 100 * size + '"}'), call(1)]),
        *(delta(reasoning_details=[encrypted(number, id="c0")]) for number in range(size)),
        STOP,
    ],
    "remarks on details": lambda size: [
        said(reasoning_details=[{"text": "x", f"k{number}": 1} for number in range(size)])
    ],
    "thoughts that are said twice": lambda size: [
        delta(reasoning="xy", reasoning_content="x"),
        *(delta(reasoning="xy", reasoning_content="yx") for _ in range(size)),
        delta(content="x"),
        STOP,
    ],
    "signatures": lambda size: [
        *(delta(content="x", extra_content={"google": {"thought_signature": str(number)}}) for number in range(size)),
        STOP,
    ],
    "refusals": lambda size: [*(delta(refusal="no ") for _ in range(size)), STOP],
    "annotations": lambda size: [said(annotations=[{"odd": number} for number in range(size)])],
    "sources": lambda size: [
        said(annotations=[{"type": "url_citation", "url": str(number)} for number in range(size)])
    ],
    "sources of the whole text": lambda size: [
        said(
            content="x" * 200 * size,
            annotations=[
                {"type": "url_citation", "url": str(number), "start_index": number, "end_index": 10**6}
                for number in range(size)
            ],
        )
    ],
    "citations": lambda size: [
        candidate(citationMetadata={"citations": [{"uri": str(number)} for number in range(size)]})
    ],
    "citations of the whole text": lambda size: [
        candidate(
            "x" * 200 * size,
            citationMetadata={"citations": [{"uri": str(number), "endIndex": 10**6} for number in range(size)]},
        )
    ],
    "supports of the whole text": lambda size: supports(size, "ü", lambda number: {"endIndex": 10**6, "partIndex": 0}),
    "supports that say another text": lambda size: supports(size, "x", lambda number: {"text": f"y{number}"}),
    "sources of one support": sources_of_one,
    "supports of the last part": lambda size: [
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": "ü" * 200 * size}, {"text": "y"}]},
                    "finishReason": "STOP",
                    "groundingMetadata": {
                        "groundingChunks": [{"web": {"uri": "u"}}],
                        "groundingSupports": [
                            {"segment": {"endIndex": 1, "partIndex": 1}, "groundingChunkIndices": [0]}
                            for _ in range(size)
                        ],
                    },
                }
            ]
        }
    ],
    "grounding in a stream": lambda size: [
        *(
            {"candidates": [{"content": {"parts": [{"text": "x"}]}, "groundingMetadata": {f"k{number}": 1}}]}
            for number in range(size)
        ),
        candidate(),
    ],
    "log probabilities in a stream": lambda size: [
        *(
            {
                "candidates": [
                    {
                        "content": {"parts": [{"text": "x"}]},
                        "logprobsResult": {"chosenCandidates": [{"token": "x", "logProbability": -0.1}]},
                    }
                ]
            }
            for _ in range(size)
        ),
        candidate(),
    ],
    "odd parts": lambda size: [parts(*[{"text": "x", "odd": 1}] * size), candidate()],
    "odd keys": lambda size: [
        *(
            {**delta(content="x"), "odd": {f"k{number}": 1}, "usage": {"d": {f"k{number}": 1}}}
            for number in range(size)
        ),
        STOP,
    ],
    "feedback in a stream": lambda size: [
        *({**parts({"text": "x"}), "promptFeedback": {f"k{number}": 1}} for number in range(size)),
        candidate(),
    ],
    "streamed arguments": lambda size: [
        begun_call(),
        *(streamed_argument("x" * 20) for _ in range(size)),
        streamed_argument("x", goes_on=False),
        candidate(),
    ],
    "streamed arguments far out": lambda size: [
        begun_call(),
        *(streamed_argument("x", path=f"$.a[{99 * number}]") for number in range(size)),
        streamed_argument("x", goes_on=False),
        candidate(),
    ],
    "keep-alive": lambda size: [*({"choices": []} for _ in range(size)), delta(content="x"), STOP],
}
