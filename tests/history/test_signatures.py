"""Which thought signatures go back, and where the dummy stands in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gemini_multi._history.turns import DUMMY, sign
from gemini_multi.types import Blob, Message, Signature, Text, Thought, ToolCall, ToolResult

OURS = Signature("b3Vycw==", carrier="thoughtSignature", issuer="here")
FOREIGN = Signature("dGhlaXJz", carrier="thoughtSignature", issuer="there")
BLANK = Signature({"google": {"thought": True}}, carrier="extra_content", issuer="here")
DETAILS = Signature(
    [{"type": "reasoning.encrypted", "data": "eHl6", "id": "1"}], carrier="reasoning_details", issuer="here"
)
STAND_IN = Signature(DUMMY, carrier="thoughtSignature", issuer="here")
HELLO = Message.user("Hello")
CALL = ToolCall("1", "first")
OTHER = ToolCall("2", "second")
RESULT = Message.tool(ToolResult("1", "first", (Text("one"),)))


def signed(call: ToolCall, signature: Signature) -> ToolCall:
    return replace(call, signature=signature)


@dataclass(frozen=True)
class Case:
    name: str
    given: tuple[Message, ...]
    expected: tuple[Message, ...]
    required: bool = True
    distrust: bool = False


LOOP = (HELLO, Message.assistant(signed(CALL, OURS), OTHER), RESULT, Message.assistant(CALL), RESULT)
CASES = [
    Case(
        "each step of the current turn",
        LOOP,
        (*LOOP[:3], Message.assistant(signed(CALL, STAND_IN)), RESULT),
    ),
    Case("nothing is required", LOOP, LOOP, required=False),
    Case("older turns are left alone", (*LOOP, HELLO), (*LOOP, HELLO)),
    Case(
        "only the first of parallel calls",
        (HELLO, Message.assistant("So:", CALL, OTHER), RESULT),
        (HELLO, Message.assistant("So:", signed(CALL, STAND_IN), OTHER), RESULT),
    ),
    Case(
        "a signed second call does not count for the first",
        (HELLO, Message.assistant(CALL, signed(OTHER, OURS)), RESULT),
        (HELLO, Message.assistant(signed(CALL, STAND_IN), signed(OTHER, OURS)), RESULT),
    ),
    Case(
        "foreign signatures are replaced where required and dropped elsewhere",
        (HELLO, Message.assistant(Text("a", signature=FOREIGN), signed(CALL, FOREIGN)), RESULT),
        (HELLO, Message.assistant("a", signed(CALL, STAND_IN)), RESULT),
    ),
    Case(
        "mere carriers of foreign signatures go",
        (
            HELLO,
            Message.assistant(Text("", signature=FOREIGN)),
            Message.assistant(Thought("t", signature=FOREIGN), "b"),
        ),
        (HELLO, Message.assistant("b")),
    ),
    Case(
        "distrust replaces our own",
        (HELLO, Message.assistant(signed(CALL, OURS)), RESULT),
        (HELLO, Message.assistant(signed(CALL, STAND_IN)), RESULT),
        distrust=True,
    ),
    Case(
        "an extra_content without a signature is replaced",
        (HELLO, Message.assistant(signed(CALL, BLANK)), RESULT),
        (HELLO, Message.assistant(signed(CALL, STAND_IN)), RESULT),
    ),
    Case(
        "reasoning details sign the whole step",
        (HELLO, Message.assistant(Thought("t", signature=DETAILS), CALL), RESULT),
        (HELLO, Message.assistant(Thought("t", signature=DETAILS), CALL), RESULT),
    ),
    Case(
        "text signatures do not count for a call",
        (HELLO, Message.assistant(Text("t", signature=OURS), CALL), RESULT),
        (HELLO, Message.assistant(Text("t", signature=OURS), signed(CALL, STAND_IN)), RESULT),
    ),
    Case(
        "user parts are not touched",
        (Message.user(Blob("aGk=", "image/png", signature=FOREIGN)),),
        (Message.user(Blob("aGk=", "image/png", signature=FOREIGN)),),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sign_keeps_valid_signatures_and_fills_gaps(case: Case) -> None:
    """Valid signatures stay byte for byte, foreign ones go, and each open step begins with a signed call."""
    assert sign(case.given, issuer="here", required=case.required, distrust=case.distrust) == case.expected


def test_sign_returns_untouched_messages_as_they_are() -> None:
    """A history without anything to change is not copied."""
    turns = (HELLO, Message.assistant(signed(CALL, OURS)), RESULT)
    assert all(after is before for after, before in zip(sign(turns, issuer="here", required=True), turns, strict=True))
