"""The checks of `doctor` for one provider."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Final

from gemini_multi import catalog
from gemini_multi._transport.addresses import address_of, connect, looked_up, proxy_for
from gemini_multi.cli.console import summary
from gemini_multi.client import Client
from gemini_multi.errors import ConfigurationError, GeminiMultiError
from gemini_multi.providers import Provider
from gemini_multi.types import ChatRequest, Message

_PATIENCE: Final = 10.0
"""The timeout of a connection in seconds."""
_SHOWN: Final = 4


@dataclass(slots=True)
class Finding:
    """The results of the checks of one provider."""

    provider: str
    key: str = "not set"
    """The source of the key, and the beginning of the key."""
    name: str = "-"
    tls: str = "-"
    call: str = "-"
    works: bool = False
    advice: str = ""


def examine(kind: type[Provider], model: str) -> Finding:
    """Check one provider, up to the first check that fails."""
    finding = Finding(kind.name, key_of(kind))
    try:
        provider = kind()  # the other settings come from the environment
        request = ChatRequest(model=model, messages=(Message.user("Answer with the word OK."),), max_tokens=256)
        if _reaches(finding, _url(provider, request)):
            _ask(finding, provider, request)
    except ConfigurationError as error:
        finding.advice = error.message
    return finding


def key_of(kind: type[Provider]) -> str:
    """Return the name of the variable that holds the key, and the beginning of the key."""
    for variable in kind.key_variables:
        if value := os.environ.get(variable, "").strip():
            beginning = value[:_SHOWN] if len(value) >= 4 * _SHOWN else ""
            return f"{variable} = {beginning}…, {len(value)} characters"
    return "not set"


def _url(provider: Provider, request: ChatRequest) -> str:
    endpoints = provider.endpoints(request, catalog.find(request.model), stream=False)
    if not endpoints:
        raise ConfigurationError(f"{provider.name} does not serve {request.model!r}: choose another --model.")
    return endpoints[0].url


def _reaches(finding: Finding, url: str) -> bool:
    """Look up the name and connect. Through a proxy, neither can be checked."""
    address = address_of(url)
    if proxy := proxy_for(address):
        finding.name = finding.tls = f"through the proxy {_without_password(proxy)}"
        return True
    try:
        finding.name = ", ".join(looked_up(address.host, address.port)[:2])
    except OSError as error:
        finding.name = "unknown"
        finding.advice = f"The name in {url} cannot be looked up ({error}): check the network, DNS and the base URL."
        return False
    try:
        finding.tls = connect(address, _PATIENCE)
    except OSError as error:
        finding.tls = "failed"
        finding.advice = (
            f"No connection ({error}): check firewall and proxy (HTTPS_PROXY); behind a company's own certificate "
            "authority set SSL_CERT_FILE."
        )
        return False
    return True


def _without_password(proxy: str) -> str:
    return proxy.rpartition("@")[2]


def _ask(finding: Finding, provider: Provider, request: ChatRequest) -> None:
    started = time.monotonic()
    try:
        with Client(provider, max_retries=0, deadline=60.0) as client:
            response = client.chat(request)
    except GeminiMultiError as error:
        finding.call = type(error).__name__
        finding.advice = error.message
        return
    finding.works = True
    finding.call = summary(response, time.monotonic() - started)
