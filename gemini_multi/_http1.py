"""HTTP/1.1 as far as a call needs it, without I/O: the request is written, the answer read from bytes, however cut.

Theory of operation. An answer is a head (interim ones are skipped), then a body that is framed in one of three ways:
by `content-length`, in chunks, or by the end of the connection (RFC 9112, section 6.3). All data of a chunked body that
has arrived is given at once, so that what a piece costs does not depend on how small the host cuts it. A chunk's line
end and the next chunk's size are read in one step. Whatever is not framed by the letter is refused, and a connection
that brought more than its answer is not used again. The tests compare with `h11`, which reads the same language at many
times the cost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from gemini_multi._transport.steps import ResponseHead
from gemini_multi.errors import ConfigurationError

_HEAD_LIMIT: Final = 100 * 1024
_LINE_LIMIT: Final = 16 * 1024
"""Of the line before a chunk, and of what follows the last chunk."""

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_STATUS: Final = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: .*)?")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD: Final = re.compile(rf"^({_NAME.pattern}):(.*)$", re.MULTILINE)
_FORBIDDEN: Final = re.compile(r"[\0\v\f]|\r(?!\n)")
_SIZE: Final = rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n"
_FIRST_CHUNK: Final = re.compile(_SIZE)
_NEXT_CHUNK: Final = re.compile(rb"\r\n" + _SIZE)
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY: Final = (204, 304)


class BrokenAnswer(ConnectionError):
    """What came over the connection is no answer, or not all of it."""


class Address(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    authority: str
    """The host as the request names it."""
    target: str
    """Path and query."""


@lru_cache(maxsize=256)
def address_of(url: str) -> Address:
    """Take an address apart.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("ascii" if url.isascii() else "idna").decode("ascii")
    except ValueError as error:
        raise ConfigurationError(f"The address {url!r} cannot be used: {error}.") from error
    default = 443 if parts.scheme == "https" else 80
    authority = f"[{host}]" if ":" in host else host
    if port not in (None, default):
        authority = f"{authority}:{port}"
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*[]")
    target = f"{path}?{quote(parts.query, safe='/%:=&~+!$,;?@()*[]')}" if parts.query else path
    return Address(parts.scheme, host, port or default, authority, target)


def request_head(address: Address, headers: Mapping[str, str], length: int, method: str = "POST") -> bytes:
    """Write the head of a request.

    Raises:
        ConfigurationError: A header cannot be sent.
    """
    values = "".join(headers.values())
    if not (values.isascii() and values.isprintable() and all(map(_is_name, headers))):
        raise _unsendable(headers)
    fields = [f"{name}: {value}\r\n" for name, value in headers.items()]
    first = f"{method} {address.target} HTTP/1.1\r\nhost: {address.authority}\r\ncontent-length: {length}\r\n"
    return f"{first}{''.join(fields)}\r\n".encode("ascii")


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _unsendable(headers: Mapping[str, str]) -> ConfigurationError:
    name = next(
        name for name, value in headers.items() if not (value.isascii() and value.isprintable() and _is_name(name))
    )
    return ConfigurationError(f"The header {name!r} cannot be sent: it must be printable ASCII in one line.")


class AnswerReader:
    """Reads one answer. First `head` is fed until it gives one, then `body` until `is_whole`."""

    __slots__ = ("_buffer", "_is_ending", "_left", "_next_size", "has_begun", "is_chunked", "is_whole", "keeps_alive")

    def __init__(self) -> None:
        """Expect a head."""
        self._buffer = bytearray()
        self._left: int | None = 0
        """Bytes still to come, of the body or of the chunk; `None` when the connection's end ends the body."""
        self._next_size = _FIRST_CHUNK
        self._is_ending = False
        """Whether the last chunk came, and only trailers are left."""
        self.has_begun = False
        self.is_chunked = False
        self.is_whole = False
        self.keeps_alive = True
        """Whether the connection can be used again once the answer is whole."""

    def head(self, data: bytes) -> ResponseHead | None:
        """Read on; `None` while the head is not whole. What follows it waits for the first `body`.

        Raises:
            BrokenAnswer: It is no head of an answer.
        """
        self.has_begun = True
        buffer = self._buffer
        start = max(0, len(buffer) - 3)
        buffer += data
        while (blank := _BLANK_LINE.search(buffer, start)) is not None:
            raw = bytes(buffer[: blank.start()])
            del buffer[: blank.end()]
            minor, status, headers = _read_head(raw)
            if status >= 200:
                self._frame(minor, status, headers)
                return ResponseHead(status, headers)
            if status == 101:
                raise BrokenAnswer("the host switched to another protocol")
            start = 0
        if len(buffer) > _HEAD_LIMIT:
            raise BrokenAnswer(f"the answer's headers are larger than {_HEAD_LIMIT:,} bytes")
        return None

    def _frame(self, minor: int, status: int, headers: Mapping[str, str]) -> None:
        """Find out how long the body is, and whether the connection outlives it."""
        options = [option.strip().lower() for option in headers.get("connection", "").split(",")]
        self.keeps_alive = minor > 0 and "close" not in options
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        size = None if length is None else _length(length)
        if coding is not None and coding.lower() != "chunked":
            raise BrokenAnswer(f"the transfer encoding {coding[:40]!r} is not known")
        if status in _WITHOUT_BODY:
            self.is_whole = True
        elif coding is not None:
            self.is_chunked = True
            self.keeps_alive = self.keeps_alive and length is None
        elif size is not None:
            self._left = size
            self.is_whole = size == 0
        else:
            self._left, self.keeps_alive = None, False
        if self.is_whole and self._buffer:
            self.keeps_alive = False

    def body(self, data: bytes) -> bytes:
        """Read on and return what it adds to the body; it may add nothing.

        Raises:
            BrokenAnswer: It is no body.
        """
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        if self.is_chunked:
            return self._chunks(data)
        if self._left is None:
            return data
        piece = data[: self._left]
        self._left -= len(piece)
        if self._left == 0:
            self.is_whole = True
            self.keeps_alive = self.keeps_alive and len(piece) == len(data)
        return piece

    def end(self) -> None:
        """Note that the connection has ended.

        Raises:
            BrokenAnswer: The answer was not whole.
        """
        if not self.has_begun:
            raise BrokenAnswer("the host closed the connection without an answer")
        if self._left is not None or self.is_chunked:
            raise BrokenAnswer("the host closed the connection before the answer was whole")
        self.is_whole = True

    def _chunks(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        position, left = 0, self._left or 0
        while not self._is_ending:
            if left:
                piece = data[position : position + left]
                pieces.append(piece)
                position += len(piece)
                left -= len(piece)
                if left:
                    break
            size = self._next_size.match(data, position)
            if size is None:
                self._wait(data[position:])
                break
            position = size.end()
            left = int(size[1], 16)
            self._next_size = _NEXT_CHUNK
            self._is_ending = left == 0
        self._left = left
        if self._is_ending:
            self._trailers(data[position:])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _wait(self, rest: bytes) -> None:
        """Keep the beginning of a chunk's line, unless it can't be one."""
        line = rest
        if self._next_size is _NEXT_CHUNK:
            if not b"\r\n".startswith(rest[:2]):
                raise BrokenAnswer("a chunk of the answer is longer than it says")
            line = rest[2:]
        if b"\n" in line or len(line) > _LINE_LIMIT:
            raise BrokenAnswer(f"a chunk of the answer has no size but {line[:40]!r}")
        self._buffer += rest

    def _trailers(self, rest: bytes) -> None:
        """Read over what follows the last chunk: a blank line, or fields and a blank line."""
        if rest.startswith(b"\r\n"):
            end = 2
        else:
            found = rest.find(b"\r\n\r\n")
            end = found + 4 if found >= 0 else 0
            if end:
                _fields(_text(rest[:found]))  # only to refuse what is none
        if end:
            self.is_whole = True
            self.keeps_alive = self.keeps_alive and end == len(rest)
        elif len(rest) > _LINE_LIMIT:
            raise BrokenAnswer("what follows the answer's last chunk has no end")
        else:
            self._buffer += rest


def _read_head(raw: bytes) -> tuple[int, int, dict[str, str]]:
    """Read the status line and the fields."""
    first, _, rest = _text(raw.removesuffix(b"\r")).partition("\n")
    status = _STATUS.fullmatch(first.removesuffix("\r"))
    if status is None:
        raise BrokenAnswer(f"the answer is no HTTP/1.1: it begins with {first[:40]!r}")
    return int(status[1]), int(status[2]), _fields(rest)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if _FORBIDDEN.search(text):
        raise BrokenAnswer("the answer's headers contain control characters")
    return text


def _fields(text: str) -> dict[str, str]:
    """Read header fields; one that comes several times is joined by commas."""
    found = _FIELD.findall(text)
    if len(found) != text.count("\n") + 1:
        return _fields(_unfolded(text)) if text else {}
    headers: dict[str, str] = {}
    for field, padded in found:
        name, value = field.lower(), padded.strip(_PADDING)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _unfolded(text: str) -> str:
    """Put each field into one line, also one that goes on in the next, and refuse what is none."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = f"{lines[-1].rstrip(_PADDING)} {line.strip(_PADDING)}"
        elif _FIELD.match(line) is None:
            raise BrokenAnswer(f"the answer has a header without a name: {line[:40]!r}")
        else:
            lines.append(line)
    return "\n".join(lines)


_PADDING: Final = " \t\r"


def _length(text: str) -> int:
    """Read `content-length`, which may be repeated but not contradicted."""
    lengths = {one.strip() for one in text.split(",")}
    length = lengths.pop()
    if lengths or _DIGITS.fullmatch(length) is None:
        raise BrokenAnswer(f"the answer's length is {text[:40]!r}")
    return int(length)
