"""Whatever a provider sends, the caller gets events and `Finished`, or one of our errors: nothing else, and no hang.

`make fuzz` runs the same tests a thousand times longer.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from contextlib import suppress
from itertools import pairwise
from typing import Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_multi import Client, GeminiMultiError, RetryPolicy

from .documents import ANY_BYTES, cut, delta, spoiled_bytes
from .drive import PROVIDERS, REQUEST, receive
from .translate import check_langchain, check_llama_index

NAMES: Final = sorted(PROVIDERS)
CASES: Final = int(os.environ.get("FUZZ_CASES", "0"))
"""For the whole file; 0 is the short run."""
TESTS: Final = len(NAMES) * 7
PLAN: Final = settings(
    max_examples=-(-CASES // TESTS) or 60,
    derandomize=not CASES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

each_provider = pytest.mark.parametrize("provider", NAMES)


@each_provider
@PLAN
@given(data=st.data(), content=ANY_BYTES, stream=st.booleans())
def test_any_bytes_end_well(provider: str, data: st.DataObject, content: bytes, stream: bool) -> None:
    """Noise is an answer or a typed error, wherever it is cut."""
    receive(provider, data.draw(cut(content)), stream=stream)


@each_provider
@PLAN
@given(data=st.data(), content=spoiled_bytes(), stream=st.booleans())
def test_a_spoiled_answer_ends_well(provider: str, data: st.DataObject, content: bytes, stream: bool) -> None:
    """Valid answers of either dialect with wrong types, missing and repeated parts, absurd numbers, depth and NUL."""
    receive(provider, data.draw(cut(content)), stream=stream)


@each_provider
@PLAN
@given(data=st.data(), content=st.one_of(spoiled_bytes(), ANY_BYTES), stream=st.booleans())
def test_where_the_bytes_are_cut_does_not_matter(
    provider: str, data: st.DataObject, content: bytes, stream: bool
) -> None:
    """The same bytes in other pieces end the same way."""
    whole = receive(provider, [content], stream=stream)

    assert receive(provider, data.draw(cut(content)), stream=stream).summary == whole.summary


def test_a_flawed_answer_is_given_however_it_is_cut() -> None:
    """With nobody left to ask again, also when it arrives at once, before anything of it was delivered."""
    call = {"index": 0, "id": "c", "function": {"name": "add", "arguments": '{"a": '}}
    documents = [delta(content="Hm"), delta(tool_calls=[call]), delta("tool_calls")]
    events = [b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents]
    events.append(b"data: [DONE]\n\n")
    in_pieces, at_once = (receive("oxen", pieces, stream=True) for pieces in (events, [b"".join(events)]))

    assert in_pieces.error is at_once.error is None
    assert [type(event) for event in at_once.events] == [type(event) for event in in_pieces.events]


@each_provider
@PLAN
@given(content=st.one_of(spoiled_bytes(), spoiled_bytes(), ANY_BYTES), stream=st.booleans())
def test_langchain_takes_any_answer(provider: str, content: bytes, stream: bool) -> None:
    """Whatever comes out of the core becomes messages, which can be merged, written and sent back."""
    check_langchain(receive(provider, [content], stream=stream))


@each_provider
@PLAN
@given(content=st.one_of(spoiled_bytes(), spoiled_bytes(), ANY_BYTES), stream=st.booleans())
def test_llama_index_takes_any_answer(provider: str, content: bytes, stream: bool) -> None:
    """Whatever comes out of the core becomes responses, which can be written and sent back."""
    check_llama_index(receive(provider, [content], stream=stream))


HEADERS: Final = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date", "x-aimlapi-usd-spent", "x-request-id", "x-should-retry"]),
    st.sampled_from(["", "0", "-1", "1e400", "nan", "inf", "9" * 5_000, "Fri, 20 Nov 2026 10:00:00 GMT", "\x00", "٣"]),
)


@each_provider
@PLAN
@given(content=st.one_of(spoiled_bytes(), ANY_BYTES), status=st.integers(300, 999), headers=HEADERS)
def test_any_refusal_ends_in_a_typed_error(provider: str, content: bytes, status: int, headers: dict[str, str]) -> None:
    """Whatever the status, its body and its headers are, the error is ours."""
    assert receive(provider, [content], stream=False, status=status, headers=headers).error is not None


ENCODINGS: Final = ["gzip", "deflate", "gzip, deflate", "br", "zstd", "identity", "x", "", "gzip, gzip, gzip"]


@each_provider
@PLAN
@given(
    content=st.one_of(spoiled_bytes(), ANY_BYTES),
    packing=st.sampled_from(["gzip", "zlib", "none", "cut", "flip"]),
    encoding=st.sampled_from(ENCODINGS),
    stream=st.booleans(),
)
def test_any_packed_bytes_end_well(provider: str, content: bytes, packing: str, encoding: str, stream: bool) -> None:
    """Through the whole client: archives that are cut, damaged, or none at all."""
    body = packed(content, packing)
    sent = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"content-encoding": encoding}, stream=ChunkedBody(body))
    )
    with httpx.Client(transport=sent) as http_client:
        client = Client(PROVIDERS[provider], retry_policy=RetryPolicy(max_retries=0), http_client=http_client)
        with suppress(GeminiMultiError):
            assert (client.stream(REQUEST).response() if stream else client.chat(REQUEST)).candidates


def packed(content: bytes, packing: str) -> bytes:
    if packing == "none":
        return content
    data = zlib.compress(content) if packing == "zlib" else gzip.compress(content, mtime=0)
    if packing == "cut":
        return data[: len(data) // 2]
    return data[:15] + b"\xff" + data[16:] if packing == "flip" else data


class ChunkedBody(httpx.SyncByteStream):
    """A body in a few pieces."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self):
        places = sorted({0, 1, len(self.body) // 2, len(self.body)})
        return (self.body[start:end] for start, end in pairwise(places))
