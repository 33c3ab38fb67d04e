"""Thought signatures survive callers that keep them, and callers that drop them."""

from __future__ import annotations

import json

import pytest

from gemini_multi.dialects.chat_completions.conversation import extra_content, signature_of
from gemini_multi.server import ServerSettings
from gemini_multi.server.signatures import SignatureMemory
from gemini_multi.types import Signature, Text, Thought, ToolCall
from tests.server.conftest import KEY, OTHER_KEY

MODELS = ["oxen/gemini-3-flash", "aimlapi/gemini-3-flash", "cloudflare/gemini-3-flash"]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}]
QUESTION = [{"role": "user", "content": "Use add on 2."}]
DUMMY = "skip_thought_signature_validator"


def asked(served, model, messages, key=KEY, **more):
    body = {"model": model, "messages": messages, "tools": TOOLS, **more}
    answer = served.post(body, authorization=f"Bearer {key}")
    assert answer.status_code == 200, answer.text
    return answer


def continued(message):
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "42"} for call in message["tool_calls"]]
    return [*QUESTION, message, *results]


def without_extras(message):
    calls = [{name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def streamed_message(text):
    """Put a streamed answer together as a caller does."""
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return {"role": "assistant", "tool_calls": [call for delta in deltas for call in delta.get("tool_calls", ())]}


@pytest.fixture(params=MODELS)
def model(request):
    """Each provider has its own carrier."""
    return request.param


@pytest.fixture(params=["whole", "streamed"])
def message(request, served, model):
    """What the model said when it called a tool."""
    if request.param == "streamed":
        return streamed_message(asked(served, model, QUESTION, stream=True).text)
    return asked(served, model, QUESTION).json()["choices"][0]["message"]


def test_a_caller_that_keeps_them_sends_them_back(served, model, message):
    """Also to a server that remembers nothing, such as another one: here the caller has another key."""
    asked(served, model, continued(message), key=OTHER_KEY)
    written = json.dumps(served.body)

    assert message["tool_calls"][0]["extra_content"]["google"]["thought_signature"] in written
    assert DUMMY not in written


def test_a_caller_that_drops_them_gets_them_put_back(served, model, message):
    """The server remembers them by the id of the call."""
    asked(served, model, continued(without_extras(message)))
    written = json.dumps(served.body)

    assert message["tool_calls"][0]["extra_content"]["google"]["thought_signature"] in written
    assert DUMMY not in written


def test_both_callers_send_the_same(served, model, message):
    """The whole body is the same, whether the caller or the server remembers."""
    asked(served, model, continued(message))
    kept = served.body
    asked(served, model, continued(without_extras(message)))

    assert served.body == kept


def test_another_key_gets_nothing_of_it(served, model, message):
    """Signatures are remembered per key: the documented dummy stands in."""
    asked(served, model, continued(without_extras(message)), key=OTHER_KEY)
    written = json.dumps(served.body)

    assert message["tool_calls"][0]["extra_content"]["google"]["thought_signature"] not in written
    assert DUMMY in written


CARRIERS = [
    Signature("abc", carrier="thoughtSignature", issuer="cloudflare"),
    Signature({"google": {"thought_signature": "abc"}}, carrier="extra_content", issuer="oxen"),
    Signature({"vertex": {"thought_signature": "abc"}, "other": [1]}, carrier="extra_content", issuer="oxen"),
    Signature([{"type": "reasoning.encrypted", "data": "abc"}], carrier="reasoning_details", issuer="aimlapi"),
    Signature([{"type": "reasoning.text", "text": "abc"}], carrier="reasoning_details", issuer="aimlapi"),
    Signature("abc", carrier="thought_signature", issuer="aimlapi"),
]


@pytest.mark.parametrize("signature", CARRIERS, ids=lambda signature: signature.carrier)
def test_every_carrier_comes_back_as_it_left(signature):
    """Through JSON, byte for byte."""
    assert signature_of(json.loads(json.dumps(extra_content(signature))), "another") == signature


def test_googles_own_form_counts_as_the_first_providers():
    """As a conversation brings it that began elsewhere."""
    payload = {"google": {"thought_signature": "abc"}}

    assert signature_of(payload, "oxen") == Signature(payload, carrier="extra_content", issuer="oxen")


SIGNATURE = Signature("abc", carrier="thoughtSignature", issuer="oxen")


def call(identity="c1", arguments=None, signature=None):
    return ToolCall(identity, "add", arguments or {"a": 1}, signature=signature)


SIGNED = (Thought("Hm.", signature=SIGNATURE), Text("So:"), call(signature=SIGNATURE))
DROPPED = (Text("So:"), call())


class Clock:
    """A clock that stands."""

    now = 0.0

    def __call__(self):
        return self.now


def memory(clock=None, **settings):
    return SignatureMemory(ServerSettings(**settings), clock or Clock())


def test_an_unchanged_message_is_restored_whole():
    """With the thoughts between its parts."""
    remembering = memory()
    remembering.remember("key", SIGNED)

    assert remembering.restore("key", DROPPED) == SIGNED


def test_a_changed_text_keeps_the_signature_of_the_call():
    """The caller's text counts."""
    remembering = memory()
    remembering.remember("key", SIGNED)

    assert remembering.restore("key", (Text("Edited."), call())) == (Text("Edited."), call(signature=SIGNATURE))


def test_another_call_with_the_same_id_is_not_signed():
    """Ids may repeat; a signature belongs to one call only."""
    remembering = memory()
    remembering.remember("key", SIGNED)
    other = (Text("So:"), call(arguments={"a": 2}))

    assert remembering.restore("key", other) == other


def test_they_are_forgotten_after_their_time():
    """The time is counted from the answer."""
    clock = Clock()
    remembering = memory(clock, signature_seconds=10)
    remembering.remember("key", SIGNED)
    clock.now = 10

    assert remembering.restore("key", DROPPED) == DROPPED


@pytest.mark.parametrize("bound", [{"signature_entries": 2}, {"signature_bytes": 500}])
def test_the_oldest_are_forgotten_when_there_are_too_many(bound):
    """In number or in size."""
    remembering = memory(**bound)
    for identity in ("c1", "c2", "c3"):
        remembering.remember("key", (call(identity, signature=SIGNATURE),))
    known = [remembering.restore("key", (call(identity),)) != (call(identity),) for identity in ("c1", "c2", "c3")]

    assert known == [False, True, True]
