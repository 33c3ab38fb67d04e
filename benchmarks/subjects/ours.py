"""Our providers, configured to ask the loopback server."""

from __future__ import annotations

from gemini_multi import AIMLAPI, Cloudflare, Oxen, Provider


def chat_host(url: str) -> Provider:
    """Ask through chat completions."""
    return Oxen(api_key="key", base_url=f"{url}/v1")


def native_host(url: str) -> Provider:
    """Ask through generateContent, streamed too."""
    return Cloudflare("account", "token", api="google_ai_studio", google_api_key="key", gateway_base_url=url)


def second_provider(url: str) -> Provider:
    """Stand by for another provider, or take over from it."""
    return AIMLAPI(api_key="key", base_url=f"{url}/v1")
