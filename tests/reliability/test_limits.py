"""What a broken or hostile provider sends costs bounded memory and linear time, and never takes the key elsewhere."""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc
import zlib
from functools import cache
from itertools import chain, count, repeat
from typing import Any

import httpx
import pytest

from gemini_multi import (
    Client,
    Finished,
    InvalidResponse,
    Limits,
    PromptBlocked,
    ProviderError,
    RetryPolicy,
    ServerError,
    StreamInterrupted,
)

from .crowds import CROWDS, STOP, candidate, delta, said
from .drive import PROVIDERS, REQUEST, receive

MANY = 50_000
COPIED = [
    "feedback in a stream",
    "grounding in a stream",
    "late arguments",
    "log probabilities in a stream",
    "odd keys",
    "refusals",
    "remarks on details",
    "silent pieces",
]
"""Crowds with which something is collected: copying it each time costs nothing that `test_work.py` could count."""


@pytest.mark.parametrize("crowd", COPIED)
def test_fifty_thousand_of_anything_cost_linear_time(crowd: str) -> None:
    """`receive` refuses to wait long: a copy of all so far, for each of so many, takes ten times as long."""
    content = b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in CROWDS[crowd](MANY))
    pieces = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]

    assert isinstance(receive("oxen", pieces, stream=True, patience=6.0).events[-1], Finished)


EXPANDING = {"lists": b"[],", "objects": b'{"a":{}},', "numbers": b"1.5,"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("form", EXPANDING)
def test_an_answer_that_expands_when_it_is_read_is_refused(form: str, stream: bool) -> None:
    """Three bytes of JSON are sixty of memory: it is counted before it is read, in events small and large."""
    junk = EXPANDING[form] * (200_000 if stream else 6_000_000)
    document = b'{"choices":[],"junk":[' + junk + b"1]}"
    pieces: list[bytes] = [b"data: " + document + b"\n\n"] * 40 if stream else [document]

    ending = receive("oxen", pieces, stream=stream, patience=30.0, limits=Limits(body_bytes=2**30, stream_bytes=2**30))

    assert isinstance(ending.error, InvalidResponse)
    assert "JSON values" in str(ending.error)


@pytest.mark.parametrize("status", [400, 500])
def test_the_rest_of_an_error_is_not_read(status: int) -> None:
    """However much there is of it."""
    read = count()
    endless = (b"x" * 1_000 for _ in read)
    ending = receive("oxen", endless, stream=False, status=status, limits=Limits(error_bytes=9_000))

    assert isinstance(ending.error, ProviderError)
    assert next(read) < 12


LONG = "temperature " * 20_000
REFUSALS: dict[str, Any] = {
    "google": {"error": {"code": 400, "message": LONG, "status": LONG, "details": [{"reason": LONG}]}},
    "google in a gateway": {"error": [{"code": LONG, "message": json.dumps({"error": {"message": LONG}})}]},
    "flat": {"message": LONG, "statusCode": 400},
    "title and detail": {"error": {"title": LONG, "detail": LONG, "type": LONG}, "status_message": LONG},
    "text": LONG,
    "a blocked prompt": {"promptFeedback": {"blockReason": LONG, "blockReasonMessage": LONG}},
    "no answer": {"choices": LONG},
}


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_says_little_of_what_the_provider_said(refusal: str, status: int, stream: bool) -> None:
    """And finding out what it means takes no longer for it; errors are logged, pickled and sent around."""
    body = json.dumps(REFUSALS[refusal]).encode()
    content = b"data: " + body + b"\n\n" if stream and status == 200 else body
    error = receive("oxen", [content], stream=stream, status=status, patience=2.0).error

    assert error is not None
    assert len(str(error)) < 10_000
    assert len(pickle.dumps(error)) < 30_000 or isinstance(error, PromptBlocked)  # which holds the whole answer


@pytest.mark.parametrize("tag", [b"<title", b"<title>", b"<title></title"])
def test_an_error_page_of_nothing_but_titles_is_read_at_once(tag: bytes) -> None:
    """The page's title is found in linear time."""
    ending = receive("oxen", [tag * (256 * 1024 // len(tag))], stream=False, status=502, patience=1.0)

    assert isinstance(ending.error, ServerError)


def test_white_space_byte_by_byte_costs_linear_time() -> None:
    """Gateways keep connections alive with it; only so much of it."""
    ending = receive("oxen", [b" "] * 300_001, stream=True, limits=Limits(event_bytes=300_000), patience=3.0)

    assert "nothing but white space" in str(ending.error)


@pytest.mark.parametrize("line", [b"data\n", b"data:\n", b"data: x\n", b"data: "])
def test_an_event_without_an_end_is_refused(line: bytes) -> None:
    """Whatever its lines are, it is not collected for ever."""
    ending = receive("oxen", [line] * 2_000, stream=True, limits=Limits(event_bytes=5_000))

    assert "larger than 5,000 bytes" in str(ending.error)


SMALL = b"data: " + json.dumps(delta(content="x")).encode() + b"\n\n"
COMMENT = b": still here\n\n"
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("event", [SMALL, COMMENT])
def test_many_small_events_are_bounded_too(event: bytes) -> None:
    """What had arrived is kept."""
    ending = receive("oxen", repeat(event), stream=True, limits=Limits(stream_bytes=100_000))
    error = ending.error

    assert "larger than 100,000 bytes" in str(error)
    assert isinstance(error, StreamInterrupted if event is SMALL else InvalidResponse)
    if isinstance(error, StreamInterrupted):
        assert isinstance(error.__cause__, InvalidResponse)
        assert len(error.partial.text) == 100_000 // len(SMALL)


@pytest.mark.parametrize("end", [DONE, b"data: " + json.dumps(STOP).encode() + b"\n\n"])
@pytest.mark.parametrize("junk", [COMMENT, b"x", b"data: {}\n\n"])
def test_a_provider_that_goes_on_after_the_answer_is_left(end: bytes, junk: bytes) -> None:
    """The answer is good, and nobody waits for the end of the junk: neither its size nor its time is endless."""
    by_size = receive("oxen", chain([SMALL, end], repeat(junk)), stream=True, limits=Limits(stream_bytes=10_000))
    ticks = count()
    by_time = receive("oxen", chain([SMALL, end], repeat(junk)), stream=True, clock=lambda: float(next(ticks)))

    assert isinstance(by_size.events[-1], Finished)
    assert isinstance(by_time.events[-1], Finished)
    assert next(ticks) < 300


@pytest.mark.parametrize("tokens", [-1, 10**400, 1e308, "9" * 5_000, True, None, [], "x", float("inf")])
@pytest.mark.parametrize("provider", ["cloudflare", "oxen"])
def test_absurd_counts_are_none(provider: str, tokens: Any) -> None:
    """They can be neither added nor multiplied by a price, and the answer is good."""
    native = {**candidate(), "usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens}}
    chat = {**said(), "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    for document in (native, chat):
        last = receive(provider, [json.dumps(document).encode()], stream=False).events[-1]

        assert isinstance(last, Finished)
        assert last.response.usage.total_tokens in (0, 1)


def test_a_flat_error_with_status_200_is_an_error() -> None:
    """AIMLAPI's errors have no `error` around them."""
    flat = b'{"message": "Busy", "statusCode": 503, "requestId": "x"}'
    ending = receive("aimlapi", [flat], stream=False)
    streamed = receive(
        "aimlapi", [b"data: " + json.dumps(delta(content="x")).encode(), b"\n\ndata: ", flat], stream=True
    )

    assert isinstance(ending.error, ServerError)
    assert isinstance(streamed.error, StreamInterrupted)
    assert isinstance(streamed.error.__cause__, ServerError)


def oxen(response: httpx.Response, **settings: Any) -> Client:
    sent = httpx.MockTransport(lambda _: response)
    clients = {"http_client": httpx.Client(transport=sent), "http_async_client": httpx.AsyncClient(transport=sent)}
    return Client(PROVIDERS["oxen"], retry_policy=RetryPolicy(max_retries=0), **clients, **settings)


def encoded(encoding: str, body: bytes) -> httpx.Response:
    return httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(body))


@cache
def zeros() -> bytes:
    return gzip.compress(b"data: " + b"0" * 100_000_000, 1)


BOMBS = {
    "zeros": ("gzip", zeros, "larger than 5,000,000 bytes"),
    "an archive in an archive": ("gzip, gzip", lambda: gzip.compress(zeros()), "was not asked for"),
    "another format": ("br", lambda: b"x", "was not asked for"),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_decompression_bomb_is_refused_in_little_memory(bomb: str, is_async: bool) -> None:
    """A few kilobytes on the wire never become hundreds of megabytes."""
    encoding, body, message = BOMBS[bomb]
    client = oxen(encoded(encoding, body()), limits=Limits(body_bytes=5_000_000, event_bytes=5_000_000))
    tracemalloc.start()
    with pytest.raises(InvalidResponse, match=message):
        await client.for_async().chat(REQUEST) if is_async else client.chat(REQUEST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 30_000_000


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_bomb_in_an_error_is_refused_too(is_async: bool) -> None:
    """Only the first of it is unpacked."""
    headers = {"content-encoding": "gzip"}
    client = oxen(httpx.Response(400, headers=headers, stream=httpx.ByteStream(zeros())))
    tracemalloc.start()
    with pytest.raises(ProviderError):
        await client.for_async().chat(REQUEST) if is_async else client.chat(REQUEST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 10_000_000


BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
GOOD = json.dumps(said()).encode() + b" " * 3_000_000
PACKED = {
    "gzip": gzip.compress(GOOD),
    "x-gzip": gzip.compress(GOOD),
    "deflate": zlib.compress(GOOD),
    "Deflate": BARE.compress(GOOD) + BARE.flush(),
    "identity": GOOD,
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_compressed_answers_are_read(encoding: str, is_async: bool) -> None:
    """In both formats, and in the bare one that some servers mean by `deflate`."""
    client = oxen(encoded(encoding, PACKED[encoding]))

    assert (await client.for_async().chat(REQUEST) if is_async else client.chat(REQUEST)).text == "x"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_never_takes_the_key_elsewhere(status: int) -> None:
    """Not even with a client that follows redirects by itself."""
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(status, headers={"location": "https://elsewhere.example/"})

    http_client = httpx.Client(transport=httpx.MockTransport(reply), follow_redirects=True)
    client = Client(PROVIDERS["oxen"], retry_policy=RetryPolicy(max_retries=0), http_client=http_client)
    with pytest.raises(ServerError, match="redirects elsewhere"):
        client.chat(REQUEST)

    assert asked == ["hub.oxen.ai"]
