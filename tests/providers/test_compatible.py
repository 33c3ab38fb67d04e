"""Endpoints of one's own: OpenRouter's and Google's as they are, on the loopback."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from gemini_multi import (
    AsyncClient,
    AuthenticationFailed,
    ChatRequest,
    ChatTraits,
    Client,
    ConfigurationError,
    Finished,
    Message,
    ModelNotFound,
    OpenAICompatible,
    RetryPolicy,
    Text,
    Tool,
    ToolResult,
    catalog,
)
from gemini_multi.catalog import HostedModel, Price

OPENROUTER = ChatTraits(
    supports_seed=True,
    supports_top_k=True,
    reasoning_efforts=("minimal", "low", "medium", "high"),
    reasoning_details=True,
    parallel_tool_calls=True,
)
GOOGLE = ChatTraits(google_extra=True, call_extra_content=True, message_extra_content=True, tool_name=True)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
QUESTION = Message.user("Weather in Bern?")
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}
DETAIL = {"type": "reasoning.encrypted", "data": "S", "format": "google-gemini-v1", "id": "c1", "index": 0}
EXTRA = {"google": {"thought_signature": "S"}}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class Endpoint(BaseHTTPRequestHandler):
    """Answers as it was told, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], Any]]] = []
    replies: ClassVar[list[tuple[int, bytes]]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append((self.command, self.path, headers, json.loads(body) if body else None))
        status, reply = self.replies.pop(0)
        self.send_response(status)
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST  # the names are the server's

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # so is this one
        """Keep quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    """An endpoint on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    Endpoint.asked, Endpoint.replies = [], []
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def openrouter(address: str, **options: Any) -> OpenAICompatible:
    given = {"name": "openrouter", "api_key": "key", "model_id": "google/{name}", "traits": OPENROUTER, **options}
    return OpenAICompatible(base_url=address, **given)


def google(address: str) -> OpenAICompatible:
    return OpenAICompatible(name="google", base_url=address, api_key="key", traits=GOOGLE)


def reply(message: dict[str, Any], **more: Any) -> None:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    Endpoint.replies.append((200, json.dumps({"id": "1", "choices": [choice], "usage": USAGE, **more}).encode()))


def asked(**settings: Any) -> ChatRequest:
    return ChatRequest(model="gemini-3.8-flash", messages=(QUESTION,), **settings)


def test_openrouter_is_asked_in_its_own_words_and_tells_its_price(address: str) -> None:
    """Path, key, id and body are those of its documentation."""
    reply({"content": "Sunny."}, usage={**USAGE, "cost": 0.25}, provider="Google AI Studio")
    with Client(openrouter(address, headers={"X-Title": "tests"})) as client:
        response = client.chat(asked(reasoning_effort="low", seed=7))
    ((method, path, headers, body),) = Endpoint.asked

    assert (method, path) == ("POST", "/v1/chat/completions")
    assert (headers["authorization"], headers["x-title"]) == ("Bearer key", "tests")
    assert body == {
        "model": "google/gemini-3.8-flash",
        "messages": [{"role": "user", "content": "Weather in Bern?"}],
        "seed": 7,
        "reasoning_effort": "low",
    }
    assert (response.provider, response.text, response.usage.cost_usd) == ("openrouter", "Sunny.", 0.25)


@pytest.mark.parametrize(
    ("configured", "said", "again"),
    [
        (openrouter, {"tool_calls": [CALL], "reasoning_details": [DETAIL]}, {"reasoning_details": [DETAIL]}),
        (
            google,
            {"tool_calls": [{**CALL, "extra_content": EXTRA}]},
            {"tool_calls": [{**CALL, "extra_content": EXTRA}]},
        ),
    ],
)
def test_signatures_go_back_as_the_endpoint_wants_them(
    configured: Any, said: dict[str, Any], again: dict[str, Any], address: str
) -> None:
    """A loop of tools goes on."""
    reply({"content": None, **said})
    reply({"content": "Sunny."})
    with Client(configured(address)) as client:
        first = client.chat(asked(tools=(WEATHER,)))
        result = Message.tool(ToolResult("c1", "weather", (Text("sun"),)))
        client.chat(ChatRequest(model="gemini-3.8-flash", messages=(QUESTION, first.message, result), tools=(WEATHER,)))

    turn = Endpoint.asked[1][3]["messages"][1]
    assert turn == {"role": "assistant", "content": None, "tool_calls": [CALL], **again}


def test_googles_own_endpoint_takes_its_extra_body(address: str) -> None:
    """Thinking goes in Google's namespace, with the id as Google has it."""
    reply({"content": "Sunny."})
    with Client(google(address)) as client:
        client.chat(asked(thinking_level="low", include_thoughts=True))
    body = Endpoint.asked[0][3]
    config = {"thinking_level": "low", "include_thoughts": True}
    assert (body["model"], body["extra_body"]) == ("gemini-3.8-flash", {"google": {"thinking_config": config}})


def test_streams_and_the_asynchronous_client_work(address: str) -> None:
    """The endpoint is a provider like any other."""
    chunk = {"id": "1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": USAGE}
    Endpoint.replies += [(200, b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")] * 2

    async def told() -> str:
        async with AsyncClient(openrouter(address)) as client:
            *_, last = [event async for event in client.stream(asked())]
        assert isinstance(last, Finished)
        return last.response.text

    with Client(openrouter(address)) as client:
        *_, last = client.stream(asked())
    assert isinstance(last, Finished)
    assert [last.response.text, asyncio.run(told())] == ["Hi", "Hi"]


def test_models_of_the_endpoint_are_listed(address: str) -> None:
    """By its name, as the client knows it."""
    Endpoint.replies.append((200, json.dumps({"data": [{"id": "google/gemini-3.8-flash"}]}).encode()))
    with Client(openrouter(address)) as client:
        (found,) = client.models("openrouter")
    assert (found.provider, found.id) == ("openrouter", "google/gemini-3.8-flash")
    assert Endpoint.asked[0][:2] == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [(401, "No auth credentials found", AuthenticationFailed), (404, "No endpoints found for x", ModelNotFound)],
)
def test_errors_are_typed(status: int, message: str, error: type[Exception], address: str) -> None:
    """By status and words, as everywhere."""
    Endpoint.replies.append((status, json.dumps({"error": {"code": status, "message": message}}).encode()))
    client = Client(openrouter(address), retry_policy=RetryPolicy(max_retries=0))
    with client, pytest.raises(error, match="openrouter"):
        client.chat(asked())


def test_the_catalog_can_be_told_ids_and_prices(address: str) -> None:
    """What follows no rule is registered; the cost is computed from the registered price."""
    reply({"content": "Sunny."})
    hosted = HostedModel("house/flash", prices=(Price(input=100_000, output=200_000),))
    catalog.register("gemini-3.8-flash", providers={"openrouter": hosted})
    try:
        with Client(openrouter(address)) as client:
            response = client.chat(asked())
    finally:
        catalog.unregister("gemini-3.8-flash")
    assert Endpoint.asked[0][3]["model"] == "house/flash"
    assert response.usage.cost_usd == pytest.approx(2.0)


def test_ids_are_spelled_by_the_rule() -> None:
    """An id stays an id, an unknown name is spelled like a known one, and a configured model wins."""
    own = openrouter("https://own.example/v1")
    names = {
        "gemini-3-8-flash": "google/gemini-3.8-flash",
        "vendor/tuned": "vendor/tuned",
        "gemini-9-new": "google/gemini-9-new",
    }
    for name, expected in names.items():
        assert own.hosted_id(ChatRequest(model=name, messages=(QUESTION,)), catalog.find(name)) == expected
    fixed = openrouter("https://own.example/v1", model="x/y")
    assert fixed.hosted_id(asked(), catalog.find("gemini-3.8-flash")) == "x/y"


def test_the_key_comes_from_its_variable_and_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every provider; the configuration is a value."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "very-secret")
    own = openrouter("https://own.example/v1", api_key=None, key_variable="OPENROUTER_API_KEY")
    assert own.request_headers(Client(own).routes(asked())[0].endpoints[0])["authorization"] == "Bearer very-secret"
    assert "very-secret" not in repr(own)
    assert pickle.loads(pickle.dumps(own)) == own
    assert openrouter("https://own.example/v1") == openrouter("https://own.example/v1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": " "}, "`name` of OpenAICompatible is empty"),
        ({"model_id": "google/"}, "must hold '{name}'"),
        ({"api_key": None}, "Pass the key as `OpenAICompatible"),
        ({"api_key": None, "key_variable": "NO_SUCH_KEY"}, "Set the `NO_SUCH_KEY` environment variable"),
        ({"traits": {"sings": True}}, "`ChatTraits` has no sings"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(options: dict[str, Any], said: str) -> None:
    """The error says what to do."""
    with pytest.raises(ConfigurationError, match=said):
        openrouter("https://own.example/v1", **options)
    with pytest.raises(ConfigurationError, match="must be an http or https address"):
        openrouter("")
