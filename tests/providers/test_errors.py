"""Errors inside errors, errors without a status, and waits: wherever a provider writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AsyncClient,
    AuthenticationFailed,
    BadRequest,
    ChatRequest,
    Client,
    ContextOverflow,
    Message,
    ModelNotFound,
    PermissionDenied,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    StreamInterrupted,
)
from tests.end_to_end.endpoints import ENDPOINTS, NATIVE
from tests.end_to_end.providers import FakeProviders, answer, status

EVERY = ("run", "chat", "studio", "A", "oxen")
REQUEST = ChatRequest(model="gemini-3-flash-preview", messages=(Message.user("Hello"),))


def google(code: int, message: str, name: str, *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": name, "details": list(details)}}


def detail(kind: str, **facts: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **facts}


def quota(**violation: str) -> dict[str, Any]:
    return detail("QuotaFailure", violations=[violation])


@dataclass(frozen=True)
class Failure:
    """What a provider answers."""

    status: int
    content: bytes

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, content=self.content)


def with_status(code: int, document: Any) -> Failure:
    return Failure(code, json.dumps(document).encode())


def failed(endpoint: str, reply: Failure, *, stream: bool = False) -> ProviderError:
    """Return the error that the client raises."""
    with httpx.Client(transport=httpx.MockTransport(reply)) as http:
        client = Client(ENDPOINTS[endpoint].provider, http_client=http, max_retries=0)
        with pytest.raises(ProviderError) as caught:
            client.stream(REQUEST).response() if stream else client.chat(REQUEST)
    return caught.value


async def failed_async(endpoint: str, reply: Failure, *, stream: bool = False) -> ProviderError:
    """Return the error that the asynchronous client raises."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as http:
        client = AsyncClient(ENDPOINTS[endpoint].provider, http_async_client=http, max_retries=0)
        with pytest.raises(ProviderError) as caught:
            await (client.stream(REQUEST).response() if stream else client.chat(REQUEST))
    return caught.value


def opening(endpoint: str, text: str = "") -> bytes:
    """Write the begin of a stream, without content where no text is given."""
    if endpoint in NATIVE:
        parts = [{"text": text}] if text else []
        document: dict[str, Any] = {"candidates": [{"content": {"role": "model", "parts": parts}}]}
    else:
        document = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def as_event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


DELAY = detail("RetryInfo", retryDelay="38s")
KEY = detail("ErrorInfo", reason="API_KEY_INVALID")
TOO_LONG = "The input token count (1196265) exceeds the maximum number of tokens allowed (1048576)."
UPSTREAM: dict[str, tuple[int, dict[str, Any], type[ProviderError], float | None]] = {
    "a wait": (429, google(429, "Slow down.", "RESOURCE_EXHAUSTED", DELAY), RateLimited, 38.0),
    "a quota of a day": (
        429,
        google(429, "Quota.", "RESOURCE_EXHAUSTED", quota(quotaId="RequestsPerDayPerProject")),
        QuotaExhausted,
        None,
    ),
    "a long prompt": (400, google(400, TOO_LONG, "INVALID_ARGUMENT"), ContextOverflow, None),
    "a bad key": (400, google(400, "API key not valid.", "INVALID_ARGUMENT", KEY), AuthenticationFailed, None),
    "a region": (
        400,
        google(400, "User location is not supported.", "FAILED_PRECONDITION"),
        PermissionDenied,
        None,
    ),
    "an overload": (503, google(503, "The model is overloaded.", "UNAVAILABLE"), ServerError, None),
    "a bad request": (400, google(400, "tools[0].x: Cannot find field.", "INVALID_ARGUMENT"), BadRequest, None),
    "a failure that hides a limit": (502, google(429, "Slow down.", "RESOURCE_EXHAUSTED"), RateLimited, None),
}
FORMS = {
    "JSON text": lambda inner: {"raw": json.dumps(inner)},
    "indented text": lambda inner: {"raw": json.dumps(inner, indent=2)},
    "text of text": lambda inner: {"raw": json.dumps(json.dumps(inner))},
    "a list": lambda inner: {"raw": json.dumps([inner])},
    "an object": lambda inner: {"raw": inner},
}
TAILS = {
    "event": as_event,
    "document": lambda document: json.dumps(document).encode(),
    "indented document": lambda document: json.dumps([document], indent=2).encode() + b"\n",
}
"""How an error ends a stream."""
WAYS = ("whole", "stream", "body of a success", *TAILS)


def told(endpoint: str, way: str, code: int, document: Any) -> ProviderError:
    """Let an endpoint report an error in one of the ways in which errors come."""
    return failed(endpoint, reply(endpoint, way, code, document), stream=way in ("stream", *TAILS))


def reply(endpoint: str, way: str, code: int, document: Any) -> Failure:
    if way in TAILS:
        return Failure(200, opening(endpoint) + TAILS[way](document))
    return with_status(200 if way == "body of a success" else code, document)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", UPSTREAM)
def test_a_routers_error_is_its_upstreams(name: str, form: str, way: str) -> None:
    """Class, message and wait are those of the error that the router passes on."""
    code, inner, kind, wait = UPSTREAM[name]
    document = {"error": {"message": "Provider returned error", "code": code, "metadata": FORMS[form](inner)}}

    error = told("oxen", way, code, document)

    assert (type(error), error.retry_after, error.status) == (kind, wait, code)
    assert inner["error"]["message"] in error.message


@pytest.mark.parametrize("way", WAYS)
async def test_the_asynchronous_client_reads_the_same(way: str) -> None:
    """Class, message and wait."""
    code, inner, *_ = UPSTREAM["a wait"]
    document = {"error": {"message": "Provider returned error", "code": code, "metadata": {"raw": json.dumps(inner)}}}
    answer = reply("oxen", way, code, document)
    stream = way in ("stream", *TAILS)

    ours, theirs = failed("oxen", answer, stream=stream), await failed_async("oxen", answer, stream=stream)

    assert (type(ours), ours.message, ours.retry_after) == (type(theirs), theirs.message, theirs.retry_after)


@pytest.mark.parametrize("endpoint", ["run", "A"])
@pytest.mark.parametrize("name", UPSTREAM)
def test_an_upstreams_error_in_a_message_is_read(name: str, endpoint: str) -> None:
    """Gateways write it behind words of their own."""
    code, inner, kind, wait = UPSTREAM[name]
    said = f"Model execution failed: {json.dumps(inner, indent=1)} (request 1)"

    error = failed(endpoint, with_status(code, {"error": {"message": said}}))

    assert (type(error), error.retry_after) == (kind, wait)
    assert "Model execution failed" not in error.message


def test_an_upstreams_plain_text_stands_in_the_message() -> None:
    """What is no JSON is told as it is."""
    document = {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "connect error: 111"}}}

    error = failed("oxen", with_status(502, document))

    assert (type(error), "Provider returned error: connect error: 111" in error.message) == (ServerError, True)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("endpoint", ["chat", "studio", "A", "oxen"])
def test_an_error_at_the_end_of_a_stream_is_that_error(endpoint: str, tail: str) -> None:
    """Whether it comes as an event or as plain JSON: its class, and its wait."""
    error = told(endpoint, tail, 200, UPSTREAM["a wait"][1])

    assert (type(error), error.retry_after) == (RateLimited, 38.0)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("endpoint", ["chat", "studio", "A", "oxen"])
def test_an_error_after_content_interrupts_the_stream(endpoint: str, tail: str) -> None:
    """What came stays, and the reason is told."""
    answer = Failure(200, opening(endpoint, "Okay") + TAILS[tail](UPSTREAM["a wait"][1]))
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = Client(ENDPOINTS[endpoint].provider, http_client=http, max_retries=0)
        with pytest.raises(StreamInterrupted, match="Slow down") as caught:
            client.stream(REQUEST).response()

    assert (caught.value.partial.text, type(caught.value.__cause__)) == ("Okay", RateLimited)


@pytest.mark.parametrize("name", ["a bad key", "a region", "an overload"])
def test_an_upstreams_refusal_moves_to_the_next_provider(name: str) -> None:
    """What another provider may well answer is asked there, at once."""
    code, inner, *_ = UPSTREAM[name]
    document = {"error": {"message": "Provider returned error", "code": code, "metadata": {"raw": json.dumps(inner)}}}
    fakes = FakeProviders({"aimlapi": [status(code, document)], "oxen": [answer("from the second")]})

    assert fakes.client("aimlapi", "oxen").chat(REQUEST).text == "from the second"
    assert fakes.asked == ["aimlapi", "oxen"]


def test_a_hostile_message_is_read_in_linear_time() -> None:
    """Deep nesting, many openings and text without end are read over."""
    for said in ('{"error":' * 20_000, '[{"' * 50_000, "[ " * 100_000, '{"a' + " " * 200_000):
        assert isinstance(failed("oxen", with_status(400, {"error": {"message": said}})), BadRequest)


PYTHONS = (
    (
        'VertexAIException - b\'{\\n  "error": {\\n    "code": 429,\\n    "status": "RESOURCE_EXHAUSTED",\\n'
        '    "details": [{\\n      "retryDelay": "38s"}]}}\''
    ),
    (
        "429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'Quota.', 'status': 'RESOURCE_EXHAUSTED', "
        "'details': [{'@type': 'type.googleapis.com/google.rpc.RetryInfo', 'retryDelay': '38s'}]}}"
    ),
)


@pytest.mark.parametrize("code", [400, 500])
@pytest.mark.parametrize("said", PYTHONS, ids=["bytes", "dictionary"])
def test_an_upstreams_error_in_pythons_writing_is_read(said: str, code: int) -> None:
    """As LiteLLM and Google's SDK put it into their messages."""
    error = failed("oxen", with_status(code, {"error": {"message": said}}))

    assert (type(error), error.retry_after) == (RateLimited, 38.0)
    assert said in error.message


def nested(inner: dict[str, Any], levels: int) -> dict[str, Any]:
    for _ in range(levels):
        inner = {"error": {"message": inner}}
    return inner


INNER = google(429, "Slow down.", "RESOURCE_EXHAUSTED", DELAY)
NESTED: dict[str, Any] = {
    "the message is an object": {"error": {"message": INNER}},
    "an error in the error": {"error": INNER},
    "errors in errors": nested(INNER, 60),
    "the error is a text": {"error": json.dumps(INNER)},
    "the status is in the body": INNER,
}


@pytest.mark.parametrize("code", [400, 500, 502])
@pytest.mark.parametrize("name", NESTED)
def test_the_status_in_the_body_decides_where_that_of_http_is_vague(name: str, code: int) -> None:
    """Gateways answer with a few statuses only."""
    error = failed("oxen", with_status(code, NESTED[name]))

    assert (type(error), error.retry_after, error.status) == (RateLimited, 38.0, code)
    assert "Slow down." in error.message


@pytest.mark.parametrize("said", ["UNAVAILABLE", "INTERNAL", "ABORTED", "UNKNOWN", "overloaded_error", "upstream"])
@pytest.mark.parametrize("field", ["status", "type", "code"])
def test_a_failure_that_is_passed_on_as_a_bad_request_is_a_failure(field: str, said: str) -> None:
    """Gateways answer with 400 where their upstream failed, and only its code says so: another provider may answer."""
    error = failed("oxen", with_status(400, {"error": {field: said, "message": "Sorry."}}))

    assert (type(error), error.is_retryable) == (ServerError, True)


BY_TEXT: list[tuple[int, dict[str, Any], type[ProviderError]]] = [
    (400, google(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"), AuthenticationFailed),
    (400, google(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT"), AuthenticationFailed),
    (400, {"error": {"message": "User location is not supported for the API use."}}, PermissionDenied),
    (400, {"error": {"message": "Insufficient credits"}}, QuotaExhausted),
    (400, {"error": {"message": "Invalid value at 'contents[0].role'"}}, BadRequest),
    (429, {"error": {"message": "You have run out of credits."}}, QuotaExhausted),
    (400, {"error": {"message": "prompt is too long: 2000000 tokens > 1048576 maximum"}}, ContextOverflow),
    (400, {"error": {"message": "Please reduce the length of the messages."}}, ContextOverflow),
    (
        400,
        google(400, "the input token count is 9 but model only supports up to 8.", "INVALID_ARGUMENT"),
        ContextOverflow,
    ),
    (503, google(503, "x", "RESOURCE_EXHAUSTED"), RateLimited),
    (502, {"error": {"message": "x", "code": "invalid_api_key"}}, AuthenticationFailed),
    (410, {"error": {"message": "The model was shut down."}}, ModelNotFound),
]


@pytest.mark.parametrize(("code", "document", "kind"), BY_TEXT, ids=[str(number) for number in range(len(BY_TEXT))])
def test_a_vague_status_goes_by_its_words(code: int, document: dict[str, Any], kind: type[ProviderError]) -> None:
    """Google's endpoint for OpenAI's clients leaves the codes out."""
    assert type(failed("oxen", with_status(code, document))) is kind


MESSAGES: dict[str, tuple[Any, str]] = {
    "a list of texts": ({"message": ["a must be a number", "b is missing"]}, "a must be a number; b is missing"),
    "a list beside a word": ({"error": "Bad Request", "message": ["a", "b"]}, "Bad Request: a; b"),
    "errors as texts": ({"errors": ["one", "two"]}, "one; two"),
    "records of a validation": ({"detail": [{"loc": ["body", "n"], "msg": "field required"}]}, "field required"),
    "a name of its own": ({"reason": "because"}, "because"),
    "msg": ({"msg": "because"}, ": because"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_a_provider_says_stands_in_the_message(name: str) -> None:
    """In whatever shape it says it."""
    document, told = MESSAGES[name]
    assert told in failed("oxen", with_status(422, document)).message


WORDS: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"message": "x", "type": "invalid_request_error", "code": "unsupported_value"}, BadRequest),
    ({"message": "x", "type": "invalid_request_error", "code": None}, BadRequest),
    ({"type": "invalid_params", "title": "Invalid parameters supplied."}, BadRequest),
    ({"message": "x", "type": "invalid_request_error", "code": "invalid_api_key"}, AuthenticationFailed),
    ({"message": "x", "type": "Unauthenticated"}, AuthenticationFailed),
    ({"message": "x", "type": "requests", "code": "rate_limit_exceeded"}, RateLimited),
    ({"message": "x", "status": "resource_exhausted"}, RateLimited),
    ({"message": "x", "code": "INSUFFICIENT_QUOTA"}, QuotaExhausted),
    ({"message": "x", "code": "CONTEXT_LENGTH_EXCEEDED"}, ContextOverflow),
    ({"message": TOO_LONG, "type": "invalid_request_error"}, ContextOverflow),
    ({"message": "x", "code": "Model_Not_Found"}, ModelNotFound),
    ({"message": "x", "type": "overloaded_error"}, ServerError),
    ({"message": "Too Many Requests"}, RateLimited),
    ({"message": "You have run out of credits."}, QuotaExhausted),
    ({"message": "This request requires a valid API key."}, AuthenticationFailed),
    ({"message": "Model not found: x"}, ModelNotFound),
    ({"message": "Something went wrong."}, ServerError),
]


@pytest.mark.parametrize("endpoint", ["studio", "oxen"])
@pytest.mark.parametrize("way", ["event", "body of a success"])
@pytest.mark.parametrize(("said", "kind"), WORDS, ids=[str(number) for number in range(len(WORDS))])
def test_an_error_without_a_status_goes_by_its_words(
    said: dict[str, Any], kind: type[ProviderError], way: str, endpoint: str
) -> None:
    """Code and type decide, in any case of letters, then the text."""
    assert type(told(endpoint, way, 200, {"error": said})) is kind


FLAT: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"message": "Too Many Requests", "statusCode": "429"}, RateLimited),
    ({"object": "error", "message": "x", "type": "invalid_request_error", "code": None}, BadRequest),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, ServerError),
    ({"message": "x", "code": "rate_limit_exceeded"}, RateLimited),
    ({"status": "error", "status_message": "insufficient_credits"}, QuotaExhausted),
    ({"choices": [{"index": 0, "delta": {}, "error": {"code": 429, "message": "x"}}]}, RateLimited),
]


@pytest.mark.parametrize("way", ["event", "body of a success"])
@pytest.mark.parametrize(("document", "kind"), FLAT, ids=[str(number) for number in range(len(FLAT))])
def test_a_document_that_is_an_error_is_no_answer(
    document: dict[str, Any], kind: type[ProviderError], way: str
) -> None:
    """Routers write errors without an envelope, or into a choice."""
    assert type(told("oxen", way, 200, document)) is kind


ZERO = "Quota exceeded for metric: generate_content_free_tier_requests, limit: 0, model: gemini-2.5-pro"
SPENT = {
    "in words": google(429, ZERO, "RESOURCE_EXHAUSTED", DELAY),
    "in the details": google(429, "Quota.", "RESOURCE_EXHAUSTED", quota(quotaId="PerMinute", quotaValue="0"), DELAY),
    "of a router": {"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429}},
    "by its code": {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}},
}


@pytest.mark.parametrize("endpoint", EVERY)
@pytest.mark.parametrize("name", SPENT)
def test_a_quota_that_no_wait_refills_is_exhausted(name: str, endpoint: str) -> None:
    """A limit of zero or of a day is left for the next provider, whatever wait is named."""
    assert type(failed(endpoint, with_status(429, SPENT[name]))) is QuotaExhausted


def test_a_limit_that_only_begins_with_zero_is_a_rate_limit() -> None:
    """And so is one whose figure merely ends so."""
    for said in ("limit: 0.5, per minute", "limit: 10, per minute"):
        assert type(failed("oxen", with_status(429, google(429, said, "RESOURCE_EXHAUSTED")))) is RateLimited


LIMITED = {"code": 429, "message": "x"}
RESET = detail("ErrorInfo", reason="RATE_LIMIT_EXCEEDED", metadata={"quotaResetDelay": "1h16m0.5s"})
WAITS: dict[str, tuple[dict[str, Any], float]] = {
    "the delay until a reset": (google(429, "x", "RESOURCE_EXHAUSTED", RESET), 4560.5),
    "in snake case": (google(429, "x", "RESOURCE_EXHAUSTED", detail("RetryInfo", retry_delay="6s")), 6.0),
    "words of a reset": ({"error": {**LIMITED, "message": "Your quota will reset after 1m5s."}}, 65.0),
    "words of a retry": ({"error": {**LIMITED, "message": "Please try again in 20s."}}, 20.0),
    "a number in the error": ({"error": {**LIMITED, "retry_after": 7}}, 7.0),
    "a number beside the error": ({"error": LIMITED, "retryAfter": "8"}, 8.0),
    "milliseconds": ({"error": {**LIMITED, "retry_after_ms": 250}}, 0.25),
    "a router's metadata": ({"error": {**LIMITED, "metadata": {"retry_after_seconds": 9}}}, 9.0),
    "the upstream's headers": ({"error": {**LIMITED, "metadata": {"headers": {"Retry-After": "11"}}}}, 11.0),
}


@pytest.mark.parametrize("endpoint", ["run", "oxen"])
@pytest.mark.parametrize("name", WAITS)
def test_a_wait_is_read_wherever_it_stands(name: str, endpoint: str) -> None:
    """Details, fields, metadata, copies of headers and words."""
    document, seconds = WAITS[name]

    assert failed(endpoint, with_status(429, document)).retry_after == pytest.approx(seconds)
