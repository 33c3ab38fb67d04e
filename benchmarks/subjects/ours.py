"""Our providers, configured to ask the loopback server."""

from __future__ import annotations

from typing import Any

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


def over_aiohttp() -> dict[str, Any]:
    """Give an asynchronous HTTP client of the caller's own, whose transport is aiohttp."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    transport = AiohttpTransport(limits=httpx.Limits(max_connections=None))
    return {"http_async_client": httpx.AsyncClient(transport=transport, timeout=60.0)}
