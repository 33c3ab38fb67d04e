"""The turn rules of Gemini, applied to histories as frameworks and users write them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gemini_multi._history.turns import NOT_RUN, PLACEHOLDER, conversation
from gemini_multi.catalog import Model, Thinking
from gemini_multi.types import Blob, Message, Opaque, Signature, Text, Thought, ToolCall, ToolResult

MODEL = Model(name="any", generation=3.0, thinking=Thinking(control="none"))
NO_PREFILL = replace(MODEL, allows_prefill=False)
SIGNATURE = Signature("c2ln", carrier="thoughtSignature", issuer="here")
HELLO = Message.user("Hello")
FIRST = ToolCall("1", "first")
SECOND = ToolCall("2", "second")
FIRST_RESULT = ToolResult("1", "first", (Text("one"),))
SECOND_RESULT = ToolResult("2", "second", (Text("two"),))
IMAGE = Blob("aGk=", "image/png")


@dataclass(frozen=True)
class Case:
    name: str
    given: tuple[Message, ...]
    expected: tuple[Message, ...]
    model: Model = MODEL


CASES = [
    Case("plain", (HELLO, Message.assistant("Hi")), (HELLO, Message.assistant("Hi"))),
    Case("nothing", (), (Message.user(PLACEHOLDER),)),
    Case("only an empty text", (Message.user(""),), (Message.user(PLACEHOLDER),)),
    Case("model first", (Message.assistant("Hi"), HELLO), (Message.user(PLACEHOLDER), Message.assistant("Hi"), HELLO)),
    Case("same role twice", (HELLO, HELLO), (HELLO, HELLO)),
    Case(
        "split results",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT), Message.tool(SECOND_RESULT)),
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT, SECOND_RESULT)),
    ),
    Case(
        "results out of order",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(SECOND_RESULT, FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT, SECOND_RESULT)),
    ),
    Case(
        "user speaks before the result",
        (HELLO, Message.assistant(FIRST), Message.user("Wait"), Message.tool(FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT), Message.user("Wait")),
    ),
    Case(
        "missing result",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(SECOND_RESULT)),
        (
            HELLO,
            Message.assistant(FIRST, SECOND),
            Message.tool(ToolResult("1", "first", (Text(NOT_RUN),), is_error=True), SECOND_RESULT),
        ),
    ),
    Case(
        "missing result of a call that cannot be read",
        (HELLO, Message.assistant(ToolCall("1", "first", invalid_arguments="{oops"))),
        (
            HELLO,
            Message.assistant(ToolCall("1", "first", invalid_arguments="{oops")),
            Message.tool(
                ToolResult(
                    "1",
                    "first",
                    (Text(f"{NOT_RUN} Its arguments are no JSON object: {{oops"),),
                    is_error=True,
                )
            ),
        ),
    ),
    Case(
        "result before its call",
        (HELLO, Message.tool(FIRST_RESULT), Message.assistant(FIRST)),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "orphan result",
        (HELLO, Message.tool(ToolResult("9", "gone", (Text("nine"), IMAGE)))),
        (HELLO, Message.user("Result of the function `gone`: nine", IMAGE)),
    ),
    Case(
        "orphan error with a value",
        (Message.tool(ToolResult("9", "gone", value={"code": 5}, is_error=True)),),
        (Message.user('Error of the function `gone`: {"code":5}'),),
    ),
    Case(
        "the same result twice",
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT, FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "two calls with one id",
        (HELLO, Message.assistant(FIRST, FIRST), Message.tool(FIRST_RESULT, replace(FIRST_RESULT, content=(IMAGE,)))),
        (HELLO, Message.assistant(FIRST, FIRST), Message.tool(FIRST_RESULT, replace(FIRST_RESULT, content=(IMAGE,)))),
    ),
    Case(
        "an id used again in a later step",
        (HELLO, Message.assistant(FIRST), HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
        (
            HELLO,
            Message.assistant(FIRST),
            Message.tool(ToolResult("1", "first", (Text(NOT_RUN),), is_error=True)),
            HELLO,
            Message.assistant(FIRST),
            Message.tool(FIRST_RESULT),
        ),
    ),
    Case(
        "result without an id, found by name",
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(replace(SECOND_RESULT, call_id=""), FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST, SECOND), Message.tool(FIRST_RESULT, SECOND_RESULT)),
    ),
    Case(
        "result without a name",
        (HELLO, Message.assistant(FIRST), Message.tool(replace(FIRST_RESULT, name=""))),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "result inside a user message",
        (HELLO, Message.assistant(FIRST), Message.user(FIRST_RESULT, "And now?")),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT), Message.user("And now?")),
    ),
    Case(
        "result inside the model's own message",
        (HELLO, Message.assistant("See:", FIRST, FIRST_RESULT, "Done.")),
        (HELLO, Message.assistant("See:", FIRST, "Done."), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "empty parts and messages",
        (HELLO, Message.assistant(""), Message.user("", "Still there?"), Message.assistant(Opaque({}))),
        (HELLO, Message.user("Still there?")),
    ),
    Case(
        "unsigned thoughts go, signed ones stay",
        (HELLO, Message.assistant(Thought("hm"), Thought("so", signature=SIGNATURE), "Hi")),
        (HELLO, Message.assistant(Thought("so", signature=SIGNATURE), "Hi")),
    ),
    Case(
        "signed empty text stays",
        (HELLO, Message.assistant(Text("", signature=SIGNATURE))),
        (HELLO, Message.assistant(Text("", signature=SIGNATURE))),
    ),
    Case(
        "an empty last message of the user does not make the model's turn the last",
        (HELLO, Message.assistant("Hi"), Message.user("")),
        (HELLO, Message.assistant("Hi"), Message.user(PLACEHOLDER)),
    ),
    Case("prefill kept", (HELLO, Message.assistant("{")), (HELLO, Message.assistant("{"))),
    Case(
        "the model's last turn is kept where it may not be last",
        (HELLO, Message.assistant("a"), Message.assistant("{")),
        (HELLO, Message.assistant("a"), Message.assistant("{"), Message.user(PLACEHOLDER)),
        NO_PREFILL,
    ),
    Case(
        "nothing but the model's turn",
        (Message.assistant("{"),),
        (Message.user(PLACEHOLDER), Message.assistant("{"), Message.user(PLACEHOLDER)),
        NO_PREFILL,
    ),
    Case(
        "the model speaks before the result",
        (HELLO, Message.assistant(FIRST), Message.assistant("Running it."), Message.tool(FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST, "Running it."), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "the model speaks before and after its call",
        (HELLO, Message.assistant("Wait.", FIRST), Message.assistant(Text("So."), IMAGE), Message.tool(FIRST_RESULT)),
        (HELLO, Message.assistant("Wait.", FIRST, "\n\n", "So.", IMAGE), Message.tool(FIRST_RESULT)),
    ),
    Case(
        "both speak before the result",
        (HELLO, Message.assistant(FIRST), HELLO, Message.assistant("Soon."), Message.tool(FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST, "Soon."), Message.tool(FIRST_RESULT), HELLO),
    ),
    Case(
        "the model speaks before an earlier call's result",
        (
            HELLO,
            Message.assistant(FIRST),
            Message.assistant(SECOND),
            Message.tool(SECOND_RESULT),
            Message.assistant("One more."),
            Message.tool(FIRST_RESULT),
        ),
        (
            HELLO,
            Message.assistant(FIRST, "One more."),
            Message.tool(FIRST_RESULT),
            Message.assistant(SECOND),
            Message.tool(SECOND_RESULT),
        ),
    ),
    Case(
        "the model speaks instead of a result",
        (HELLO, Message.assistant(FIRST), Message.assistant("I give up.")),
        (
            HELLO,
            Message.assistant(FIRST),
            Message.tool(ToolResult("1", "first", (Text(NOT_RUN),), is_error=True)),
            Message.assistant("I give up."),
        ),
    ),
    Case(
        "a trailing call is not prefill",
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
        (HELLO, Message.assistant(FIRST), Message.tool(FIRST_RESULT)),
        NO_PREFILL,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_conversation_keeps_the_turn_rules(case: Case) -> None:
    """Every history becomes one that Gemini accepts, with nothing lost that a provider would read."""
    assert conversation(case.given, case.model).turns == case.expected


def test_conversation_gathers_system_messages_from_anywhere() -> None:
    """System text is said once, apart from the turns; media in a system message becomes a user turn."""
    system = Message("system", (Text("Be kind."), Text(""), IMAGE), name="rules")
    found = conversation((system, HELLO, Message.system("Be brief.")), MODEL)
    assert found.system == (Message("system", (Text("Be kind."),), name="rules"), Message.system("Be brief."))
    assert found.turns == (Message("user", (IMAGE,), name="rules"), HELLO)


def test_conversation_is_stable() -> None:
    """Repairing a repaired history changes nothing."""
    for case in CASES:
        once = conversation(case.given, case.model).turns
        assert conversation(once, case.model).turns == once
