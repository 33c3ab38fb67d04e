"""A running sandbox and a plain HTTP client that knows its URLs and keys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gemini_multi.sandbox import Sandbox


class Asking:
    """Posts bodies to the sandbox's documented URLs."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client) -> None:
        self.environment = sandbox.environment()
        self.client = client
        self.account = f"{self.environment['CLOUDFLARE_BASE_URL']}/accounts/{self.environment['CLOUDFLARE_ACCOUNT_ID']}"
        gateway = (
            f"{self.environment['CLOUDFLARE_GATEWAY_BASE_URL']}/{self.environment['CLOUDFLARE_ACCOUNT_ID']}/default"
        )
        self.studio = f"{gateway}/google-ai-studio"
        self.bases = {
            "cloudflare": f"{self.account}/ai/v1",
            "aimlapi": self.environment["AIMLAPI_BASE_URL"],
            "oxen": self.environment["OXEN_BASE_URL"],
        }
        self.keys = {
            "cloudflare": self.environment["CLOUDFLARE_API_TOKEN"],
            "aimlapi": self.environment["AIMLAPI_API_KEY"],
            "oxen": self.environment["OXEN_API_KEY"],
        }

    def run(self, given: object, model: str = "google/gemini-2.5-flash") -> httpx.Response:
        """Post to Cloudflare's run endpoint."""
        headers = {"authorization": f"Bearer {self.keys['cloudflare']}"}
        return self.client.post(f"{self.account}/ai/run", headers=headers, json={"model": model, "input": given})

    def chat(self, provider: str, body: dict[str, object], **defaults: object) -> httpx.Response:
        """Post to a chat endpoint."""
        models = {
            "cloudflare": "google/gemini-2.5-flash",
            "aimlapi": "google/gemini-2.5-flash",
            "oxen": "gemini-2-5-flash",
        }
        headers = {"authorization": f"Bearer {self.keys[provider]}"}
        whole = {"model": models[provider], "messages": [{"role": "user", "content": "Hello"}], **defaults, **body}
        return self.client.post(f"{self.bases[provider]}/chat/completions", headers=headers, json=whole)

    def native(self, model: str, body: object, method: str = "generateContent", query: str = "") -> httpx.Response:
        """Post to Google AI Studio behind the gateway."""
        headers = {"cf-aig-authorization": f"Bearer {self.keys['cloudflare']}"}
        return self.client.post(f"{self.studio}/v1beta/models/{model}:{method}{query}", headers=headers, json=body)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of its own for each test."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def asking(sandbox: Sandbox) -> Iterator[Asking]:
    """A plain client of the sandbox."""
    with httpx.Client(verify=False) as client:  # reading the machine's certificates takes longer than most tests
        yield Asking(sandbox, client)
