"""Looking at the models of a provider: the public calls of both clients."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gemini_multi import AsyncClient, Client, Cloudflare, ModelNotFound, UnsupportedFeature
from gemini_multi.providers import AIMLAPI, Oxen, Provider
from gemini_multi.sandbox import Sandbox
from gemini_multi.types import ListedModel

STUDIO = Cloudflare("account", "key", api="google_ai_studio")
OXEN_RECORD = {
    "id": "gemini-3-8-flash",
    "display_name": "Gemini 3.8 Flash",
    "capabilities": {"input": ["text", "image"], "output": ["text"]},
    "context_length": 1_048_576,
    "max_output_tokens": None,
    "request_schema": None,
    "json_request_schema": {"type": "object"},
}
OXEN_MODEL = ListedModel(
    provider="oxen",
    id="gemini-3-8-flash",
    name="Gemini 3.8 Flash",
    context_window=1_048_576,
    inputs=("text", "image"),
    outputs=("text",),
    request_schema={"type": "object"},
    record=OXEN_RECORD,
)
AIMLAPI_RECORD = {
    "id": "google/gemini-3-8-flash",
    "info": {"name": "Gemini 3.8 Flash", "description": "Fast.", "contextLength": 1_048_576, "outputMax": 65_536},
    "aliases": ["gemini-3-8-flash"],
    "modalities": {"input": ["image", "text"], "output": ["text"]},
}
AIMLAPI_MODEL = ListedModel(
    provider="aimlapi",
    id="google/gemini-3-8-flash",
    name="Gemini 3.8 Flash",
    description="Fast.",
    aliases=("gemini-3-8-flash",),
    context_window=1_048_576,
    max_output_tokens=65_536,
    inputs=("image", "text"),
    outputs=("text",),
    record=AIMLAPI_RECORD,
)
GOOGLE_RECORD = {"name": "models/gemini-3.8-flash", "displayName": "Gemini 3.8 Flash", "inputTokenLimit": 1_048_576}
GOOGLE_MODEL = ListedModel(
    provider="cloudflare",
    id="gemini-3.8-flash",
    name="Gemini 3.8 Flash",
    context_window=1_048_576,
    record=GOOGLE_RECORD,
)
GATEWAY = "https://gateway.ai.cloudflare.com/v1/account/default/google-ai-studio/v1beta/models"
LISTS: list[tuple[Provider, str, Any, ListedModel]] = [
    (Oxen("k"), "https://hub.oxen.ai/api/ai/models", {"object": "list", "data": [OXEN_RECORD, {}]}, OXEN_MODEL),
    (AIMLAPI("k"), "https://api.aimlapi.com/v1/models?include=all", {"data": [AIMLAPI_RECORD]}, AIMLAPI_MODEL),
    (STUDIO, f"{GATEWAY}?pageSize=1000", {"models": [GOOGLE_RECORD]}, GOOGLE_MODEL),
]
RECORDS: list[tuple[Provider, str, Any, ListedModel]] = [
    (Oxen("k"), "https://hub.oxen.ai/api/ai/models/gemini-3-8-flash", OXEN_RECORD, OXEN_MODEL),
    (
        AIMLAPI("k"),
        "https://api.aimlapi.com/model/google/gemini-3-8-flash",
        {"object": "model", "data": AIMLAPI_RECORD},
        AIMLAPI_MODEL,
    ),
    (STUDIO, f"{GATEWAY}/gemini-3.8-flash", GOOGLE_RECORD, GOOGLE_MODEL),
]


def client_of(provider: Provider, body: Any, seen: list[httpx.Request]) -> Client:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=body)

    return Client(provider, http_client=httpx.Client(transport=httpx.MockTransport(answer)))


def check_asked(seen: list[httpx.Request], url: str) -> None:
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("GET", url, b"")
    assert {"authorization", "cf-aig-authorization"} & set(request.headers)


@pytest.mark.parametrize(("provider", "url", "body", "expected"), LISTS)
def test_a_provider_lists_its_models(provider: Provider, url: str, body: Any, expected: ListedModel) -> None:
    """One request to the documented endpoint; a record without an id is no model."""
    seen: list[httpx.Request] = []
    assert client_of(provider, body, seen).models(provider.name) == (expected,)
    check_asked(seen, url)


@pytest.mark.parametrize(("provider", "url", "body", "expected"), RECORDS)
def test_a_provider_tells_of_one_model(provider: Provider, url: str, body: Any, expected: ListedModel) -> None:
    """The catalog's name becomes the provider's id."""
    seen: list[httpx.Request] = []
    assert client_of(provider, body, seen).model(provider.name, "gemini-3.8-flash") == expected
    check_asked(seen, url)


def test_a_provider_without_a_list_says_what_to_do() -> None:
    """Cloudflare has no endpoint that lists Google's models."""
    with pytest.raises(UnsupportedFeature, match="google_ai_studio"):
        Client(Cloudflare("account", "key")).models("cloudflare")


@pytest.mark.parametrize("provider", ["oxen", "aimlapi"])
def test_both_clients_list_over_a_real_connection(provider: str, sandbox: Sandbox) -> None:
    """The blocking client and the asynchronous one, over the loopback."""

    async def look() -> tuple[ListedModel, ...]:
        async with AsyncClient(provider) as client:
            return await client.models(provider)

    with Client(provider) as client:
        found = client.models(provider)
    assert found == asyncio.run(look())
    assert any("gemini" in model.id for model in found)
    assert [request.method for request in sandbox.requests_to(provider)] == ["GET", "GET"]


def test_a_model_that_a_provider_lacks_is_not_found(sandbox: Sandbox) -> None:
    """Both clients raise the error that a call would."""

    async def look() -> None:
        async with AsyncClient("oxen") as client:
            await client.model("oxen", "no-such-model")

    with Client("oxen") as client, pytest.raises(ModelNotFound):
        client.model("oxen", "no-such-model")
    with pytest.raises(ModelNotFound):
        asyncio.run(look())
