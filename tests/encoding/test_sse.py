"""The event stream decoder, case by case and cut at every byte."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_multi._encoding.sse import EventDecoder
from gemini_multi.errors import InvalidResponse


@dataclass(frozen=True)
class Case:
    name: str
    stream: bytes
    events: list[bytes]


CASES = [
    Case("one event", b"data: a\n\n", [b"a"]),
    Case("LF", b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    Case("CRLF", b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    Case("CR", b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    Case("mixed line ends", b"data: a\r\n\ndata: b\r\n\r\rdata: c\n\r\n", [b"a", b"b", b"c"]),
    Case("byte order mark", b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    Case("second byte order mark is no mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"]),
    Case("no space", b"data:a\n\n", [b"a"]),
    Case("only one space is removed", b"data:  a\n\n", [b" a"]),
    Case("a tab is not removed", b"data:\ta\n\n", [b"\ta"]),
    Case("several data lines", b"data: a\ndata: b\ndata:\n\n", [b"a\nb\n"]),
    Case("data without colon", b"data\n\n", [b""]),
    Case("data without value", b"data:\n\n", [b""]),
    Case("comment", b": OPENROUTER PROCESSING\n\ndata: a\n\n", [b"a"]),
    Case("comment inside an event", b"data: a\n: x\ndata: b\n\n", [b"a\nb"]),
    Case("event without data", b"event: ping\n\ndata: a\n\n", [b"a"]),
    Case("id without data", b"id: 1\n\ndata: a\n\n", [b"a"]),
    Case("retry without data", b"retry: 5\n\ndata: a\n\n", [b"a"]),
    Case("id stays silent on later blank lines", b"id: 1\n\n\n\ndata: a\n\n\n\n", [b"a"]),
    Case("event, id and data", b"event: message\nid: 7\ndata: a\n\n", [b"a"]),
    Case("an error", b'event: error\ndata: {"message": "x"}\n\n', [b'{"error":{"message":"x"}}']),
    Case("an error as text", b"data: a\n\nevent:error\ndata: x\n\n", [b"a", b'{"error":"x"}']),
    Case("an error that says so", b'event: error\ndata: {"error": 1}\n\ndata: a\n\n', [b'{"error": 1}', b"a"]),
    Case("an error is over with its event", b"event: error\n\ndata: a\n\n", [b"a"]),
    Case("unknown field", b"foo: bar\ndata: a\n\n", [b"a"]),
    Case("field names are exact", b"Data: x\ndatas: y\n data: z\ndata: a\n\n", [b"a"]),
    Case("colons in the value", b'data: {"a": "b:c"}\n\n', [b'{"a": "b:c"}']),
    Case("U+2028, U+2029 and U+0085", "data: a\u2028b\u2029c\u0085d\n\n".encode(), ["a\u2028b\u2029c\u0085d".encode()]),
    Case("VT, FF, FS, GS, RS", b"data: a\x0bb\x0cc\x1cd\x1de\x1e\n\n", [b"a\x0bb\x0cc\x1cd\x1de\x1e"]),
    Case("invalid UTF-8 passes", b"data: \xff\xfe\n\n", [b"\xff\xfe"]),
    Case("NUL passes", b"data: a\0b\n\n", [b"a\0b"]),
    Case("end without blank line", b"data: a\n\ndata: b\n", [b"a", b"b"]),
    Case("end without line end", b"data: a\n\ndata: b", [b"a", b"b"]),
    Case("leading blank lines", b"\n\r\n\ndata: a\n\n", [b"a"]),
    Case("a document between events", b'data: a\n\n{"error": 1}\ndata: b\n\n', [b"a", b'{"error": 1}', b"b"]),
    Case("a document at the end", b'data: a\n\n{"error": 1}', [b"a", b'{"error": 1}']),
    Case("documents in a row", b'data: a\n\n{"b": 1}\n{\n "c": 1\n}\n', [b"a", b'{"b": 1}', b'{\n "c": 1\n}']),
    Case("an indented document", b'data: a\n\n{\n  "e": {\n  }\n}\n', [b"a", b'{\n  "e": {\n  }\n}']),
    Case("a document in CRLF", b'data: a\r\n\r\n[{\r\n  "e": 1\r\n}]\r\n', [b"a", b'[{\n  "e": 1\n}]']),
    Case("a comment in a document", b'data: a\n\n{\n: x\n  "e": 1\n}', [b"a", b'{\n  "e": 1\n}']),
    Case("a document that never ends", b'data: a\n\n{"error":\ndata: b\n\n', [b"a", b"b"]),
    Case("a line like the begin of one", b'[log] x\ndata: a\n\n{"error": 1}\n', [b"a", b'{"error": 1}']),
    Case("nothing", b"", []),
    Case("only a part of the mark", b"\xef\xbb", []),
]


def decode(pieces: list[bytes]) -> list[bytes]:
    decoder = EventDecoder(1_000_000)
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stream_gives_its_events(case: Case) -> None:
    """Each rule of the standard holds for the stream in one piece."""
    assert decode([case.stream]) == case.events


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_cut_gives_the_same_events(case: Case) -> None:
    """Wherever two cuts fall, the events stay the same."""
    stream = case.stream
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert decode([stream[:first], stream[first:second], stream[second:]]) == case.events


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_single_bytes_give_the_same_events(case: Case) -> None:
    """A provider that sends byte by byte is understood."""
    assert decode([bytes([byte]) for byte in case.stream]) == case.events


def specified(stream: bytes) -> list[bytes]:
    """Decode a whole stream by the letter of the standard: the model to compare with."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, data = [], []
    for line in [*text.split(b"\n"), b""]:
        if not line:
            events += [b"\n".join(data)] if data else []
            data = []
        name, colon, value = line.partition(b":")
        if name == b"data" and (colon or line == b"data"):
            data.append(value.removeprefix(b" "))
    return events


LINES = st.sampled_from(
    [b"data: x", b"data:", b"data", b"", b"", b": c", b"event: e", b"id: 1", b"data:\xe2\x80\xa8", b"\xef"]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"]))), st.lists(st.integers(0, 200)), st.booleans()
)
def test_any_stream_matches_the_standard(lines: list[tuple[bytes, bytes]], cuts: list[int], marked: bool) -> None:
    """Random streams, randomly cut, decode as the standard says."""
    stream = (b"\xef\xbb\xbf" if marked else b"") + b"".join(line + end for line, end in lines)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(edges)]

    assert decode(pieces) == specified(stream)


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 2_000, b"data: " + b"x" * 600 + b"\n"], ids=["line", "lines"])
def test_an_endless_event_is_refused(piece: bytes) -> None:
    """Memory is bounded: neither a line without an end nor an event without an end is collected for ever."""
    decoder = EventDecoder(1_000)

    with pytest.raises(InvalidResponse, match="larger than 1,000 bytes"):
        list(map(decoder.feed, [piece] * 3))


def test_a_document_without_end_costs_little() -> None:
    """Its lines are neither collected for ever nor read again with each of them."""
    assert decode([b"{x\n" + b"}\n" * 1_000_000 + b'{"error": 1}\n']) == [b'{"error": 1}']


def test_the_limit_is_per_event() -> None:
    """A long stream of small events never reaches the limit."""
    decoder = EventDecoder(100)

    assert len([event for _ in range(1_000) for event in decoder.feed(b"data: " + b"x" * 80 + b"\n\n")]) == 1_000
