"""What a single call adds to the headers of its requests, and what it may learn of the response's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_multi import ChatResponse, Client, Cloudflare, ConfigurationError
from tests.end_to_end.providers import REQUEST, FakeProviders, answer, raw, status

WAYS = pytest.mark.parametrize("way", ["chat", "achat", "stream", "astream"])


async def ask(client: Client, way: str, **arguments: Any) -> ChatResponse:
    if way == "chat":
        return client.chat(REQUEST, **arguments)
    if way == "achat":
        return await client.for_async().chat(REQUEST, **arguments)
    if way == "stream":
        return client.stream(REQUEST, **arguments).response()
    return await client.for_async().stream(REQUEST, **arguments).response()


@WAYS
async def test_headers_go_with_every_request_of_the_call(way: str) -> None:
    """To whichever provider; the next call is without them."""
    fake = FakeProviders({"cloudflare": [status(503)]})
    client = fake.client("cloudflare", "oxen", max_retries=0)
    await ask(client, way, headers={"X-Team": "blue"})
    await ask(client, way)
    sent = [request.headers.get("x-team") for _, request in fake.requests]

    assert (fake.asked[:2], sent[:2]) == (["cloudflare", "oxen"], ["blue", "blue"])
    assert set(sent[2:]) == {None}


@WAYS
async def test_a_gateway_is_told_and_others_are_not(way: str) -> None:
    """Cloudflare's gateway takes the call's entries beside the configured ones; other providers get none."""
    fake = FakeProviders({"cloudflare": [status(503)]})
    base = fake.client("oxen")
    providers = [Cloudflare("account", "key", metadata={"app": "a", "team": "red"}), "oxen"]
    arguments: dict[str, Any] = {"gateway_metadata": {"team": "blue", "n": 1}, "gateway_event_id": "trace-1"}
    await ask(base, way, providers=providers, max_retries=0, **arguments)
    (_, first), (_, second) = fake.requests

    assert json.loads(first.headers["cf-aig-metadata"]) == {"app": "a", "team": "blue", "n": 1}
    assert first.headers["cf-aig-event-id"] == "trace-1"
    assert not [name for name in second.headers if name.startswith("cf-")]


def test_the_calls_headers_go_before_all_others() -> None:
    """A gateway header can be set by its name too."""
    fake = FakeProviders()
    client = fake.client("cloudflare")
    client.chat(REQUEST, headers={"cf-aig-event-id": "mine", "User-Agent": "me"}, gateway_event_id="other")
    (_, request), *_ = fake.requests

    assert (request.headers["cf-aig-event-id"], request.headers["user-agent"]) == ("mine", "me")


REFUSED: dict[str, dict[str, Any]] = {
    "a line break": {"headers": {"x": "a\nb"}},
    "too many entries": {"gateway_metadata": dict.fromkeys("abcdef", 1)},
    "an object": {"gateway_metadata": {"a": {}}},
    "an id that is no header": {"gateway_event_id": "a\r\nb"},
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_sent_is_refused_before_anything_is(name: str, stream: bool) -> None:
    """Also where the provider that cannot take it would only be asked later."""
    fake = FakeProviders()
    client = fake.client("aimlapi", "cloudflare")
    with pytest.raises(ConfigurationError):
        (client.stream if stream else client.chat)(REQUEST, **REFUSED[name])

    assert fake.asked == []


def test_an_unknown_argument_is_refused() -> None:
    """Nothing that a caller passes is dropped silently."""
    with pytest.raises(TypeError, match="timeot"):
        FakeProviders().client("oxen").chat(REQUEST, timeot=3)  # type: ignore[call-arg]


@WAYS
@pytest.mark.parametrize("where", ["client", "call"])
async def test_all_headers_of_the_response_come_on_request(way: str, where: str) -> None:
    """In the metadata, by their lower-case names."""
    body = json.dumps(answer()().json()).encode()
    fake = FakeProviders({"oxen": [raw(body, x_Served_By="a")]})
    wants = {"include_response_headers": True}
    found = await ask(
        fake.client("oxen", **wants if where == "client" else {}), way, **wants if where == "call" else {}
    )
    plain = await ask(fake.client("oxen"), way)

    assert found.provider_metadata["headers"]["x-served-by"] == "a"  # type: ignore[index,call-overload]
    assert "headers" not in plain.provider_metadata


def test_what_a_call_adds_is_not_shown() -> None:
    """A header may be a secret."""
    client = FakeProviders().client("oxen")
    call = client._new_call(REQUEST, {"headers": {"x-key": "very-secret"}}, stream=False)

    assert "very-secret" not in repr(call.attempt_log.options)
