"""Thinking at every endpoint: settings become a family's own setting or a refusal.

Thoughts stay apart from the answer.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AIMLAPI,
    AsyncClient,
    ChatRequest,
    Client,
    Cloudflare,
    ConfigurationError,
    Finished,
    Message,
    Oxen,
    Text,
    TextDelta,
    Thought,
    ThoughtDelta,
    Tool,
    UnsupportedFeature,
)
from gemini_multi.providers import Provider
from gemini_multi.sandbox import Sandbox
from gemini_multi.sandbox.answer import Answer
from tests.end_to_end.depth_endpoints import AT_ONCE, ENDPOINTS, OLD_ENDPOINTS, EndpointCase, ask, client_of

NATIVE = Cloudflare("account", "key", api="run")
CHAT = Cloudflare("account", "key", api="chat_completions")
HELLO = Message.user("Hello")

Setting = tuple[str, Any]
Row = tuple[dict[str, Any] | str, str | None]
"""What goes into `thinkingConfig`, or why nothing can; and the `reasoning_effort` in chat, `X` for a refusal there."""


def budget(number: int, **more: Any) -> dict[str, Any]:
    return {"thinkingBudget": number, **more}


def level(word: str, **more: Any) -> dict[str, Any]:
    return {"thinkingLevel": word, **more}


HIDDEN = {"includeThoughts": False}
SHOWN = {"includeThoughts": True}
THOUGHTS: dict[Setting, Row] = {
    ("include_thoughts", True): (SHOWN, "X"),
    ("include_thoughts", False): (HIDDEN, None),
}


def by_budget(low: int, high: int, *, is_optional: bool) -> dict[Setting, Row]:
    """Give what a model with a budget makes of each setting."""
    taken = f"-1, 0, or {max(low, 1)} to {high}" if is_optional else f"-1, or {low} to {high}"

    def refused(number: int) -> Row:
        return f"`thinking_budget={number}` (the model takes {taken})", "X"

    never = f"`thinking_budget=0` (the model always thinks; its smallest budget is {low})"
    rows: dict[Setting, Row] = {
        ("reasoning_effort", "none"): (budget(0), "none") if is_optional else (budget(low, **HIDDEN), "minimal"),
        ("reasoning_effort", "minimal"): (budget(1024), "minimal"),
        ("reasoning_effort", "low"): (budget(1024), "low"),
        ("reasoning_effort", "medium"): (budget(8192), "medium"),
        ("reasoning_effort", "high"): (budget(24_576), "high"),
        ("reasoning_effort", "xhigh"): (budget(high), "high"),
        ("reasoning_effort", "max"): (budget(high), "high"),
        ("thinking_budget", -2): refused(-2),
        ("thinking_budget", -1): (budget(-1), "X"),
        ("thinking_budget", 0): (budget(0), "none") if is_optional else (never, "X"),
        ("thinking_budget", low): (budget(low), "X"),
        ("thinking_budget", 1024): (budget(1024), "low"),
        ("thinking_budget", 8192): (budget(8192), "medium"),
        ("thinking_budget", 24_576): (budget(24_576), "high"),
        ("thinking_budget", high): (budget(high), "high" if high == 24_576 else "X"),
        ("thinking_budget", high + 1): refused(high + 1),
        ("thinking_level", "minimal"): (budget(1024), "minimal"),
        ("thinking_level", "low"): (budget(1024), "low"),
        ("thinking_level", "medium"): (budget(8192), "medium"),
        ("thinking_level", "HIGH"): (budget(24_576), "high"),
        ("thinking_level", "huge"): ("`thinking_level='huge'` (the levels are minimal, low, medium, high)", "X"),
    }
    if low > 1:
        rows["thinking_budget", low - 1] = refused(low - 1)
    return rows | THOUGHTS


def by_level(*levels: str, takes_budgets: bool) -> dict[Setting, Row]:
    """Give what a model with levels makes of each setting."""
    least = levels[0]
    never = "`thinking_budget=0` (the model always thinks; `reasoning_effort='none'` asks for the least)"
    unknown = f"(the model takes {', '.join(levels)})"
    rows: dict[Setting, Row] = {
        ("reasoning_effort", "none"): (level(least.upper(), **HIDDEN), least),
        ("reasoning_effort", "minimal"): (level(least.upper()), least),
        ("reasoning_effort", "low"): (level("LOW"), "low"),
        ("reasoning_effort", "medium"): (level("MEDIUM"), "medium"),
        ("reasoning_effort", "high"): (level("HIGH"), "high"),
        ("reasoning_effort", "xhigh"): (level("HIGH"), "high"),
        ("reasoning_effort", "max"): (level("HIGH"), "high"),
        ("thinking_budget", -2): ("`thinking_budget=-2` (a budget is -1, 0 or more)", "X"),
        ("thinking_budget", -1): ({}, None),
        ("thinking_budget", 0): (level("MINIMAL"), "minimal") if least == "minimal" else (never, "X"),
        ("thinking_level", "minimal"): (
            (level("MINIMAL"), "minimal") if least == "minimal" else (f"`thinking_level='minimal'` {unknown}", "X")
        ),
        ("thinking_level", "low"): (level("LOW"), "low"),
        ("thinking_level", "Medium"): (level("MEDIUM"), "medium"),
        ("thinking_level", "HIGH"): (level("HIGH"), "high"),
        ("thinking_level", "huge"): (f"`thinking_level='huge'` {unknown}", "X"),
    }
    for number, word, is_exact in (
        (1, "low", False),
        (1024, "low", True),
        (8192, "medium", True),
        (24_576, "high", True),
    ):
        native = budget(number) if takes_budgets else level(word.upper())
        rows["thinking_budget", number] = native, word if is_exact or not takes_budgets else "X"
    return rows | THOUGHTS


def without_thinking() -> dict[Setting, Row]:
    """Give what a model that does not think makes of each setting."""
    quiet: dict[Setting, Row] = {
        ("reasoning_effort", "none"): ({}, None),
        ("thinking_budget", 0): ({}, None),
        ("include_thoughts", False): ({}, None),
    }
    asked: list[Setting] = [
        *(("reasoning_effort", effort) for effort in ("minimal", "low", "medium", "high", "xhigh", "max")),
        *(("thinking_budget", number) for number in (-1, 1, 1024)),
        *(("thinking_level", word) for word in ("minimal", "high")),
        ("include_thoughts", True),
    ]
    told: dict[Setting, Row] = {
        (name, value): (f"`{name}={value!r}` (the model does not think)", "X") for name, value in asked
    }
    return quiet | told


FROM_MINIMAL = by_level("minimal", "low", "medium", "high", takes_budgets=True)
FROM_LOW = by_level("low", "medium", "high", takes_budgets=True)
NEWEST = by_level("low", "medium", "high", takes_budgets=False)
UNKNOWN: dict[Setting, Row] = {
    setting: row for setting, row in NEWEST.items() if setting[1] not in ("minimal", "huge")
} | {
    ("reasoning_effort", "minimal"): (level("LOW"), "low"),
    ("thinking_level", "minimal"): (level("MINIMAL"), "minimal"),
    ("thinking_level", "huge"): (level("HUGE"), "X"),
}
FAMILIES: dict[str, dict[Setting, Row]] = {
    "gemini-2.5-pro": by_budget(128, 32_768, is_optional=False),
    "gemini-2.5-flash": by_budget(1, 24_576, is_optional=True),
    "gemini-2.5-flash-lite": by_budget(512, 24_576, is_optional=True),
    "gemini-2.5-flash-image": without_thinking(),
    "gemini-3-flash-preview": FROM_MINIMAL,
    "gemini-3.1-flash-lite": FROM_MINIMAL,
    "gemini-3.5-flash-lite": FROM_MINIMAL,
    "gemini-3.5-flash": FROM_MINIMAL,
    "gemini-3.6-flash": FROM_MINIMAL,
    "gemini-3.1-pro-preview": FROM_LOW,
    "gemini-3.7-flash": FROM_LOW,
    "gemini-3.8-flash": FROM_LOW,
    "gemini-4-argon": NEWEST,
    "gemini-4-carbon": NEWEST,
    "gemini-9-flash": UNKNOWN,
}
CASES = [(model, setting, row) for model, rows in FAMILIES.items() for setting, row in rows.items()]


class ProviderCase:
    """Answers with `content` and keeps what it was asked."""

    def __init__(self, content: bytes = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}') -> None:
        self.content = content
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(200, content=self.content)

    def client(self, provider: Provider) -> Client:
        http = httpx.MockTransport(self)
        return Client(
            provider,
            http_client=httpx.Client(transport=http),
            http_async_client=httpx.AsyncClient(transport=http),
            retry_policy=AT_ONCE,
        )


@pytest.mark.parametrize(
    ("model", "setting", "row"), CASES, ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_native_thinking_is_the_familys_own(model: str, setting: Setting, row: Row) -> None:
    """Each setting is the family's own setting in the body, or is refused with what the model takes."""
    fake, (expected, _) = ProviderCase(), row
    request = ChatRequest(model=model, messages=(HELLO,), **dict([setting]))
    if isinstance(expected, str):
        with pytest.raises(UnsupportedFeature) as refusal:
            fake.client(NATIVE).chat(request)
        assert (refusal.value.features, fake.bodies) == ((expected,), [])
        return
    fake.client(NATIVE).chat(request)
    config = {"generationConfig": {"thinkingConfig": expected}} if expected else {}

    assert fake.bodies[0]["input"] == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], **config}


@pytest.mark.parametrize(
    ("model", "setting", "row"), CASES, ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_chat_thinking_is_an_effort(model: str, setting: Setting, row: Row) -> None:
    """In chat completions it is the effort that means the same, or is refused before anything is sent."""
    fake, (_, expected) = ProviderCase(), row
    request = ChatRequest(model=model, messages=(HELLO,), **dict([setting]))
    if expected == "X":
        with pytest.raises(UnsupportedFeature):
            fake.client(CHAT).chat(request)
        assert fake.bodies == []
        return
    fake.client(CHAT).chat(request)
    effort = {} if expected is None else {"reasoning_effort": expected}
    (body,) = fake.bodies

    assert body == {"model": body["model"], "messages": [{"role": "user", "content": "Hello"}], **effort}


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
PROVIDER_EFFORTS: list[tuple[Provider, str, tuple[str | None, ...]]] = [
    (AIMLAPI("key"), "gemini-2.5-flash-lite", (None, "low", "low", "medium", "high", "high", "high")),
    (AIMLAPI("key"), "gemini-2.5-pro", ("X",) * 7),
    (AIMLAPI("key"), "gemini-3.5-flash", ("low", "low", "low", "medium", "high", "high", "high")),
    (AIMLAPI("key"), "gemini-3.6-flash", ("minimal", "minimal", "low", "medium", "high", "high", "max")),
    (AIMLAPI("key"), "gemini-3.7-flash", ("low", "low", "low", "medium", "high", "high", "max")),
    (AIMLAPI("key"), "gemini-flash-latest", ("low", "low", "low", "medium", "high", "high", "high")),
    (AIMLAPI("key"), "gemini-9-flash", ("low", "low", "low", "medium", "high", "high", "high")),
    (Oxen("key"), "gemini-2.5-flash", ("minimal", "minimal", "low", "medium", "high", "high", "high")),
    (Oxen("key"), "gemini-3.8-flash", ("low", "low", "low", "medium", "high", "high", "high")),
]


@pytest.mark.parametrize(("provider", "model", "expected"), PROVIDER_EFFORTS, ids=lambda value: str(value)[:24])
def test_providers_get_efforts_that_they_document(
    provider: Provider, model: str, expected: Sequence[str | None]
) -> None:
    """An effort that a provider does not know becomes its nearest one; a provider without the field refuses."""
    told: list[str | None] = []
    for effort in EFFORTS:
        fake = ProviderCase()
        try:
            fake.client(provider).chat(ChatRequest(model=model, messages=(HELLO,), reasoning_effort=effort))
            told.append(fake.bodies[0].get("reasoning_effort"))
        except UnsupportedFeature:
            told.append("X")

    assert tuple(told) == tuple(expected)


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *OLD_ENDPOINTS], ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_endpoint_takes_what_is_sent(endpoint: EndpointCase, stream: bool, sandbox: Sandbox) -> None:
    """No provider answers 400 to any setting that is not refused before."""
    sandbox.clear()
    client, answered = client_of(sandbox, endpoint), 0
    for setting in FAMILIES[endpoint.model if endpoint.model in FAMILIES else "gemini-3.1-pro-preview"]:
        request = endpoint.request(HELLO, **dict([setting]))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                answered += ask(client, request, stream=stream).finish_reason == "stop"
            except UnsupportedFeature:
                continue

    assert 1 <= answered == len(sandbox.requests)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_thoughts_stay_apart_at_every_endpoint(endpoint: EndpointCase, stream: bool, sandbox: Sandbox) -> None:
    """Between tags, in a field beside the content or as a native part: the answer never holds a thought."""
    sandbox.clear()
    tool = Tool("clock", "", {"type": "object", "properties": {"city": {"type": "string"}}})
    sandbox.script(
        endpoint.provider,
        [
            Answer("Noon.", thoughts="Let me think."),
            Answer(tool_calls=[("clock", {"city": "Bern"})], thoughts="A call."),
        ],
    )
    client = client_of(sandbox, endpoint)
    answer = ask(client, endpoint.request(HELLO, tools=(tool,)), stream=stream)
    call = ask(client, endpoint.request(HELLO, tools=(tool,)), stream=stream)

    assert (answer.thoughts, answer.text) == ("Let me think.", "Noon.")
    assert (call.thoughts, call.text, len(call.tool_calls)) == ("A call.", "", 1)


def test_one_setting_at_a_time() -> None:
    """Gemini takes one of effort, budget and level; nothing is sent when two are given."""
    fake = ProviderCase()
    with pytest.raises(ConfigurationError, match="exclude each other"):
        fake.client(NATIVE).chat(
            ChatRequest(model="gemini-3.8-flash", messages=(HELLO,), thinking_level="low", reasoning_effort="low")
        )
    assert fake.bodies == []


@pytest.mark.parametrize("provider", [NATIVE, CHAT], ids=["native", "chat"])
def test_an_effort_that_nobody_knows_is_a_mistake(provider: Provider) -> None:
    """A misspelled word must not become some other effort."""
    fake, word = ProviderCase(), "hihg"
    with pytest.raises(ConfigurationError, match=r"must be one of none, minimal, .* max, not 'hihg'"):
        fake.client(provider).chat(ChatRequest(model="gemini-3.8-flash", messages=(HELLO,), reasoning_effort=word))
    assert fake.bodies == []


@pytest.mark.parametrize("api", ["run", "chat_completions"])
def test_a_refused_level_is_dropped_once(api: Any) -> None:
    """A provider that knows a model better than the catalog gets the request again without the setting.

    With a warning.
    """
    provider = Cloudflare("account", "key", api=api)
    bodies: list[dict[str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if len(bodies) == 1:
            message = "Thinking level MEDIUM is not supported for this model. (reasoning_effort)"
            return httpx.Response(400, json={"error": {"code": 400, "message": message}})
        return httpx.Response(200, json={"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})

    client = Client(provider, http_client=httpx.Client(transport=httpx.MockTransport(reply)), retry_policy=AT_ONCE)
    with pytest.warns(UserWarning, match="Left out"):
        client.chat(ChatRequest(model="gemini-9-flash", messages=(HELLO,), thinking_level="medium"))
    with_it, without_it = [body.get("input", body) for body in bodies]

    assert ("generationConfig" in with_it, "reasoning_effort" in with_it) == (api == "run", api != "run")
    assert {"generationConfig", "reasoning_effort"}.isdisjoint(without_it)


# Tags, cut everywhere.

TAGGED = "<thought>Ünder < the </ hood</thought>Ä <b>bold</b> answer"
THOUGHT, ANSWER = "Ünder < the </ hood", "Ä <b>bold</b> answer"
FLAG = {"extra_content": {"google": {"thought": True}}}


def streamed(deltas: Sequence[dict[str, Any]]) -> bytes:
    told = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    told.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told)


def pieces_at(*cuts: int) -> list[str]:
    bounds = (0, *cuts, len(TAGGED))
    return [TAGGED[begin:end] for begin, end in pairwise(bounds) if begin < end]


def said(client: Client) -> tuple[str, str, str, str]:
    """Give thoughts and text of the events, and those of the whole answer."""
    events = list(client.stream(ChatRequest(model="gemini-3.8-flash", messages=(HELLO,))))
    last = events[-1]
    assert isinstance(last, Finished)
    thoughts = "".join(event.text for event in events if isinstance(event, ThoughtDelta))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return thoughts, text, last.response.thoughts, last.response.text


PROVIDERS: list[Provider] = [Cloudflare("account", "key"), AIMLAPI("key"), Oxen("key")]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda fake: fake.name)
@pytest.mark.parametrize("flagged", [False, True], ids=["plain", "flagged"])
def test_tags_split_at_every_position(provider: Provider, flagged: bool) -> None:
    """Wherever a delta ends, inside a tag or between, thought and answer come out whole and the tags not at all."""
    end = TAGGED.index("</thought>")
    for cut in range(1, len(TAGGED)):
        pieces = pieces_at(cut)
        starts = [0, cut]
        deltas = [
            {"content": piece, **(FLAG if flagged and start < end else {})}
            for piece, start in zip(pieces, starts, strict=True)
        ]
        assert said(ProviderCase(streamed(deltas)).client(provider)) == (THOUGHT, ANSWER, THOUGHT, ANSWER), cut


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
async def test_tags_in_pieces_of_every_size(size: int) -> None:
    """Also with `await`, down to single characters."""
    fake = ProviderCase(streamed([{"content": piece} for piece in pieces_at(*range(size, len(TAGGED), size))]))
    client: AsyncClient = fake.client(CHAT).for_async()
    stream = client.stream(ChatRequest(model="gemini-3.8-flash", messages=(HELLO,)))
    events = [event async for event in stream]
    last = events[-1]
    assert isinstance(last, Finished)

    assert last.response.parts == (Thought(THOUGHT), Text(ANSWER))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == ANSWER


FIELDS: dict[str, list[dict[str, Any]]] = {
    "reasoning": [{"reasoning": "Ünder "}, {"reasoning": "the hood"}, {"content": "Answer"}],
    "reasoning_content": [{"content": "", "reasoning_content": "Ünder the hood"}, {"content": "Answer"}],
    "reasoning_details": [
        {"reasoning_details": [{"type": "reasoning.text", "text": "Ünder the hood"}]},
        {"content": "Answer"},
    ],
    "all three at once": [
        {
            "reasoning": "Ünder the hood",
            "reasoning_content": "Ünder the hood",
            "reasoning_details": [{"type": "reasoning.text", "text": "Ünder the hood"}],
        },
        {"content": "Answer"},
    ],
    "tags": [{"content": "<thought>Ünder the hood</thought>Answer"}],
}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda fake: fake.name)
@pytest.mark.parametrize("name", FIELDS)
def test_thoughts_in_every_field(provider: Provider, name: str) -> None:
    """Each field that a provider may use gives the same thought, once, streamed or whole."""
    deltas = FIELDS[name]
    message = {key: "".join(delta.get(key, "") for delta in deltas) for key in ("reasoning", "content")}
    choice = {"message": {**deltas[0], **{key: text for key, text in message.items() if text}}, "finish_reason": "stop"}
    whole = ProviderCase(json.dumps({"choices": [choice]}).encode()).client(provider)
    response = whole.chat(ChatRequest(model="gemini-3.8-flash", messages=(HELLO,)))

    assert said(ProviderCase(streamed(deltas)).client(provider)) == ("Ünder the hood", "Answer") * 2
    assert (response.thoughts, response.text) == ("Ünder the hood", "Answer")


def test_a_tag_inside_the_answer_is_text() -> None:
    """Only the beginning of the content can be a thought: an answer about tags keeps them."""
    content = "Write <thought>so</thought>."

    assert said(ProviderCase(streamed([{"content": content}])).client(CHAT)) == ("", content) * 2


def test_native_thoughts_are_parts_of_their_own() -> None:
    """Parts marked as thoughts are never the answer's text, whichever way the chunks are cut."""
    parts: list[dict[str, Any]] = [
        {"text": "Ünder ", "thought": True},
        {"text": "the hood", "thought": True},
        {"text": "Ans"},
        {"text": "wer", "thoughtSignature": "cw=="},
    ]
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    chunks.append({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]})
    told = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    studio = Cloudflare("account", "key", api="google_ai_studio")

    assert said(ProviderCase(told).client(studio)) == ("Ünder the hood", "Answer") * 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_wanted_thoughts_are_answered_natively(stream: bool) -> None:
    """Only the native endpoint of Cloudflare can be asked for thoughts: `auto` takes it, also for a stream."""
    fake = ProviderCase()
    request = ChatRequest(model="gemini-3.8-flash", messages=(HELLO,), include_thoughts=True)
    ask(fake.client(Cloudflare("account", "key")), request, stream=stream)

    assert fake.bodies == [
        {
            "model": "google/gemini-3.8-flash",
            "input": {
                "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
                "generationConfig": {"thinkingConfig": SHOWN},
            },
        }
    ]
