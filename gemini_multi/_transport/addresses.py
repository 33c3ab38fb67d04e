"""Addresses of requests, their proxies, name lookup, and the check of a connection."""

from __future__ import annotations

import os
import socket
import ssl
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from gemini_multi.errors import ConfigurationError

_VARIABLES: Final = tuple(
    form(f"{name}_proxy") for name in ("http", "https", "all", "no") for form in (str.lower, str.upper)
)


class Address(NamedTuple):
    """A checked address that can be written into a request."""

    url: str
    origin: str
    """Scheme, host and port that a connection is made to."""
    host: str
    port: int


@lru_cache(maxsize=256)
def address_of(url: str) -> Address:
    """Parse an address, and quote the characters that an address may not contain."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("The address of a provider cannot be used: it is no URL.") from None
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*[]")
    query = f"?{quote(parts.query, safe='/%:=&~+!$,;?@()*[]')}" if parts.query else ""
    host = parts.hostname or ""
    authority = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{authority}" if port is None else f"{parts.scheme}://{authority}:{port}"
    return Address(f"{origin}{path}{query}", origin, host, port or (443 if parts.scheme == "https" else 80))


def looked_up(host: str, port: int) -> list[str]:
    """Look up the addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: Address, timeout: float) -> str:
    """Connect without any request, by TLS if the scheme requires it, and describe the connection."""
    with socket.create_connection((address.host, address.port), timeout) as plain:
        if not address.origin.startswith("https:"):
            return "no TLS"
        with ssl.create_default_context().wrap_socket(plain, server_hostname=address.host) as secure:
            return secure.version() or "TLS"


def proxy_for(address: Address) -> str | None:
    """Return the proxy that the environment sets for an address, or `None`.

    A change of the environment counts from the next call on. The settings of the operating system are read once.
    """
    return _proxy(address.origin, tuple(map(os.environ.get, _VARIABLES)))


@lru_cache(maxsize=256)
def _proxy(origin: str, variables: tuple[str | None, ...]) -> str | None:  # noqa: ARG001  # part of the cache's key
    proxies = getproxies()
    scheme, _, authority = origin.partition("://")
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(authority):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
