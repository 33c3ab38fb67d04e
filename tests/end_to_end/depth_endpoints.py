"""Every endpoint of every provider, on the sandbox, each with a model of each generation that is served there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gemini_multi import AIMLAPI, ChatRequest, ChatResponse, Client, Cloudflare, Finished, Message, Oxen, Provider
from gemini_multi.retry import RetryPolicy
from gemini_multi.sandbox import Sandbox

AT_ONCE = RetryPolicy(max_retries=0, initial_wait=0.0)


@dataclass(frozen=True)
class EndpointCase:
    name: str
    provider: Literal["cloudflare", "aimlapi", "oxen"]
    model: str
    """Of Gemini 3 or later, unless the name says `2.5`."""
    api: Literal["auto", "run", "chat_completions", "google_ai_studio"] = "auto"

    def __str__(self) -> str:
        return self.name

    @property
    def is_native(self) -> bool:
        return self.api in ("run", "google_ai_studio")

    def configured(self, sandbox: Sandbox) -> Provider:
        values = sandbox.environment()
        if self.provider == "aimlapi":
            return AIMLAPI(values["AIMLAPI_API_KEY"], base_url=values["AIMLAPI_BASE_URL"])
        if self.provider == "oxen":
            return Oxen(values["OXEN_API_KEY"], base_url=values["OXEN_BASE_URL"])
        return Cloudflare(
            values["CLOUDFLARE_ACCOUNT_ID"],
            values["CLOUDFLARE_API_TOKEN"],
            api=self.api,
            base_url=values["CLOUDFLARE_BASE_URL"],
            gateway_base_url=values["CLOUDFLARE_GATEWAY_BASE_URL"],
        )

    def request(self, *messages: Message, **settings: Any) -> ChatRequest:
        return ChatRequest(model=self.model, messages=messages, **settings)


RUN = EndpointCase("run", "cloudflare", "gemini-3.5-flash", "run")
RUN_WITH_IDS = EndpointCase("run-ids", "cloudflare", "gemini-3.8-flash", "run")
CHAT = EndpointCase("chat", "cloudflare", "gemini-3.8-flash", "chat_completions")
STUDIO = EndpointCase("studio", "cloudflare", "gemini-3.8-flash", "google_ai_studio")
FAMILY_A = EndpointCase("aimlapi-A", "aimlapi", "gemini-3-flash-preview")
FAMILY_B = EndpointCase("aimlapi-B", "aimlapi", "gemini-3.5-flash")
FAMILY_C = EndpointCase("aimlapi-C", "aimlapi", "gemini-3.8-flash")
FAMILY_D = EndpointCase("aimlapi-D", "aimlapi", "gemini-3.1-pro-preview-customtools")
OXEN = EndpointCase("oxen", "oxen", "gemini-3.8-flash")
ENDPOINTS = (RUN, RUN_WITH_IDS, CHAT, STUDIO, FAMILY_A, FAMILY_B, FAMILY_C, FAMILY_D, OXEN)

OLD_ENDPOINTS = (
    EndpointCase("run-2.5", "cloudflare", "gemini-2.5-flash", "run"),
    EndpointCase("chat-2.5", "cloudflare", "gemini-2.5-flash", "chat_completions"),
    EndpointCase("studio-2.5", "cloudflare", "gemini-2.5-flash", "google_ai_studio"),
    EndpointCase("aimlapi-2.5", "aimlapi", "gemini-2.5-flash"),
    EndpointCase("oxen-2.5", "oxen", "gemini-2.5-flash"),
)


def client_of(sandbox: Sandbox, *endpoints: EndpointCase, **settings: Any) -> Client:
    return Client([endpoint.configured(sandbox) for endpoint in endpoints], **{"retry_policy": AT_ONCE, **settings})


def ask(client: Client, request: ChatRequest, *, stream: bool = False) -> ChatResponse:
    """Ask for an answer, whole or in pieces."""
    if not stream:
        return client.chat(request)
    *_, last = client.stream(request)
    assert isinstance(last, Finished)
    return last.response


def sent(sandbox: Sandbox) -> Any:
    """Return the last body without the run endpoint's envelope."""
    body = sandbox.requests[-1].body
    assert isinstance(body, dict)
    return body.get("input", body)
