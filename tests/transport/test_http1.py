"""The reader of answers: case by case, cut at every byte, and against `h11`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gemini_multi import ConfigurationError
from gemini_multi._http1 import AnswerReader, BrokenAnswer, address_of, request_head


@dataclass(frozen=True)
class Answer:
    """What came out."""

    status: int
    headers: dict[str, str]
    body: bytes
    keeps_alive: bool


@dataclass(frozen=True)
class Case:
    name: str
    stream: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keeps_alive: bool = True


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CODED = {"transfer-encoding": "chunked"}
CASES = [
    Case("length", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", headers={"content-length": "3"}, body=b"abc"),
    Case("empty", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", headers={"content-length": "0"}),
    Case("no reason", b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", headers={"content-length": "0"}),
    Case("line feeds only", b"HTTP/1.1 200 OK\ncontent-length: 1\n\na", headers={"content-length": "1"}, body=b"a"),
    Case(
        "the same length twice",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
        headers={"content-length": "1, 1"},
        body=b"a",
    ),
    Case("chunks", CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", headers=CODED, body=b"abcde"),
    Case("chunk extensions", CHUNKED + b"3;a=b\r\nabc\r\n0;c\r\n\r\n", headers=CODED, body=b"abc"),
    Case("upper-case sizes", CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", headers=CODED, body=b"0123456789"),
    Case("line ends in chunks", CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", headers=CODED, body=b"\r\n\r\n"),
    Case("trailers", CHUNKED + b"1\r\na\r\n0\r\nx: y\r\nz: 1\r\n\r\n", headers=CODED, body=b"a"),
    Case(
        "interim answers",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        status=204,
    ),
    Case("until the end", b"HTTP/1.1 200 OK\r\n\r\nabc", body=b"abc", keeps_alive=False),
    Case(
        "connection: close",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 1\r\n\r\na",
        headers={"connection": "close", "content-length": "1"},
        body=b"a",
        keeps_alive=False,
    ),
    Case(
        "HTTP/1.0",
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
        headers={"content-length": "1"},
        body=b"a",
        keeps_alive=False,
    ),
    Case(
        "more than the answer",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
        headers={"content-length": "1"},
        body=b"a",
        keeps_alive=False,
    ),
    Case("more than the chunks", CHUNKED + b"0\r\n\r\nx", headers=CODED, keeps_alive=False),
    Case(
        "repeated and folded fields",
        b"HTTP/1.1 200 OK\r\nx: 1\r\nX:  2 \r\ny: a\r\n  b\r\ncontent-length: 0\r\n\r\n",
        headers={"x": "1, 2", "y": "a b", "content-length": "0"},
    ),
    Case(
        "UTF-8",
        "HTTP/1.1 200 OK\r\nx: ü\r\ncontent-length: 0\r\n\r\n".encode(),
        headers={"x": "ü", "content-length": "0"},
    ),
    Case(
        "Latin-1",
        "HTTP/1.1 200 OK\r\nx: ü\r\ncontent-length: 0\r\n\r\n".encode("latin-1"),
        headers={"x": "ü", "content-length": "0"},
    ),
]


def read(pieces: list[bytes]) -> Answer:
    """Feed the pieces, then the end of the connection."""
    reader, left = AnswerReader(), iter(pieces)
    head = None
    while head is None:
        piece = next(left, b"")
        head = reader.head(piece) if piece else reader.end()
    body = b""
    while not reader.is_whole:
        body += reader.body(b"")
        if reader.is_whole:
            break
        piece = next(left, b"")
        if piece:
            body += reader.body(piece)
        else:
            reader.end()
    rest = b"".join(left)
    return Answer(head.status, dict(head.headers), body, reader.keeps_alive and not rest)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer_is_read_however_it_is_cut(case: Case) -> None:
    """In one piece, byte by byte, and cut anywhere."""
    stream = case.stream
    expected = Answer(case.status, case.headers, case.body, case.keeps_alive)

    assert read([stream]) == expected
    assert read([bytes([byte]) for byte in stream]) == expected
    for cut in range(1, len(stream)):
        assert read([stream[:cut], stream[cut:]]) == expected


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nx: y",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a blank line first": b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nx\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nx : y\r\n\r\n",
    "NUL in a header": b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
    "a lone CR in a header": b"HTTP/1.1 200 OK\r\nx: a\rb: c\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a length in words": b"HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n",
    "another coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
    "chunks without an end": CHUNKED + b"1\r\na\r\n",
    "half a chunk": CHUNKED + b"3\r\nab",
    "no size": CHUNKED + b"x\r\nab",
    "an absurd size": CHUNKED + b"11111111111111111\r\nab",
    "a chunk that goes on": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "a chunk line without an end": CHUNKED + b"1;" + b"a" * 20_000,
    "trailers without an end": CHUNKED + b"0\r\n" + b"a: b\r\n" * 5_000,
    "headers without an end": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_refused(name: str) -> None:
    """Nothing is guessed, and nothing is collected without a limit."""
    stream = BROKEN[name]
    pieces = [stream[start : start + 1_000] for start in range(0, len(stream), 1_000)]

    with pytest.raises(BrokenAnswer):
        read(pieces)


def by_h11(pieces: list[bytes]) -> tuple[int, bytes]:
    """Read the same with h11."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=b"POST", target=b"/", headers=[(b"host", b"a"), (b"content-length", b"0")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    left = iter([*pieces, b""])
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(next(left))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, body
        elif isinstance(event, h11.ConnectionClosed):
            raise BrokenAnswer("closed")


FIELDS = st.sampled_from(
    [b"x: y", b"Content-Type: text/event-stream", b"connection: close", b"x-empty:", b"set-cookie: a=b; c", b"X:\t1 "]
)
SIZES = st.sampled_from([b"%x", b"%X", b"0%x", b"%x;ext=1"])
CHUNKS = st.lists(st.tuples(SIZES, st.binary(min_size=1, max_size=40)), max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Make an answer in any framing, sometimes with a byte too few or too many, sometimes with one changed."""
    head = b"HTTP/1.%d %d OK\r\n" % (draw(st.integers(0, 1)), draw(st.sampled_from([200, 204, 304, 400, 503])))
    lines = draw(st.lists(FIELDS, max_size=4))
    framing = draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "chunks":
        parts = draw(CHUNKS)
        lines.append(b"transfer-encoding: chunked")
        body = b"".join(size % len(data) + b"\r\n" + data + b"\r\n" for size, data in parts) + b"0\r\n\r\n"
    else:
        body = draw(st.binary(max_size=60))
        if framing == "length":
            lines.append(b"content-length: %d" % max(0, len(body) + draw(st.sampled_from([0, 0, 0, 1]))))
    stream = head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(stream) - 1))
        stream = stream[:place] + draw(st.binary(max_size=2)) + stream[place + 1 :]
    return stream


@settings(max_examples=500, deadline=None, derandomize=True)
@example(b"HTTP/1.0 204 OK\r\ntransfer-encoding: hunked\r\n\r\n0\r\n\r\n", [])
@example(b"HTTP/1.1 304 OK\r\ncontent-length: x\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\0\r\n\r\n", [])
@given(answers(), st.lists(st.integers(0, 400)))
def test_any_answer_reads_as_h11_reads_it(stream: bytes, cuts: list[int]) -> None:
    """Where both read an answer it is the same one, and what h11 refuses is not taken for whole."""
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [piece for start, end in pairwise(edges) if (piece := stream[start:end])]
    try:
        expected = by_h11(pieces)
    except (h11.RemoteProtocolError, BrokenAnswer):
        expected = None
    try:
        answer = read(pieces)
        found = answer.status, answer.body
    except BrokenAnswer:
        found = None

    # Ours refuses more, such as statuses below 100 and protocols that are not 1.0 or 1.1.
    assert found is None or found == expected


ADDRESSES = {
    "https://api.example.com/v1/chat": ("https", "api.example.com", 443, "api.example.com", "/v1/chat"),
    "http://127.0.0.1:8000/a?b=c&d": ("http", "127.0.0.1", 8000, "127.0.0.1:8000", "/a?b=c&d"),
    "http://[::1]:80": ("http", "::1", 80, "[::1]", "/"),
    "https://bücher.example/ü x#y": ("https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/%C3%BC%20x"),
    "https://host/a%20b": ("https", "host", 443, "host", "/a%20b"),
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_are_taken_apart(url: str) -> None:
    """Default ports are not named, and what is not ASCII is encoded."""
    assert tuple(address_of(url)) == ADDRESSES[url]


@pytest.mark.parametrize("url", ["http://host:99999/", "http://[::1/", "http://host:port/"])
def test_an_unusable_address_is_refused(url: str) -> None:
    """With words, not with what the standard library raises."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        address_of(url)


def test_a_request_is_written_by_the_letter() -> None:
    """One head, with the length of its body."""
    head = request_head(address_of("http://host:81/a"), {"accept": "*/*", "x-y": "1"}, 5)

    assert head == b"POST /a HTTP/1.1\r\nhost: host:81\r\ncontent-length: 5\r\naccept: */*\r\nx-y: 1\r\n\r\n"


@pytest.mark.parametrize("headers", [{"x": "a\r\nb: c"}, {"x": "ü"}, {"x y": "a"}, {"x:": "a"}, {"": "a"}])
def test_no_header_smuggles_another(headers: dict[str, str]) -> None:
    """What cannot stand in one line is refused."""
    with pytest.raises(ConfigurationError):
        request_head(address_of("http://host/"), headers, 0)
