"""What naive clients get wrong, asked through the public client: answers that are no plain answers, counts, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AuthenticationFailed,
    BadRequest,
    ChatRequest,
    ChatResponse,
    Client,
    Cloudflare,
    Message,
    RateLimited,
    ResponseFormat,
    RetryPolicy,
    Text,
    Tool,
    ToolResult,
)
from gemini_multi.catalog import Model, find
from gemini_multi.structured import read
from tests.end_to_end.depth_endpoints import ask
from tests.end_to_end.providers import FakeProviders

HELLO = Message.user("Hello")
TOOL = Tool("f", "", {"type": "object", "properties": {"n": {"type": "integer"}}})
REQUEST = ChatRequest(model="gemini-3.8-flash", messages=(HELLO,), tools=(TOOL,))
COUNTS = {"promptTokenCount": 10, "totalTokenCount": 25, "thoughtsTokenCount": 15}


def candidate(finish: str | None = "STOP", *parts: Any, **more: Any) -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return {
        "candidates": [{**content, **({"finishReason": finish} if finish else {}), **more}],
        "usageMetadata": COUNTS,
    }


def choice(finish: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": finish, **({} if message is None else {"message": message})}]}


def answers(*documents: Any) -> Callable[[httpx.Request], httpx.Response]:
    """Give these documents, one to each request; the last again and again."""
    left = list(documents)
    return lambda request: httpx.Response(200, json=left.pop(0) if len(left) > 1 else left[0])


def client_for(reply: Callable[[httpx.Request], httpx.Response], api: Any = "run", retries: int = 1) -> Client:
    return Client(
        Cloudflare("account", "key", api=api),
        http_client=httpx.Client(transport=httpx.MockTransport(reply)),
        retry_policy=RetryPolicy(max_retries=retries, initial_wait=0.0),
    )


def summary(response: ChatResponse) -> tuple[str, str | None, int]:
    return response.text, response.finish_reason, len(response.tool_calls)


CALL = {"functionCall": {"name": "f", "args": {"n": 1}}}
CHAT_CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ODD: dict[str, tuple[dict[str, Any], tuple[str, str | None, int]]] = {
    "call with stop": (candidate("STOP", CALL), ("", "tool_calls", 1)),
    "no content": (candidate("SAFETY"), ("", "content_filter", 0)),
    "empty content": (candidate("SAFETY", content={}), ("", "content_filter", 0)),
    "content without parts": (candidate("MAX_TOKENS", content={"role": "model"}), ("", "length", 0)),
    "safety after text": (candidate("SAFETY", {"text": "Once"}), ("Once", "content_filter", 0)),
    "unknown reason": (candidate("TIRED", {"text": "Once"}), ("Once", "other", 0)),
    "continuation": (candidate("CONTINUATION", {"text": "Once"}, continuationToken="x"), ("Once", "length", 0)),
    "unexpected call": (candidate("UNEXPECTED_TOOL_CALL", CALL), ("", "error", 0)),
    "too many calls": (candidate("TOO_MANY_TOOL_CALLS", CALL), ("", "error", 0)),
    "filter without a message": (choice("content_filter"), ("", "content_filter", 0)),
    "chat stop with a call": (choice("stop", {"tool_calls": [CHAT_CALL]}), ("", "tool_calls", 1)),
    "chat length without content": (choice("length", {"content": None}), ("", "length", 0)),
    "chat word of Google": (choice("SAFETY", {"content": "Once"}), ("Once", "content_filter", 0)),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_odd_answers_are_answers(name: str, stream: bool) -> None:
    """What is missing is missing, no call is given that must not be run, and the finish reason is one of ours."""
    document, expected = ODD[name]

    assert summary(ask(client_for(answers(document)), REQUEST, stream=stream)) == expected


MALFORMED = {
    "native": candidate("MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: print(f())"),
    "chat": choice("function_call_filter: MALFORMED_FUNCTION_CALL", {"role": "assistant"}),
    "nothing at all": candidate("STOP"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_failed_generation_is_asked_for_again(kind: str) -> None:
    """Malformed calls and empty answers get another try; if that fails too, the answer says so."""
    good = candidate("STOP", {"text": "Hi"})
    second = client_for(answers(MALFORMED[kind], good)).chat(REQUEST)
    never = client_for(answers(MALFORMED[kind])).chat(REQUEST)

    assert (second.text, len(second.attempts)) == ("Hi", 2)
    assert (never.text, len(never.attempts)) == ("", 2)
    assert never.finish_reason == ("stop" if kind == "nothing at all" else "error")


def test_thoughts_that_ate_the_limit_are_counted() -> None:
    """An empty answer that was cut off says so, and where the tokens went."""
    response = client_for(answers(candidate("MAX_TOKENS", content={"role": "model"}))).chat(REQUEST)

    assert (response.finish_reason, response.usage.output_tokens, response.usage.reasoning_tokens) == ("length", 15, 15)


def test_cached_tokens_are_a_part_of_the_input() -> None:
    """They are not counted a second time, nor billed at the full price."""
    usage = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 900,
        "candidatesTokenCount": 5,
        "totalTokenCount": 1005,
    }
    whole = candidate("STOP", {"text": "Hi"})
    plain = client_for(answers({**whole, "usageMetadata": {**usage, "cachedContentTokenCount": 0}})).chat(REQUEST).usage
    cached = client_for(answers({**whole, "usageMetadata": usage})).chat(REQUEST).usage

    assert (cached.input_tokens, cached.cached_tokens, cached.total_tokens) == (1000, 900, 1005)
    assert plain.cost_usd is not None
    assert cached.cost_usd is not None
    assert cached.cost_usd < plain.cost_usd


def test_cumulative_counts_of_a_stream_are_not_added_up() -> None:
    """Every chunk repeats them; the last word on each field holds."""
    chunks = [
        {**candidate(None, {"text": "a"}), "usageMetadata": {"promptTokenCount": 10, "thoughtsTokenCount": 3}},
        {**candidate(None, {"text": "b"}), "usageMetadata": {"trafficType": "ON_DEMAND"}},
        {**candidate("STOP", {"text": "c"}), "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 3}},
    ]
    told = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    client = client_for(lambda request: httpx.Response(200, content=told), "google_ai_studio")
    usage = ask(client, REQUEST, stream=True).usage

    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 6, 16)


@pytest.mark.parametrize("api", ["run", "chat_completions", "google_ai_studio"])
def test_nothing_is_sent_that_was_not_set(api: Any) -> None:
    """No temperature, no limit, no penalty of ours: the newest models loop or refuse."""
    bodies: list[dict[str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json=candidate("STOP", {"text": "Hi"}))

    client_for(reply, api).chat(ChatRequest(model="gemini-3.8-flash", messages=(HELLO,)))
    contents = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    messages = {"messages": [{"role": "user", "content": "Hello"}]}

    assert bodies == [
        {
            "run": {"model": "google/gemini-3.8-flash", "input": contents},
            "chat_completions": {"model": "google/gemini-3.8-flash", **messages},
            "google_ai_studio": contents,
        }[api]
    ]


def google_error(code: int, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": "X", "details": list(details)}}


INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
ERRORS: list[tuple[int, Any, type[Exception]]] = [
    (400, [google_error(400, "Bad.")], BadRequest),
    (400, google_error(400, "API key not valid.", INFO), AuthenticationFailed),
    (429, [google_error(429, "Slow down.", RETRY)], RateLimited),
    (400, json.dumps(google_error(400, "Bad.")), BadRequest),
]


@pytest.mark.parametrize(
    ("status", "body", "kind"), ERRORS, ids=["array", "bad key", "array with a wait", "in a string"]
)
def test_errors_of_every_shape_are_typed(status: int, body: Any, kind: type[Exception]) -> None:
    """An error may be an object, an array of one or text; a bad key is a 400, and the wait stands in the details."""
    client = client_for(lambda request: httpx.Response(status, json=body), retries=0)
    with pytest.raises(kind) as error:
        client.chat(REQUEST)

    assert getattr(error.value, "retry_after", None) == (34.07 if kind is RateLimited else None)


def test_a_bare_enum_member_is_a_value() -> None:
    """Answers of the type `text/x.enum` are no JSON."""
    schema = {"type": "string", "enum": ["sun", "rain"]}
    request = ChatRequest(
        model="gemini-3.8-flash",
        messages=(HELLO,),
        response_format=ResponseFormat(schema, mime_type="text/x.enum"),
    )
    response = client_for(answers(candidate("STOP", {"text": "rain\n"}))).chat(request)

    assert read(response.text, schema) == "rain"


def test_the_model_that_answered_sets_the_price() -> None:
    """Aliases and retired ids are answered by other models: those are named, and billed."""
    counts = {"promptTokenCount": 1_000_000, "candidatesTokenCount": 0, "totalTokenCount": 1_000_000}
    routed = {**candidate("STOP", {"text": "Hi"}), "modelVersion": "gemini-3.5-flash", "usageMetadata": counts}
    response = client_for(answers(routed)).chat(ChatRequest(model="gemini-2.5-flash", messages=(HELLO,)))

    assert (response.model, response.usage.cost_usd) == ("gemini-3.5-flash", 1.5)


def test_a_loop_with_a_model_that_was_replaced_goes_on() -> None:
    """The successor demands signatures that the requested model never needed: they go back, or the dummy does."""
    asked: list[dict[str, Any]] = []
    missing = "Function call is missing a thought_signature in functionCall parts."

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["input"])
        calls = [part for content in asked[-1]["contents"] for part in content["parts"] if "functionCall" in part]
        if any("thoughtSignature" not in part for part in calls):
            return httpx.Response(400, json=google_error(400, missing))
        return httpx.Response(200, json=candidate("STOP", {"text": "Hi"} if calls else CALL))

    client, old = client_for(reply), ChatRequest(model="gemini-2.5-flash", messages=(HELLO,), tools=(TOOL,))
    model: Model = find(old.model)
    first = client.chat(old)
    (call,) = first.tool_calls
    result = Message.tool(ToolResult(call.id, call.name, (Text("1"),)))
    last = client.chat(ChatRequest(model=old.model, messages=(HELLO, first.message, result), tools=(TOOL,)))

    assert not model.needs_signatures
    assert (last.text, len(asked)) == ("Hi", 3)
    assert asked[-1]["contents"][1]["parts"] == [{**CALL, "thoughtSignature": "skip_thought_signature_validator"}]


def test_json_beside_tools_is_asked_for_in_words_on_older_models() -> None:
    """Gemini 2.5 refuses a response format beside functions; newer models take both."""
    fakes = FakeProviders({"cloudflare": [lambda: httpx.Response(200, json=candidate("STOP", {"text": "{}"}))]})
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for model in ("gemini-2.5-flash", "gemini-3.8-flash"):
        fakes.client("cloudflare").chat(
            ChatRequest(model=model, messages=(HELLO,), tools=(TOOL,), response_format=ResponseFormat(schema))
        )
    older, newer = (json.loads(request.content)["input"] for _, request in fakes.requests)

    assert "generationConfig" not in older
    assert json.dumps(schema, separators=(",", ":")) in older["systemInstruction"]["parts"][0]["text"]
    assert newer["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert "systemInstruction" not in newer
