"""A provider counts a request's tokens: which providers do, what is sent, and what becomes of failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gemini_multi import (
    AIMLAPI,
    AuthenticationFailed,
    Blob,
    BudgetExceeded,
    ChatRequest,
    Client,
    Cloudflare,
    ConfigurationError,
    InvalidResponse,
    Message,
    Oxen,
    RateLimited,
    Text,
    TokenCount,
    Tool,
    UnsupportedFeature,
)
from gemini_multi.sandbox import Sandbox
from tests.end_to_end.providers import AT_ONCE

STUDIO = Cloudflare("account", "key", api="google_ai_studio", gateway_id="gate", google_api_key="google")
REQUEST = ChatRequest(model="gemini-2.5-flash", messages=(Message.system("Be brief."), Message.user("Hello")))
COUNTED = {"totalTokens": 7, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}]}

Count = Callable[[Client, ChatRequest], Any]


async def blocking(client: Client, request: ChatRequest = REQUEST, **conditions: Any) -> TokenCount:
    return client.count_tokens(request, **conditions)


async def awaited(client: Client, request: ChatRequest = REQUEST, **conditions: Any) -> TokenCount:
    return await client.for_async().count_tokens(request, **conditions)


WAYS = pytest.mark.parametrize("count", [blocking, awaited])


class ProviderCase:
    """Gives its replies in order, and keeps what it was sent."""

    def __init__(self, *replies: httpx.Response) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.replies.pop(0)

    def client(self, *providers: Any, **options: Any) -> Client:
        transport = httpx.MockTransport(self)
        return Client(
            providers or (STUDIO,),
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
            **{"retry_policy": AT_ONCE, **options},
        )


@WAYS
async def test_whole_request_is_counted(count: Count) -> None:
    """System prompt and tools are tokens too, so the provider is given the request as it would be asked."""
    fake = ProviderCase(httpx.Response(200, json=COUNTED))
    asked = ChatRequest(
        model="gemini-2.5-flash", messages=REQUEST.messages, tools=(Tool("f", "Do f.", {"type": "object"}),)
    )
    await count(fake.client(), asked)
    (sent,) = fake.requests
    assert str(sent.url) == (
        "https://gateway.ai.cloudflare.com/v1/account/gate/google-ai-studio/v1beta/models/gemini-2.5-flash:countTokens"
    )
    assert (sent.headers["cf-aig-authorization"], sent.headers["x-goog-api-key"]) == ("Bearer key", "google")
    assert json.loads(sent.content) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-flash",
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
            "tools": [{"functionDeclarations": [{"name": "f", "description": "Do f."}]}],
        }
    }


@WAYS
async def test_count_tells_all_that_the_provider_said(count: Count) -> None:
    """Modalities, cached tokens, the provider's ids and its other words are kept."""
    told = {**COUNTED, "cachedContentTokenCount": 3, "news": 1}
    fake = ProviderCase(httpx.Response(200, json=told, headers={"cf-aig-log-id": "log"}))
    counted = await count(fake.client(), REQUEST)
    assert (counted.total_tokens, counted.cached_tokens, counted.by_modality) == (7, 3, {"text": 7})
    assert (counted.provider, counted.model, counted.request_id) == ("cloudflare", "gemini-2.5-flash", "log")
    assert counted.provider_metadata == {"news": 1, "cf-aig-log-id": "log"}
    assert [attempt.outcome for attempt in counted.attempts] == ["answered"]


def test_nothing_counted_is_a_count() -> None:
    """Zero is a number of tokens."""
    fake = ProviderCase(httpx.Response(200, json={"totalTokens": 0}))
    assert fake.client().count_tokens(REQUEST).total_tokens == 0


@WAYS
async def test_count_is_repeated_after_a_failure(count: Count) -> None:
    """Failures are retried as those of answers are."""
    fake = ProviderCase(httpx.Response(503, json={}), httpx.Response(200, json=COUNTED))
    counted = await count(fake.client(), REQUEST)
    assert [attempt.status for attempt in counted.attempts] == [503, 200]


NOT_COUNTED: dict[str, httpx.Response] = {
    "no count": httpx.Response(200, json={"candidates": []}),
    "a negative count": httpx.Response(200, json={"totalTokens": -1}),
    "a truth": httpx.Response(200, json={"totalTokens": True}),
    "a web page": httpx.Response(200, text="<html>"),
}


@pytest.mark.parametrize("name", NOT_COUNTED)
def test_answer_without_a_count_is_an_error(name: str) -> None:
    """What is unknown is never zero."""
    with pytest.raises(InvalidResponse):
        ProviderCase(NOT_COUNTED[name]).client(max_retries=0).count_tokens(REQUEST)


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (401, AuthenticationFailed)])
@WAYS
async def test_error_is_typed(count: Count, status: int, error: type[Exception]) -> None:
    """Errors are those of every call, and the number of retries may be the call's own."""
    fake = ProviderCase(httpx.Response(status, json={}), httpx.Response(status, json={}))
    with pytest.raises(error):
        await count(fake.client(), REQUEST, max_retries=0)  # type: ignore[call-arg]
    assert len(fake.requests) == 1


OTHERS = (Cloudflare("account", "key"), AIMLAPI("key"), Oxen("key"))


@WAYS
async def test_providers_that_cannot_count_are_passed_over(count: Count) -> None:
    """They are not asked, and the next one is."""
    fake = ProviderCase(httpx.Response(200, json=COUNTED))
    assert (await count(fake.client(*OTHERS[1:], STUDIO), REQUEST)).provider == "cloudflare"
    assert len(fake.requests) == 1


@pytest.mark.parametrize("provider", OTHERS, ids=lambda provider: provider.name)
def test_provider_that_cannot_count_says_so(provider: Any) -> None:
    """Nothing is sent; Cloudflare names the endpoint that counts."""
    fake = ProviderCase()
    with pytest.raises(UnsupportedFeature, match="does not count tokens") as caught:
        fake.client(provider).count_tokens(REQUEST)
    assert (caught.value.features, fake.requests) == (("counting tokens",), [])
    assert ("google_ai_studio" in str(caught.value)) is (provider.name == "cloudflare")


def test_request_that_says_nothing_is_refused() -> None:
    """As with answers."""
    with pytest.raises(ConfigurationError):
        ProviderCase().client().count_tokens(ChatRequest(model="gemini-2.5-flash", messages=()))


def test_count_is_free() -> None:
    """It is no call of the totals, and may be asked for when the spending limit is reached."""
    client = ProviderCase(httpx.Response(200, json=COUNTED)).client(max_cost_usd=0.0)
    with pytest.raises(BudgetExceeded):
        client.chat(REQUEST)
    assert (client.count_tokens(REQUEST).total_tokens, client.totals.calls) == (7, 0)


MEDIA = ChatRequest(
    model="gemini-2.5-flash",
    messages=(Message.user(Text("What is this?"), Blob("iVBORw0KGgo=", "image/png")),),
)


@pytest.mark.parametrize("request_", [REQUEST, MEDIA], ids=["text", "image"])
def test_count_is_what_the_answer_says(request_: ChatRequest) -> None:
    """The sandbox counts the same before and with the answer."""
    with Sandbox() as sandbox:
        environment = sandbox.environment()
        provider = Cloudflare(
            environment["CLOUDFLARE_ACCOUNT_ID"],
            environment["CLOUDFLARE_API_TOKEN"],
            api="google_ai_studio",
            gateway_base_url=environment["CLOUDFLARE_GATEWAY_BASE_URL"],
        )
        client = Client(provider)
        counted = client.count_tokens(request_)
        usage = client.chat(request_).usage
    assert (counted.total_tokens, counted.by_modality) == (usage.input_tokens, usage.input_by_modality)
