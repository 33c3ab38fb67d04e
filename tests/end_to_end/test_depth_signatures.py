"""Thought signatures through whole tool loops: byte for byte, in place, once.

At every endpoint, stored, moved, refused.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from gemini_multi import (
    BadRequest,
    ChatRequest,
    ChatResponse,
    Client,
    Message,
    RetryPolicy,
    Signature,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    archive,
)
from gemini_multi.sandbox import Sandbox
from gemini_multi.sandbox.answer import Answer
from tests.end_to_end.depth_endpoints import (
    CHAT,
    ENDPOINTS,
    FAMILY_C,
    OLD_ENDPOINTS,
    OXEN,
    RUN_WITH_IDS,
    STUDIO,
    EndpointCase,
    ask,
    client_of,
    sent,
)
from tests.end_to_end.providers import FakeProviders

DUMMY = "skip_thought_signature_validator"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CLOCK = Tool("clock", "Tells the time.", SCHEMA)
TOOLS = (WEATHER, CLOCK)
QUESTION = Message.user("How is the weather in Bern?")
ONE = Answer(tool_calls=[("weather", {"city": "Bern"})])
TWO = Answer(tool_calls=[("weather", {"city": "Bern"}), ("clock", {"city": "Oslo"})])
SPOKEN = Answer("Let me see. ", tool_calls=[("weather", {"city": "Bern"})])
END = Answer("Sun.")
SHAPES: dict[str, list[Answer]] = {
    "single": [ONE, END],
    "parallel": [TWO, END],
    "sequential": [ONE, TWO, SPOKEN, END],
}
MODES: dict[str, Callable[[int], bool]] = {
    "whole": lambda step: False,
    "stream": lambda step: True,
    "mixed": lambda step: step % 2 == 0,
}


def results(response: ChatResponse) -> Message:
    return Message.tool(*(ToolResult(call.id, call.name, (Text("sun"),)) for call in response.tool_calls))


def signatures_of(messages: Sequence[Message]) -> list[str | None]:
    """Name the signature of each call, in order."""
    parts = [part for message in messages for part in message.parts if isinstance(part, ToolCall)]
    return [part.signature.thought_signature() if part.signature else None for part in parts]


def sent_signatures(body: dict[str, Any]) -> list[str | None]:
    """Name what the body says on each call, in order."""
    if "contents" in body:
        parts = [part for content in body["contents"] for part in content["parts"]]
        return [part.get("thoughtSignature") for part in parts if "functionCall" in part]
    calls = [call for message in body["messages"] for call in message.get("tool_calls", [])]
    return [call.get("extra_content", {}).get("google", {}).get("thought_signature") for call in calls]


Store = Callable[[Message], Message]


def loop(
    sandbox: Sandbox,
    endpoints: Sequence[EndpointCase],
    script: Sequence[Answer],
    is_streamed: Callable[[int], bool],
    stored: Store = lambda message: message,
    kept: Sequence[str] | None = None,
) -> list[Message]:
    """Play a tool loop, step by step through the endpoints in turn, and check every body that was sent."""
    sandbox.script(endpoints[0].provider, script)
    messages = [QUESTION]
    for step in range(len(script)):
        endpoint = endpoints[step % len(endpoints)]
        response = ask(client_of(sandbox, endpoint), endpoint.request(*messages, tools=TOOLS), stream=is_streamed(step))
        assert sent_signatures(sent(sandbox)) == signatures_of(messages)
        messages.append(stored(response.message))
        if response.tool_calls:
            messages.append(stored(results(response)))
    assert messages[-1].parts[0].text == "Sun."  # type: ignore[union-attr]
    return messages


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_signatures_go_back_where_they_came_from(
    endpoint: EndpointCase, mode: str, shape: str, sandbox: Sandbox
) -> None:
    """Each step's first call is signed as the provider signed it, its others are not.

    And no provider refuses anything.
    """
    messages = loop(sandbox, [endpoint], SHAPES[shape], MODES[mode])
    steps = [message for message in messages[1:-1] if message.role == "assistant"]

    assert len(sandbox.requests) == len(SHAPES[shape])
    assert all(signatures_of([step])[0] not in (None, DUMMY) for step in steps)
    assert all(set(signatures_of([step])[1:]) <= {None} for step in steps)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("mode", MODES)
async def test_signatures_go_back_with_await(endpoint: EndpointCase, mode: str, sandbox: Sandbox) -> None:
    """The asynchronous client plays the same loops."""
    sandbox.script(endpoint.provider, SHAPES["sequential"])
    messages = [QUESTION]
    async with client_of(sandbox, endpoint).for_async() as client:
        for step in range(len(SHAPES["sequential"])):
            request = endpoint.request(*messages, tools=TOOLS)
            if MODES[mode](step):
                response = await client.stream(request).response()
            else:
                response = await client.chat(request)
            assert sent_signatures(sent(sandbox)) == signatures_of(messages)
            messages += [response.message, *([results(response)] if response.tool_calls else [])]

    assert (response.text, len(sandbox.requests)) == ("Sun.", 4)


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in OLD_ENDPOINTS if endpoint.provider != "aimlapi"], ids=str
)
@pytest.mark.parametrize("mode", MODES)
def test_older_models_get_theirs_back_too(endpoint: EndpointCase, mode: str, sandbox: Sandbox) -> None:
    """Gemini 2.5 signs calls when it thinks, and takes the signatures back."""
    loop(sandbox, [endpoint], SHAPES["sequential"], MODES[mode])

    assert len(sandbox.requests) == 4


def test_older_models_get_none_where_the_field_is_not_declared(sandbox: Sandbox) -> None:
    """AIMLAPI's family A has no field for them, and Gemini 2.5 does not insist: only newer models get it there."""
    endpoint = next(endpoint for endpoint in OLD_ENDPOINTS if endpoint.provider == "aimlapi")
    sandbox.script(endpoint.provider, [ONE, END])
    client = client_of(sandbox, endpoint)
    first = client.chat(endpoint.request(QUESTION, tools=TOOLS))
    client.chat(endpoint.request(QUESTION, first.message, results(first), tools=TOOLS))

    assert signatures_of([first.message]) != [None]
    assert sent_signatures(sent(sandbox)) == [None]


STORES: dict[str, Store] = {
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "json": lambda message: archive.read(archive.write([message]))[0],
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_signatures_survive_storage(endpoint: EndpointCase, store: str, mode: str, sandbox: Sandbox) -> None:
    """A loop goes on from messages that were pickled, or written as JSON, after every step."""
    loop(sandbox, [endpoint], SHAPES["sequential"], MODES[mode], STORES[store])

    assert len(sandbox.requests) == 4


SWITCHES = {
    "run to chat and back": ([RUN_WITH_IDS, CHAT], lambda step: step % 2 == 1),
    "chat to run and back": ([CHAT, RUN_WITH_IDS], lambda step: step % 2 == 0),
    "run, chat whole": ([RUN_WITH_IDS, CHAT], lambda step: False),
    "auto, streamed now and then": (
        [EndpointCase("auto", "cloudflare", "gemini-3.8-flash")],
        lambda step: step % 2 == 1,
    ),
    "auto, whole now and then": ([EndpointCase("auto", "cloudflare", "gemini-3.8-flash")], lambda step: step % 2 == 0),
    "auto, without ids": ([EndpointCase("auto", "cloudflare", "gemini-3.5-flash")], lambda step: step % 2 == 1),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_cloudflares_endpoints_take_each_others_signatures(switch: str, sandbox: Sandbox) -> None:
    """The same upstream is behind both, so a loop may change from native to chat and back, and stays signed."""
    endpoints, is_streamed = SWITCHES[switch]
    messages = loop(sandbox, endpoints, SHAPES["sequential"], is_streamed)

    assert len(sandbox.requests) == 4
    assert DUMMY not in signatures_of(messages)


HOMES = [RUN_WITH_IDS, CHAT, STUDIO, FAMILY_C, OXEN]
MOVES = [
    (start, other)
    for start in HOMES
    for other in HOMES
    if (start.provider, start is STUDIO) != (other.provider, other is STUDIO)
]


@pytest.mark.parametrize(("start", "other"), MOVES, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_another_upstream_gets_dummies_and_home_gets_its_own(
    start: EndpointCase, other: EndpointCase, stream: bool, sandbox: Sandbox
) -> None:
    """What one upstream signed is nothing to another: each step goes with its own there, with the dummy elsewhere."""
    sandbox.script(None, [ONE, TWO, END])
    messages = [QUESTION]
    for endpoint in (start, other, start):
        response = ask(client_of(sandbox, endpoint), endpoint.request(*messages, tools=TOOLS), stream=stream)
        messages += [response.message, *([results(response)] if response.tool_calls else [])]
    bodies = [request.body.get("input", request.body) for request in sandbox.requests]  # type: ignore[union-attr]
    first, second, _ = signatures_of(messages)

    assert [sent_signatures(body) for body in bodies] == [[], [DUMMY], [first, DUMMY, None]]
    assert {first, second}.isdisjoint({None, DUMMY})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_failover_in_mid_loop(stream: bool, sandbox: Sandbox) -> None:
    """The next provider takes the loop over with a dummy in place of the signature that it cannot know."""
    client = client_of(sandbox, RUN_WITH_IDS, OXEN)
    sandbox.script(None, [ONE, END])
    first = ask(client, RUN_WITH_IDS.request(QUESTION, tools=TOOLS), stream=stream)
    sandbox.fail("cloudflare", status=503, times=1)
    again = RUN_WITH_IDS.request(QUESTION, first.message, results(first), tools=TOOLS)
    response = ask(client, again, stream=stream)

    assert (response.provider, response.text) == ("oxen", "Sun.")
    assert sent_signatures(sent(sandbox)) == [DUMMY]


REFUSAL = json.dumps({"error": {"code": 400, "message": "Corrupted thought signature.", "status": "INVALID_ARGUMENT"}})


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_signature_is_replaced_once(endpoint: EndpointCase, stream: bool, sandbox: Sandbox) -> None:
    """The same request goes out again with dummies; a second refusal is the answer."""
    client = client_of(sandbox, endpoint)
    sandbox.script(endpoint.provider, [ONE, END])
    first = ask(client, endpoint.request(QUESTION, tools=TOOLS), stream=stream)
    request = endpoint.request(QUESTION, first.message, results(first), tools=TOOLS)
    sandbox.fail(endpoint.provider, status=400, body=REFUSAL)
    response = ask(client, request, stream=stream)
    told = [sent_signatures(r.body.get("input", r.body)) for r in sandbox.requests]  # type: ignore[union-attr]
    sandbox.fail(endpoint.provider, status=400, body=REFUSAL, times=2)
    with pytest.raises(BadRequest, match="thought signature"):
        ask(client, request, stream=stream)

    assert told == [[], signatures_of([first.message]), [DUMMY]]
    assert [attempt.outcome for attempt in response.attempts] == ["failed", "answered"]
    assert len(sandbox.requests) == 5


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_histories_from_elsewhere_are_taken(endpoint: EndpointCase, sandbox: Sandbox) -> None:
    """Calls of another maker's model have no signatures: each open step gets the dummy, older ones none."""
    call = ToolCall("toolu_1", "weather", {"city": "Bern"})
    step = (Message.assistant("I look.", call), Message.tool(ToolResult("toolu_1", "weather", (Text("sun"),))))
    ask(client_of(sandbox, endpoint), endpoint.request(QUESTION, *step, QUESTION, *step, *step, tools=TOOLS))

    assert sent_signatures(sent(sandbox)) == [None, DUMMY, DUMMY]


# Carriers, as the providers send them, and the body of the next step.

SIGNED = "c2lnbmVk+/=="
FUNCTION = {"name": "weather", "arguments": '{"city":"Bern"}'}
CALL = {"id": "call_1", "type": "function", "function": FUNCTION}
GOOGLE = {"google": {"thought_signature": SIGNED}}
VERTEX = {"vertex": {"thought_signature": SIGNED, "more": [1.5, None]}}
DETAIL = {"type": "reasoning.encrypted", "data": SIGNED, "format": "google-gemini-v1", "index": 0}
BY_ID = {**DETAIL, "id": "call_1"}
FINISH: dict[str, Any] = {}

Deltas = list[dict[str, Any]]
ON_CALL = {"extra_content": GOOGLE}
CARRIERS: dict[str, tuple[Deltas, dict[str, Any]]] = {
    "google on the call": ([{"tool_calls": [{**CALL, "extra_content": GOOGLE}]}], ON_CALL),
    "vertex on the call": ([{"tool_calls": [{**CALL, "extra_content": VERTEX}]}], {"extra_content": VERTEX}),
    "another namespace on the call": (
        [{"tool_calls": [{**CALL, "extra_content": {"x": {"thought_signature": SIGNED}}}]}],
        {"extra_content": {"x": {"thought_signature": SIGNED}}},
    ),
    "on the message": ([{"tool_calls": [CALL], "extra_content": GOOGLE}], ON_CALL),
    "on the message, twice": ([{"tool_calls": [CALL], "extra_content": GOOGLE, "thought_signature": SIGNED}], ON_CALL),
    "on both": ([{"tool_calls": [{**CALL, "extra_content": GOOGLE}], "extra_content": GOOGLE}], ON_CALL),
    "on the call and in details": (
        [{"tool_calls": [{**CALL, "extra_content": GOOGLE}], "reasoning_details": [BY_ID]}],
        ON_CALL,
    ),
    "top-level": ([{"tool_calls": [CALL], "thought_signature": SIGNED}], ON_CALL),
    "top-level on the call": ([{"tool_calls": [{**CALL, "thought_signature": SIGNED}]}], ON_CALL),
    "details with the call": ([{"tool_calls": [CALL], "reasoning_details": [BY_ID]}], ON_CALL),
    "details without an id": ([{"tool_calls": [CALL], "reasoning_details": [DETAIL]}], ON_CALL),
}
STREAMED: dict[str, tuple[Deltas, dict[str, Any]]] = {
    "metadata only, after": (
        [{"tool_calls": [{"index": 0, **CALL}]}, {"tool_calls": [{"index": 0, "extra_content": GOOGLE}]}],
        ON_CALL,
    ),
    "metadata only, before": (
        [{"tool_calls": [{"index": 0, "extra_content": GOOGLE}]}, {"tool_calls": [{"index": 0, **CALL}]}],
        ON_CALL,
    ),
    "message metadata at the end": (
        [{"tool_calls": [CALL]}, {"content": None, "extra_content": GOOGLE}],
        ON_CALL,
    ),
    "details before": ([{"content": "", "reasoning_details": [BY_ID]}, {"tool_calls": [CALL]}], ON_CALL),
    "details after": ([{"tool_calls": [CALL]}, {"content": "", "reasoning_details": [BY_ID]}], ON_CALL),
    "details before, google on the call": (
        [{"reasoning_details": [BY_ID]}, {"tool_calls": [{**CALL, "extra_content": GOOGLE}]}],
        ON_CALL,
    ),
    "google on the call, details after": (
        [{"tool_calls": [{**CALL, "extra_content": GOOGLE}]}, {"reasoning_details": [BY_ID]}],
        ON_CALL,
    ),
    "message metadata first, google on the call": (
        [{"content": "", "extra_content": GOOGLE}, {"tool_calls": [{**CALL, "extra_content": GOOGLE}]}],
        ON_CALL,
    ),
}


ON_MESSAGE: dict[str, dict[str, Any]] = {
    "on the message": {"extra_content": GOOGLE},
    "on the message, twice": {"extra_content": GOOGLE},
    "message metadata at the end": {"extra_content": GOOGLE},
    "details with the call": {"reasoning_details": [BY_ID]},
    "details without an id": {"reasoning_details": [DETAIL]},
    "details before": {"reasoning_details": [BY_ID]},
    "details after": {"reasoning_details": [BY_ID]},
}
"""What goes back with the message as a whole; AIMLAPI's schema declares a place for signatures on calls alone."""


def whole(deltas: Deltas) -> httpx.Response:
    choice = {"index": 0, "message": {"role": "assistant", **deltas[0]}, "finish_reason": "tool_calls"}
    return httpx.Response(200, json={"choices": [choice]})


def chunks(deltas: Deltas) -> httpx.Response:
    told = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    told.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return httpx.Response(200, content=b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told))


def next_body(provider: str, reply: Callable[[], httpx.Response], *, stream: bool) -> dict[str, Any]:
    """Give what a provider is sent after it has answered with a call."""
    fakes = FakeProviders({provider: [reply]})
    client: Client = fakes.client(provider, retry_policy=RetryPolicy(max_retries=0))
    request = ChatRequest(model="gemini-3.8-flash", messages=(QUESTION,), tools=(WEATHER,))
    first = ask(client, request, stream=stream)
    again = ChatRequest(model=request.model, messages=(QUESTION, first.message, results(first)), tools=(WEATHER,))
    ask(client, again, stream=stream)
    body: dict[str, Any] = json.loads(fakes.requests[-1][1].content)
    return body


CASES = [
    *((name, *case, False) for name, case in CARRIERS.items()),
    *((name, *case, True) for name, case in {**CARRIERS, **STREAMED}.items()),
]
MODEL_IDS = {"cloudflare": "google/gemini-3.8-flash", "aimlapi": "google/gemini-3-8-flash", "oxen": "gemini-3-8-flash"}


@pytest.mark.parametrize("provider", MODEL_IDS)
@pytest.mark.parametrize(("name", "deltas", "carried", "stream"), CASES, ids=lambda value: str(value)[:40])
def test_every_carrier_goes_back_where_it_was_once(
    provider: str, name: str, deltas: Deltas, carried: dict[str, Any], stream: bool
) -> None:
    """The next request says the signature in its place and form, or on the call, and nowhere else."""
    beside = ON_MESSAGE.get(name, {}) if provider != "aimlapi" else {}
    call = CALL if beside else {**CALL, **carried}
    reply = (lambda: chunks(deltas)) if stream else (lambda: whole(deltas))
    body = next_body(provider, reply, stream=stream)
    tool = {
        "type": "function",
        "function": {"name": "weather", "description": "Tells the weather.", "parameters": SCHEMA},
    }
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}

    assert body == {
        "model": MODEL_IDS[provider],
        "messages": [
            {"role": "user", "content": "How is the weather in Bern?"},
            {"role": "assistant", "content": None, "tool_calls": [call], **beside},
            {"role": "tool", "tool_call_id": "call_1", "name": "weather", "content": "sun"},
        ],
        "tools": [tool],
        **streamed,
    }


NATIVE_CALL = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}, "thoughtSignature": SIGNED}
NATIVE_PARTS: dict[str, list[dict[str, Any]]] = {
    "call": [NATIVE_CALL],
    "text and call": [{"text": "Let me see."}, NATIVE_CALL],
    "signed text and signed call": [{"text": "So.", "thoughtSignature": "dGV4dA=="}, NATIVE_CALL],
    "parallel": [NATIVE_CALL, {"functionCall": {"name": "clock", "args": {"city": "Bern"}}}],
    "code": [{"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "Y29kZQ=="}, NATIVE_CALL],
    "image": [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "cGljdHVyZQ=="},
        NATIVE_CALL,
    ],
    "two signed texts": [
        {"text": "a", "thoughtSignature": "YQ=="},
        {"text": "b", "thoughtSignature": "Yg=="},
        NATIVE_CALL,
    ],
    "signed empty text": [{"text": "", "thoughtSignature": "dGFpbA=="}, NATIVE_CALL],
    "future part": [{"hologram": {"x": [1, None]}, "thoughtSignature": "bmV3"}, NATIVE_CALL],
}


@pytest.mark.parametrize("parts", NATIVE_PARTS.values(), ids=NATIVE_PARTS)
def test_native_parts_go_back_as_they_came(parts: list[dict[str, Any]]) -> None:
    """Each part is its own, with its own signature: nothing is merged, moved or left out."""
    content = {"role": "model", "parts": parts}
    answer = {"candidates": [{"content": content, "finishReason": "STOP"}]}
    body = next_body("cloudflare", lambda: httpx.Response(200, json={"result": answer}), stream=False)

    assert body["input"]["contents"][1] == content


TAILS = {
    "native": [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Sun"}]}}]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": " and"}]}}]},
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "", "thoughtSignature": SIGNED}]},
                    "finishReason": "STOP",
                }
            ]
        },
    ],
    "chat": [
        {"choices": [{"index": 0, "delta": {"content": "Sun"}}]},
        {"choices": [{"index": 0, "delta": {"content": " and"}}]},
        {"choices": [{"index": 0, "delta": {"content": None, "extra_content": GOOGLE}, "finish_reason": "stop"}]},
    ],
}


@pytest.mark.parametrize("dialect", TAILS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_signed_empty_tail_signs_its_text(dialect: str, stream: bool) -> None:
    """The last, empty piece of a stream closes the text before it; both dialects say so in the next request."""
    told = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in TAILS[dialect])
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, content=told)]})
    client = fakes.client("cloudflare")
    first = ask(client, ChatRequest(model="gemini-3.8-flash", messages=(QUESTION,)), stream=True)
    (text,) = first.parts
    ask(
        client,
        ChatRequest(model="gemini-3.8-flash", messages=(QUESTION, first.message, QUESTION)),
        stream=stream,
    )
    body = json.loads(fakes.requests[-1][1].content)
    native = {"role": "model", "parts": [{"text": "Sun and", "thoughtSignature": SIGNED}]}
    chat = {"role": "assistant", "content": "Sun and", "extra_content": GOOGLE}

    assert isinstance(text, Text)
    assert text.text == "Sun and"
    is_chat = "messages" in body
    assert (body["messages"] if is_chat else body["input"]["contents"])[1] == (chat if is_chat else native)


def test_a_signature_in_two_places_is_sent_once() -> None:
    """Providers repeat it on the message, and histories on several texts: each copy would be billed."""
    signature = Signature(SIGNED, carrier="thoughtSignature", issuer="cloudflare")
    call = ToolCall("1", "weather", {"city": "Bern"}, signature=signature, synthetic_id=True)
    turn = Message.assistant(Text("Hm.", signature=signature), Thought("t", signature=signature), call)
    fakes = FakeProviders()
    request = ChatRequest(
        model="gemini-3.8-flash", messages=(QUESTION, turn, Message.tool(ToolResult("1", "weather", (Text("sun"),))))
    )
    fakes.client("cloudflare").chat(request)
    body = json.loads(fakes.requests[-1][1].content)

    assert body["input"]["contents"][1] == {"role": "model", "parts": [{"text": "Hm."}, NATIVE_CALL]}


def test_archive_keeps_every_part() -> None:
    """Messages come back equal from JSON, also parts that look alike."""
    signature = Signature(VERTEX, carrier="extra_content", issuer="cloudflare")
    message = Message.assistant(Text("a"), Thought("a", signature=signature), ToolCall("1", "f", {"x": 1.0}))

    assert archive.read(archive.write([QUESTION, message])) == (QUESTION, message)


@pytest.mark.parametrize("text", ["", "{}", '[{"role": "user"}]', '[{"role": "user", "parts": [{"kind": "Nope"}]}]'])
def test_archive_refuses_other_text(text: str) -> None:
    """What is no archive is a clear error."""
    with pytest.raises(ValueError, match="no archive of messages"):
        archive.read(text)
