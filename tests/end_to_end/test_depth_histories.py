"""Histories that Gemini refuses, put right for both dialects.

Whole bodies, and every endpoint of every provider takes them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gemini_multi import (
    Blob,
    CodeResult,
    ExecutableCode,
    Message,
    Opaque,
    SettingIgnoredWarning,
    Signature,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from gemini_multi.catalog import find
from gemini_multi.sandbox import Sandbox
from tests.end_to_end.depth_endpoints import ENDPOINTS, OLD_ENDPOINTS, EndpointCase, ask, client_of, sent

HELLO = Message.user("Hello")
DOG = Blob("aGk=", "image/png")
FIRST = ToolCall("1", "weather", {"city": "Bern"})
SECOND = ToolCall("2", "weather", {"city": "Oslo"})
FIRST_RESULT = ToolResult("1", "weather", (Text("sun"),))
SECOND_RESULT = ToolResult("2", "weather", (Text("snow"),))
FOREIGN = Signature("Zm9yZWlnbg==", carrier="thoughtSignature", issuer="elsewhere")

# What both dialects say, piece by piece.
USER_N = {"role": "user", "parts": [{"text": "Hello"}]}
USER_C = {"role": "user", "content": "Hello"}
DOT_N = {"role": "user", "parts": [{"text": "."}]}
DOT_C = {"role": "user", "content": "."}


def said_n(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


def said_c(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


def calls_n(*cities: str) -> dict[str, Any]:
    return {
        "role": "model",
        "parts": [{"functionCall": {"name": "weather", "args": {"city": city}}} for city in cities],
    }


def calls_c(*cities: str, ids: Sequence[str] = "12") -> dict[str, Any]:
    calls = [
        {
            "id": own,
            "type": "function",
            "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'},
        }
        for city, own in zip(cities, ids, strict=False)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def results_n(*outputs: str | dict[str, str]) -> dict[str, Any]:
    told = [output if isinstance(output, dict) else {"output": output} for output in outputs]
    return {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": one}} for one in told]}


def result_c(content: str, own: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": own, "name": "weather", "content": content}


NOT_RUN = "The function was not run."
NOT_RUN_N = {"error": NOT_RUN}
NOT_RUN_C = f'{{"error":"{NOT_RUN}"}}'
LOOP_N = [USER_N, calls_n("Bern", "Oslo"), results_n("sun", "snow")]
LOOP_C = [USER_C, calls_c("Bern", "Oslo"), result_c("sun", "1"), result_c("snow", "2")]


@dataclass(frozen=True)
class Case:
    name: str
    messages: tuple[Message, ...]
    native: list[dict[str, Any]]
    chat: list[dict[str, Any]]
    system: str | list[str] = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


CASES = [
    Case("system only", (Message.system("Be brief."),), [DOT_N], [DOT_C], "Be brief."),
    Case("nothing but empty text", (Message.user(""),), [DOT_N], [DOT_C]),
    Case("no parts at all", (Message("user", ()), Message("assistant", ())), [DOT_N], [DOT_C]),
    Case(
        "leading model turn",
        (Message.assistant("Welcome"), HELLO),
        [DOT_N, said_n("Welcome", "model"), USER_N],
        [DOT_C, said_c("Welcome", "assistant"), USER_C],
    ),
    Case(
        "leading call",
        (Message.assistant(FIRST), Message.tool(FIRST_RESULT), HELLO),
        [DOT_N, calls_n("Bern"), results_n("sun"), USER_N],
        [DOT_C, calls_c("Bern"), result_c("sun", "1"), USER_C],
    ),
    Case(
        "several and late system messages",
        (Message.system("A"), HELLO, Message.system("B"), Message.assistant("Hi"), HELLO, Message.system("C")),
        [USER_N, said_n("Hi", "model"), USER_N],
        [USER_C, said_c("Hi", "assistant"), USER_C],
        ["A", "B", "C"],
    ),
    Case(
        "consecutive roles",
        (HELLO, HELLO, Message.assistant("a"), Message.assistant("b"), HELLO),
        [USER_N, USER_N, said_n("a", "model"), said_n("b", "model"), USER_N],
        [USER_C, USER_C, said_c("a", "assistant"), said_c("b", "assistant"), USER_C],
    ),
    Case(
        "whole loop",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT, SECOND_RESULT)),
        LOOP_N,
        LOOP_C,
    ),
    Case(
        "one message per result",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT), Message.tool(SECOND_RESULT)),
        LOOP_N,
        LOOP_C,
    ),
    Case(
        "results out of order",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(SECOND_RESULT), Message.tool(FIRST_RESULT)),
        LOOP_N,
        LOOP_C,
    ),
    Case(
        "results split by text of the user",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT), HELLO, Message.tool(SECOND_RESULT)),
        [*LOOP_N, USER_N],
        [*LOOP_C, USER_C],
    ),
    Case(
        "results beside text in one message",
        (HELLO, Message.assistant(FIRST, SECOND), Message.user("Hello", SECOND_RESULT, FIRST_RESULT)),
        [*LOOP_N, USER_N],
        [*LOOP_C, USER_C],
    ),
    Case(
        "results before their calls",
        (HELLO, Message.tool(FIRST_RESULT, SECOND_RESULT), Message.assistant(FIRST, SECOND)),
        LOOP_N,
        LOOP_C,
    ),
    Case(
        "missing result in the middle",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(SECOND_RESULT), HELLO),
        [USER_N, calls_n("Bern", "Oslo"), results_n(NOT_RUN_N, "snow"), USER_N],
        [USER_C, calls_c("Bern", "Oslo"), result_c(NOT_RUN_C, "1"), result_c("snow", "2"), USER_C],
    ),
    Case(
        "interrupted loop",
        (HELLO, Message.assistant(FIRST), HELLO),
        [USER_N, calls_n("Bern"), results_n(NOT_RUN_N), USER_N],
        [USER_C, calls_c("Bern"), result_c(NOT_RUN_C, "1"), USER_C],
    ),
    Case(
        "call at the end",
        (HELLO, Message.assistant(FIRST)),
        [USER_N, calls_n("Bern"), results_n(NOT_RUN_N)],
        [USER_C, calls_c("Bern"), result_c(NOT_RUN_C, "1")],
    ),
    Case(
        "result given twice",
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT), Message.tool(FIRST_RESULT)),
        [USER_N, calls_n("Bern"), results_n("sun")],
        [USER_C, calls_c("Bern"), result_c("sun", "1")],
    ),
    Case(
        "orphan result",
        (HELLO, Message.tool(FIRST_RESULT)),
        [USER_N, said_n("Result of the function `weather`: sun")],
        [USER_C, said_c("Result of the function `weather`: sun")],
    ),
    Case(
        "orphan result first of all",
        (Message.tool(FIRST_RESULT), HELLO),
        [said_n("Result of the function `weather`: sun"), USER_N],
        [said_c("Result of the function `weather`: sun"), USER_C],
    ),
    Case(
        "interleaved calls and results",
        (
            HELLO,
            Message.assistant(FIRST),
            Message.tool(FIRST_RESULT),
            Message.assistant(SECOND),
            Message.tool(SECOND_RESULT),
        ),
        [USER_N, calls_n("Bern"), results_n("sun"), calls_n("Oslo"), results_n("snow")],
        [USER_C, calls_c("Bern"), result_c("sun", "1"), calls_c("Oslo", ids="2"), result_c("snow", "2")],
    ),
    Case(
        "empty messages in a loop",
        (HELLO, Message.assistant(""), Message.assistant(FIRST), Message.user(""), Message.tool(FIRST_RESULT)),
        [USER_N, calls_n("Bern"), results_n("sun")],
        [USER_C, calls_c("Bern"), result_c("sun", "1")],
    ),
    Case(
        "empty turn of a failed answer",
        (HELLO, Message("assistant", ()), Message.assistant(Opaque({})), HELLO),
        [USER_N, USER_N],
        [USER_C, USER_C],
    ),
    Case(
        "turn with nothing but a foreign signature",
        (HELLO, Message.assistant(Text("", signature=FOREIGN), Thought("hm", signature=FOREIGN)), HELLO),
        [USER_N, USER_N],
        [USER_C, USER_C],
    ),
    Case(
        "turn with nothing but a part of the Gemini API",
        (HELLO, Message.assistant(Opaque({"toolCall": {"id": "1"}})), HELLO),
        [USER_N, USER_N],
        [USER_C, USER_C],
    ),
    Case(
        "function without arguments and result",
        (HELLO, Message.assistant(ToolCall("1", "weather")), Message.tool(ToolResult("1", "weather"))),
        [
            USER_N,
            {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]},
            results_n(""),
        ],
        [
            USER_C,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
            },
            result_c("", "1"),
        ],
    ),
    Case(
        "the same id on both calls",
        (
            HELLO,
            Message.assistant(FIRST, ToolCall("1", "weather", {"city": "Oslo"})),
            Message.tool(FIRST_RESULT, ToolResult("1", "weather", (Text("snow"),))),
        ),
        LOOP_N,
        [USER_C, calls_c("Bern", "Oslo", ids=["1", "call_1"]), result_c("sun", "1"), result_c("snow", "call_1")],
    ),
    Case(
        "the same id in two steps",
        (HELLO, *(2 * (Message.assistant(FIRST), Message.tool(FIRST_RESULT)))),
        [USER_N, *(2 * [calls_n("Bern"), results_n("sun")])],
        [USER_C, *(2 * [calls_c("Bern"), result_c("sun", "1")])],
    ),
    Case(
        "no ids",
        (
            HELLO,
            Message.assistant(ToolCall("", "weather", {"city": "Bern"}), ToolCall("", "weather", {"city": "Oslo"})),
            Message.tool(ToolResult("", "weather", (Text("sun"),)), ToolResult("", "weather", (Text("snow"),))),
        ),
        LOOP_N,
        [
            USER_C,
            calls_c("Bern", "Oslo", ids=["call_1", "call_2"]),
            result_c("sun", "call_1"),
            result_c("snow", "call_2"),
        ],
    ),
    Case(
        "code of another provider",
        (HELLO, Message.assistant("So:", ExecutableCode("1+1"), CodeResult("2")), HELLO),
        [
            USER_N,
            {
                "role": "model",
                "parts": [
                    {"text": "So:"},
                    {"executableCode": {"language": "PYTHON", "code": "1+1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
                ],
            },
            USER_N,
        ],
        [USER_C, said_c("So:\n```python\n1+1\n```\n\n```\n2\n```\n", "assistant"), USER_C],
    ),
    Case(
        "trailing model turn",
        (HELLO, Message.assistant("Once")),
        [USER_N, said_n("Once", "model")],
        [USER_C, said_c("Once", "assistant")],
    ),
    Case(
        "image without words",
        (Message.user(DOG),),
        [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"text": " "}]}],
        [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
            }
        ],
    ),
    Case(
        "image in the result",
        (HELLO, Message.assistant(FIRST), Message.tool(ToolResult("1", "weather", (Text("sun"), DOG)))),
        [
            USER_N,
            calls_n("Bern"),
            results_n("sun"),
            {
                "role": "user",
                "parts": [
                    {"text": "Returned by the function `weather`:"},
                    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                ],
            },
        ],
        [
            USER_C,
            calls_c("Bern"),
            result_c("sun", "1"),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Returned by the function `weather`:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                ],
            },
        ],
    ),
]


NATIVE, CHAT = OLD_ENDPOINTS[:2]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_native_history_is_put_right(case: Case, sandbox: Sandbox) -> None:
    """Every defect becomes contents that Vertex AI takes, word for word."""
    ask(client_of(sandbox, NATIVE), NATIVE.request(*case.messages))
    system = [case.system] if isinstance(case.system, str) and case.system else list(case.system)
    instruction = {"systemInstruction": {"parts": [{"text": text} for text in system]}} if system else {}

    assert sent(sandbox) == {"contents": case.native, **instruction}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_chat_history_is_put_right(case: Case, sandbox: Sandbox) -> None:
    """Every defect becomes messages that a chat provider takes, word for word."""
    ask(client_of(sandbox, CHAT), CHAT.request(*case.messages))
    system = [case.system] if isinstance(case.system, str) and case.system else list(case.system)
    first = [{"role": "system", "content": "\n\n".join(system)}] if system else []

    assert sent(sandbox) == {"model": "google/gemini-2.5-flash", "messages": [*first, *case.chat]}


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *OLD_ENDPOINTS], ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_endpoint_takes_every_history(endpoint: EndpointCase, stream: bool, sandbox: Sandbox) -> None:
    """No endpoint answers 400 to any of them, and the caller's messages stay as they are."""
    client = client_of(sandbox, endpoint)
    for case in CASES:
        before = copy.deepcopy(case.messages)
        response = ask(client, endpoint.request(*case.messages), stream=stream)

        assert response.finish_reason == "stop", case.name
        assert case.messages == before


NAMED = (Message("user", (Text("Hello"),), name="ann"), Message("assistant", (Text("Hi"),), name="bot"), HELLO)


def test_names_go_along_in_chat(sandbox: Sandbox) -> None:
    """Chat completions has a field for who speaks."""
    ask(client_of(sandbox, CHAT), CHAT.request(*NAMED))

    assert sent(sandbox)["messages"] == [
        {"role": "user", "name": "ann", "content": "Hello"},
        {"role": "assistant", "name": "bot", "content": "Hi"},
        USER_C,
    ]


def test_names_of_users_are_not_dropped_silently(sandbox: Sandbox) -> None:
    """The native dialect has no field for them: the text goes as it is, with a warning."""
    with pytest.warns(SettingIgnoredWarning, match="no field for it; say in the text who speaks"):
        ask(client_of(sandbox, NATIVE), NATIVE.request(*NAMED))

    assert sent(sandbox) == {"contents": [USER_N, said_n("Hi", "model"), USER_N]}


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.name not in ("aimlapi-A", "aimlapi-B")], ids=str
)
def test_a_trailing_model_turn_is_kept_and_answered_where_it_is_refused(
    endpoint: EndpointCase, sandbox: Sandbox
) -> None:
    """From 3.6 Flash on the last word must be the user's: the model's is kept, and a minimal turn follows it."""
    ask(client_of(sandbox, endpoint), endpoint.request(HELLO, Message.assistant("Once"), Message.assistant("upon")))
    kept = sent(sandbox)
    ask(client_of(sandbox, endpoint), endpoint.request(Message.assistant("{")))
    alone = sent(sandbox)
    prefills = find(endpoint.model).allows_prefill
    turns = "contents" if endpoint.is_native else "messages"

    dot = DOT_N if endpoint.is_native else DOT_C
    assert [len(body[turns]) for body in (kept, alone)] == ([3, 2] if prefills else [4, 3])
    assert kept[turns][0] == (USER_N if endpoint.is_native else USER_C)
    assert alone[turns][0] == dot
    assert prefills or kept[turns][-1] == alone[turns][-1] == dot
