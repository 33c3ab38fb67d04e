"""Looks up a name and makes a TLS handshake without any request, to explain why no request succeeds."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from gemini_multi._transport.addresses import address_of, proxy_for


def proxy_of(url: str) -> str | None:
    """Return the proxy that requests to an address use. An address behind a proxy cannot be probed."""
    return proxy_for(address_of(url))


def addresses_of(url: str) -> list[str]:
    """Look up the addresses of the host in a URL.

    Raises:
        OSError: The name is unknown.
    """
    place = urlsplit(url)
    found = socket.getaddrinfo(place.hostname, place.port or _port(place.scheme), type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(url: str, timeout: float) -> str:
    """Connect, by TLS if the URL's scheme requires it, and describe the connection.

    Raises:
        OSError: No server listens, or the certificate is not trusted (`ssl.SSLError` is an `OSError`).
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
