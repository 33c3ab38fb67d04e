"""Looks up a name and shakes hands by TLS, apart from any request: to say what is wrong when nothing comes through."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from gemini_multi._transport.addresses import address_of, proxy_for


def proxy_of(url: str) -> str | None:
    """Name the proxy that requests to an address go through; such an address cannot be probed."""
    return proxy_for(address_of(url))


def addresses_of(url: str) -> list[str]:
    """Look up the addresses behind a URL.

    Raises:
        OSError: The name is not known.
    """
    place = urlsplit(url)
    found = socket.getaddrinfo(place.hostname, place.port or _port(place.scheme), type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(url: str, timeout: float) -> str:
    """Connect, by TLS where the URL asks for it, and say how.

    Raises:
        OSError: Nobody listens, or the certificate is not trusted (`ssl.SSLError` is one).
    """
    place = urlsplit(url)
    host = place.hostname or ""
    with socket.create_connection((host, place.port or _port(place.scheme)), timeout) as plain:
        if place.scheme != "https":
            return "no TLS"
        with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
            return secure.version() or "TLS"


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
