"""A host on the loopback interface that does with each connection what a function says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gemini_multi import Oxen

AUTHORITY = Path(__file__).parent / "authority.pem"
"""Made for these tests, as the certificates of `localhost` and of another name, each with its key."""
CERTIFICATE = Path(__file__).parent / "loopback.pem"
OTHER_CERTIFICATE = Path(__file__).parent / "elsewhere.pem"

BODY = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


@dataclass
class Host:
    """What it was asked, and how to reach it."""

    port: int
    scheme: str = "http"
    address: str = "127.0.0.1"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])

    @property
    def provider(self) -> Oxen:
        name = "localhost" if self.scheme == "https" else self.address
        name = f"[{name}]" if ":" in name else name
        return Oxen("key", base_url=f"{self.scheme}://{name}:{self.port}")

    def request(self, connection: socket.socket) -> bytes:
        """Read one request; nothing when the client has hung up."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65_536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            piece = connection.recv(65_536)
            if not piece:
                return b""
            body += piece
        self.requests.append(body)
        return body


Act = Callable[[Host, socket.socket], None]


@contextmanager
def host(act: Act, *, tls: Path | None = None, address: str = "127.0.0.1") -> Generator[Host]:
    """Serve: `act` is called for each connection, in a thread of its own, until the client or the end hangs up.

    Idle connections may outlive the client that made them, for whoever else of the process asks the same host.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        found = Host(server.getsockname()[1], "https" if tls else "http", address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls or CERTIFICATE)
        threads: list[threading.Thread] = []
        connections: list[socket.socket] = []

        def serve(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                if tls:
                    connection = context.wrap_socket(connection, server_side=True)
                    connections.append(connection)
                with connection:
                    act(found, connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    found.connections += 1
                    connections.append(connection)
                    threads.append(threading.Thread(target=serve, args=(connection,)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield found
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def faithful(found: Host, connection: socket.socket) -> None:
    """Answer every request."""
    while found.request(connection):
        connection.sendall(WHOLE)
